"""The requests that let an endpoint's variant grow and shrink with its load.

https://docs.aws.amazon.com/sagemaker/latest/dg/endpoint-auto-scaling.html
"""

from __future__ import annotations

from typing import Any

from byoa.plan.endpoint import VARIANT
from byoa.plan.errors import UsageError
from byoa.plan.limits import finished

PER_INSTANCE = "SageMakerVariantInvocationsPerInstance"


def scaling_requests(
    endpoint: str, *, least: int, most: int, per_instance: float = 60, variant: str = VARIANT
) -> list[tuple[str, dict[str, Any]]]:
    """boto3's method names with their dicts: between `least` and `most` instances, such that each
    one gets about `per_instance` requests a minute. It grows fast and shrinks slowly."""
    if not 0 < least <= most:
        raise UsageError(
            f"between {least} and {most} instances is no range - take 1 or more, the smaller first"
        )
    target = {
        "ServiceNamespace": "sagemaker",
        "ResourceId": f"endpoint/{endpoint}/variant/{variant}",
        "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
    }
    limits = target | {"MinCapacity": least, "MaxCapacity": most}
    tracking = {
        "TargetValue": float(per_instance),
        "PredefinedMetricSpecification": {"PredefinedMetricType": PER_INSTANCE},
        "ScaleOutCooldown": 60,
        "ScaleInCooldown": 300,
    }
    policy = target | {
        "PolicyName": f"{endpoint}-load",
        "PolicyType": "TargetTrackingScaling",
        "TargetTrackingScalingPolicyConfiguration": tracking,
    }
    service = "application-autoscaling"
    return [
        ("register_scalable_target", finished(f"{service}.RegisterScalableTarget", limits)),
        ("put_scaling_policy", finished(f"{service}.PutScalingPolicy", policy)),
    ]
