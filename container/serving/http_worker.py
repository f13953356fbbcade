"""gunicorn's gevent worker, with a short way for the ordinary request, JSON for malformed ones,
and a prompt end."""

from __future__ import annotations

import errno
import socket
import time
import traceback
from functools import partial
from importlib import metadata
from typing import Any

import gevent
from gevent.pool import Pool
from gevent.server import StreamServer
from gunicorn import util
from gunicorn.http import RequestParser, errors
from gunicorn.workers.ggevent import GeventWorker

from container.serving import fast_http
from container.serving.answers import error_body, our_fault
from container.serving.invocations import Request, log_request
from container.serving.patience import Patience
from container.serving.sending import PatientSocket

TICK = 0.05
READ = 1 << 16
GONE = (errno.EPIPE, errno.ECONNRESET, errno.ENOTCONN)

STATUS = {
    errors.LimitRequestLine: (414, "URI Too Long"),
    errors.LimitRequestHeaders: (431, "Request Header Fields Too Large"),
    errors.ExpectationFailed: (417, "Expectation Failed"),
}


class HttpWorker(GeventWorker):  # type: ignore[misc]
    """One event loop for all connections; it runs the broker, never a model."""

    def patch(self) -> None:
        """As gevent's, without its plugins, for which it reads all packages' metadata 22 times."""
        find = metadata.entry_points
        try:
            setattr(metadata, "entry_points", lambda **wanted: ())  # noqa: B010 - mypy
            super().patch()
        finally:
            setattr(metadata, "entry_points", find)  # noqa: B010

    def run(self) -> None:
        """Serve until told to stop, then until the last connection is done.

        gunicorn's own loop looks once a second: too slow for a drain that has its seconds counted.
        """
        self.patience, self.sending = Patience(), Patience(socket.SHUT_RDWR)
        gevent.spawn(self.patience.watch)
        gevent.spawn(self.sending.watch)
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

    def handle(self, listener: Any, client: Any, addr: Any) -> None:
        """One connection, to its end."""
        client.setblocking(1)
        try:
            self._converse(listener.getsockname(), client, addr)
        except (errors.NoMoreData, StopIteration, TimeoutError):
            pass
        except OSError as error:
            if error.errno not in GONE:
                self.log.exception("Socket error processing request.")
        except BaseException as exc:
            self.handle_error(None, client, addr, exc)
        finally:
            util.close(client)

    def _converse(self, name: Any, client: Any, addr: Any) -> None:
        """Request by request: the ordinary ones the short way, all others gunicorn's."""
        parser = RequestParser(self.cfg, client, addr)
        data = b""
        while True:
            if not data:
                with self.patience.for_seconds(client, self.cfg.keepalive):
                    data = client.recv(READ)
            else:
                gevent.sleep(0)  # who sends many requests at once must not stop all others
            if not data:
                return
            head = fast_http.parse(data)
            if head is not None and self._knows(head):
                rest = self._answer(client, head, data)
                if rest is None:
                    return
                data = rest
            else:
                parser.unreader.unread(data)
                if not self._gunicorns_way(parser, name, client, addr):
                    return
                data = parser.unreader.take_buffered()

    def _knows(self, head: fast_http.Head) -> bool:
        """Whether the path of an ordinary request is one of ours."""
        return head.line in fast_http.ALWAYS or self.wsgi.extensions["invocations"].many

    def _gunicorns_way(self, parser: Any, name: Any, client: Any, addr: Any) -> bool:
        """One request that is out of the ordinary; whether the connection goes on."""
        request = None
        with self.timeout_ctx():
            request = next(parser)
        if request is None:
            return False
        self.handle_request(name, request, PatientSocket(client, self.sending), addr)
        done = False
        with self.timeout_ctx():
            done = parser.finish_body()
        return bool(done)

    def _answer(self, client: Any, head: fast_http.Head, data: bytes) -> bytes | None:
        """Answer an ordinary request; what came of the next one, None when this was the last."""
        start = time.perf_counter()
        core = self.wsgi.extensions["invocations"]
        body = fast_http.SocketBody(client, self.patience, head.length, data, head.size)
        if head.is_ping:
            going_on = fast_http.send(client, self.sending, core.ping(), self.alive)
            return body.rest if going_on else None
        request = Request(head.headers, {}, head.length, body)
        try:
            answer = core.answer_at(head.path, request)
        except Exception as exception:
            traceback.print_exception(exception)
            answer = our_fault(exception)
        log_request("POST", head.path, head.headers, request.bytes_in, start, answer)
        keep = self.alive and body.complete()
        going_on = fast_http.send(client, self.sending, answer, keep)
        return body.rest if going_on else None

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
