"""Errors that know their HTTP status."""

from __future__ import annotations

from http import HTTPStatus


class BaseInferenceToolkitError(Exception):
    """An error that a client is told with this status and message."""

    def __init__(self, status_code: int, message: str, phrase: str = "") -> None:
        super().__init__(message)
        self.status_code = int(status_code)
        self.message = message
        self.phrase = phrase


class GenericInferenceToolkitError(BaseInferenceToolkitError):
    """Any other error of a handler."""

    def __init__(self, status_code: int, message: str = "", phrase: str = "") -> None:
        super().__init__(status_code, message or "the prediction failed", phrase)


class UnsupportedFormatError(BaseInferenceToolkitError):
    """A content type that nobody here can read or write."""

    code = "unsupported_content_type"

    def __init__(self, content_type: str, phrase: str = "") -> None:
        message = f"content type {content_type} is not supported"
        super().__init__(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, message, phrase or message)
