"""An endpoint's parts as describe_endpoint shows them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from byoa.local.files import now
from byoa.local.fleet import Variant
from byoa.local.models import containers_of


def captured(config: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "EnableCapture": config.get("EnableCapture", True),
        "CaptureStatus": "Started" if config.get("EnableCapture", True) else "Stopped",
        "CurrentSamplingPercentage": config["InitialSamplingPercentage"],
        "DestinationS3Uri": config["DestinationS3Uri"],
        "KmsKeyId": config.get("KmsKeyId", ""),
    }


def deployed(
    config: Mapping[str, Any], variant: Variant, models: Mapping[str, Any]
) -> dict[str, Any]:
    """A variant as describe_endpoint shows it."""
    container = containers_of(models[config["ModelName"]])[0]
    image = {"SpecifiedImage": container["Image"], "ResolvedImage": container["Image"]}
    weights = {"CurrentWeight": variant.weight, "DesiredWeight": variant.weight}
    shown = {
        "VariantName": variant.name,
        "DeployedImages": [{**image, "ResolutionTime": now()}],
        **weights,
    }
    if config.get("ServerlessConfig"):
        return {**shown, "CurrentServerlessConfig": config["ServerlessConfig"]}
    count = config["InitialInstanceCount"]
    return {**shown, "CurrentInstanceCount": count, "DesiredInstanceCount": count}
