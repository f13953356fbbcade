"""The requests that let an endpoint's variant grow and shrink with its load.

https://docs.aws.amazon.com/sagemaker/latest/dg/endpoint-auto-scaling.html
"""

from __future__ import annotations

from typing import Any

from byoa.plan import templates
from byoa.plan.endpoint import VARIANT
from byoa.plan.errors import UsageError

CALLS = {
    "register_scalable_target": "application-autoscaling.RegisterScalableTarget",
    "put_scaling_policy": "application-autoscaling.PutScalingPolicy",
}


def scaling_requests(
    endpoint: str, *, least: int, most: int, per_instance: float = 60, variant: str = VARIANT
) -> list[tuple[str, dict[str, Any]]]:
    """boto3's method names with their dicts: between `least` and `most` instances, such that each
    one gets about `per_instance` requests a minute. It grows fast and shrinks slowly."""
    if not 0 < least <= most:
        raise UsageError(
            f"between {least} and {most} instances is no range - take 1 or more, the smaller first"
        )
    values = {"endpoint": endpoint, "variant": variant, "least": least, "most": most}
    values |= {"per_instance": float(per_instance)}
    return [(method, templates.request(name, values)) for method, name in CALLS.items()]
