"""Who may come in: this machine's own clients that hold the sandbox's key, no web page.

The sandbox runs programs for whoever asks. It listens on loopback, but so do other users of the
machine and every page in a browser; the access key, random and known to its owner only, keeps
them out.
"""

from __future__ import annotations

import hmac
import json

from werkzeug.wrappers import Request, Response

from byoa.plan.errors import ServiceError
from byoa.sandbox.hooks import Sandbox
from byoa.sandbox.iam import statements
from byoa.sandbox.lambdas.permits import within_its_role
from byoa.sandbox.registry_door import LAYERS, layer, registry
from byoa.sandbox.state import ACCOUNT
from byoa.sandbox.wire import Call

#: What a client on this machine, or in a container on it, calls us.
LOOPBACK = {"127.0.0.1", "localhost", "host.docker.internal"}


def own_pages(sandbox: Sandbox, call: Call) -> Response | None:
    """/_byoa/TOKEN: by this `up` knows its own server. No bucket can have the name."""
    path = call.request.path
    if not path.startswith("/_byoa/"):
        return None
    if path.startswith(LAYERS):
        return layer(sandbox, call.request)
    known = hmac.compare_digest(path.encode(), f"/_byoa/{sandbox.state.token}".encode())
    return Response("byoa sandbox\n" if known else "", 200 if known else 404)


def no_web_page(sandbox: Sandbox, call: Call) -> Response | None:
    """A browser tells where a script came from; nothing that means to talk to us has an origin."""
    if call.request.headers.get("Origin"):
        raise ServiceError("AccessDenied", "The sandbox answers no web page", status=403)
    return None


def key_holders(sandbox: Sandbox, call: Call) -> Response | None:
    """The key in the signature is ours, or one that moto made for somebody who held ours."""
    if not call.access_key:
        if call.protocol == "rest" and is_public(call.request):
            return None
        raise without_key(call)
    if hmac.compare_digest(call.access_key.encode(), sandbox.state.access_key.encode()):
        return None
    if made_here(call.access_key):
        return None
    raise ServiceError(
        "InvalidAccessKeyId" if call.service == "s3" else "UnrecognizedClientException",
        "The security token included in the request is invalid: it is not this sandbox's. "
        'eval "$(byoa sandbox env)" sets the right one',
        call.operation,
        403,
    )


def without_key(call: Call) -> ServiceError:
    how = 'eval "$(byoa sandbox env)" sets it'
    if call.protocol == "rest":
        call.service = "s3"  # in whose words an unsigned request is refused
        return ServiceError("AccessDenied", f"Access Denied: a key is missing. {how}", "", 403)
    text = f"Missing Authentication Token: {how}"
    return ServiceError("MissingAuthenticationToken", text, call.operation, 403)


def is_public(request: Request) -> bool:
    """Reading from a bucket that is open to everybody, by its policy or its access list."""
    from moto.backends import get_backend

    if request.host.rpartition(":")[0] not in LOOPBACK:
        return False  # moto reads the bucket's name, even the service's, from the host
    name = request.path.lstrip("/").partition("/")[0]
    bucket = get_backend("s3")[ACCOUNT]["aws"].buckets.get(name)
    if bucket is None or request.method not in {"GET", "HEAD"}:
        return False
    policy = json.loads(bucket.policy) if bucket.policy else {}
    by_policy = any(
        statement.get("Effect") == "Allow" and statement.get("Principal") in ("*", {"AWS": "*"})
        for statement in statements(policy)
    )
    return by_policy or bool(bucket.acl and bucket.acl.public_read)


def made_here(key: str) -> bool:
    """Keys of IAM users and of assumed roles, which moto remembers."""
    from moto.backends import get_backend

    users = get_backend("iam")[ACCOUNT]["aws"].access_keys
    roles = get_backend("sts")[ACCOUNT]["aws"].assumed_roles
    return key in users or any(role.access_key_id == key for role in roles)


DOORS = (own_pages, no_web_page, registry, key_holders, within_its_role)
