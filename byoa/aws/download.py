"""Fetches objects from S3 with several threads; a connection that breaks goes on where it was."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from byoa import files
from byoa.aws.parallel import each, pools
from byoa.aws.upload import Meter, plain
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
    part: int
    meter: Meter
    sleep: Callable[[float], None] = time.sleep

    def download(self, items: Mapping[str, tuple[Stored, Path]]) -> None:
        """Fetches each key to its file; what is there with the same content stays."""
        with pools(self.workers) as (whole, parts):
            each(whole, partial(self.fetch, parts), items.items())

    def fetch(self, pool: ThreadPoolExecutor, item: tuple[str, tuple[Stored, Path]]) -> None:
        key, (stored, path) = item
        if same(stored, path, self.part):
            self.meter.add(stored.size, files=1)
            return
        spans = sync.parts(stored.size, self.part) or [(0, stored.size)]
        with files.arriving(path) as target:
            os.truncate(target, stored.size)
            work = partial(self.fetch_span, key, stored, target)
            plain = map(work, spans) if len(spans) == 1 else pool.map(work, spans)
            if all(list(plain)) and not intact(stored, target, self.part):
                raise ByoaError(
                    f"s3://{self.bucket}/{key} arrived damaged: its content is not what its ETag "
                    "says. Run again."
                )
        self.meter.add(0, files=1)

    def fetch_span(self, key: str, stored: Stored, path: Path, span: tuple[int, int]) -> bool:
        """Bytes of one version of an object into a file; whether its ETag is made of MD5s."""
        at, end = span[0], span[0] + span[1]
        breaks, encrypted = 0, False
        version = {"Bucket": self.bucket, "Key": key, "IfMatch": f'"{stored.etag}"'}
        with path.open("r+b") as target:
            target.seek(at)
            while at < end:
                try:
                    answer = self.client.get_object(**version, Range=f"bytes={at}-{end - 1}")
                    encrypted = not plain(answer)
                    for block in answer["Body"].iter_chunks(BLOCK):
                        target.write(block)
                        at, breaks = at + len(block), 0
                        self.meter.add(len(block))
                except Exception as error:
                    breaks += 1
                    self.go_on(error, breaks, f"s3://{self.bucket}/{key}")
        return not encrypted

    def go_on(self, error: Exception, breaks: int, uri: str) -> None:
        """Waits where trying again can help; raises where it cannot."""
        from botocore.exceptions import HTTPClientError, IncompleteReadError
        from urllib3.exceptions import HTTPError

        if error_code(error) in {"PreconditionFailed", "412", "NoSuchKey", "404"}:
            raise ByoaError(f"{uri} changed while being downloaded. Run again.") from error
        broken = (HTTPClientError, IncompleteReadError, HTTPError, ConnectionError, TimeoutError)
        if not isinstance(error, broken):
            raise error
        if breaks > MOST_BREAKS:
            raise ByoaError(
                f"{uri}: the connection broke {breaks} times in a row ({error}). Look at the "
                "network, then run again: files that have arrived are not fetched again."
            ) from error
        self.sleep(min(2.0**breaks / 10, 5.0))


def same(stored: Stored, path: Path, part: int) -> bool:
    """Whether the file is there already; a link is not, whatever it leads to."""
    if path.is_symlink() or not path.is_file() or path.stat().st_size != stored.size:
        return False
    return files.etag(path, stored.size, part) == stored.etag


def intact(stored: Stored, path: Path, part: int) -> bool:
    """Whether the content is what the ETag says, where it can be told: parts may have any size."""
    parts = len(sync.parts(stored.size, part))
    if not re.fullmatch(rf"[0-9a-f]{{32}}(-{parts})?", stored.etag):
        return True
    return (
        files.etag(path, stored.size, part if "-" in stored.etag else stored.size + 1)
        == stored.etag
    )
