"""create_processing_job and its family: boto3's methods, answered from disk and by supervisors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from byoa.local.alive import held, spawn
from byoa.local.container import PROCESS
from byoa.local.docker import need_docker
from byoa.local.files import now, write_json
from byoa.local.job import ENDED, ask_to_stop, read_job, read_jobs
from byoa.local.places import check_path
from byoa.local.processing import STATUS
from byoa.local.resources import Records, Tags, check_name, need, page, refused

CREATE = "CreateProcessingJob"
NEEDED = (
    "ProcessingJobName", "AppSpecification.ImageUri", "RoleArn",
    "ProcessingResources.ClusterConfig.InstanceCount",
)  # fmt: skip


class ProcessingJobs:
    """Processing jobs below a home."""

    root: Path
    supervise: Sequence[str]
    region: str

    @property
    def _processing(self) -> Records:
        return Records(self.root, "jobs/processing", "processing-job", self.region)

    def create_processing_job(self, **request: Any) -> dict[str, Any]:
        check_processing(request)
        if not request["AppSpecification"]["ImageUri"].startswith(PROCESS):
            need_docker(CREATE)
        name = request["ProcessingJobName"]
        folder = self._processing.claim(CREATE, name, "Processing job")
        arn = self._processing.arn(name)
        Tags(self.root).add(arn, request.pop("Tags", []))
        moment = now()
        record = {
            **request,
            "ProcessingJobArn": arn,
            STATUS: "InProgress",
            "CreationTime": moment,
            "LastModifiedTime": moment,
        }
        with held(folder) as lock:
            write_json(folder / "request.json", {**request, "ProcessingJobArn": arn})
            self._processing.write(name, record)
            spawn(self.root, folder, "ProcessingJob", self.supervise, lock)
        return {"ProcessingJobArn": arn}

    def describe_processing_job(self, **request: Any) -> dict[str, Any]:
        return self._processing_record("DescribeProcessingJob", request["ProcessingJobName"])

    def _processing_record(self, operation: str, name: str) -> dict[str, Any]:
        self._processing.read(operation, name)
        record = read_job(self._processing.folder(name), STATUS)
        if record is None:  # deleted at this very moment
            raise refused(operation, "Requested resource not found.")
        return record

    def list_processing_jobs(self, **request: Any) -> dict[str, Any]:
        records = read_jobs(self._processing, STATUS)
        fields = (
            "ProcessingJobName", "ProcessingJobArn", "CreationTime", "ProcessingEndTime",
            "LastModifiedTime", STATUS, "FailureReason", "ExitMessage",
        )  # fmt: skip
        items = [{name: one[name] for name in fields if name in one} for one in records]
        summaries, more = page(items, request, "ProcessingJobName", STATUS)
        return {"ProcessingJobSummaries": summaries, **more}

    def stop_processing_job(self, **request: Any) -> dict[str, Any]:
        name = request["ProcessingJobName"]
        status = self._processing_record("StopProcessingJob", name)[STATUS]
        if status in ENDED:
            text = f"The request was rejected because the processing job is in status {status}."
            raise refused("StopProcessingJob", text)
        ask_to_stop(self._processing.folder(name))
        return {}

    def delete_processing_job(self, **request: Any) -> dict[str, Any]:
        name = request["ProcessingJobName"]
        status = self._processing_record("DeleteProcessingJob", name)[STATUS]
        if status not in ENDED:
            raise refused("DeleteProcessingJob", f"The processing job is in status {status}.")
        self._processing.remove(name)
        return {}


def check_processing(request: Mapping[str, Any]) -> None:
    """What AWS would refuse at once, and what cannot be carried out here."""
    need(CREATE, request, *NEEDED)
    check_name(CREATE, "processingJobName", request["ProcessingJobName"])
    for given in request.get("ProcessingInputs", []):
        if not given.get("AppManaged"):
            _check_input(given)
    for output in request.get("ProcessingOutputConfig", {}).get("Outputs", []):
        if output.get("AppManaged"):
            continue
        if not output.get("S3Output", {}).get("S3Uri"):
            name = output.get("OutputName")
            raise refused(CREATE, f"Output {name!r}: only an S3Output can be written here.")
        check_path(CREATE, output["S3Output"])


def _check_input(given: Mapping[str, Any]) -> None:
    name, source = given.get("InputName"), given.get("S3Input")
    if not (source and source.get("S3Uri")):
        raise refused(CREATE, f"Input {name!r}: only an S3Input can be read here.")
    if source.get("S3InputMode") == "Pipe":
        raise refused(CREATE, f"Input {name!r}: Pipe mode is not carried out here. Take File.")
    check_path(CREATE, source)
