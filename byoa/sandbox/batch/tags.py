"""Tags of environments, queues, definitions and jobs, by ARN."""

from __future__ import annotations

from typing import Any

from byoa.sandbox.batch.region import Region, refused


def of(region: Region, request: dict[str, Any]) -> dict[str, str]:
    arn = request["resourceArn"]
    if arn not in region.tags:
        raise refused(f"Resource {arn} not found.")
    return region.tags[arn]


def tag(region: Region, request: dict[str, Any]) -> dict[str, Any]:
    of(region, request).update(request["tags"])
    return {}


def untag(region: Region, request: dict[str, Any]) -> dict[str, Any]:
    found = of(region, request)
    for name in request["tagKeys"]:
        found.pop(name, None)
    return {}


def listed(region: Region, request: dict[str, Any]) -> dict[str, Any]:
    return {"tags": dict(of(region, request))}
