"""S3's events: of buckets whose EventBridge configuration is on, one for each finished object.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html
"""

from __future__ import annotations

import itertools
import re
import secrets
import time
from typing import Any

from werkzeug.wrappers import Response

from byoa.sandbox.events import rules
from byoa.sandbox.hooks import Sandbox
from byoa.sandbox.state import ACCOUNT
from byoa.sandbox.wire import Call

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
#: An answer without any part is one tag.
EMPTY = re.compile(r"<NotificationConfiguration([^>]*)/>")
COUNT = itertools.count()


def send(account: str, bucket: Any, event_name: Any, key: Any) -> None:
    """Called by moto for whatever happens to an object."""
    name = str(getattr(event_name, "value", event_name))
    if name not in KINDS:
        return
    if name == "s3:ObjectCreated:Put" and key.multipart is not None:
        return  # moto stores a finished upload by a put of its own; its true event follows
    kind, reason = KINDS[name]
    known: dict[str, Any] = {"key": key.name}
    if kind != "Object Deleted":  # a delete marker that goes has neither size nor ETag
        known |= {"size": key.size, "etag": key.etag.replace('"', "")}
        if key.version_id not in (None, "null"):
            known["version-id"] = key.version_id
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


def notification(sandbox: Sandbox, call: Call) -> Response | None:
    """GetBucketNotificationConfiguration: moto keeps EventBridge's part and does not tell of it."""
    from moto.backends import get_backend

    request = call.request
    if request.method != "GET" or "notification" not in request.args:
        return None
    name = request.path.strip("/")
    bucket = get_backend("s3")[ACCOUNT]["aws"].buckets.get(name)
    configuration = getattr(bucket, "notification_configuration", None)
    if configuration is None or configuration.event_bridge is None:
        return None
    response = sandbox.ask_moto(call)
    text = response.get_data(as_text=True)
    part = "<EventBridgeConfiguration></EventBridgeConfiguration>"
    text = EMPTY.sub(r"<NotificationConfiguration\1></NotificationConfiguration>", text)
    text = text.replace("</NotificationConfiguration>", f"{part}</NotificationConfiguration>")
    response.set_data(text)
    return response
