"""Settings of a function that moto forgets: kept beside its own, and shown with them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from werkzeug.wrappers import Response

from byoa.plan.errors import ServiceError
from byoa.sandbox.lambdas.function import moto_function, split

#: What moto drops of a function.
DROPPED = ("LoggingConfig", "DeadLetterConfig")


def of(kept: Any) -> dict[str, Any]:
    """The settings that lie beside moto's record of a function."""
    found: dict[str, Any] = kept.__dict__.setdefault("byoa_extras", {})
    return found


def keep(region: str, name: str, given: Mapping[str, Any], changed: bool) -> None:
    """After moto took the request: what it left out of it."""
    kept = moto_function(region, split(name)[0])
    of(kept).update({key: given[key] for key in DROPPED if key in given})
    if not changed:
        return
    if "TracingConfig" in given:
        kept.tracing_config = given["TracingConfig"]
    if "EphemeralStorage" in given:
        kept.ephemeral_storage = given["EphemeralStorage"]["Size"]
    if "KMSKeyArn" in given:
        kept.kms_key_arn = given["KMSKeyArn"]
    if "ImageConfig" in given:
        from moto.awslambda.models import ImageConfig

        kept.image_config = ImageConfig(given["ImageConfig"])


def shown(region: str, response: Response) -> Response:
    """Moto's answer about a function with its other settings, as Lambda gives them."""
    if response.status_code >= 300 or not response.data.startswith(b"{"):
        return response
    answer = json.loads(response.data)
    config = answer.get("Configuration", answer)
    if not isinstance(config, dict) or "FunctionArn" not in config or "Runtime" not in config:
        return response
    try:
        kept = moto_function(region, config["FunctionArn"])
    except ServiceError:  # deleted meanwhile
        return response
    group = {"LogFormat": "Text", "LogGroup": kept.logs_group_name}
    config.update(of(kept))
    config["LoggingConfig"] = {**group, **config.get("LoggingConfig", {})}
    response.data = json.dumps(answer)
    return response
