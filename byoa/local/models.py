"""Models: an image, where its files are, its environment. Part of `SageMaker`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from byoa.local.resources import Records, Tags, check_name, need, now, page, refused
from byoa.local.serve_container import MULTI_MODEL
from byoa.plan.errors import ServiceError

#: What AWS runs and this machine does not: refused at once, not ignored.
ELSEWHERE = {
    "ModelPackageName": "model packages",
    "InferenceSpecificationName": "model packages",
    "AdditionalModelDataSources": "additional model data",
}


def could_not_find(operation: str, what: str, arn: str) -> ServiceError:
    return refused(operation, f'Could not find {what} "{arn}".')


def found(operation: str, records: Records, name: str, what: str) -> dict[str, Any]:
    """A record; in AWS's words where there is none."""
    try:
        return records.read(operation, name)
    except ServiceError:
        raise could_not_find(operation, what, records.arn(name)) from None


def claim(operation: str, records: Records, name: str, what: str) -> Path:
    """The folder of a new thing; in AWS's words where the name is taken."""
    try:
        return records.claim(operation, name, what)
    except ServiceError:
        text = f'Cannot create already existing {what} "{records.arn(name)}".'
        raise refused(operation, text) from None


class Models:
    """create_model, describe_model, delete_model, list_models."""

    root: Path
    region: str

    @property
    def _models(self) -> Records:
        return Records(self.root, "models", "model", self.region)

    def create_model(self, **request: Any) -> dict[str, Any]:
        operation, name = "CreateModel", request.get("ModelName", "")
        check_name(operation, "modelName", name)
        check_containers(operation, containers_of(request))
        claim(operation, self._models, name, "model")
        arn = self._models.arn(name)
        Tags(self.root).add(arn, request.pop("Tags", []))
        self._models.write(name, {**request, "ModelArn": arn, "CreationTime": now()})
        return {"ModelArn": arn}

    def describe_model(self, **request: Any) -> dict[str, Any]:
        record = found("DescribeModel", self._models, request["ModelName"], "model")
        return {"EnableNetworkIsolation": False, **record}

    def delete_model(self, **request: Any) -> dict[str, Any]:
        found("DeleteModel", self._models, request["ModelName"], "model")
        self._models.remove(request["ModelName"])
        return {}

    def list_models(self, **request: Any) -> dict[str, Any]:
        keys = ("ModelName", "ModelArn", "CreationTime")
        items = [self._models.read("ListModels", name) for name in self._models.names()]
        shown, more = page(items, request, "ModelName", "")
        return {"Models": [{key: item[key] for key in keys} for item in shown], **more}


def containers_of(model: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [*model.get("Containers", ()), *filter(None, [model.get("PrimaryContainer")])]


def check_containers(operation: str, containers: list[dict[str, Any]]) -> None:
    if len(containers) != 1:
        text = f"A model has one container here, this one has {len(containers)}: pipelines of"
        raise refused(operation, f"{text} containers run on AWS only.")
    container = containers[0]
    for key, what in ELSEWHERE.items():
        if container.get(key):
            raise refused(operation, f"{key}: {what} run on AWS only.")
    need(operation, container, "Image")
    url = container.get("ModelDataUrl", "")
    if container.get("Mode") == MULTI_MODEL:
        if not url.endswith("/"):
            raise refused(operation, f"ModelDataUrl {url} must be a prefix that ends in /.")
    elif url and not url.endswith(".tar.gz"):
        raise refused(operation, f"ModelDataUrl {url} must be the path of one .tar.gz file.")
    if url and container.get("ModelDataSource"):
        raise refused(operation, "Give ModelDataUrl or ModelDataSource, not both.")
