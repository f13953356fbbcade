"""{{resolve:ssm:NAME}} and {{resolve:secretsmanager:ID:SecretString:KEY}} in a template's texts.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/dynamic-references.html
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from byoa.sandbox.cloudformation.template import invalid

REFERENCE = re.compile(r"\{\{resolve:([a-z-]+):([^{}]+)\}\}")
Client = Callable[[str], Any]


def resolved(value: Any, client: Client) -> Any:
    """A resource's properties with every reference looked up."""
    if isinstance(value, dict):
        return {key: resolved(item, client) for key, item in value.items()}
    if isinstance(value, list):
        return [resolved(item, client) for item in value]
    if isinstance(value, str) and "{{resolve:" in value:
        return REFERENCE.sub(lambda found: look_up(found[1], found[2], client), value)
    return value


def look_up(service: str, what: str, client: Client) -> str:
    if service in {"ssm", "ssm-secure"}:
        found = client("ssm").get_parameter(Name=what, WithDecryption=service == "ssm-secure")
        return str(found["Parameter"]["Value"])
    if service == "secretsmanager":
        return secret(what, client)
    raise invalid(f"Dynamic references to {service} are not carried out in the sandbox")


def secret(what: str, client: Client) -> str:
    """ID[:SecretString[:KEY[:STAGE[:VERSION]]]], where ID may be an ARN."""
    parts = what.split(":")
    name = ":".join(parts[:7]) if what.startswith("arn:") else parts[0]
    _, key, stage, version = (what[len(name) + 1 :].split(":") + [""] * 4)[:4]
    more = {"VersionStage": stage, "VersionId": version}
    text = client("secretsmanager").get_secret_value(
        SecretId=name, **{name: value for name, value in more.items() if value}
    )["SecretString"]
    if not key:
        return str(text)
    try:
        return str(json.loads(text)[key])
    except (ValueError, KeyError, TypeError):
        raise invalid(f"Could not find a value associated with JSONKey {key} in {name}") from None
