"""create_processing_job's request from a ProcessingJob.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateProcessingJob.html
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from byoa.plan import parts
from byoa.plan.templates import part, request

ROOT = "/opt/ml/processing"


@dataclass(frozen=True, kw_only=True)
class ProcessingInput:
    """Something in S3 that lies at `path` when the job starts."""

    name: str
    uri: str
    path: str
    distribution: str = "FullyReplicated"


@dataclass(frozen=True, kw_only=True)
class ProcessingOutput:
    """A folder that goes to S3: at the end of the job, or while it is written."""

    name: str
    uri: str
    path: str
    continuous: bool = False


@dataclass(frozen=True, kw_only=True)
class ProcessingJob(parts.Job):
    """What a processing job is made from."""

    inputs: Sequence[ProcessingInput] = ()
    outputs: Sequence[ProcessingOutput] = ()
    instance_type: str = "ml.t3.medium"


def processing_request(job: ProcessingJob) -> dict[str, Any]:
    """The dict for create_processing_job; UsageError says what AWS would refuse."""
    upload = {True: "Continuous", False: "EndOfJob"}
    outputs = [vars(one) | {"upload": upload[one.continuous]} for one in job.outputs]
    values = vars(job) | {
        "inputs": [part("processing input", vars(one)) for one in job.inputs],
        "outputs": [part("processing output", one) for one in outputs],
        "volume_key": parts.volume_key(job.kms_key, [job.instance_type]),
    }
    return request("sagemaker.CreateProcessingJob", values, job.extra, RULES)


def path_rule(request: dict[str, Any]) -> Iterator[str]:
    """Every folder lies below /opt/ml/processing, no two at the same place."""
    items = [
        *request.get("ProcessingInputs", []),
        *request.get("ProcessingOutputConfig", {}).get("Outputs", []),
    ]
    places = [item.get("S3Input") or item.get("S3Output") or {} for item in items]
    paths = [place["LocalPath"] for place in places if "LocalPath" in place]
    for path in sorted(set(paths)):
        if not f"{path}/".startswith(f"{ROOT}/") or ".." in path.split("/"):
            yield f"the path {path} is not below {ROOT}, where SageMaker mounts - take {ROOT}/…"
        if paths.count(path) > 1:
            yield f"the path {path} is taken twice - give each input and output a folder of its own"


def cluster_rule(request: dict[str, Any]) -> Iterator[str]:
    """The instances do not contradict themselves."""
    yield from parts.instance_rule(request["ProcessingResources"]["ClusterConfig"])


RULES = (path_rule, cluster_rule)
