"""The HTTP side of one endpoint: SageMaker's runtime API on loopback, as boto3 speaks it.

Every user of this machine and every web page reaches loopback, and a request may name files for us
to read: only who can read the endpoint's record, and so its key, is answered.
"""

from __future__ import annotations

import hmac
import secrets
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from byoa.local.exchange import Answer
from byoa.local.invocation import Invocation, refuse

#: More than any kind of endpoint takes: what is longer is refused unread.
LONGEST_BODY = 64 << 20
KEY = "x-byoa-key"
Respond = Callable[[str, Invocation], Answer]


class FrontDoor(ThreadingHTTPServer):
    """Listens on a free port of 127.0.0.1; `respond(path's last word, request)` answers."""

    daemon_threads = True
    request_queue_size = 256

    def __init__(self, respond: Respond) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.respond = respond
        self.key = secrets.token_hex(16)
        self.thread = threading.Thread(target=self.serve_forever, args=(0.1,), daemon=True)
        self.thread.start()

    @property
    def port(self) -> int:
        return int(self.server_address[1])

    def close(self) -> None:
        self.shutdown()
        self.server_close()


class Handler(BaseHTTPRequestHandler):
    """POST /endpoints/NAME/invocations and …/async-invocations."""

    protocol_version = "HTTP/1.1"
    server: FrontDoor
    disable_nagle_algorithm = True

    def do_POST(self) -> None:
        given = self.headers.get(KEY, "").encode("latin-1", "replace")
        if not hmac.compare_digest(given, self.server.key.encode()):
            self.close_connection = True
            self.answer(refuse("AccessDeniedException", "The endpoint's key is missing.", 403))
            return
        length = int(self.headers.get("Content-Length") or 0)
        if length > LONGEST_BODY:
            self.close_connection = True
            self.answer(refuse("", f"HTTP content length exceeded {LONGEST_BODY} bytes.", 413))
            return
        body = self.rfile.read(length)
        if len(body) == length:
            headers = {name.lower(): value for name, value in self.headers.items()}
            word = self.path.partition("?")[0].rpartition("/")[2]
            self.answer(self.server.respond(word, Invocation(body, headers)))

    def answer(self, answer: Answer) -> None:
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        self.wfile.write(answer.body)

    def handle(self) -> None:
        try:
            super().handle()
        except OSError:  # the client went away
            self.close_connection = True

    def log_message(self, *_: object) -> None:
        """The container's log is the endpoint's log."""
