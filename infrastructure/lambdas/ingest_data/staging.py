"""What has arrived of a source: parts of a multipart upload that a later call can go on with.

Nothing stands at the target before all of it is there and its hash is right; what arrives is kept
below .byoa-ingest/ until then, with a small state object.
https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html
"""

from __future__ import annotations

import hashlib
import json
from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from byoa.plan.errors import error_code

from .source import Opened

#: S3 takes no smaller part but the last, and no more parts than 10,000.
LEAST = 5 << 20
PART = 16 << 20
MOST_PARTS = 9_000
BLOCK = 1 << 20
FOLDER = ".byoa-ingest"
MISSING = ("NoSuchKey", "NoSuchUpload", "404")


@dataclass
class Staging:
    """One source on its way to one target."""

    s3: Any
    bucket: str
    name: str
    part: int = PART
    state: dict[str, Any] = field(default_factory=dict)  #: Upload, Mark, Total, Kind, Encoding …
    size: int = 0  #: bytes that have arrived, those in the buffer too
    digest: Any = field(default_factory=hashlib.sha256)  #: None: some went by in an earlier call
    whole: bool = False  #: it is one object in the staging place
    buffer: bytearray = field(default_factory=bytearray)
    etags: dict[int, str] = field(default_factory=dict)
    sending: deque[Future[None]] = field(default_factory=deque)
    pool: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(2))

    @property
    def data(self) -> dict[str, str]:
        return {"Bucket": self.bucket, "Key": f"{FOLDER}/{self.name}/data"}

    @property
    def note(self) -> dict[str, str]:
        return {"Bucket": self.bucket, "Key": f"{FOLDER}/{self.name}/state.json"}

    def recall(self) -> bool:
        """Takes up what an earlier call left; True when all had arrived by then."""
        try:
            self.state = json.loads(self.s3.get_object(**self.note)["Body"].read())
            if self.state.get("Upload"):
                self._find_parts()
        except self.s3.exceptions.ClientError as error:
            if error_code(error) not in MISSING:
                raise
            self.whole = bool(self.state) and self._arrived()
            self.state = self.state if self.whole else {}
        return self.whole

    def _find_parts(self) -> None:
        """The parts that S3 has, from the first up to the first that is missing."""
        pages = self.s3.get_paginator("list_parts")
        pages = pages.paginate(**self.data, UploadId=self.state["Upload"])
        there = {one["PartNumber"]: one for page in pages for one in page.get("Parts", ())}
        while found := there.get(len(self.etags) + 1):
            self.size += found["Size"]
            self.etags[len(self.etags) + 1] = found["ETag"]
            self.digest = None

    def _arrived(self) -> bool:
        try:
            self.size = self.s3.head_object(**self.data)["ContentLength"]
        except self.s3.exceptions.ClientError as error:
            if error_code(error) not in MISSING:
                raise
            return False
        self.digest = None
        return True

    def begin(self, opened: Opened) -> None:
        """Forgets what arrived of another content, and notes what this one is."""
        self.forget()
        self.state = {
            "Mark": opened.mark, "Total": opened.total, "Kind": opened.kind,
            "Encoding": opened.encoding,
        }  # fmt: skip
        need = -(-(opened.total or 0) // MOST_PARTS)
        self.part = max(self.part, -(-need // BLOCK) * BLOCK)

    def add(self, block: bytes) -> None:
        self.size += len(block)
        self.buffer += block
        if self.digest:
            self.digest.update(block)
        while len(self.buffer) >= self.part:
            self._send(self.part)

    def _send(self, size: int) -> None:
        """One part, while the next one is being read; two are on their way at most."""
        if not self.state.get("Upload"):
            self.state["Upload"] = self.s3.create_multipart_upload(**self.data)["UploadId"]
            self._remember()
        while len(self.sending) >= 2:
            self.sending.popleft().result()
        body = bytes(self.buffer[:size])
        del self.buffer[:size]
        number = len(self.etags) + 1
        self.etags[number] = ""
        self.sending.append(self.pool.submit(self._upload, number, body))

    def _upload(self, number: int, body: bytes) -> None:
        words = {**self.data, "UploadId": self.state["Upload"], "PartNumber": number}
        self.etags[number] = self.s3.upload_part(**words, Body=body)["ETag"]

    def _settle(self) -> None:
        while self.sending:
            self.sending.popleft().result()

    def _remember(self) -> None:
        self.s3.put_object(**self.note, Body=json.dumps(self.state).encode())

    def pause(self) -> int:
        """Leaves all that S3 takes to the next call; how many calls in a row brought nothing."""
        if len(self.buffer) >= LEAST:
            self._send(len(self.buffer))
        self._settle()
        kept = self.size - len(self.buffer)
        idle = self.state.get("Idle", 0) + 1 if kept <= self.state.get("Kept", 0) else 0
        self.state |= {"Kept": kept, "Idle": idle}
        self._remember()
        return idle

    def finish(self) -> None:
        """The parts become one object in the staging place; what is small stays in the buffer."""
        if self.whole or not self.state.get("Upload"):
            return
        if self.buffer:
            self._send(len(self.buffer))
        self._settle()
        parts = [
            {"PartNumber": number, "ETag": etag} for number, etag in sorted(self.etags.items())
        ]
        words = {**self.data, "UploadId": self.state["Upload"]}
        self.s3.complete_multipart_upload(**words, MultipartUpload={"Parts": parts})
        self.whole = True

    def hashed(self, stop: Callable[[], bool]) -> str | None:
        """The whole's SHA-256, read again where an earlier call had a part; None: out of time."""
        if self.digest:
            return str(self.digest.hexdigest())
        self.state["Looked"] = self.state.get("Looked", 0) + 1
        self.state["Kept"] = self.size
        self._remember()
        digest, body = hashlib.sha256(), self.s3.get_object(**self.data)["Body"]
        while block := body.read(BLOCK):
            digest.update(block)
            if stop():
                body.close()
                return None
        return digest.hexdigest()

    def deliver(self, target: Mapping[str, str], known: Mapping[str, str]) -> None:
        """To the target, in one step that everybody sees at once; nothing stays here."""
        from boto3.s3.transfer import TransferConfig

        said = {
            "ContentType": self.state.get("Kind"),
            "ContentEncoding": self.state.get("Encoding"),
        }
        words = {"Metadata": dict(known), **{key: one for key, one in said.items() if one}}
        if not self.whole:
            self.s3.put_object(**target, Body=bytes(self.buffer), **words)
        else:
            words["MetadataDirective"] = "REPLACE"
            config = TransferConfig(multipart_threshold=5 << 30, multipart_chunksize=1 << 30)
            self.s3.copy(self.data, **target, ExtraArgs=words, Config=config)
        self.forget()

    def forget(self) -> None:
        """Nothing of it stays, here and in S3."""
        self._settle()
        if self.state.get("Upload") and not self.whole:
            self.s3.abort_multipart_upload(**self.data, UploadId=self.state["Upload"])
        if self.state.get("Upload") or "Kept" in self.state:
            for where in (self.data, self.note):
                self.s3.delete_object(**where)
        self.state, self.size, self.digest, self.whole = {}, 0, hashlib.sha256(), False
        self.etags.clear()
        self.buffer.clear()

    def close(self) -> None:
        self.pool.shutdown()
