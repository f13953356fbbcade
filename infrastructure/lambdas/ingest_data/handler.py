"""Streams a URL of any size into S3 in constant memory; what is there unchanged is not fetched.

    {"Source": "https://…", "Target": "s3://bucket/key", "Sha256": "…"}

A cut line is taken up where it was. When Lambda's time runs out the answer is {"Done": false, …}:
called again with the same event it goes on. See docs/infrastructure.md.
"""

from __future__ import annotations

import hashlib
import os
import posixpath
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

from byoa.plan.advice import noted
from byoa.plan.asked import IngestData, answered, object_address, of_object, read
from byoa.plan.errors import ByoaError, UsageError, error_code

from .fetch import Fetch
from .reach import SourceError, parsed, plain
from .source import Bucket, Source, Web
from .staging import PART, Staging

#: Seconds of a call that are kept for its end.
MARGIN = 30.0
#: In the target's metadata: its hash, and the source's mark and address (as a hash: it may be
#: presigned) that it came with.
HASH, MARK, SOURCE = "byoa-sha256", "byoa-mark", "byoa-source"


class HashMismatchError(ByoaError):
    """What came is not what was asked for; nothing of it was kept."""


def handle(event: Any, context: Any) -> dict[str, Any]:
    """What Lambda calls."""
    import boto3

    def left() -> float:
        return float(context.get_remaining_time_in_millis()) / 1000

    ingest = Ingest(noted(boto3.client("s3")), dict(os.environ), left)
    return answered(lambda: ingest.run(read(IngestData, of_object(event, "Source"))))


@dataclass
class Ingest:
    """One call: where things go, and the time that is left."""

    s3: Any
    here: Mapping[str, str]  #: BUCKET, MAX_BYTES, ALLOWED_NETWORKS
    left: Callable[[], float]
    sleep: Callable[[float], None] = time.sleep
    part: int = PART

    def __post_init__(self) -> None:
        self.margin = min(MARGIN, self.left() / 4)

    def spare(self) -> float:
        return self.left() - self.margin

    def run(self, asked: IngestData) -> dict[str, Any]:
        if asked.sha256 and not re.fullmatch(r"[0-9a-fA-F]{64}", asked.sha256):
            raise UsageError(f"Sha256 is {asked.sha256[:80]!r}. Write 64 hex digits.")
        for again in (True, True, False):
            try:
                return self.once(asked)
            except self.s3.exceptions.ClientError as error:
                if not again or error_code(error) not in ("NoSuchUpload", "NoSuchKey", "404"):
                    raise  # else another call did the same, and was faster
        raise AssertionError

    def once(self, asked: IngestData) -> dict[str, Any]:
        target = self.target(asked)
        source = self.source(asked.source)
        held, of = self.held(target), mark(asked.source)
        if asked.sha256 and held.get(HASH) == asked.sha256.lower():
            return answer(target, held, changed=False)
        known = held.get(MARK, "") if held.get(SOURCE) == of and not asked.sha256 else ""
        staging = Staging(
            self.s3, target["Bucket"], mark(asked.source, *target.values()), self.part
        )
        limit = int(self.here.get("MAX_BYTES") or 1 << 40)
        limit = min(limit, asked.max_bytes or limit)
        fetch = Fetch(plain(asked.source), source, staging, limit, self.spare, self.sleep)
        try:
            if not staging.recall():
                opened = fetch.run(known)
                if opened is None:
                    return waiting(target, staging)
                if opened.unchanged:
                    return answer(target, held, changed=False)
            return self.settle(staging, target, asked.sha256.lower(), of)
        finally:
            staging.close()

    def target(self, asked: IngestData) -> dict[str, str]:
        """Bucket and key; a folder gets the name that the URL ends in."""
        name = posixpath.basename(unquote(urlsplit(asked.source).path)) or "data"
        said = asked.target or f"s3://{self.here['BUCKET']}/data/"
        bucket, key = object_address(said + name if said.endswith("/") else said, "Target")
        return {"Bucket": bucket, "Key": key}

    def source(self, url: str) -> Source:
        if url.startswith("s3://"):
            object_address(url, "Source")
            return Bucket(url, self.s3)
        parsed(url)
        return Web(url, self.here.get("ALLOWED_NETWORKS", ""))

    def held(self, target: Mapping[str, str]) -> dict[str, str]:
        """The metadata and size of what is at the target; {} when nothing is."""
        try:
            found = self.s3.head_object(**target)
        except self.s3.exceptions.ClientError as error:
            if error_code(error) in ("404", "NoSuchKey"):
                return {}
            raise
        return {**found.get("Metadata", {}), "bytes": str(found["ContentLength"])}

    def settle(
        self, staging: Staging, target: Mapping[str, str], wanted: str, of: str
    ) -> dict[str, Any]:
        """What has arrived goes to the target, if its hash is right."""
        staging.finish()
        digest = staging.hashed(lambda: self.spare() <= 0)
        if digest is None:
            if staging.state["Looked"] >= 3:
                raise SourceError(
                    f"{staging.size:,} bytes are too many to be hashed in one call. Give the"
                    " function more time, or split the source."
                )
            return waiting(target, staging)
        if wanted and digest != wanted:
            staging.forget()
            raise HashMismatchError(
                f"What came has the SHA-256 {digest}, not {wanted}; it was not kept. Look at Source"
                " and Sha256."
            )
        known = {HASH: digest, MARK: staging.state.get("Mark", ""), SOURCE: of}
        held = {**known, "bytes": str(staging.size)}
        staging.deliver(target, known)
        print(f"{held['bytes']} bytes at s3://{target['Bucket']}/{target['Key']}")
        return answer(target, held, changed=True)


def mark(*words: str) -> str:
    return hashlib.sha256("\n".join(words).encode("utf-8", "surrogatepass")).hexdigest()[:32]


def answer(target: Mapping[str, str], held: Mapping[str, str], *, changed: bool) -> dict[str, Any]:
    size = int(held["bytes"])
    uri = f"s3://{target['Bucket']}/{target['Key']}"
    said = {"Bytes": size, "Total": size, "Sha256": held.get(HASH, "")}
    return {"Done": True, "Changed": changed, "Uri": uri, **said}


def waiting(target: Mapping[str, str], staging: Staging) -> dict[str, Any]:
    uri = f"s3://{target['Bucket']}/{target['Key']}"
    total = staging.state.get("Total") or 0
    said = {"Bytes": staging.state.get("Kept", staging.size), "Total": total, "Sha256": ""}
    return {"Done": False, "Changed": True, "Uri": uri, **said}
