"""What Lambda refuses when a function is made or changed, and moto would take.

https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping
from typing import Any

from byoa.plan.errors import ServiceError
from byoa.sandbox import shapes
from byoa.sandbox.iam import may_assume
from byoa.sandbox.lambdas.environment import RESERVED
from byoa.sandbox.lambdas.function import moto_function, split
from byoa.sandbox.state import ACCOUNT
from byoa.sandbox.wire import Call

#: (method, what follows the name) of the requests that are looked at.
OPERATIONS = {
    ("POST", None, False): "CreateFunction",
    ("PUT", "code", True): "UpdateFunctionCode",
    ("PUT", "configuration", True): "UpdateFunctionConfiguration",
}
#: Greatest values that botocore's model does not say.
MOST = {"Timeout": 900, "MemorySize": 10_240}
MOST_ENVIRONMENT = 4096
MOST_ZIP = 52_428_800
MOST_UNZIPPED = 262_144_000


def check(call: Call, name: str | None, what: str | None) -> None:
    """Raises as Lambda would."""
    operation = OPERATIONS.get((call.request.method, what, name is not None))
    if operation is None:
        return
    call.operation = operation
    given = call.parameters
    if name is not None:
        given["FunctionName"] = name
    shapes.check(call)
    for key, most in MOST.items():
        if given.get(key, 0) > most:
            where = f"{key[0].lower()}{key[1:]}"
            raise ServiceError(
                "ValidationException",
                f"1 validation error detected: Value '{given[key]}' at '{where}' failed to satisfy "
                f"constraint: Member must have value less than or equal to {most}",
                operation,
            )
    environment(given.get("Environment", {}).get("Variables", {}), operation)
    code = given.get("Code", given)
    archive(code.get("ZipFile"), operation)
    if "S3Bucket" in code and "S3Key" in code:
        unpacked(stored(code, operation), operation)
    if operation == "CreateFunction":
        complete(given)
    else:
        moto_function(call.region, split(given["FunctionName"])[0])  # or it is not found
    if "Role" in given and not may_assume(given["Role"], "lambda"):
        text = "The role defined for the function cannot be assumed by Lambda."
        raise invalid(text, operation)


def invalid(text: str, operation: str) -> ServiceError:
    return ServiceError("InvalidParameterValueException", text, operation)


def environment(variables: Mapping[str, str], operation: str) -> None:
    start = "Lambda was unable to configure your environment variables because the environment "
    reserved = sorted(RESERVED & set(variables))
    if reserved:
        raise invalid(
            f"{start}variables you have provided contains reserved keys that are currently not "
            f"supported for modification. Reserved keys used in this request: "
            f"{', '.join(reserved)}",
            operation,
        )
    measured = json.dumps(dict(variables), separators=(",", ":"))
    if len(measured.encode()) > MOST_ENVIRONMENT:
        raise invalid(
            f"{start}variables you have provided exceeded the 4KB limit. String measured: "
            f"{measured[:200]}",
            operation,
        )


def archive(data: bytes | None, operation: str) -> None:
    """A zip that came with the request."""
    if data is None:
        return
    if len(data) > MOST_ZIP:
        text = f"Request must be smaller than {MOST_ZIP} bytes for the {operation} operation"
        raise ServiceError("RequestEntityTooLargeException", text, operation, 413)
    unpacked(data, operation)


def stored(code: Mapping[str, Any], operation: str) -> bytes:
    """The archive in S3."""
    from moto.backends import get_backend
    from moto.core.exceptions import ServiceException

    try:
        found = get_backend("s3")[ACCOUNT]["aws"].get_object(
            code["S3Bucket"], code["S3Key"], version_id=code.get("S3ObjectVersion")
        )
    except ServiceException:
        why = "NoSuchBucket. S3 Error Message: The specified bucket does not exist"
    else:
        if found is not None:
            data: bytes = found.value
            return data
        why = "NoSuchKey. S3 Error Message: The specified key does not exist."
    raise invalid(f"Error occurred while GetObject. S3 Error Code: {why}", operation)


def unpacked(data: bytes, operation: str) -> None:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as found:
            size = sum(info.file_size for info in found.infolist())
    except (zipfile.BadZipFile, ValueError):
        raise invalid(
            "Could not unzip uploaded file. Please check your file, then try to upload again.",
            operation,
        ) from None
    if size > MOST_UNZIPPED:
        text = f"Unzipped size must be smaller than {MOST_UNZIPPED} bytes"
        raise invalid(text, operation)


def complete(given: Mapping[str, Any]) -> None:
    """What a new function needs beyond its shape."""
    operation, code = "CreateFunction", given["Code"]
    image = given.get("PackageType", "Zip") == "Image"
    if image != ("ImageUri" in code):
        raise invalid(
            "Please provide ImageUri when updating a function with packageType Image."
            if image
            else "Please do not provide ImageUri when creating a function with packageType Zip.",
            operation,
        )
    for key in ("Runtime", "Handler"):
        if image and key in given:
            raise invalid(f"Please don't provide {key} when the packageType is Image.", operation)
        if not image and key not in given:
            text = f"{key} is mandatory for functions created with deployment packages"
            raise invalid(f"Runtime and Handler are mandatory parameters: {text}", operation)
    runtime = given.get("Runtime", "python")
    if not runtime.startswith("python"):
        raise invalid(f"The sandbox runs Python's functions, not those of {runtime}", operation)
