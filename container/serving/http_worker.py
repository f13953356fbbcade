"""gunicorn's gevent worker, made to answer malformed requests in JSON and to stop promptly."""

from __future__ import annotations

import time
from functools import partial
from typing import Any

import gevent
from gevent.pool import Pool
from gevent.server import StreamServer
from gunicorn.http import errors
from gunicorn.workers.ggevent import GeventWorker

from container.serving.answers import error_body

TICK = 0.05

STATUS = {
    errors.LimitRequestLine: (414, "URI Too Long"),
    errors.LimitRequestHeaders: (431, "Request Header Fields Too Large"),
    errors.ExpectationFailed: (417, "Expectation Failed"),
}


class HttpWorker(GeventWorker):  # type: ignore[misc]
    """One event loop for all connections; it runs the broker, never a model."""

    def run(self) -> None:
        """Serve until told to stop, then until the last connection is done.

        gunicorn's own loop looks once a second: too slow for a drain that has its seconds counted.
        """
        servers = []
        for sock in self.sockets:
            sock.setblocking(1)
            pool = Pool(self.worker_connections)
            servers.append(StreamServer(sock, handle=partial(self.handle, sock), spawn=pool))
            servers[-1].start()
        while self.alive:
            self.notify()
            gevent.sleep(TICK)
        for server in servers:
            server.close()  # accepts no more; what was accepted goes on
        end = time.monotonic() + self.cfg.graceful_timeout
        while any(len(server.pool) for server in servers) and time.monotonic() < end:
            self.notify()
            gevent.sleep(TICK)

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
