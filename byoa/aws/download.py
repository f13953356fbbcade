"""Fetches objects from S3 with several threads; a connection that breaks goes on where it was."""

from __future__ import annotations

import os
import re
import tempfile
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from byoa import files
from byoa.aws.upload import Meter
from byoa.plan import sync
from byoa.plan.errors import ByoaError, error_code
from byoa.plan.storage import Stored

#: So many broken connections in a row, with not a byte between them, end a download.
MOST_BREAKS = 6
BLOCK = 1 << 20


@dataclass
class Downloader:
    """One bucket, and how things are fetched from it."""

    client: Any
    bucket: str
    workers: int
    part: int = sync.PART
    sleep: Callable[[float], None] = time.sleep

    def download(self, items: Mapping[str, tuple[Stored, Path]], meter: Meter) -> None:
        """Fetches each key to its file; what is there with the same content stays."""
        partial: list[Path] = []
        try:
            with ThreadPoolExecutor(self.workers) as pool:
                try:
                    waiting = [
                        self.start(pool, key, *target, partial, meter)
                        for key, target in items.items()
                    ]
                    for finish in waiting:
                        finish()
                except BaseException:
                    pool.shutdown(wait=True, cancel_futures=True)
                    raise
        finally:
            for path in partial:
                path.unlink(missing_ok=True)

    def start(
        self,
        pool: ThreadPoolExecutor,
        key: str,
        stored: Stored,
        path: Path,
        partial: list[Path],
        meter: Meter,
    ) -> Callable[[], None]:
        """A small object is one piece of work; of a large one each part is, in the same file."""
        if stored.size < 2 * self.part:
            return pool.submit(self.small, key, stored, path, meter).result
        if self.there(stored, path):
            meter.add(stored.size)
            return lambda: None
        name = new_partial(path)
        partial.append(name)
        os.truncate(name, stored.size)
        spans = sync.parts(stored.size, self.part)
        work = [pool.submit(self.fetch, key, stored, name, span, meter) for span in spans]

        def finish() -> None:
            plain = [one.result() for one in work]
            self.keep(key, stored, name, path, all(plain))

        return finish

    def small(self, key: str, stored: Stored, path: Path, meter: Meter) -> None:
        if self.there(stored, path):
            meter.add(stored.size)
            return
        name = new_partial(path)
        try:
            plain = self.fetch(key, stored, name, (0, stored.size), meter)
            self.keep(key, stored, name, path, plain)
        finally:
            name.unlink(missing_ok=True)

    def there(self, stored: Stored, path: Path) -> bool:
        if not path.is_file() or path.is_symlink() or path.stat().st_size != stored.size:
            return False
        return files.etag(path, stored.size, self.part) == stored.etag

    def fetch(
        self, key: str, stored: Stored, name: Path, span: tuple[int, int], meter: Meter
    ) -> bool:
        """Bytes of one version of an object into a file; whether its ETag is made of MD5s."""
        at, end = span[0], span[0] + span[1]
        breaks, plain = 0, True
        with name.open("r+b") as target:
            target.seek(at)
            while at < end:
                try:
                    answer = self.client.get_object(
                        Bucket=self.bucket,
                        Key=key,
                        Range=f"bytes={at}-{end - 1}",
                        IfMatch=f'"{stored.etag}"',
                    )
                    plain = "kms" not in answer.get("ServerSideEncryption", "")
                    for block in answer["Body"].iter_chunks(BLOCK):
                        target.write(block)
                        at, breaks = at + len(block), 0
                        meter.add(len(block))
                except Exception as error:
                    breaks += 1
                    self.go_on(error, breaks, f"s3://{self.bucket}/{key}")
        return plain

    def go_on(self, error: Exception, breaks: int, uri: str) -> None:
        """Waits, where trying again can help; raises where it cannot."""
        if error_code(error) in {"PreconditionFailed", "412", "NoSuchKey", "404"}:
            raise ByoaError(f"{uri} changed while being downloaded. Run again.") from error
        if not isinstance(error, broken_connections()):
            raise error
        if breaks > MOST_BREAKS:
            raise ByoaError(
                f"{uri}: the connection broke {breaks} times in a row ({error}). "
                "Look at the network, then run again: what has arrived is not fetched again."
            ) from error
        self.sleep(min(2.0**breaks / 10, 5.0))

    def keep(self, key: str, stored: Stored, name: Path, path: Path, plain: bool) -> None:
        """Gives a whole file its name, once its content is what S3 said."""
        parts = len(sync.parts(stored.size, self.part))
        known = plain and re.fullmatch(rf"[0-9a-f]{{32}}(-{parts})?", stored.etag)
        if known:
            part = self.part if "-" in stored.etag else stored.size + 1
            if files.etag(name, stored.size, part) != stored.etag:
                raise ByoaError(
                    f"s3://{self.bucket}/{key} arrived damaged: its content is not what its ETag "
                    "says. Run again."
                )
        os.replace(name, path)


def new_partial(path: Path) -> Path:
    """An empty file beside the one that it will become, with the rights of any new file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=files.PARTIAL, dir=path.parent)
    os.fchmod(handle, 0o666 & ~files.umask())
    os.close(handle)
    return Path(name)


def broken_connections() -> tuple[type[Exception], ...]:
    from botocore.exceptions import HTTPClientError, IncompleteReadError
    from urllib3.exceptions import HTTPError

    return (HTTPClientError, IncompleteReadError, HTTPError, ConnectionError, TimeoutError)
