"""The bytes of a URL from any place on, HTTP(S) or S3, and what says that they are the same."""

from __future__ import annotations

import http.client
import re
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.message import Message
from typing import Any, Protocol
from urllib.parse import urljoin

from byoa.plan.asked import object_address
from byoa.plan.errors import error_code

from .reach import Resolve, SourceError, connection, parsed, path_of, plain, resolve

MOST_REDIRECTS = 5
REDIRECTS = {301, 302, 303, 307, 308}
HINTS = {
    401: "Give a URL that needs no login, such as a presigned one.",
    403: "A presigned URL may have run out: make a new one.",
    404: "Look at Source.",
    410: "Look at Source.",
}


class CutError(Exception):
    """The line was cut, or the server is busy: the same may go well in a moment."""


@dataclass(frozen=True, kw_only=True)
class Opened:
    """An answer that is being read."""

    begin: int  #: where in the whole its first byte stands
    mark: str  #: what says that it is the same thing the next time; "" = nothing does
    total: int | None
    kind: str = "binary/octet-stream"
    encoding: str = ""  #: gzip stays gzip
    unchanged: bool = False
    read: Callable[[int], bytes] = lambda size: b""


class Source(Protocol):
    """begin: from which byte, of the thing with this `mark`. held: the mark of what S3 has."""

    def open(self, begin: int, mark: str, held: str, patience: float) -> Opened: ...

    def close(self) -> None: ...


@dataclass
class Web:
    """A URL; each redirect is looked at like the first address."""

    url: str
    networks: str = ""
    tls: ssl.SSLContext | None = None
    look_up: Resolve = resolve
    line: http.client.HTTPConnection | None = field(default=None, init=False)

    def open(self, begin: int, mark: str, held: str, patience: float) -> Opened:
        headers = {"Accept-Encoding": "identity", "User-Agent": "byoa-ingest", "Accept": "*/*"}
        if begin:
            headers |= {"Range": f"bytes={begin}-", "If-Range": mark}
        elif held:
            headers |= {"If-None-Match" if '"' in held else "If-Modified-Since": held}
        try:
            answer = self.follow(headers, patience)
        except (OSError, http.client.HTTPException) as error:
            raise CutError(f"{type(error).__name__}: {error}") from error
        return self.opened(answer, begin, mark)

    def close(self) -> None:
        if self.line:
            self.line.close()

    def follow(self, headers: Mapping[str, str], patience: float) -> http.client.HTTPResponse:
        url = self.url
        for _ in range(MOST_REDIRECTS + 1):
            self.close()
            parts = parsed(url)
            self.line = connection(parts, self.networks, patience, self.tls, self.look_up)
            self.line.request("GET", path_of(parts), headers=dict(headers))
            answer = self.line.getresponse()
            where = answer.headers.get("Location")
            if answer.status not in REDIRECTS or not where:
                return answer
            url = urljoin(url, where)
            if parts.scheme == "https" and not url.startswith("https://"):
                raise SourceError(f"{plain(self.url)} leads from https to {plain(url)}. Name that.")
        raise SourceError(f"{plain(self.url)} leads on more than {MOST_REDIRECTS} times.")

    def opened(self, answer: http.client.HTTPResponse, begin: int, mark: str) -> Opened:
        said = answer.headers
        if answer.status == 304:
            return Opened(begin=0, mark="", total=None, unchanged=True)
        if answer.status == 416 and begin:  # there is no byte there: it has ended
            if said.get("Content-Range", "") == f"bytes */{begin}":
                return Opened(begin=begin, mark=mark, total=begin)
            raise CutError("the source is shorter than it was")
        if answer.status == 429 or answer.status >= 500:
            raise CutError(f"HTTP {answer.status}")
        if answer.status not in (200, 206):
            hint = HINTS.get(answer.status, "Ask whoever runs that server.")
            raise SourceError(f"{plain(self.url)} answers HTTP {answer.status}. {hint}")
        length = said.get("Content-Length", "")
        total = int(length) if length.isdecimal() else None
        if answer.status == 206:
            span = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", said.get("Content-Range", ""))
            if not span or int(span[1]) != begin:
                raise SourceError(f"{plain(self.url)} sends another part than it was asked for.")
            total = int(span[2]) if span[2].isdecimal() else None
        return Opened(
            begin=begin if answer.status == 206 else 0,
            mark=mark if answer.status == 206 else mark_of(said),
            total=total,
            kind=word(said, "Content-Type", 200) or Opened.kind,
            encoding=word(said, "Content-Encoding", 60),
            read=self.reader(answer),
        )

    def reader(self, answer: http.client.HTTPResponse) -> Callable[[int], bytes]:
        def read(size: int) -> bytes:
            try:
                return answer.read1(size)  # what has come, so that a slow source is no surprise
            except (OSError, http.client.HTTPException, ValueError) as error:
                raise CutError(f"{type(error).__name__}: {error}") from error

        return read


def word(said: Message, name: str, most: int) -> str:
    """A header as S3 takes it for an object: of ASCII alone; "" when it is none."""
    value = str(said.get(name, ""))
    return value if value.isascii() and value.isprintable() and len(value) < most else ""


def mark_of(said: Message) -> str:
    """A strong ETag, or the time of the last change."""
    etag = word(said, "ETag", 500)
    return etag if etag.startswith('"') else word(said, "Last-Modified", 60)


@dataclass
class Bucket:
    """An object in S3, by its address."""

    url: str
    s3: Any
    body: Any = None

    def close(self) -> None:
        if self.body:
            self.body.close()

    def open(self, begin: int, mark: str, held: str, patience: float) -> Opened:
        bucket, key = object_address(self.url, "Source")
        only = {"IfMatch": mark} if begin else {"IfNoneMatch": held} if held else {}
        span = {"Range": f"bytes={begin}-"} if begin else {}
        try:
            answer = self.s3.get_object(Bucket=bucket, Key=key, **only, **span)
        except self.s3.exceptions.ClientError as error:
            return self.refused(error, begin, mark, bucket)
        self.close()
        self.body = answer["Body"]
        whole = answer.get("ContentRange", "").rpartition("/")[2] or answer["ContentLength"]
        return Opened(
            begin=begin, mark=answer["ETag"], total=int(whole),
            kind=answer.get("ContentType", Opened.kind),
            encoding=answer.get("ContentEncoding", ""),
            read=self.reader(self.body),
        )  # fmt: skip

    def refused(self, error: Exception, begin: int, mark: str, bucket: str) -> Opened:
        code = error_code(error)
        if code in ("304", "NotModified"):
            return Opened(begin=0, mark="", total=None, unchanged=True)
        if code == "InvalidRange":
            return Opened(begin=begin, mark=mark, total=begin)
        if code in ("PreconditionFailed", "412"):
            return self.open(0, "", "", 0.0)  # another thing has its name now
        if code in ("AccessDenied", "403", "NoSuchKey", "404", "NoSuchBucket"):
            raise SourceError(
                f"{self.url} cannot be read ({code}). Look at Source; for another bucket than the"
                f" stack's own: byoa setup --set SourceArns=arn:aws:s3:::{bucket},"
                f"arn:aws:s3:::{bucket}/*"
            ) from error
        raise error

    def reader(self, body: Any) -> Callable[[int], bytes]:
        from botocore.exceptions import HTTPClientError, IncompleteReadError, ReadTimeoutError

        def read(size: int) -> bytes:
            try:
                return bytes(body.read(size))
            except (HTTPClientError, IncompleteReadError, ReadTimeoutError, OSError) as error:
                raise CutError(f"{type(error).__name__}: {error}") from error

        return read
