"""What a request asks a stack to be: its template, parameters and capabilities, checked."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from byoa.sandbox.cloudformation import order, parameters
from byoa.sandbox.cloudformation import template as templates
from byoa.sandbox.cloudformation.kinds import Aws
from byoa.sandbox.cloudformation.stack import Stack, Wanted
from byoa.sandbox.cloudformation.template import invalid
from byoa.sandbox.iam import may_assume

Request = Mapping[str, Any]
URL = re.compile(r"https?://([^/]+)/(.+)")


def wanted(request: Request, before: Stack | None, operation: str, aws: Aws) -> Wanted:
    """What a request asks for, checked as far as it can be before anything is made."""
    text = text_of(request, before, operation, aws)
    template = templates.parse(text)
    order.check_types(template)
    order.check_references(template)
    given = list(request.get("Capabilities", []))
    templates.check_capabilities(template, given, operation)
    role = request.get("RoleARN", "")
    if role and not may_assume(role, "cloudformation"):
        raise invalid(f"Role {role} is invalid or cannot be assumed", operation)
    kept = before.wanted.parameters if before else {}
    values = parameters.values(template, request.get("Parameters", []), kept, operation)
    tags = request.get("Tags")
    if tags is None:
        tags = before.wanted.tags if before else ()
    return Wanted(
        text,
        template,
        values,
        tuple(tags),
        tuple(given),
        role or (before.wanted.role if before else ""),
        adopt=bool(request.get("ImportExistingResources")),
        revert=request.get("DeploymentMode") == "REVERT_DRIFT",
    )


def text_of(request: Request, before: Stack | None, operation: str, aws: Aws) -> str:
    """The template's text: in the request, in S3, or the stack's own."""
    if request.get("UsePreviousTemplate") and before is not None:
        return before.wanted.text
    body, url = request.get("TemplateBody"), request.get("TemplateURL")
    if (body is None) == (url is None):
        raise invalid("Either Template URL or Template Body must be specified.", operation)
    if url is None:
        if len(str(body).encode()) > templates.MOST_BYTES["body"]:
            raise invalid(
                "1 validation error detected: Value at 'templateBody' failed to satisfy "
                "constraint: Member must have length less than or equal to 51200",
                operation,
            )
        return str(body)
    text = fetch(url, operation, aws)
    if len(text) > templates.MOST_BYTES["url"]:
        raise invalid("Template may not exceed 1048576 bytes in size.", operation)
    return text


def fetch(url: str, operation: str, aws: Aws) -> str:
    """https://BUCKET.s3….amazonaws.com/KEY, https://s3….amazonaws.com/BUCKET/KEY, or ours."""
    match = URL.fullmatch(url.partition("?")[0])
    if match is None:
        raise invalid("TemplateURL must be a supported URL.", operation)
    bucket, _, rest = match[1].partition(".s3")
    key = match[2]
    if not rest:
        bucket, _, key = key.partition("/")
    try:
        stored = aws.client("s3").get_object(Bucket=bucket, Key=key)
    except Exception as error:
        raise invalid(f"S3 error: {error}", operation) from None
    return str(stored["Body"].read().decode())
