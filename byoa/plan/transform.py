"""create_transform_job's request from a TransformJob.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateTransformJob.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from byoa.plan import parts, templates

MOST_MB = 100


@dataclass(frozen=True, kw_only=True)
class TransformJob(parts.Named):
    """What a batch transform is made from."""

    model: str
    input: str
    output: str
    data_type: str = "S3Prefix"
    content_type: str | None = None
    accept: str | None = None
    split: str | None = None
    assemble: str | None = None
    compression: str | None = None
    instance_type: str = "ml.m5.large"
    instance_count: int = 1
    strategy: str | None = None  #: SingleRecord or MultiRecord; the image's own word when None
    payload_mb: int | None = None
    concurrent: int | None = None
    timeout: int | None = None
    retries: int | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    kms_key: str | None = None
    ami: str | None = None


def transform_request(job: TransformJob) -> dict[str, Any]:
    """The dict for create_transform_job; UsageError says what AWS would refuse."""
    values = vars(job) | {"volume_key": parts.volume_key(job.kms_key, [job.instance_type])}
    rules = (payload_rule,)
    return templates.request("sagemaker.CreateTransformJob", values, job.extra, rules)


def payload_rule(request: dict[str, Any]) -> Iterator[str]:
    """All requests of one moment fit into 100 MB."""
    payload, concurrent = (
        request.get("MaxPayloadInMB", 6),
        request.get("MaxConcurrentTransforms", 1),
    )
    if payload * max(1, concurrent) > MOST_MB:
        yield (
            f"MaxPayloadInMB {payload} x MaxConcurrentTransforms {concurrent} is over {MOST_MB} - "
            f"take a payload of at most {MOST_MB // max(1, concurrent)} MB"
        )
