"""Turns what a handler returned or raised into the answer that the client gets."""

from __future__ import annotations

import sys
import traceback
from typing import Any

from container.serving.answers import JSON, Answer, error
from container.serving.context import REFUSED_HEADERS, TOKEN, Context, is_plain
from container.serving.log import say
from container.stand_ins.sagemaker_inference import encoder

DATA = (type(None), dict, list, tuple, int, float)


class BadBodyError(ValueError):
    """The body is not what its Content-Type says."""


class StopError(BaseException):
    """SIGTERM came. Not an Exception: a predictor's `except Exception` must not swallow it."""


class BrokenDeviceError(BaseException):
    """The GPU can do nothing more in this process: it has to be replaced."""


def success(result: Any, accept: str, context: Context) -> Answer:
    """output_fn's or transform_fn's result, with or without a content type."""
    content_type = context.response_content_type
    if hasattr(result, "get_data") and hasattr(result, "status_code"):
        return _response(result)
    body = result
    if isinstance(result, tuple) and len(result) == 2:
        body, content_type = result
        if not isinstance(content_type, str | None):
            raise TypeError(
                f"output_fn gave a pair, and its second is a {type(content_type).__name__}:"
                " return a body, or (body, content type)"
            )
    content_type = str(content_type or _first_type(accept))
    if not is_plain(content_type):
        raise ValueError(f"{content_type!r} is no content type: use plain ASCII")
    return Answer(
        context.response_status or 200,
        _as_bytes(body, content_type),
        content_type,
        dict(context.response_headers),
    )


def _response(response: Any) -> Answer:
    """Flask's answer, or one of sagemaker-containers: body, status, type and headers."""
    told = {str(name): str(value) for name, value in dict(response.headers).items()}
    headers = {name: value for name, value in told.items() if name.lower() not in REFUSED_HEADERS}
    kind = str(getattr(response, "content_type", None) or response.mimetype)
    status = int(response.status_code)
    fine = all(TOKEN.fullmatch(name) and is_plain(value) for name, value in headers.items())
    if not fine or not is_plain(kind) or not 200 <= status <= 599:
        raise ValueError(f"a response {status} of {kind!r} with {headers}: HTTP takes plain ASCII")
    return Answer(status, _as_bytes(response.get_data(), kind), kind, headers)


def failure(exception: BaseException, step: str, context: Context) -> Answer:
    """The answer for an exception: its own status_code, or a 500 that names only its type."""
    name = type(exception).__name__
    message = told(exception) or name
    status = getattr(exception, "status_code", None)
    if isinstance(status, int) and 400 <= status <= 599:
        return error(status, str(getattr(exception, "code", "") or "rejected"), message)
    if isinstance(exception, BadBodyError) or (
        step == "decode" and isinstance(exception, (ValueError, RecursionError))
    ):
        return error(400, "bad_input", message)
    inference_id = context.get_request_header(0, "X-Amzn-SageMaker-Inference-Id")
    say(f"{step} failed{f' for {inference_id}' if inference_id else ''}: {name}: {message}")
    sys.stderr.write("".join(traceback.format_exception(exception)))  # in one piece
    if "CUDA error" in message:
        raise BrokenDeviceError from exception
    if isinstance(exception, MemoryError) or name == "OutOfMemoryError":
        return error(503, "out_of_memory", "not enough memory for this request")
    return error(500, "predictor_failed", f"the predictor failed: {name} (see the log)")


def told(exception: BaseException) -> str:
    """What an exception says; not every one can be asked."""
    try:
        return str(getattr(exception, "message", "") or exception)
    except Exception:
        return "its message cannot be shown"


def _as_bytes(body: Any, content_type: str) -> bytes:
    """A body as it is sent; an array becomes JSON where that is what its Content-Type says."""
    if isinstance(body, str):
        return body.encode()
    if isinstance(body, (bytes, bytearray, memoryview)):
        return bytes(body)
    is_number = getattr(body, "ndim", 1) == 0  # numpy's
    if isinstance(body, DATA) or is_number or _is_json_array(body, content_type):
        return str(encoder.encode(body, JSON)).encode()
    try:
        return bytes(memoryview(body))
    except TypeError:
        raise TypeError(
            f"output_fn gave a {type(body).__name__}: return bytes, str or what JSON can hold"
        ) from None


def _is_json_array(body: Any, content_type: str) -> bool:
    return hasattr(body, "tolist") and media_type(content_type) == JSON


def _first_type(accept: str) -> str:
    """The media type to name when the handler only gave a body."""
    first = media_type(accept.partition(",")[0])
    return first if "/" in first and "*" not in first else "application/json"


def media_type(content_type: str) -> str:
    """A content type without its parameters."""
    return content_type.partition(";")[0].strip().lower()
