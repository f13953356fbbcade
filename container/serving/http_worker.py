"""gunicorn's gevent worker, made to answer malformed requests in JSON."""

from __future__ import annotations

from typing import Any

from gunicorn.http import errors
from gunicorn.workers.ggevent import GeventWorker

from container.serving.answers import error_body

STATUS = {
    errors.LimitRequestLine: (414, "URI Too Long"),
    errors.LimitRequestHeaders: (431, "Request Header Fields Too Large"),
    errors.ExpectationFailed: (417, "Expectation Failed"),
}


class HttpWorker(GeventWorker):  # type: ignore[misc]
    """One event loop for all connections; it runs the broker, never a model."""

    def handle_error(self, req: Any, client: Any, addr: Any, exc: BaseException) -> None:
        """Answer what could not even be parsed, and close."""
        if isinstance(exc, errors.ParseException):
            status, reason = STATUS.get(type(exc), (400, "Bad Request"))
            body = error_body("bad_request", f"not a valid HTTP request: {type(exc).__name__}")
        else:
            self.log.exception("Error handling request")
            status, reason = 500, "Internal Server Error"
            body = error_body("server_error", "the server failed (see the log)")
        head = (
            f"HTTP/1.1 {status} {reason}\r\nConnection: close\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        try:
            client.sendall(head.encode() + body)
        except OSError:
            pass
