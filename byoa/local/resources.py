"""The named things of a service on disk: names, ARNs, tags, lists; errors in AWS's words."""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from byoa.local.files import now, read_json, write_json
from byoa.plan.errors import ServiceError

REGION = "us-east-1"
ACCOUNT = "123456789012"
RECORD = "record.json"
HALF_MADE_SECONDS = 60.0
_NAME = re.compile(r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}")


def arn(kind: str, name: str, region: str = REGION) -> str:
    """arn("training-job", "x"): SageMaker writes names in lower case there."""
    return f"arn:aws:sagemaker:{region}:{ACCOUNT}:{kind}/{name.lower()}"


def refused(operation: str, text: str, code: str = "ValidationException") -> ServiceError:
    return ServiceError(code, text, operation)


def check_name(operation: str, field: str, name: str) -> None:
    """AWS's pattern of names: 63 letters, digits and hyphens, none of these first or last."""
    if not (isinstance(name, str) and _NAME.fullmatch(name) and len(name) <= 63):
        raise refused(
            operation,
            f"1 validation error detected: Value '{name}' at '{field}' failed to satisfy"
            " constraint: Member must satisfy regular expression pattern:"
            " [a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}",
        )


def need(operation: str, request: Mapping[str, Any], *fields: str) -> None:
    """The fields that AWS insists on; "A.B" is B inside A."""
    for field in fields:
        value: Any = request
        for part in field.split("."):
            value = value.get(part) if isinstance(value, Mapping) else None
        if value is None or value == "":
            raise refused(operation, f"Missing required parameter in input: {field!r}")


@dataclass(frozen=True)
class Records:
    """One kind of thing: a folder for each, with a record.json in it."""

    root: Path  # the local home
    place: str  # below it: "jobs/training"
    arn_kind: str  # "training-job"
    region: str = REGION

    def arn(self, name: str) -> str:
        return arn(self.arn_kind, name, self.region)

    def folder(self, name: str) -> Path:
        return self.root / self.place / name

    def claim(self, operation: str, name: str, what: str) -> Path:
        """Makes the thing's folder; ResourceInUse when the name is taken."""
        folder = self.folder(name)
        self.root.mkdir(parents=True, exist_ok=True, mode=0o700)
        folder.parent.mkdir(parents=True, exist_ok=True)
        try:
            self._forget_half_made(folder)
            folder.mkdir(mode=0o700)  # a request's environment may hold secrets
        except FileExistsError:
            text = f"{what} names must be unique within an AWS account and region,"
            raise refused(
                operation,
                f"{text} or a {what.lower()} with this name already exists ({self.arn(name)})",
                "ResourceInUse",
            ) from None
        return folder

    def _forget_half_made(self, folder: Path) -> None:
        """Whoever began to make it died before the record was written: nobody has ever seen it."""
        try:
            age = time.time() - folder.stat().st_mtime
        except FileNotFoundError:
            return
        if age > HALF_MADE_SECONDS and not (folder / RECORD).exists():
            shutil.rmtree(folder, ignore_errors=True)

    def read(self, operation: str, name: str) -> dict[str, Any]:
        record = read_json(self.folder(name) / RECORD) if _NAME.fullmatch(name) else None
        if record is None:
            raise refused(operation, "Requested resource not found.")
        return dict(record)

    def write(self, name: str, record: Mapping[str, Any]) -> None:
        write_json(self.folder(name) / RECORD, record)

    def names(self) -> list[str]:
        folder = self.root / self.place
        if not folder.is_dir():
            return []
        return sorted(path.name for path in folder.iterdir() if (path / RECORD).is_file())

    def remove(self, name: str) -> None:
        Tags(self.root).forget(self.arn(name))
        shutil.rmtree(self.folder(name), ignore_errors=True)


def page(
    items: Sequence[dict[str, Any]], request: Mapping[str, Any], name: str, status: str
) -> tuple[list[dict[str, Any]], dict[str, str]]:
    """What a List… call shows of all items: (the page, {"NextToken": …} or {})."""
    chosen = [item for item in items if _wanted(item, request, name, status)]
    keys = {"Name": name, "Status": status}
    chosen.sort(key=lambda item: item[keys.get(request.get("SortBy", ""), "CreationTime")])
    if request.get("SortOrder", "Descending") == "Descending":
        chosen.reverse()
    token = str(request.get("NextToken") or "0")
    if not (token.isascii() and token.isdigit()):
        raise refused("", "Invalid NextToken: give the one of the page before.")
    begin = int(token)
    end = begin + int(request.get("MaxResults") or 100)
    return chosen[begin:end], ({"NextToken": str(end)} if end < len(chosen) else {})


def _wanted(item: dict[str, Any], request: Mapping[str, Any], name: str, status: str) -> bool:
    def time_of(field: str, otherwise: datetime) -> datetime:
        value = request.get(field, otherwise)
        return value if isinstance(value, datetime) else otherwise

    created: datetime = item["CreationTime"]
    return (
        request.get("NameContains", "").lower() in item[name].lower()
        and request.get("StatusEquals", item.get(status)) == item.get(status)
        and created >= time_of("CreationTimeAfter", created)
        and created <= time_of("CreationTimeBefore", created)
    )


class Tags:
    """Tags by ARN, as AWS keeps them: apart from the thing itself."""

    def __init__(self, root: Path) -> None:
        self.folder = Path(root) / "tags"

    def _path(self, resource: str) -> Path:
        return self.folder / f"{quote(resource, safe='')}.json"

    def get(self, resource: str) -> dict[str, str]:
        return dict(read_json(self._path(resource)) or {})

    def add(self, resource: str, tags: Sequence[Mapping[str, str]]) -> dict[str, str]:
        merged = {**self.get(resource), **{tag["Key"]: tag["Value"] for tag in tags}}
        if merged:
            write_json(self._path(resource), merged)
        return merged

    def remove(self, resource: str, keys: Sequence[str]) -> None:
        kept = {key: value for key, value in self.get(resource).items() if key not in keys}
        write_json(self._path(resource), kept)

    def forget(self, resource: str) -> None:
        self._path(resource).unlink(missing_ok=True)


def listed(tags: Mapping[str, str]) -> Iterator[dict[str, str]]:
    yield from ({"Key": key, "Value": value} for key, value in tags.items())


__all__ = [
    "ACCOUNT", "RECORD", "REGION", "Records", "Tags", "arn", "check_name", "listed", "need", "now",
    "page", "refused",
]  # fmt: skip
