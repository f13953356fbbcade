"""S3's events: of buckets whose EventBridge configuration is on, one for each finished object.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html
"""

from __future__ import annotations

import itertools
import secrets
import time
from typing import Any

from byoa.sandbox.events import rules
from byoa.sandbox.state import ACCOUNT

#: moto's name of an event: S3's detail-type and reason.
KINDS = {
    "s3:ObjectCreated:Put": ("Object Created", "PutObject"),
    "s3:ObjectCreated:Post": ("Object Created", "POST Object"),
    "s3:ObjectCreated:Copy": ("Object Created", "CopyObject"),
    "s3:ObjectCreated:CompleteMultipartUpload": ("Object Created", "CompleteMultipartUpload"),
    "s3:ObjectRemoved:Delete": ("Object Deleted", "DeleteObject"),
    "s3:ObjectTagging:Put": ("Object Tags Added", ""),
    "s3:ObjectTagging:Delete": ("Object Tags Deleted", ""),
    "s3:ObjectAcl:Put": ("Object ACL Updated", ""),
}
COUNT = itertools.count()


def send(account: str, bucket: Any, event_name: Any, key: Any) -> None:
    """Called by moto for whatever happens to an object."""
    name = str(getattr(event_name, "value", event_name))
    if name not in KINDS:
        return
    if name == "s3:ObjectCreated:Put" and key.multipart is not None:
        return  # moto stores a finished upload by a put of its own; its true event follows
    kind, reason = KINDS[name]
    known: dict[str, Any] = {"key": key.name, "size": key.size, "etag": key.etag.replace('"', "")}
    if key.version_id not in (None, "null"):
        known["version-id"] = key.version_id
    if kind == "Object Deleted":
        known = {"key": key.name}
    known["sequencer"] = f"{time.time_ns() // 1000 + next(COUNT):018X}"
    detail = {
        "version": "0",
        "bucket": {"name": bucket.name},
        "object": known,
        "request-id": secrets.token_hex(8).upper(),
        "requester": ACCOUNT,
        "source-ip-address": "127.0.0.1",
        **({"reason": reason} if reason else {}),
        **({"deletion-type": "Permanently Deleted"} if kind == "Object Deleted" else {}),
    }
    event = rules.make("aws.s3", kind, bucket.region_name, detail, [bucket.arn])
    rules.send(event, bucket.region_name)
