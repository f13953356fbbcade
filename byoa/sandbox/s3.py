"""S3 where moto is looser than S3: names of buckets, and writes under a condition.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
"""

from __future__ import annotations

import json
import re
import threading
from types import SimpleNamespace
from typing import Any

from werkzeug.wrappers import Response

from byoa.plan.errors import ServiceError
from byoa.sandbox.hooks import Sandbox
from byoa.sandbox.wire import Call

NAME = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", re.ASCII)
ADDRESS = re.compile(r"\d+\.\d+\.\d+\.\d+", re.ASCII)
STARTS = ("xn--", "sthree-", "amzn-s3-demo-")
#: Between moto's look at the condition and its write nobody else may write.
CONDITIONS = threading.Lock()
ENDS = ("-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3")


def create_bucket(sandbox: Sandbox, call: Call) -> Response | None:
    """PUT /NAME with nothing behind it makes a bucket; everything else is moto's."""
    request = call.request
    name = request.path.strip("/")
    if request.method == "PUT" and "/" not in name and not request.query_string and not good(name):
        raise ServiceError(
            "InvalidBucketName", "The specified bucket is not valid.", "CreateBucket"
        )
    return None


def conditional(sandbox: Sandbox, call: Call) -> Response | None:
    """Of several writers with If-None-Match: * one wins, as in S3: they go one by one."""
    headers = call.request.headers
    if call.request.method not in {"PUT", "POST"} or not (
        headers.get("If-None-Match") or headers.get("If-Match")
    ):
        return None
    call.body  # noqa: B018  all of it is here before the others have to wait
    with CONDITIONS:
        return sandbox.ask_moto(call)


def install() -> None:
    """Bucket policies that ask for TLS hold nobody back: moto reads no conditions, and loopback
    has no TLS, but nobody listens there either."""
    from moto.s3.models import FakeBucket

    moto: Any = FakeBucket.get_permission

    def get_permission(self: Any, action: str, resource: str) -> Any:
        if self.policy is None:
            return moto(self, action, resource)
        document = json.loads(self.policy)
        statements = document["Statement"]
        statements = statements if isinstance(statements, list) else [statements]
        kept = [one for one in statements if not for_tls(one)]
        policy = json.dumps({**document, "Statement": kept}).encode() if kept else None
        return moto(SimpleNamespace(policy=policy), action, resource)  # all that it looks at

    FakeBucket.get_permission = get_permission  # type: ignore[method-assign]


def for_tls(statement: dict[str, Any]) -> bool:
    """Whether a statement denies what comes without TLS."""
    said = statement.get("Condition", {}).get("Bool", {}).get("aws:SecureTransport")
    return bool(statement.get("Effect") == "Deny" and said in ("false", False, ["false"]))


def good(name: str) -> bool:
    return (
        NAME.fullmatch(name) is not None
        and ".." not in name
        and not ADDRESS.fullmatch(name)
        and not name.startswith(STARTS)
        and not name.endswith(ENDS)
    )
