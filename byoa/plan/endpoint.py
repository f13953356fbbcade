"""Requests for an endpoint: its configuration, its updates, its alarms, its scaling.

https://docs.aws.amazon.com/sagemaker/latest/dg/deployment-guardrails.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from byoa.plan import parts, templates
from byoa.plan.errors import UsageError

VARIANT = "AllTraffic"
SCALING = {
    "register_scalable_target": "application-autoscaling.RegisterScalableTarget",
    "put_scaling_policy": "application-autoscaling.PutScalingPolicy",
}
SERVERLESS_MB = (1024, 2048, 3072, 4096, 5120, 6144)


@dataclass(frozen=True, kw_only=True)
class EndpointConfig(parts.Named):
    """One variant of one model: on instances, serverless (memory_mb), or async (async_output)."""

    model: str
    variant: str = VARIANT
    weight: float = 1.0
    others: Sequence[Mapping[str, Any]] = ()  #: variants of the endpoint that stay beside it
    instance_type: str = "ml.m5.large"
    instance_count: int = 1
    memory_mb: int | None = None  #: serverless: 1024 to 6144
    concurrency: int = 5  #: serverless: requests at once
    async_output: str | None = None  #: where an async endpoint's answers go
    async_failures: str | None = None
    capture: str | None = None  #: where captured requests and answers go
    capture_percent: int = 100
    ami: str | None = None
    startup_timeout: int | None = None
    download_timeout: int | None = None
    kms_key: str | None = None


@dataclass(frozen=True, kw_only=True)
class Endpoint(parts.Named):
    """An endpoint and how it moves to a new configuration: blue/green, watched by alarms."""

    config: str
    alarms: Sequence[str] = ()  #: CloudWatch alarms that send the traffic back
    canary_percent: int | None = None  #: traffic that the new fleet gets first
    wait: int = 60  #: seconds between the steps, and before the old fleet goes
    timeout: int = 3600


def endpoint_config_request(config: EndpointConfig) -> dict[str, Any]:
    """The dict for create_endpoint_config; UsageError says what AWS would refuse."""
    rules = (variant_rule,)
    return templates.request("sagemaker.CreateEndpointConfig", values(config), config.extra, rules)


def values(config: EndpointConfig) -> dict[str, Any]:
    """What the template asks for; serverless takes nothing of an instance."""
    key = parts.volume_key(config.kms_key, [config.instance_type])
    instance = ("instance_type", "instance_count", "ami", "volume_key")
    nothing = (*instance, "startup_timeout", "download_timeout") if config.memory_mb else ()
    return vars(config) | {"volume_key": key, **dict.fromkeys(nothing)}


def endpoint_request(endpoint: Endpoint) -> dict[str, Any]:
    """The dict for create_endpoint: there is no old fleet, so nothing to roll back to."""
    return templates.request("sagemaker.CreateEndpoint", vars(endpoint), endpoint.extra)


def update_endpoint_request(endpoint: Endpoint) -> dict[str, Any]:
    """The dict for update_endpoint: a new fleet beside the old one, back at an alarm."""
    values = vars(endpoint) | {
        "routing": "CANARY" if endpoint.canary_percent else "ALL_AT_ONCE",
        "alarm_names": [{"AlarmName": name} for name in endpoint.alarms],
    }
    rules = (routing_rule,)
    return templates.request("sagemaker.UpdateEndpoint", values, endpoint.extra, rules)


def alarm_requests(
    endpoint: str, tags: Mapping[str, str], *, errors: int = 1, variant: str = VARIANT
) -> list[dict[str, Any]]:
    """Dicts for put_metric_alarm: so many server errors a minute make an update roll back."""
    values = {"endpoint": endpoint, "tags": tags, "errors": float(errors), "variant": variant}
    return [templates.request("cloudwatch.PutMetricAlarm", values)]


def scaling_requests(
    endpoint: str, *, least: int, most: int, per_instance: float = 60, variant: str = VARIANT
) -> list[tuple[str, dict[str, Any]]]:
    """boto3's method names with their dicts: between `least` and `most` instances, such that each
    one gets about `per_instance` requests a minute. It grows fast and shrinks slowly.

    https://docs.aws.amazon.com/sagemaker/latest/dg/endpoint-auto-scaling.html
    """
    if not 0 < least <= most:
        raise UsageError(
            f"between {least} and {most} instances is no range - take 1 or more, the smaller first"
        )
    values = {"endpoint": endpoint, "variant": variant, "least": least, "most": most}
    values |= {"per_instance": float(per_instance)}
    return [(method, templates.request(name, values)) for method, name in SCALING.items()]


def variant_rule(request: dict[str, Any]) -> Iterator[str]:
    """Serverless or instances; what serverless cannot do."""
    for item in request["ProductionVariants"]:
        serverless = item.get("ServerlessConfig")
        if not serverless:
            if not {"InstanceType", "InstancePools", "ManagedInstanceScaling"} & item.keys():
                yield f"the variant {item['VariantName']} has no InstanceType - give one"
            continue
        size = serverless["MemorySizeInMB"]
        if size not in SERVERLESS_MB:
            listed = ", ".join(map(str, SERVERLESS_MB))
            yield f"serverless memory is {size} MB - take one of {listed}"
        if serverless.get("ProvisionedConcurrency", 0) > serverless["MaxConcurrency"]:
            yield "ProvisionedConcurrency is more than MaxConcurrency - take at most that"
        if len(request["ProductionVariants"]) > 1:
            yield "a serverless endpoint has one variant - drop the others, or take instances"
        for name in sorted(
            {"AsyncInferenceConfig", "DataCaptureConfig", "VpcConfig"} & request.keys()
        ):
            yield f"a serverless endpoint has no {name} - drop it, or take instances"


def routing_rule(request: dict[str, Any]) -> Iterator[str]:
    """A canary is at most half of the fleet."""
    deployment = request.get("DeploymentConfig", {})
    blue_green = deployment.get("BlueGreenUpdatePolicy", {})
    size = blue_green.get("TrafficRoutingConfiguration", {}).get("CanarySize", {})
    if size.get("Type") == "CAPACITY_PERCENT" and size["Value"] > 50:
        yield f"the canary is {size['Value']} % of the fleet - take at most 50"
