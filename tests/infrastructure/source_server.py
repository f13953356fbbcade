"""An HTTP server on loopback with all the bad habits that a source of data can have."""

from __future__ import annotations

import hashlib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

#: A MiB that is not one byte over and over.
BLOCK = b"".join(hashlib.sha256(bytes([n % 256, n // 256])).digest() for n in range(32_768))


def content(begin: int, size: int) -> Iterator[bytes]:
    """The bytes from `begin` to `size` of an endless repetition of BLOCK."""
    while begin < size:
        offset = begin % len(BLOCK)
        piece = BLOCK[offset : offset + size - begin]
        yield piece
        begin += len(piece)


def sha256(size: int) -> str:
    digest = hashlib.sha256()
    for piece in content(0, size):
        digest.update(piece)
    return digest.hexdigest()


@dataclass
class SourceServer:
    """Everything about the one thing that it serves may be changed between two requests."""

    size: int = 1000
    etag: str = '"one"'
    modified: str = ""
    ranges: bool = True
    length: bool = True  #: false: chunked
    cuts: list[int] = field(default_factory=list)  #: where it hangs up, one a request
    statuses: list[int] = field(default_factory=list)  #: what it answers first
    headers: dict[str, str] = field(default_factory=dict)
    redirect: str = ""
    pause: float = 0.0  #: after each piece
    asked: list[dict[str, str]] = field(default_factory=list)
    on_piece: Callable[[int], None] = lambda at: None

    def __enter__(self) -> SourceServer:
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                try:
                    server.answer(self)
                except OSError:
                    pass
                self.close_connection = True

            def log_message(self, *words: Any) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.http.daemon_threads = True
        self.thread = threading.Thread(
            target=self.http.serve_forever, kwargs={"poll_interval": 0.05}
        )
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.http.shutdown()
        self.thread.join()
        self.http.server_close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.http.server_port}/files/data.bin"

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        said = dict(request.headers.items())
        self.asked.append(said)
        if self.statuses:
            request.send_response(self.statuses.pop(0))
            request.send_header("Content-Length", "0")
            request.end_headers()
            return
        if self.redirect:
            request.send_response(302)
            request.send_header("Location", self.redirect)
            request.send_header("Content-Length", "0")
            request.end_headers()
            return
        mark = self.etag or self.modified
        if mark and mark in (said.get("If-None-Match"), said.get("If-Modified-Since")):
            request.send_response(304)
            request.end_headers()
            return
        self.send(request, said, mark)

    def send(self, request: BaseHTTPRequestHandler, said: dict[str, str], mark: str) -> None:
        begin = 0
        if self.ranges and said.get("Range") and said.get("If-Range", mark) == mark:
            begin = int(said["Range"].removeprefix("bytes=").rstrip("-"))
        if begin >= self.size > 0:
            request.send_response(416)
            request.send_header("Content-Range", f"bytes */{self.size}")
            request.send_header("Content-Length", "0")
            request.end_headers()
            return
        request.send_response(206 if begin else 200)
        if begin:
            request.send_header("Content-Range", f"bytes {begin}-{self.size - 1}/{self.size}")
        for name, value in (("ETag", self.etag), ("Last-Modified", self.modified)):
            if value:
                request.send_header(name, value)
        for name, value in self.headers.items():
            request.send_header(name, value)
        if self.length:
            request.send_header("Content-Length", str(self.size - begin))
        else:
            request.send_header("Transfer-Encoding", "chunked")
        request.end_headers()
        cut = self.cuts.pop(0) if self.cuts else None
        for piece in content(begin, self.size):
            whole = piece if cut is None else piece[: max(0, cut - begin)]
            frame = b"%x\r\n%b\r\n" % (len(whole), whole) if whole and not self.length else whole
            request.wfile.write(frame)
            begin += len(whole)
            self.on_piece(begin)
            if cut is not None and begin >= cut:
                request.connection.shutdown(socket.SHUT_RDWR)
                return
            if self.pause:
                time.sleep(self.pause)
        if not self.length:
            request.wfile.write(b"0\r\n\r\n")
