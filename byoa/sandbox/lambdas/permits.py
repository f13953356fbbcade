"""A function does what its role's policies allow, and nothing else, as on AWS.

What a call needs is what a Step Functions task with that call would need: one table says it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from botocore.exceptions import UnknownServiceError
from werkzeug.wrappers import Response

from byoa.plan.errors import ServiceError
from byoa.sandbox.hooks import Sandbox
from byoa.sandbox.state import ACCOUNT
from byoa.sandbox.wire import Call, service_model

#: Access key -> role and function. Keys that moto makes are never made twice.
KEYS: dict[str, tuple[str, str]] = {}
#: What everybody may ask.
FREE = {("sts", "GetCallerIdentity")}
#: botocore's name of a service where its signatures say another.
NAMES = {"states": "stepfunctions"}
INVOCATION = re.compile(r"/\d{4}-\d\d-\d\d/functions/([^/]+)/invocations/?")
#: (method, a key in the path, a word of the query) -> the operation; the first that fits.
OBJECTS = (
    ("GET", True, "uploadId", "ListParts"),
    ("GET", True, "tagging", "GetObjectTagging"),
    ("GET", True, "", "GetObject"),
    ("HEAD", True, "", "HeadObject"),
    ("PUT", True, "tagging", "PutObjectTagging"),
    ("PUT", True, "", "PutObject"),
    ("POST", True, "uploads", "CreateMultipartUpload"),
    ("POST", True, "uploadId", "CompleteMultipartUpload"),
    ("DELETE", True, "uploadId", "AbortMultipartUpload"),
    ("DELETE", True, "", "DeleteObject"),
    ("GET", False, "list-type", "ListObjectsV2"),
    ("GET", False, "prefix", "ListObjects"),
    ("GET", False, "location", "GetBucketLocation"),
    ("HEAD", False, "", "HeadBucket"),
)
PLAIN_PUT = {"DELETE": "DeleteBucket", "PUT": "CreateBucket"}


def within_its_role(sandbox: Sandbox, call: Call) -> Response | None:
    """Refuses a call of a function that its role may not make; all others pass."""
    if call.access_key not in KEYS:
        return None
    role, function = KEYS[call.access_key]
    for operation, parameters in asked(call):
        refuse(call, role, function, operation, parameters)
    return None


def asked(call: Call) -> list[tuple[str, Mapping[str, Any]]]:
    """The operations that a request comes to. Of REST, S3, Batch and Lambda's Invoke are read."""
    if (call.service, call.operation) in FREE:
        return []
    if call.protocol in {"json", "cbor"} or (call.service == "batch" and call.operation):
        return [(call.operation, call.parameters)]
    if call.protocol == "query":
        return [(call.operation, call.form)]
    if call.service == "s3":
        return on_s3(call)
    found = INVOCATION.fullmatch(call.request.path)
    return [("Invoke", {"FunctionName": found[1]})] if found and call.service == "lambda" else []


def on_s3(call: Call) -> list[tuple[str, Mapping[str, Any]]]:
    bucket, _, key = call.request.path.lstrip("/").partition("/")
    query, method = call.request.args, call.request.method
    where = {"Bucket": bucket, "Key": key} if key else {"Bucket": bucket}
    source = call.request.headers.get("X-Amz-Copy-Source", "").lstrip("/").split("?")[0]
    wanted = [
        operation
        for verb, has_key, word, operation in OBJECTS
        if verb == method and has_key == bool(key) and (not word or word in query)
    ][:1]
    if not key and not query and method in PLAIN_PUT:
        wanted = [PLAIN_PUT[method]]
    found: list[tuple[str, Mapping[str, Any]]] = [(operation, where) for operation in wanted]
    if source:
        origin, _, name = source.partition("/")
        found.append(("GetObject", {"Bucket": origin, "Key": name}))
    return found


def refuse(
    call: Call, role: str, function: str, operation: str, parameters: Mapping[str, Any]
) -> None:
    from byoa.sandbox.stepfunctions.permits import missing, refusal

    arn = (
        f"arn:aws:states:::aws-sdk:{sdk_name(call.service)}:{operation[:1].lower()}{operation[1:]}"
    )
    action, on = missing(role, arn, parameters, call.region)
    if not action and operation in {"GetObject", "HeadObject"}:
        action, on = missing_object(role, call.region, parameters)
    if action:
        plain = call.protocol == "query" or call.service == "s3"
        code = "AccessDenied" if plain else "AccessDeniedException"
        raise ServiceError(code, refusal(role, function, action, on), operation, 403)


def missing_object(role: str, region: str, where: Mapping[str, Any]) -> tuple[str, str]:
    """S3 says whether an object is there only to who may list the bucket."""
    from moto.backends import get_backend
    from moto.core.exceptions import ServiceException

    from byoa.sandbox.stepfunctions.permits import missing

    try:
        found = get_backend("s3")[ACCOUNT]["aws"].get_object(where["Bucket"], where["Key"])
    except ServiceException:
        return "", ""
    if found is not None:
        return "", ""
    list_it = "arn:aws:states:::aws-sdk:s3:listObjectsV2"
    return missing(role, list_it, {"Bucket": where["Bucket"]}, region)


def sdk_name(service: str) -> str:
    """A service as Step Functions' SDK integrations write it."""
    try:
        return str(service_model(NAMES.get(service, service)).service_id).lower().replace(" ", "")
    except UnknownServiceError:
        return service
