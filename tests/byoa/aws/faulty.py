"""A server on loopback that answers badly, as told: for what a Stubber cannot show, the wire."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from byoa.aws.session import Session


@dataclass
class Answer:
    """One answer: status and body; `cut` closes the connection after so many bytes of the body."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    cut: int | None = None


@dataclass
class Faulty:
    """The last answer is given again and again; `asked` has one entry a request."""

    answers: list[Answer]
    asked: list[str] = field(default_factory=list)
    url: str = ""

    def next(self, asked: str) -> Answer:
        self.asked.append(asked)
        return self.answers[min(len(self.asked), len(self.answers)) - 1]


@contextmanager
def faulty(*answers: Answer) -> Iterator[Faulty]:
    state = Faulty(list(answers))

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            target = self.headers.get("X-Amz-Target", "").rpartition(".")[2]
            one = state.next(target or f"{self.command} {self.path}")
            self.send_response(one.status)
            self.send_header("Content-Length", str(len(one.body)))
            for name, value in one.headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(one.body[: one.cut])
            self.close_connection = one.cut is not None

        do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = answer

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    state.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield state
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def session_at(url: str, attempts: int = 3) -> Session:
    """A session of few attempts, with all services at one address."""
    return Session("eu-west-1", endpoint=url, attempts=attempts)
