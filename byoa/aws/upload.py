"""Sends files to S3 with several threads; what an earlier try left half-sent is gone on with.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from threading import Lock
from typing import Any

from byoa.aws.parallel import each, pools
from byoa.files import ChangedError, LocalFile, stamp
from byoa.plan import sync
from byoa.plan.errors import error_code
from byoa.plan.storage import Progress

#: What we call some content, and what S3 calls it: not the same where a key encrypts it.
ETags = tuple[str, str]


@dataclass
class Meter:
    """Bytes and files done of all, told to one callback at a time from any thread."""

    progress: Progress | None
    total: int
    files: int = 1
    done: int = 0
    files_done: int = 0
    lock: Lock = field(default_factory=Lock)

    def add(self, size: int, files: int = 0) -> None:
        with self.lock:
            self.done += size
            self.files_done += files
            if self.progress:
                self.progress(self.done, self.total, self.files_done, self.files)


@dataclass
class Uploader:
    """One bucket, and how things are put into it."""

    client: Any
    bucket: str
    workers: int
    part: int
    meter: Meter
    begun: dict[str, list[str]] = field(default_factory=dict)  #: uploads by key, the oldest first

    def upload(self, items: Mapping[str, LocalFile]) -> dict[str, ETags]:
        """Sends each file to its key. Those that change meanwhile end it when all have been."""
        if large := [key for key, file in items.items() if file.size >= self.part]:
            self.begun = self.unfinished(os.path.commonprefix(large))  # noqa: RUF071 - letters
        with pools(self.workers) as (whole, parts):
            sent = dict(zip(items, each(whole, partial(self.send, parts), items.items())))
        if changed := [items[key].path for key, etags in sent.items() if etags is None]:
            raise ChangedError(changed)
        return {key: etags for key, etags in sent.items() if etags}

    def send(self, pool: ThreadPoolExecutor, item: tuple[str, LocalFile]) -> ETags | None:
        key, file = item
        try:
            if file.size >= self.part:
                try:
                    return self.in_parts(pool, {"Bucket": self.bucket, "Key": key}, file)
                except Exception as error:
                    if error_code(error) != "NoSuchUpload":
                        raise
                    self.begun.pop(key, None)  # another driver sends the same, and was faster
                return self.in_parts(pool, {"Bucket": self.bucket, "Key": key}, file)
            data = read(file, 0, file.size)
        except ChangedError:
            return None
        answer = self.client.put_object(Bucket=self.bucket, Key=key, Body=data)
        self.meter.add(file.size, files=1)
        etag = unquoted(answer["ETag"])
        return etag if plain(answer) else md5(data).hex(), etag

    def unfinished(self, prefix: str) -> dict[str, list[str]]:
        """The ids of uploads that never ended, by key; S3 lists them as they were begun."""
        found: dict[str, list[str]] = {}
        pages = self.client.get_paginator("list_multipart_uploads")
        for page in pages.paginate(Bucket=self.bucket, Prefix=prefix):
            for one in page.get("Uploads", ()):
                found.setdefault(one["Key"], []).append(one["UploadId"])
        return found

    def in_parts(self, pool: ThreadPoolExecutor, where: dict[str, str], file: LocalFile) -> ETags:
        """The parts that S3 lacks, then the whole. An upload begun before the last is ended."""
        begun = self.begun.get(where["Key"], [])
        for upload in begun[:-1]:
            self.client.abort_multipart_upload(**where, UploadId=upload)
        there: dict[int, dict[str, Any]] = {}
        if begun:
            where["UploadId"] = begun[-1]
            pages = self.client.get_paginator("list_parts").paginate(**where)
            there = {part["PartNumber"]: part for page in pages for part in page.get("Parts", ())}
        else:
            answer = self.client.create_multipart_upload(**where)
            where["UploadId"] = answer["UploadId"]
        spans = enumerate(sync.parts(file.size, self.part), start=1)
        sent = list(pool.map(partial(self.send_part, where, file, there), spans))
        parts = {"Parts": [part for part, _ in sent]}
        answer = self.client.complete_multipart_upload(**where, MultipartUpload=parts)
        self.meter.add(0, files=1)
        etag, digests = unquoted(answer["ETag"]), [digest for _, digest in sent if digest]
        return sync.joined_etag(digests) if digests else etag, etag

    def send_part(
        self,
        where: Mapping[str, str],
        file: LocalFile,
        there: Mapping[int, Mapping[str, Any]],
        part: tuple[int, tuple[int, int]],
    ) -> tuple[dict[str, Any], bytes]:
        """One part, unless S3 has it: what completing asks to be told, and an odd one's MD5."""
        number, span = part
        data = read(file, *span)
        has = there.get(number)
        if has is None or has["Size"] != len(data) or unquoted(has["ETag"]) != md5(data).hex():
            has = self.client.upload_part(**where, PartNumber=number, Body=data)
        self.meter.add(len(data))
        sums = {k: v for k, v in has.items() if k.startswith("Checksum") and k != "ChecksumType"}
        told = {"PartNumber": number, "ETag": has["ETag"], **sums}
        return told, b"" if plain(has) else md5(data)


def read(file: LocalFile, offset: int, length: int) -> bytes:
    """Bytes of a file that is still what it was when the folder was looked through."""
    try:
        with open(file.path, "rb", buffering=0) as source:
            source.seek(offset)
            data = source.read(length)
            same = stamp(os.fstat(source.fileno())) == file.stamp
    except FileNotFoundError:
        raise ChangedError([file.path]) from None
    if not same or len(data) != length:
        raise ChangedError([file.path])
    return data


def plain(answer: Mapping[str, Any]) -> bool:
    """Whether an ETag is an MD5, so that ours would be the same: not where a KMS key encrypts."""
    return "kms" not in answer.get("ServerSideEncryption", "")


def md5(data: bytes) -> bytes:
    return hashlib.md5(data, usedforsecurity=False).digest()


def unquoted(etag: str) -> str:
    return etag.strip('"')
