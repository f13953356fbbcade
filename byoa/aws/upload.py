"""Sends files to S3 with several threads; what an earlier try left half-sent is gone on with.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html
"""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

from byoa import files
from byoa.files import LocalFile
from byoa.plan import sync
from byoa.plan.errors import ByoaError, error_code
from byoa.plan.storage import Progress

#: What we would call some content, and what S3 calls it: not the same where a key encrypts it.
ETags = tuple[str, str]


class Meter:
    """Bytes done of all bytes, told to one callback at a time from any thread."""

    def __init__(self, progress: Progress | None, total: int) -> None:
        self.progress, self.total, self.done = progress, total, 0
        self.lock = Lock()

    def add(self, size: int) -> None:
        with self.lock:
            self.done += size
            if self.progress:
                self.progress(self.done, self.total)


class ChangedError(ByoaError):
    """A file is not what it was when the folder was looked through."""


@dataclass
class Uploader:
    """One bucket, and how things are put into it; `options` are put_object's, for encryption."""

    client: Any
    bucket: str
    workers: int
    part: int = sync.PART
    options: Mapping[str, str] = field(default_factory=dict)

    def upload(self, items: Mapping[str, LocalFile], meter: Meter) -> dict[str, ETags]:
        """Sends each file to its key; the ETags. Files that change are named in an error."""
        large = [key for key, file in items.items() if sync.parts(file.size, self.part)]
        unfinished = self.unfinished(common(large)) if large else {}
        with ThreadPoolExecutor(self.workers) as pool:
            try:
                waiting: dict[str, Callable[[], ETags]] = {}
                for key, file in items.items():
                    if key in large:
                        waiting[key] = self.send_parts(pool, key, file, unfinished, meter)
                    else:
                        waiting[key] = pool.submit(self.send_whole, key, file, meter).result
                return collect(waiting)
            except BaseException:
                pool.shutdown(wait=True, cancel_futures=True)
                raise

    def send_whole(self, key: str, file: LocalFile, meter: Meter) -> ETags:
        data = read(file, 0, file.size)
        digest, base = md5(data)
        answer = self.client.put_object(
            Bucket=self.bucket, Key=key, Body=data, ContentMD5=base, **self.options
        )
        meter.add(file.size)
        return digest.hex(), unquoted(answer["ETag"])

    def unfinished(self, prefix: str) -> dict[str, list[str]]:
        """The ids of uploads that were begun and never ended, by key, the oldest first."""
        found: dict[str, list[tuple[Any, str]]] = {}
        pages = self.client.get_paginator("list_multipart_uploads")
        for page in pages.paginate(Bucket=self.bucket, Prefix=prefix):
            for one in page.get("Uploads", ()):
                found.setdefault(one["Key"], []).append((one["Initiated"], one["UploadId"]))
        return {key: [upload for _, upload in sorted(ids)] for key, ids in found.items()}

    def send_parts(
        self,
        pool: ThreadPoolExecutor,
        key: str,
        file: LocalFile,
        unfinished: Mapping[str, list[str]],
        meter: Meter,
    ) -> Callable[[], ETags]:
        """Starts the parts; what comes back waits for them and puts them together."""
        begun = list(unfinished.get(key, ()))
        last = begun.pop() if begun else ""
        for upload in begun:  # older ones than the last: nobody will go on with them
            self.client.abort_multipart_upload(Bucket=self.bucket, Key=key, UploadId=upload)
        where = {"Bucket": self.bucket, "Key": key}
        there = self.parts_there(where | {"UploadId": last}) if last else {}
        where["UploadId"] = (
            last or self.client.create_multipart_upload(**where, **self.options)["UploadId"]
        )
        sent = [
            pool.submit(self.send_part, where, number, file, span, there.get(number, {}), meter)
            for number, span in enumerate(sync.parts(file.size, self.part), start=1)
        ]

        def finish() -> ETags:
            try:
                parts = [future.result() for future in sent]
                done = {"Parts": [part for _, part in parts]}
                answer = self.client.complete_multipart_upload(**where, MultipartUpload=done)
                ours = sync.joined_etag([digest for digest, _ in parts])
                return ours, unquoted(answer["ETag"])
            except Exception as error:
                if error_code(error) != "NoSuchUpload":
                    raise
                raise ByoaError(
                    f"s3://{self.bucket}/{key}: another program ended this upload while it ran. "
                    "Run again."
                ) from error

        return finish

    def parts_there(self, where: Mapping[str, str]) -> dict[int, dict[str, Any]]:
        pages = self.client.get_paginator("list_parts").paginate(**where)
        return {part["PartNumber"]: part for page in pages for part in page.get("Parts", ())}

    def send_part(
        self,
        where: Mapping[str, str],
        number: int,
        file: LocalFile,
        span: tuple[int, int],
        there: Mapping[str, Any],
        meter: Meter,
    ) -> tuple[bytes, dict[str, Any]]:
        """One part, unless S3 has it from an earlier try; what completing asks to be told."""
        data = read(file, *span)
        digest, base = md5(data)
        if there.get("Size") != len(data) or unquoted(there["ETag"]) != digest.hex():
            there = self.client.upload_part(**where, PartNumber=number, Body=data, ContentMD5=base)
        meter.add(len(data))
        checksums = {k: v for k, v in there.items() if k.startswith("Checksum")}
        return digest, {"PartNumber": number, "ETag": there["ETag"], **checksums}


def collect(waiting: Mapping[str, Callable[[], ETags]]) -> dict[str, ETags]:
    """Waits for all; the files that changed meanwhile do not keep the others from arriving."""
    tags, changed = {}, []
    for key, wait in waiting.items():
        try:
            tags[key] = wait()
        except ChangedError as error:
            changed.append(str(error))
    if changed:
        raise ChangedError(
            f"{', '.join(changed)}: changed while being read, and not sent; everything else was. "
            "Stop what writes there, then run again."
        )
    return tags


def read(file: LocalFile, offset: int, length: int) -> bytes:
    """Bytes of a file that is still what it was when the folder was looked through."""
    try:
        with open(file.path, "rb", buffering=0) as source:
            source.seek(offset)
            data = source.read(length)
            while len(data) < length and (more := source.read(length - len(data))):
                data += more
            same = files.stamp(os.fstat(source.fileno())) == file.stamp
    except FileNotFoundError:
        same, data = False, b""
    if not same or len(data) != length:
        raise ChangedError(file.path)
    return data


def md5(data: bytes) -> tuple[bytes, str]:
    """As it is, and in base64 as the Content-MD5 header is."""
    digest = hashlib.md5(data, usedforsecurity=False).digest()
    return digest, base64.b64encode(digest).decode()


def common(keys: list[str]) -> str:
    """What all keys begin with."""
    first, last = min(keys), max(keys)
    end = next((i for i, (a, b) in enumerate(zip(first, last)) if a != b), len(first))
    return first[:end]


def unquoted(etag: str) -> str:
    return etag.strip('"')
