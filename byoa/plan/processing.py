"""create_processing_job's request from a ProcessingJob.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateProcessingJob.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from byoa.plan import parts
from byoa.plan.limits import finished, merged

ROOT = "/opt/ml/processing"


@dataclass(frozen=True, kw_only=True)
class ProcessingInput:
    """Something in S3 that lies at `path` when the job starts."""

    name: str
    uri: str
    path: str
    distribution: str = "FullyReplicated"
    mode: str = "File"
    data_type: str = "S3Prefix"
    compression: str = "None"
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class ProcessingOutput:
    """A folder that goes to S3: at the end of the job, or while it is written."""

    name: str
    uri: str
    path: str
    continuous: bool = False
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class ProcessingJob:
    """What a processing job is made from; the fields that are not here go into `extra`."""

    name: str
    image: str
    role: str
    inputs: Sequence[ProcessingInput] = ()
    outputs: Sequence[ProcessingOutput] = ()
    entrypoint: Sequence[str] = ()
    arguments: Sequence[str] = ()
    instance_type: str = "ml.t3.medium"
    instance_count: int = 1
    volume_gb: int = 30
    max_run: int = 86_400
    environment: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    isolation: bool = False
    subnets: Sequence[str] = ()
    security_groups: Sequence[str] = ()
    kms_key: str | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)


def processing_request(job: ProcessingJob) -> dict[str, Any]:
    """The dict for create_processing_job; UsageError says what AWS would refuse."""
    cluster = {
        "InstanceType": job.instance_type,
        "InstanceCount": job.instance_count,
        "VolumeSizeInGB": job.volume_gb,
        "VolumeKmsKeyId": parts.volume_key(job.kms_key, [job.instance_type]),
    }
    outputs = [output_item(output) for output in job.outputs]
    request = {
        "ProcessingJobName": job.name,
        "AppSpecification": {
            "ImageUri": job.image,
            "ContainerEntrypoint": list(job.entrypoint),
            "ContainerArguments": list(job.arguments),
        },
        "RoleArn": job.role,
        "ProcessingInputs": [input_item(item) for item in job.inputs],
        "ProcessingOutputConfig": outputs and {"Outputs": outputs, "KmsKeyId": job.kms_key},
        "ProcessingResources": {"ClusterConfig": cluster},
        "StoppingCondition": {"MaxRuntimeInSeconds": job.max_run},
        "Environment": dict(job.environment),
        "NetworkConfig": {
            "EnableNetworkIsolation": job.isolation,
            "VpcConfig": parts.vpc_config(job.subnets, job.security_groups),
        },
        "Tags": parts.tag_list(job.tags),
    }
    return finished("sagemaker.CreateProcessingJob", request, job.extra, RULES)


def input_item(item: ProcessingInput) -> dict[str, Any]:
    """One element of ProcessingInputs."""
    source = {
        "S3Uri": item.uri,
        "LocalPath": item.path,
        "S3DataType": item.data_type,
        "S3InputMode": item.mode,
        "S3DataDistributionType": item.distribution,
        "S3CompressionType": item.compression,
    }
    return merged({"InputName": item.name, "S3Input": source}, item.extra)


def output_item(item: ProcessingOutput) -> dict[str, Any]:
    """One element of Outputs."""
    target = {
        "S3Uri": item.uri,
        "LocalPath": item.path,
        "S3UploadMode": "Continuous" if item.continuous else "EndOfJob",
    }
    return merged({"OutputName": item.name, "S3Output": target}, item.extra)


def path_rule(request: dict[str, Any]) -> Iterator[str]:
    """Every folder lies below /opt/ml/processing, no two at the same place, names once."""
    outputs = request.get("ProcessingOutputConfig", {}).get("Outputs", [])
    named = [
        (
            item.get("InputName") or item.get("OutputName"),
            item.get("S3Input") or item.get("S3Output"),
        )
        for item in [*request.get("ProcessingInputs", []), *outputs]
    ]
    paths = [place["LocalPath"] for _, place in named if place and "LocalPath" in place]
    for path in sorted(set(paths)):
        if not f"{path}/".startswith(f"{ROOT}/") or ".." in path.split("/"):
            yield f"the path {path} is not below {ROOT}, where SageMaker mounts - take {ROOT}/…"
        if paths.count(path) > 1:
            yield f"the path {path} is taken twice - give each input and output a folder of its own"
    names = [name for name, _ in named]
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield f"the name {name!r} is there twice - give each input and output a name of its own"


def cluster_rule(request: dict[str, Any]) -> Iterator[str]:
    """The instances do not contradict themselves."""
    cluster = request["ProcessingResources"]["ClusterConfig"]
    yield from parts.preference_rule(cluster, "ClusterConfig")


RULES = (path_rule, cluster_rule, parts.tag_rule)
