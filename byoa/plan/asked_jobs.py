"""The jobs that preprocess_data and train_model start: their requests, names and answers."""

from __future__ import annotations

import hashlib
import json
import posixpath
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from byoa.plan.asked import PreprocessData, StartJob, TrainModel
from byoa.plan.errors import JobFailedError, UsageError
from byoa.plan.names import LONGEST_JOB, fitted
from byoa.plan.processing import (
    ROOT,
    ProcessingInput,
    ProcessingJob,
    ProcessingOutput,
    processing_request,
)
from byoa.plan.training import Channel, TrainingJob, training_request

RUNNING = {"InProgress", "Stopping"}


@dataclass(frozen=True, kw_only=True)
class Here:
    """What the functions of a project know: where it keeps things, and what its jobs run as."""

    project: str
    bucket: str
    role: str

    @property
    def tags(self) -> Mapping[str, str]:
        return {"byoa:project": self.project}


def job_name(asked: StartJob, here: Here, kind: str) -> str:
    """One name for one token and all that was asked: asked again, it is the same job."""
    text = json.dumps(asdict(asked), sort_keys=True)
    mark = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]
    return f"{fitted(asked.name or f'{here.project}-{kind}', LONGEST_JOB - 17)}-{mark}"


def common(asked: StartJob, here: Here, kind: str) -> dict[str, Any]:
    return {
        "name": job_name(asked, here, kind), "image": asked.image, "role": here.role,
        "tags": here.tags, "environment": asked.environment, "instance_type": asked.instance_type,
        "instance_count": asked.instance_count, "volume_gb": asked.volume_gb,
        "max_run": asked.max_run_seconds, "extra": asked.request,
    }  # fmt: skip


def preprocess_request(asked: PreprocessData, here: Here) -> dict[str, Any]:
    """The dict for create_processing_job: inputs at input/NAME, outputs from output/NAME."""
    if asked.command and not asked.code and not asked.command[0]:
        raise UsageError("Command begins with an empty word. Name a program.")
    inputs = [
        ProcessingInput(name=name, uri=uri, path=f"{ROOT}/input/{name}")
        for name, uri in asked.inputs.items()
    ]
    entrypoint = list(asked.command)
    if asked.code:
        inputs.append(ProcessingInput(name="code", uri=asked.code, path=f"{ROOT}/code"))
        program = posixpath.basename(asked.code)
        if not program:
            raise UsageError(f"Code is {asked.code!r}, a folder. Name the program in it.")
        entrypoint = [*(entrypoint or ["python3"]), f"{ROOT}/code/{program}"]
    outputs = [
        ProcessingOutput(name=name, uri=uri, path=f"{ROOT}/output/{name}")
        for name, uri in asked.outputs.items()
    ]
    job = ProcessingJob(
        **common(asked, here, "preprocess"), entrypoint=entrypoint, arguments=asked.arguments,
        inputs=inputs, outputs=outputs,
    )  # fmt: skip
    return processing_request(job)


def train_request(asked: TrainModel, here: Here) -> dict[str, Any]:
    """The dict for create_training_job."""
    job = TrainingJob(
        **common(asked, here, "train"),
        output=asked.output_path or f"s3://{here.bucket}/models",
        channels=[Channel(name=name, uri=uri) for name, uri in asked.channels.items()],
        hyperparameters={
            name: value if isinstance(value, str) else json.dumps(value)
            for name, value in asked.hyperparameters.items()
        },
        metrics=list(asked.metrics.items()),
        spot=asked.spot,
    )
    return training_request(job)


def preprocess_answer(described: Mapping[str, Any]) -> dict[str, Any]:
    """What is told about a Processing job; JobFailedError when it ended badly."""
    outputs = described.get("ProcessingOutputConfig", {}).get("Outputs", ())
    return told(described, "ProcessingJob") | {
        "Outputs": {one["OutputName"]: one["S3Output"]["S3Uri"] for one in outputs}
    }


def train_answer(described: Mapping[str, Any]) -> dict[str, Any]:
    """What is told about a training job; JobFailedError when it ended badly."""
    metrics = described.get("FinalMetricDataList", ())
    return told(described, "TrainingJob") | {
        "ModelArtifacts": described.get("ModelArtifacts", {}).get("S3ModelArtifacts", ""),
        "Metrics": {one["MetricName"]: one["Value"] for one in metrics},
    }


def told(described: Mapping[str, Any], kind: str) -> dict[str, Any]:
    name, status = described[f"{kind}Name"], described[f"{kind}Status"]
    if status not in {*RUNNING, "Completed"}:
        why = described.get("FailureReason") or described.get("ExitMessage") or "nobody said why"
        raise JobFailedError(
            f"The job {name} is {status}: {why}. Mend that, and give another ClientRequestToken:"
            " the same one means this very job."
        )
    return {
        "Done": status == "Completed",
        f"{kind}Name": name,
        f"{kind}Arn": described[f"{kind}Arn"],
        f"{kind}Status": status,
    }
