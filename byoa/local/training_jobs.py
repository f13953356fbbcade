"""create_training_job and its family: boto3's methods, answered from disk and by supervisors."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from byoa.local.alive import held, spawn
from byoa.local.container import PROCESS
from byoa.local.docker import need_docker
from byoa.local.files import now, write_json
from byoa.local.job import ENDED, ask_to_stop, read_job, read_jobs
from byoa.local.places import check_path
from byoa.local.resources import Records, Tags, check_name, need, page, refused
from byoa.local.training import INTERRUPT_TAG, STATUS

CREATE = "CreateTrainingJob"
NEEDED = (
    "TrainingJobName", "AlgorithmSpecification.TrainingImage", "RoleArn",
    "OutputDataConfig.S3OutputPath", "ResourceConfig", "StoppingCondition",
)  # fmt: skip
#: What describe says before the supervisor has said anything.
DEFAULTS = {
    "EnableNetworkIsolation": False,
    "EnableInterContainerTrafficEncryption": False,
    "EnableManagedSpotTraining": False,
}


class TrainingJobs:
    """Training jobs below a home."""

    root: Path
    supervise: Sequence[str]
    region: str

    @property
    def _training(self) -> Records:
        return Records(self.root, "jobs/training", "training-job", self.region)

    def create_training_job(self, **request: Any) -> dict[str, Any]:
        check_training(request)
        if not request["AlgorithmSpecification"]["TrainingImage"].startswith(PROCESS):
            need_docker(CREATE)
        name = request["TrainingJobName"]
        folder = self._training.claim(CREATE, name, "Training job")
        arn = self._training.arn(name)
        tags = request.pop("Tags", [])
        Tags(self.root).add(arn, tags)
        with held(folder) as lock:
            write_json(folder / "request.json", {**request, "TrainingJobArn": arn})
            self._training.write(name, first_record(request, arn))
            spawn(self.root, folder, "TrainingJob", self.supervise, lock)
        return {"TrainingJobArn": arn}

    def describe_training_job(self, **request: Any) -> dict[str, Any]:
        return self._training_record("DescribeTrainingJob", request["TrainingJobName"])

    def _training_record(self, operation: str, name: str) -> dict[str, Any]:
        self._training.read(operation, name)
        record = read_job(self._training.folder(name), STATUS)
        if record is None:  # deleted at this very moment
            raise refused(operation, "Requested resource not found.")
        return record

    def list_training_jobs(self, **request: Any) -> dict[str, Any]:
        records = read_jobs(self._training, STATUS)
        fields = (
            "TrainingJobName", "TrainingJobArn", "CreationTime", "TrainingEndTime",
            "LastModifiedTime", STATUS, "SecondaryStatus",
        )  # fmt: skip
        items = [{name: one[name] for name in fields if name in one} for one in records]
        summaries, more = page(items, request, "TrainingJobName", STATUS)
        return {"TrainingJobSummaries": summaries, **more}

    def stop_training_job(self, **request: Any) -> dict[str, Any]:
        name = request["TrainingJobName"]
        status = self._training_record("StopTrainingJob", name)[STATUS]
        if status in ENDED:
            text = f"The request was rejected because the training job is in status {status}."
            raise refused("StopTrainingJob", text)
        ask_to_stop(self._training.folder(name))
        return {}

    def delete_training_job(self, **request: Any) -> dict[str, Any]:
        name = request["TrainingJobName"]
        status = self._training_record("DeleteTrainingJob", name)[STATUS]
        if status not in ENDED:
            raise refused("DeleteTrainingJob", f"The training job is in status {status}.")
        self._training.remove(name)
        return {}


def first_record(request: Mapping[str, Any], arn: str) -> dict[str, Any]:
    moment = now()
    start = {
        "Status": "Starting",
        "StartTime": moment,
        "StatusMessage": "Preparing the instances for training",
    }
    return {
        **DEFAULTS,
        **{name: value for name, value in request.items() if name != "SessionChainingConfig"},
        "TrainingJobArn": arn,
        STATUS: "InProgress",
        "SecondaryStatus": "Starting",
        "SecondaryStatusTransitions": [start],
        "CreationTime": moment,
        "LastModifiedTime": moment,
    }


def check_training(request: Mapping[str, Any]) -> None:
    """What AWS would refuse at once, and what cannot be carried out here."""
    need(CREATE, request, *NEEDED)
    check_name(CREATE, "trainingJobName", request["TrainingJobName"])
    limits = request["StoppingCondition"]
    longest = limits.get("MaxRuntimeInSeconds", 86_400)
    if request.get("EnableManagedSpotTraining"):
        if limits.get("MaxWaitTimeInSeconds", -1) < longest:
            text = "Invalid MaxWaitTimeInSeconds. It must be present and be greater than or equal"
            raise refused(CREATE, f"{text} to MaxRuntimeInSeconds")
    elif "MaxWaitTimeInSeconds" in limits:
        raise refused(
            CREATE, "MaxWaitTimeInSeconds above 0 is not supported for on-demand training jobs"
        )
    for name, value in request.get("HyperParameters", {}).items():
        if not isinstance(value, str):
            raise refused(CREATE, f"HyperParameters: {name!r} is {value!r}. Make it a string.")
    channels = request.get("InputDataConfig", [])
    for channel in channels:
        _check_channel(request, channel)
    if len({channel["ChannelName"] for channel in channels}) < len(channels):
        raise refused(CREATE, "Two channels have one name. Give each a name of its own.")
    for config in ("CheckpointConfig", "TensorBoardOutputConfig"):
        if "LocalPath" in request.get(config, {}):
            check_path(CREATE, request[config])
    _check_program(request)
    _check_expressions(request)
    _check_interruptions(request)


def _check_channel(request: Mapping[str, Any], channel: Mapping[str, Any]) -> None:
    name = channel.get("ChannelName", "")
    if not re.fullmatch(r"[A-Za-z0-9.\-_]{1,64}", name) or set(name) == {"."}:
        raise refused(CREATE, f"Value '{name}' at 'channelName' is no name of a channel.")
    source = channel.get("DataSource", {}).get("S3DataSource")
    if not (source and source.get("S3Uri")):
        raise refused(CREATE, f"Channel {name!r}: only an S3DataSource can be read here.")
    mode = request["AlgorithmSpecification"].get("TrainingInputMode", "File")
    mode = channel.get("InputMode", mode)
    if mode == "Pipe" or source.get("S3DataType") == "AugmentedManifestFile":
        raise refused(
            CREATE,
            f"Channel {name!r}: Pipe mode is not carried out here. Take File or FastFile, or run"
            " this job on SageMaker.",
        )
    if mode == "FastFile" and source.get("S3DataType") == "ManifestFile":
        raise refused(CREATE, f"Channel {name!r}: FastFile reads an S3Prefix, no manifest.")


def _check_program(request: Mapping[str, Any]) -> None:
    """process:// alone is no algorithm: without a script there is nothing to run."""
    algorithm = request["AlgorithmSpecification"]
    told = (
        request.get("HyperParameters", {}).get("sagemaker_program")
        or request.get("Environment", {}).get("SAGEMAKER_PROGRAM")
        or algorithm.get("ContainerEntrypoint")
        or algorithm.get("ContainerArguments")
    )
    if algorithm["TrainingImage"] == PROCESS and not told:
        raise refused(
            CREATE,
            "The image process:// has no algorithm in it. Name its folder, such as"
            " process:///home/you/algorithm, or send a script.",
        )


def _check_expressions(request: Mapping[str, Any]) -> None:
    for metric in request["AlgorithmSpecification"].get("MetricDefinitions", []):
        try:
            re.compile(metric["Regex"])
        except re.error as error:
            text = f"Regex {metric['Regex']!r} of metric {metric['Name']!r}: {error}."
            raise refused(CREATE, text) from None


def _check_interruptions(request: Mapping[str, Any]) -> None:
    for tag in request.get("Tags", []):
        words = tag["Value"].split(",")
        if tag["Key"] == INTERRUPT_TAG and not all(
            re.fullmatch(r"\s*\d+(\.\d+)?\s*", word) for word in words
        ):
            text = f"Tag {INTERRUPT_TAG} is {tag['Value']!r}. Give it seconds: 30, or 30,60."
            raise refused(CREATE, text)
