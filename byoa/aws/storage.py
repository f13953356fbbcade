"""S3 as a store of objects: sync by content, downloads that cannot leave their folder."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from byoa import files
from byoa.aws.download import Downloader
from byoa.aws.upload import ETags, Meter, Uploader, unquoted
from byoa.plan import sync
from byoa.plan.errors import ByoaError, NotFoundError, UsageError, error_code
from byoa.plan.storage import Progress, Stored, Synced


def parse(uri: str, whole: bool = True) -> tuple[str, str]:
    """The bucket and the key of an address; of a whole bucket there is no key."""
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    if not uri.startswith("s3://") or not bucket:
        raise UsageError(f"{uri}: here addresses are s3://BUCKET/KEY.")
    if not key.strip("/") and not whole:
        raise UsageError(f"{uri} is a whole bucket. Name a place in it.")
    return bucket, key


class S3Storage:
    """Objects in S3; see Storage. How they are encrypted is the bucket's to say."""

    def __init__(self, client: Any, base: str, workers: int = 16, part: int = sync.PART) -> None:
        self.client, self.base = client, base.rstrip("/")
        self.workers, self.part = workers, part

    def sync(
        self, folder: Path, uri: str, *, delete: bool = False, progress: Progress | None = None
    ) -> Synced:
        bucket, prefix = parse(uri.rstrip("/") + "/", whole=False)
        here = files.look(folder)
        check_keys(here, prefix)
        remote = {one.name: one for one in self.objects(f"s3://{bucket}/{prefix}")}
        etags = files.etags(here, sync.to_hash(here.sizes(), remote), self.part)
        odd = any(remote[name].etag != etag for name, etag in etags.items())
        todo = sync.decide(here.sizes(), etags, remote, self._known(uri) if odd else {}, delete)
        items = {prefix + name: here.files[name] for name in todo.uploaded}
        sent = self._uploader(bucket, Meter(progress, todo.sent_bytes, len(items))).upload(items)
        pairs = {name: sent[prefix + name] for name in todo.uploaded}
        files.remember(here, {name: ours for name, (ours, _) in pairs.items()}, self.part)
        self._remember(uri, pairs)
        self._delete_keys(bucket, [prefix + name for name in todo.deleted])
        after = {name: remote[name] for name in (*todo.unchanged, *todo.extra)}
        after |= {n: Stored(n, here.files[n].size, theirs) for n, (_, theirs) in pairs.items()}
        done = sync.fingerprint(after.values())
        return replace(todo, fingerprint=done, left_out=tuple(here.left_out))

    def fingerprint(self, uri: str) -> str:
        return sync.fingerprint(self.objects(uri))

    def objects(self, uri: str) -> Iterator[Stored]:
        return (one for _, one in self._found(uri))

    def _found(self, uri: str) -> Iterator[tuple[str, Stored]]:
        """Keys, and what lies there by its name below the address."""
        bucket, key = parse(uri)
        if key and not key.endswith("/"):
            for one in self._exactly(bucket, key):
                yield key, stored(one, key[: key.rfind("/") + 1])
            key += "/"
        for one in self._list(bucket, key):
            if not one["Key"].endswith("/"):  # what the console makes for an empty folder
                yield one["Key"], stored(one, key)

    def _exactly(self, bucket: str, key: str) -> list[dict[str, Any]]:
        """The object of that very key: it comes first among those that begin with it."""
        answer = self.client.list_objects_v2(Bucket=bucket, Prefix=key, MaxKeys=1)
        return [one for one in answer.get("Contents", ()) if one["Key"] == key]

    def _list(self, bucket: str, prefix: str) -> Iterator[dict[str, Any]]:
        pages = self.client.get_paginator("list_objects_v2")
        for page in pages.paginate(Bucket=bucket, Prefix=prefix):
            yield from page.get("Contents", ())

    def read(self, uri: str) -> bytes:
        bucket, key = parse(uri)
        try:
            data: bytes = self.client.get_object(Bucket=bucket, Key=key)["Body"].read()
        except Exception as error:
            if error_code(error) in {"NoSuchKey", "NoSuchBucket", "404"}:
                raise NotFoundError(f"{uri} is not there.") from error
            raise
        return data

    def write(self, uri: str, data: bytes, *, only_new: bool = False) -> bool:
        bucket, key = parse(uri)
        first = {"IfNoneMatch": "*"} if only_new else {}
        try:
            self.client.put_object(Bucket=bucket, Key=key, Body=data, **first)
        except Exception as error:
            if only_new and error_code(error) in {"PreconditionFailed", "412"}:
                return False
            if error_code(error) != "ConditionalRequestConflict":
                raise
            return self.write(uri, data, only_new=only_new)  # another writer at this very moment
        return True

    def upload(self, path: Path, uri: str, progress: Progress | None = None) -> None:
        bucket, key = parse(uri)
        file = files.one(path)
        self._uploader(bucket, Meter(progress, file.size)).upload({key: file})

    def download(self, uri: str, folder: Path, progress: Progress | None = None) -> list[Path]:
        bucket, _ = parse(uri)
        found = dict(self._found(uri))
        if not found:
            raise NotFoundError(f"There is nothing at {uri}.")
        check_names(uri, [one.name for one in found.values()])
        items = {key: (one, folder / one.name) for key, one in found.items()}
        meter = Meter(progress, sum(one.size for one in found.values()), len(found))
        Downloader(self.client, bucket, self.workers, self.part, meter).download(items)
        return [path for _, path in items.values()]

    def delete(self, uri: str) -> int:
        bucket, key = parse(uri, whole=False)
        found = self._list(bucket, key) if key.endswith("/") else self._exactly(bucket, key)
        return self._delete_keys(bucket, [one["Key"] for one in found])

    def _delete_keys(self, bucket: str, keys: Sequence[str]) -> int:
        """By the 1,000, as S3 takes them; what it could not delete is an error."""
        for at in range(0, len(keys), 1000):
            some = {"Objects": [{"Key": key} for key in keys[at : at + 1000]], "Quiet": True}
            answer = self.client.delete_objects(Bucket=bucket, Delete=some)
            if errors := answer.get("Errors"):
                said = {f"{one.get('Code')}: {one.get('Message')}" for one in errors}
                raise ByoaError(
                    f"S3 did not delete {len(errors)} of {len(keys)} objects of {bucket}, "
                    f"{errors[0].get('Key')} for one: {'; '.join(sorted(said))}"
                )
        return len(keys)

    def _uploader(self, bucket: str, meter: Meter) -> Uploader:
        return Uploader(self.client, bucket, self.workers, self.part, meter)

    def _record(self, uri: str) -> str:
        """Where ETags that are no MD5s are remembered: beside, never below, what a job reads."""
        above, _, name = uri.rstrip("/").rpartition("/")
        return f"{above}/.byoa-sync/{name}.json"

    def _known(self, uri: str) -> dict[str, Any]:
        try:
            found = json.loads(self.read(self._record(uri)))
        except (NotFoundError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}

    def _remember(self, uri: str, new: Mapping[str, ETags]) -> None:
        """Objects that S3 encrypts with a key of yours: [what we would call them, its ETag]."""
        if odd := {name: pair for name, pair in new.items() if pair[0] != pair[1]}:
            self.write(self._record(uri), json.dumps(self._known(uri) | odd).encode())


def stored(one: Mapping[str, Any], prefix: str) -> Stored:
    return Stored(one["Key"].removeprefix(prefix), one["Size"], unquoted(one["ETag"]))


def check_keys(here: files.Folder, prefix: str) -> None:
    bad = [f"{n!r} {why}" for n in here.files if (why := sync.bad_key(prefix + n))]
    if bad:
        raise UsageError(
            f"{here.root}: S3 cannot take these names, nothing was sent: {files.some(bad)}. "
            "Rename them."
        )


def check_names(uri: str, names: Sequence[str]) -> None:
    """Ends a download before its first byte if a name could leave the folder or has no place."""
    bad = [f"{n!r} {why}" for n in names if (why := sync.bad_path(n, os.name == "nt"))]
    bad += [f"{n!r} is an object and a folder at once" for n in sync.clashes(names)]
    if bad:
        raise ByoaError(f"{uri} cannot become a folder, nothing was downloaded: {files.some(bad)}.")
