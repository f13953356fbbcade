"""What byoa raises: one sentence that says what is wrong, with the value, then what to do."""

from __future__ import annotations

from typing import Any


class ByoaError(Exception):
    """Whatever ends a command: its text is all that the user sees."""

    exit_code = 1


class UsageError(ByoaError):
    """You asked for something that cannot be: a bad flag, name or value. Nothing was done."""

    exit_code = 2


class NotFoundError(ByoaError):
    """You asked for something that is not there."""


class JobFailedError(ByoaError):
    """A job or an endpoint ended badly: the reason, its last lines, what to do next."""


class ServiceError(Exception):
    """What byoa.local answers where AWS would refuse; looks like botocore's ClientError."""

    def __init__(self, code: str, message: str, operation: str = "", status: int = 400) -> None:
        super().__init__(f"An error occurred ({code}) when calling {operation}: {message}")
        self.operation_name = operation
        self.response: dict[str, Any] = {
            "Error": {"Code": code, "Message": message},
            "ResponseMetadata": {"HTTPStatusCode": status},
        }


def error_code(error: BaseException) -> str:
    """The service's error code, of a ClientError and of a ServiceError alike; '' for others."""
    response = getattr(error, "response", None)
    return str(response.get("Error", {}).get("Code", "")) if isinstance(response, dict) else ""
