"""create_training_job's request from a TrainingJob.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateTrainingJob.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from byoa.plan import parts
from byoa.plan.templates import part, request


@dataclass(frozen=True, kw_only=True)
class Channel:
    """One input folder of a job. Its other fields: extra={"InputDataConfig": {NAME: {…}}}."""

    name: str
    uri: str
    distribution: str = "FullyReplicated"
    mode: str = "File"
    content_type: str | None = None


@dataclass(frozen=True, kw_only=True)
class TrainingJob(parts.Job):
    """What a training job is made from."""

    output: str
    channels: Sequence[Channel] = ()
    hyperparameters: Mapping[str, str] = field(default_factory=dict)
    instance_candidates: Sequence[str] = ()  #: taken in this order where instance_type is sold out
    spot: bool = True
    max_wait: int | None = None  #: of spot, seconds; at least max_run, whatever is given
    checkpoints: str | None = None
    metrics: Sequence[tuple[str, str]] = ()
    keep_alive: int = 0
    tensorboard: str | None = None


def training_request(job: TrainingJob) -> dict[str, Any]:
    """The dict for create_training_job; UsageError says what AWS would refuse."""
    return request("sagemaker.CreateTrainingJob", values(job), job.extra, RULES)


def values(job: TrainingJob) -> dict[str, Any]:
    """What the template asks for: the job's fields, and what follows from them."""
    types = list(dict.fromkeys([job.instance_type, *job.instance_candidates]))
    return vars(job) | {
        "channels": [part("channel", vars(one)) for one in job.channels],
        "metrics": [{"Name": name, "Regex": regex} for name, regex in job.metrics],
        "instance_type": types[0] if len(types) == 1 else None,
        "preferences": [{"InstanceType": name} for name in types if len(types) > 1],
        "volume_key": parts.volume_key(job.kms_key, types),
        "keep_alive": job.keep_alive or None,
        "max_wait": max(job.max_wait or 0, job.max_run) if job.spot else None,
    }


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
    if wanted.get("KeepAlivePeriodInSeconds"):
        yield "a warm pool (keep alive) and spot exclude each other - say --no_spot, or drop it"
    if wanted.get("InstancePreferences"):
        yield "several instance types and spot exclude each other - say --no_spot, or name one type"


def channel_rule(request: dict[str, Any]) -> Iterator[str]:
    """What FastFile and File cannot read."""
    channels = request.get("InputDataConfig", [])
    default = request.get("AlgorithmSpecification", {}).get("TrainingInputMode", "File")
    for channel in channels:
        name, source = channel["ChannelName"], channel["DataSource"].get("S3DataSource", {})
        kind, mode = source.get("S3DataType", "S3Prefix"), channel.get("InputMode", default)
        if mode == "FastFile" and kind != "S3Prefix":
            yield f"the channel {name!r} is FastFile of a {kind} - FastFile reads S3Prefix only"
        elif mode == "FastFile" and source and not source["S3Uri"].endswith("/"):
            yield f"the channel {name!r} is FastFile of {source['S3Uri']} - a folder: end it in /"
        for key in ("CompressionType", "RecordWrapperType"):
            if mode != "Pipe" and channel.get(key, "None") != "None":
                yield f"the channel {name!r} has {key} in {mode} mode - only mode Pipe can"
        if mode != "Pipe" and kind == "AugmentedManifestFile":
            yield f"the channel {name!r} is an AugmentedManifestFile - take mode Pipe"


def algorithm_rule(request: dict[str, Any]) -> Iterator[str]:
    """Metric expressions have a group: SageMaker takes what group 1 matches."""
    algorithm = request.get("AlgorithmSpecification", {})
    for metric in algorithm.get("MetricDefinitions", ()):
        if "(" not in re.sub(r"\\.|\(\?[:=!<]", "", metric["Regex"]):
            yield (
                f"the expression {metric['Regex']!r} of the metric {metric['Name']!r} has no "
                "group - put ( ) around the number, such as 'loss=([0-9.]+)'"
            )


def resource_rule(request: dict[str, Any]) -> Iterator[str]:
    """The instances do not contradict themselves."""
    yield from parts.instance_rule(request.get("ResourceConfig", {}))


RULES = (spot_rule, channel_rule, algorithm_rule, resource_rule)
