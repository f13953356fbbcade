"""Batch transform: asked for here, carried out by transform_process.py. Part of `SageMaker`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from byoa.local.alive import held, spawn
from byoa.local.files import write_json
from byoa.local.job import ENDED, ask_to_stop, read_job
from byoa.local.models import Models, found
from byoa.local.resources import Records, Tags, check_name, need, now, page, refused

STATUS = "TransformJobStatus"
ARN = "TransformJobArn"
ELSEWHERE = ("ExperimentConfig",)
FILTERS = ("InputFilter", "OutputFilter")


class Transforms(Models):
    """create_, describe_, stop_ and list_transform_jobs."""

    root: Path
    region: str
    supervise: Sequence[str]

    @property
    def _transforms(self) -> Records:
        return Records(self.root, "jobs/transform", "transform-job", self.region)

    def create_transform_job(self, **request: Any) -> dict[str, Any]:
        operation, name = "CreateTransformJob", request.get("TransformJobName", "")
        check_name(operation, "transformJobName", name)
        check_transform(operation, request)
        model = found(operation, self._models, request["ModelName"], "model")
        records = self._transforms
        folder = records.claim(operation, name, "Transform job")
        Tags(self.root).add(records.arn(name), request.pop("Tags", []))
        moment = now()
        times = {"CreationTime": moment, "LastModifiedTime": moment}
        record = {**request, ARN: records.arn(name), STATUS: "InProgress", **times}
        with held(folder) as lock:
            write_json(folder / "request.json", {**request, "Model": model})
            records.write(name, record)
            spawn(self.root, folder, "TransformJob", self.supervise, lock)
        return {ARN: records.arn(name)}

    def describe_transform_job(self, **request: Any) -> dict[str, Any]:
        shown = self._transform("DescribeTransformJob", request["TransformJobName"])
        shown.pop("LastModifiedTime", None)
        return shown

    def stop_transform_job(self, **request: Any) -> dict[str, Any]:
        name = request["TransformJobName"]
        record = self._transform("StopTransformJob", name)
        if record[STATUS] in ENDED:
            text = (
                f"The request was rejected because the transform job is in status {record[STATUS]}."
            )
            raise refused("StopTransformJob", text)
        ask_to_stop(self._transforms.folder(name))
        return {}

    def list_transform_jobs(self, **request: Any) -> dict[str, Any]:
        keys = (
            "TransformJobName", ARN, "CreationTime", "TransformEndTime", "LastModifiedTime", STATUS,
            "FailureReason",
        )  # fmt: skip
        items = [self._transform("ListTransformJobs", name) for name in self._transforms.names()]
        shown, more = page(items, request, "TransformJobName", STATUS)
        summaries = [{key: item[key] for key in keys if key in item} for item in shown]
        return {"TransformJobSummaries": summaries, **more}

    def _transform(self, operation: str, name: str) -> dict[str, Any]:
        check_name(operation, "transformJobName", name)
        record = read_job(self._transforms.folder(name), STATUS)
        if record is None:
            text = f"Could not find requested job with name: {name}"
            raise refused(
                operation,
                text,
                "ResourceNotFound" if "Stop" in operation else "ValidationException",
            )
        return dict(record)


def check_transform(operation: str, request: Mapping[str, Any]) -> None:
    need(
        operation,
        request,
        "ModelName",
        "TransformInput.DataSource.S3DataSource.S3Uri",
        "TransformOutput.S3OutputPath",
        "TransformResources.InstanceType",
        "TransformResources.InstanceCount",
    )
    for name in FILTERS:
        if request.get("DataProcessing", {}).get(name, "$") != "$":
            raise refused(operation, f"DataProcessing.{name} works on AWS only, but for '$'.")
    split = request["TransformInput"].get("SplitType", "None")
    joins = request.get("DataProcessing", {}).get("JoinSource", "None") == "Input"
    if joins and request["TransformOutput"].get("AssembleWith", "None") != split:
        text = "JoinSource Input wants the same SplitType and AssembleWith."
        raise refused(operation, text)
