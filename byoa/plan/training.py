"""create_training_job's request from a TrainingJob.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateTrainingJob.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from byoa.plan import parts
from byoa.plan.limits import finished, merged


@dataclass(frozen=True, kw_only=True)
class Channel:
    """One input folder of a job. `extra` is merged into the channel, as in every request."""

    name: str
    uri: str
    distribution: str = "FullyReplicated"
    mode: str = "File"
    content_type: str | None = None
    compression: str | None = None
    data_type: str = "S3Prefix"
    shuffle_seed: int | None = None
    record_wrapper: str | None = None
    attribute_names: Sequence[str] = ()
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class TrainingJob:
    """What a training job is made from; the fields that are not here go into `extra`."""

    name: str
    image: str
    role: str
    output: str
    channels: Sequence[Channel] = ()
    hyperparameters: Mapping[str, str] = field(default_factory=dict)
    instance_type: str = "ml.m5.large"
    instance_candidates: Sequence[str] = ()  #: taken in this order where instance_type is sold out
    instance_count: int = 1
    volume_gb: int = 30
    max_run: int = 86_400
    spot: bool = True
    max_wait: int | None = None  #: of spot, seconds; at least max_run, whatever is given
    checkpoints: str | None = None
    checkpoint_path: str = "/opt/ml/checkpoints"
    environment: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    metrics: Sequence[tuple[str, str]] = ()
    entrypoint: Sequence[str] = ()
    arguments: Sequence[str] = ()
    isolation: bool = False
    subnets: Sequence[str] = ()
    security_groups: Sequence[str] = ()
    keep_alive: int = 0
    kms_key: str | None = None
    tensorboard: str | None = None
    remote_debug: bool = False
    extra: Mapping[str, Any] = field(default_factory=dict)


def training_request(job: TrainingJob) -> dict[str, Any]:
    """The dict for create_training_job; UsageError says what AWS would refuse."""
    request = {
        "TrainingJobName": job.name,
        **definition(job),
        "HyperParameters": dict(job.hyperparameters),
        "TensorBoardOutputConfig": {"S3OutputPath": job.tensorboard} if job.tensorboard else None,
        "RemoteDebugConfig": {"EnableRemoteDebug": True} if job.remote_debug else None,
        # SageMaker's profiler wants its library in the image and costs an instance of its own
        "ProfilerConfig": {"DisableProfiler": True},
        "Tags": parts.tag_list(job.tags),
    }
    return finished("sagemaker.CreateTrainingJob", request, job.extra, RULES)


def definition(job: TrainingJob) -> dict[str, Any]:
    """What a training job and the jobs of a tuning have in common."""
    return {
        "AlgorithmSpecification": {
            "TrainingImage": job.image,
            "TrainingInputMode": "File",
            "ContainerEntrypoint": list(job.entrypoint),
            "ContainerArguments": list(job.arguments),
            "MetricDefinitions": [{"Name": name, "Regex": regex} for name, regex in job.metrics],
        },
        "RoleArn": job.role,
        "InputDataConfig": [channel_item(channel) for channel in job.channels],
        "OutputDataConfig": {"S3OutputPath": job.output, "KmsKeyId": job.kms_key},
        "ResourceConfig": resources(job),
        "StoppingCondition": {
            "MaxRuntimeInSeconds": job.max_run,
            "MaxWaitTimeInSeconds": max(job.max_wait or 0, job.max_run) if job.spot else None,
        },
        "EnableManagedSpotTraining": job.spot,
        "CheckpointConfig": {"S3Uri": job.checkpoints, "LocalPath": job.checkpoint_path}
        if job.checkpoints
        else None,
        "Environment": dict(job.environment),
        "EnableNetworkIsolation": job.isolation,
        "VpcConfig": parts.vpc_config(job.subnets, job.security_groups),
    }


def resources(job: TrainingJob) -> dict[str, Any]:
    """The instances: of one type, or of the first type of several that AWS has."""
    types = list(dict.fromkeys([job.instance_type, *job.instance_candidates]))
    return {
        "InstanceType": types[0] if len(types) == 1 else None,
        "InstancePreferences": [{"InstanceType": name} for name in types if len(types) > 1],
        "InstanceCount": job.instance_count,
        "VolumeSizeInGB": job.volume_gb,
        "VolumeKmsKeyId": parts.volume_key(job.kms_key, types),
        "KeepAlivePeriodInSeconds": job.keep_alive or None,
    }


def channel_item(channel: Channel) -> dict[str, Any]:
    """One element of InputDataConfig."""
    source = {
        "S3DataType": channel.data_type,
        "S3Uri": channel.uri,
        "S3DataDistributionType": channel.distribution,
        "AttributeNames": list(channel.attribute_names),
    }
    item = {
        "ChannelName": channel.name,
        "DataSource": {"S3DataSource": source},
        "InputMode": channel.mode,
        "ContentType": channel.content_type,
        "CompressionType": channel.compression,
        "RecordWrapperType": channel.record_wrapper,
        "ShuffleConfig": None if channel.shuffle_seed is None else {"Seed": channel.shuffle_seed},
    }
    return merged(item, channel.extra)


def spot_rule(request: dict[str, Any]) -> Iterator[str]:
    """What spot cannot be had with."""
    stop, wanted = request.get("StoppingCondition", {}), request.get("ResourceConfig", {})
    wait, run = stop.get("MaxWaitTimeInSeconds"), stop.get("MaxRuntimeInSeconds", 86_400)
    if not request.get("EnableManagedSpotTraining"):
        if wait is not None:
            yield f"MaxWaitTimeInSeconds is {wait}, but only spot waits - drop it or ask for spot"
        return
    if wait is None or wait < run:
        yield f"MaxWaitTimeInSeconds is {wait}, but spot needs MaxRuntimeInSeconds ({run}) or more"
    for name, what in {
        "KeepAlivePeriodInSeconds": "a warm pool (keep alive)",
        "InstancePreferences": "a list of instance types",
    }.items():
        if wanted.get(name):
            yield f"{what} and spot exclude each other - add --no_spot, or drop {name}"


def warm_pool_rule(request: dict[str, Any]) -> Iterator[str]:
    """A warm pool is of one kind of instance."""
    wanted = request.get("ResourceConfig", {})
    if wanted.get("KeepAlivePeriodInSeconds") and wanted.get("InstanceGroups"):
        yield "a warm pool holds no InstanceGroups - drop KeepAlivePeriodInSeconds or the groups"


def channel_rule(request: dict[str, Any]) -> Iterator[str]:
    """Names once; what FastFile and File cannot read."""
    channels = request.get("InputDataConfig", [])
    names = [channel["ChannelName"] for channel in channels]
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield f"the channel {name!r} is there twice - give each channel a name of its own"
    default = request.get("AlgorithmSpecification", {}).get("TrainingInputMode", "File")
    for channel in channels:
        yield from _mode(channel, channel.get("InputMode", default))


def _mode(channel: dict[str, Any], mode: str) -> Iterator[str]:
    name, source = channel["ChannelName"], channel["DataSource"].get("S3DataSource", {})
    kind, uri = source.get("S3DataType", "S3Prefix"), source.get("S3Uri", "")
    if mode == "FastFile" and kind != "S3Prefix":
        yield f"the channel {name!r} is FastFile of a {kind} - FastFile reads S3Prefix only"
    elif mode == "FastFile" and source and not uri.endswith("/"):
        yield f"the channel {name!r} is FastFile of {uri} - it reads whole folders: end it in /"
    if mode != "Pipe":
        for key, plain in (("CompressionType", "None"), ("RecordWrapperType", "None")):
            if channel.get(key, plain) != plain:
                yield f"the channel {name!r} has {key} in {mode} mode - only mode Pipe can"
        if kind == "AugmentedManifestFile":
            yield f"the channel {name!r} is an AugmentedManifestFile - take mode Pipe"


def algorithm_rule(request: dict[str, Any]) -> Iterator[str]:
    """One image, and metric expressions with a group: SageMaker takes what group 1 matches."""
    algorithm = request.get("AlgorithmSpecification", {})
    if ("TrainingImage" in algorithm) == ("AlgorithmName" in algorithm):
        yield "AlgorithmSpecification needs a TrainingImage or an AlgorithmName, one of them"
    for metric in algorithm.get("MetricDefinitions", ()):
        if "(" not in re.sub(r"\\.|\(\?[:=!<]", "", metric["Regex"]):
            yield (
                f"the expression {metric['Regex']!r} of the metric {metric['Name']!r} has no "
                "group - put ( ) around the number, such as 'loss=([0-9.]+)'"
            )


def resource_rule(request: dict[str, Any]) -> Iterator[str]:
    """The instances do not contradict themselves."""
    yield from parts.preference_rule(request.get("ResourceConfig", {}), "ResourceConfig")


RULES = (
    spot_rule,
    warm_pool_rule,
    channel_rule,
    algorithm_rule,
    resource_rule,
    parts.tag_rule,
)
