"""Requests for create_endpoint_config, create_endpoint and update_endpoint.

https://docs.aws.amazon.com/sagemaker/latest/dg/deployment-guardrails.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from byoa.plan import parts
from byoa.plan.limits import finished

VARIANT = "AllTraffic"
SERVERLESS_MB = (1024, 2048, 3072, 4096, 5120, 6144)


@dataclass(frozen=True, kw_only=True)
class EndpointConfig:
    """One variant of one model: on instances, serverless (memory_mb), or async (async_output)."""

    name: str
    model: str
    instance_type: str = "ml.m5.large"
    instance_count: int = 1
    memory_mb: int | None = None  #: serverless: 1024 to 6144
    concurrency: int = 5  #: serverless: requests at once
    provisioned: int | None = None
    async_output: str | None = None  #: where an async endpoint's answers go
    async_failures: str | None = None
    async_concurrency: int | None = None
    success_topic: str | None = None
    error_topic: str | None = None
    capture: str | None = None  #: where captured requests and answers go
    capture_percent: int = 100
    ami: str | None = None
    startup_timeout: int | None = None
    download_timeout: int | None = None
    volume_gb: int | None = None
    kms_key: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """An endpoint and how it moves to a new configuration: blue/green, watched by alarms."""

    name: str
    config: str
    alarms: Sequence[str] = ()  #: CloudWatch alarms that send the traffic back
    canary_percent: int | None = None  #: traffic that the new fleet gets first
    wait: int = 60  #: seconds between the steps, and before the old fleet goes
    timeout: int = 3600
    tags: Mapping[str, str] = field(default_factory=dict)
    extra: Mapping[str, Any] = field(default_factory=dict)


def endpoint_config_request(config: EndpointConfig) -> dict[str, Any]:
    """The dict for create_endpoint_config; UsageError says what AWS would refuse."""
    topics = {"SuccessTopic": config.success_topic, "ErrorTopic": config.error_topic}
    asynchronous = {
        "ClientConfig": {"MaxConcurrentInvocationsPerInstance": config.async_concurrency},
        "OutputConfig": {
            "S3OutputPath": config.async_output,
            "S3FailurePath": config.async_failures,
            "KmsKeyId": config.kms_key,
            "NotificationConfig": topics,
        },
    }
    request = {
        "EndpointConfigName": config.name,
        "ProductionVariants": [variant(config)],
        "AsyncInferenceConfig": asynchronous if config.async_output else None,
        "DataCaptureConfig": capture(config) if config.capture else None,
        "KmsKeyId": None if config.memory_mb else parts.volume_key(config.kms_key, _types(config)),
        "Tags": parts.tag_list(config.tags),
    }
    rules = (variant_rule, parts.tag_rule)
    return finished("sagemaker.CreateEndpointConfig", request, config.extra, rules)


def variant(config: EndpointConfig) -> dict[str, Any]:
    """What answers: instances of one type, or serverless with its memory."""
    common = {"VariantName": VARIANT, "ModelName": config.model, "InitialVariantWeight": 1.0}
    if config.memory_mb:
        serverless = {
            "MemorySizeInMB": config.memory_mb,
            "MaxConcurrency": config.concurrency,
            "ProvisionedConcurrency": config.provisioned,
        }
        return common | {"ServerlessConfig": serverless}
    return common | {
        "InstanceType": config.instance_type,
        "InitialInstanceCount": config.instance_count,
        "VolumeSizeInGB": config.volume_gb,
        "InferenceAmiVersion": config.ami,
        "ContainerStartupHealthCheckTimeoutInSeconds": config.startup_timeout,
        "ModelDataDownloadTimeoutInSeconds": config.download_timeout,
        # a slow picture must not make the pictures behind it wait
        "RoutingConfig": {"RoutingStrategy": "LEAST_OUTSTANDING_REQUESTS"},
    }


def capture(config: EndpointConfig) -> dict[str, Any]:
    """Requests and answers, kept in S3 for a look at what the model meets."""
    return {
        "EnableCapture": True,
        "InitialSamplingPercentage": config.capture_percent,
        "DestinationS3Uri": config.capture,
        "KmsKeyId": config.kms_key,
        "CaptureOptions": [{"CaptureMode": "Input"}, {"CaptureMode": "Output"}],
        "CaptureContentTypeHeader": {"JsonContentTypes": ["application/json"]},
    }


def endpoint_request(endpoint: Endpoint) -> dict[str, Any]:
    """The dict for create_endpoint: there is no old fleet, so nothing to roll back to."""
    request = {
        "EndpointName": endpoint.name,
        "EndpointConfigName": endpoint.config,
        "Tags": parts.tag_list(endpoint.tags),
    }
    return finished("sagemaker.CreateEndpoint", request, endpoint.extra, (parts.tag_rule,))


def update_endpoint_request(endpoint: Endpoint) -> dict[str, Any]:
    """The dict for update_endpoint: a new fleet beside the old one, back at an alarm."""
    canary = endpoint.canary_percent and {
        "Type": "CAPACITY_PERCENT",
        "Value": endpoint.canary_percent,
    }
    routing = {
        "Type": "CANARY" if canary else "ALL_AT_ONCE",
        "CanarySize": canary or None,
        "WaitIntervalInSeconds": endpoint.wait,
    }
    alarms = [{"AlarmName": name} for name in endpoint.alarms]
    request = {
        "EndpointName": endpoint.name,
        "EndpointConfigName": endpoint.config,
        "DeploymentConfig": {
            "BlueGreenUpdatePolicy": {
                "TrafficRoutingConfiguration": routing,
                "TerminationWaitInSeconds": endpoint.wait,
                "MaximumExecutionTimeoutInSeconds": endpoint.timeout,
            },
            "AutoRollbackConfiguration": {"Alarms": alarms} if alarms else None,
        },
    }
    return finished("sagemaker.UpdateEndpoint", request, endpoint.extra, (routing_rule,))


def alarm_requests(
    endpoint: str, tags: Mapping[str, str], *, errors: int = 1, latency_ms: int | None = None
) -> list[dict[str, Any]]:
    """Dicts for put_metric_alarm: what makes an update roll back, server errors and slowness."""
    wanted: list[tuple[str, float, str]] = [("Invocation5XXErrors", errors, "Sum")]
    if latency_ms:
        wanted.append(("ModelLatency", latency_ms * 1000, "Average"))  # AWS counts microseconds
    return [
        finished(
            "cloudwatch.PutMetricAlarm",
            {
                "AlarmName": f"{endpoint}-{metric}",
                "Namespace": "AWS/SageMaker",
                "MetricName": metric,
                "Dimensions": [
                    {"Name": "EndpointName", "Value": endpoint},
                    {"Name": "VariantName", "Value": VARIANT},
                ],
                "Statistic": statistic,
                "Period": 60,
                "EvaluationPeriods": 1,
                "Threshold": float(threshold),
                "ComparisonOperator": "GreaterThanOrEqualToThreshold",
                "TreatMissingData": "notBreaching",
                "Tags": parts.tag_list(tags),
            },
        )
        for metric, threshold, statistic in wanted
    ]


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
        unfit = {"InstanceType", "InferenceAmiVersion", "VolumeSizeInGB"} & item.keys()
        unfit |= {"AsyncInferenceConfig", "DataCaptureConfig", "VpcConfig"} & request.keys()
        for name in sorted(unfit):
            yield f"a serverless endpoint has no {name} - drop it, or take instances"


def routing_rule(request: dict[str, Any]) -> Iterator[str]:
    """A canary is at most half of the fleet, and one way of updating is enough."""
    deployment = request.get("DeploymentConfig", {})
    blue_green = deployment.get("BlueGreenUpdatePolicy", {})
    if blue_green and "RollingUpdatePolicy" in deployment:
        yield "an update is BlueGreenUpdatePolicy or RollingUpdatePolicy, not both - null one"
    size = blue_green.get("TrafficRoutingConfiguration", {}).get("CanarySize", {})
    if size.get("Type") == "CAPACITY_PERCENT" and size["Value"] > 50:
        yield f"the canary is {size['Value']} % of the fleet - take at most 50"


def _types(config: EndpointConfig) -> list[str]:
    return [] if config.memory_mb else [config.instance_type]
