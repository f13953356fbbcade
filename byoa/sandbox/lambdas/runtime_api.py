"""The Runtime API of one process: it fetches its next event here and brings its answers back.

https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
"""

from __future__ import annotations

import queue
import re
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from byoa.sandbox.lambdas.peers import is_ours

VERSION = "/2018-06-01/runtime"
ANSWER = re.compile(rf"{VERSION}/invocation/([^/]+)/(response|error)")
#: More than any answer may hold: what is longer is not even read.
MOST_BYTES = 32 << 20
HOST = "127.0.0.1"


@dataclass(frozen=True)
class Event:
    """One invocation as the process sees it."""

    id: str
    payload: bytes
    headers: dict[str, str]


@dataclass(frozen=True)
class News:
    """What the process did: ready, response, error, init_error; or exit, told by who waits."""

    kind: str
    body: bytes = b""
    id: str = ""


@dataclass
class RuntimeApi:
    """A server on a port of its own: the port tells which process asks."""

    #: A process of ours asks; a container may have another user.
    ours_alone: bool = True
    news: queue.SimpleQueue[News] = field(default_factory=queue.SimpleQueue)
    events: queue.SimpleQueue[Event | None] = field(default_factory=queue.SimpleQueue)

    def __post_init__(self) -> None:
        self.server = ThreadingHTTPServer((HOST, 0), handler_of(self))
        self.server.daemon_threads = True
        threading.Thread(
            target=self.server.serve_forever, kwargs={"poll_interval": 0.2}, daemon=True
        ).start()

    @property
    def address(self) -> str:
        return f"{HOST}:{self.server.server_port}"

    def close(self) -> None:
        self.events.put(None)
        self.server.shutdown()
        self.server.server_close()


def handler_of(api: RuntimeApi) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def parse_request(self) -> bool:
            """Nobody else's process, and no web page, gets an event or answers one."""
            if not super().parse_request():
                return False
            ours = not api.ours_alone or is_ours(api.server.server_port, self.client_address[1])
            if ours and "Origin" not in self.headers:
                return True
            self.close_connection = True
            self.reply(403)
            return False

        def do_GET(self) -> None:
            if self.path != f"{VERSION}/invocation/next":
                return self.reply(404)
            api.news.put(News("ready"))
            event = api.events.get()
            if event is None:  # the process has to go: whoever waits is told by the silence
                self.close_connection = True
                return None
            return self.reply(200, event.payload, event.headers)

        def do_POST(self) -> None:
            size = int(self.headers.get("Content-Length") or 0)
            if size > MOST_BYTES:
                self.close_connection = True
                return self.reply(413)
            body = self.rfile.read(size)
            found = ANSWER.fullmatch(self.path)
            if found is not None:
                api.news.put(News(found[2], body, found[1]))
            elif self.path == f"{VERSION}/init/error":
                api.news.put(News("init_error", body))
            else:
                return self.reply(404)
            return self.reply(202, b'{"status":"OK"}')

        def reply(
            self, status: int, body: bytes = b"{}", headers: dict[str, str] | None = None
        ) -> None:
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            for name, value in (headers or {}).items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments: Any) -> None:
            """Quiet: the function's own log tells what happened."""

    return Handler
