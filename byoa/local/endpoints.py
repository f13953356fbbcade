"""Endpoints: asked for here, run by a supervisor process each (hosting.py). Part of `SageMaker`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from byoa.local.alive import held, is_alive, spawn
from byoa.local.endpoint_configs import EndpointConfigs
from byoa.local.endpoint_files import EndpointFiles
from byoa.local.models import claim, could_not_find
from byoa.local.resources import Records, Tags, check_name, now, page, refused

CHANGEABLE = {"InService"}
#: What describe_endpoint shows of the two files of an endpoint.
SHOWN = (
    "EndpointName", "EndpointArn", "EndpointConfigName", "EndpointStatus", "FailureReason",
    "ProductionVariants", "DataCaptureConfig", "AsyncInferenceConfig", "LastDeploymentConfig",
    "PendingDeploymentSummary", "CreationTime", "LastModifiedTime",
)  # fmt: skip


class Endpoints(EndpointConfigs):
    """create_, describe_, update_, delete_ and list_endpoints, and variants' weights."""

    root: Path
    region: str
    supervise: Sequence[str]

    @property
    def _endpoints(self) -> Records:
        return Records(self.root, "endpoints", "endpoint", self.region)

    def create_endpoint(self, **request: Any) -> dict[str, Any]:
        operation, name = "CreateEndpoint", request.get("EndpointName", "")
        check_name(operation, "endpointName", name)
        config = self._config(operation, request["EndpointConfigName"])
        folder = claim(operation, self._endpoints, name, "endpoint")
        arn = self._endpoints.arn(name)
        Tags(self.root).add(arn, request.get("Tags", []))
        files = EndpointFiles(folder)
        with held(folder) as lock:
            files.ask(EndpointName=name, EndpointArn=arn, CreationTime=now(), **self._wish(config))
            files.tell(
                EndpointStatus="Creating",
                Generation=0,
                EndpointConfigName=config["EndpointConfigName"],
            )
            spawn(self.root, folder, "Endpoint", self.supervise, lock)
        return {"EndpointArn": arn}

    def describe_endpoint(self, **request: Any) -> dict[str, Any]:
        found = self._endpoint("DescribeEndpoint", request["EndpointName"])[1]
        return {key: found[key] for key in SHOWN if found.get(key) not in (None, "")}

    def update_endpoint(self, **request: Any) -> dict[str, Any]:
        """New containers start beside the old; those go when the new ones are healthy."""
        files, found = self._changeable("UpdateEndpoint", request["EndpointName"])
        config = self._config("UpdateEndpoint", request["EndpointConfigName"])
        self._ask(
            "UpdateEndpoint",
            files,
            **self._wish(config),
            Retain=bool(request.get("RetainAllVariantProperties")),
            Deployment=request.get("DeploymentConfig"),
            Weights=None,
        )
        return {"EndpointArn": found["EndpointArn"]}

    def update_endpoint_weights_and_capacities(self, **request: Any) -> dict[str, Any]:
        operation = "UpdateEndpointWeightsAndCapacities"
        files, found = self._changeable(operation, request["EndpointName"])
        known = {variant["VariantName"] for variant in found["ProductionVariants"]}
        wishes = {wish["VariantName"]: wish for wish in request["DesiredWeightsAndCapacities"]}
        if set(wishes) - known:
            text = f"The endpoint has no variant {sorted(set(wishes) - known)[0]!r}: {known}"
            raise refused(operation, text)
        self._ask(operation, files, Weights=wishes)
        return {"EndpointArn": found["EndpointArn"]}

    def delete_endpoint(self, **request: Any) -> dict[str, Any]:
        files, found = self._endpoint("DeleteEndpoint", request["EndpointName"])
        self._ask("DeleteEndpoint", files, Delete=True)
        if not is_alive(files.folder):
            Tags(self.root).forget(found["EndpointArn"])
            files.remove()
        return {}

    def list_endpoints(self, **request: Any) -> dict[str, Any]:
        keys = ("EndpointName", "EndpointArn", "CreationTime", "LastModifiedTime", "EndpointStatus")
        every = [EndpointFiles(self._endpoints.folder(name)) for name in self._endpoints.names()]
        items = [record for record in (files.described() for files in every) if record]
        shown, more = page(items, request, "EndpointName", "EndpointStatus")
        return {"Endpoints": [{key: item[key] for key in keys} for item in shown], **more}

    def _endpoint(self, operation: str, name: str) -> tuple[EndpointFiles, dict[str, Any]]:
        check_name(operation, "endpointName", name)
        files = EndpointFiles(self._endpoints.folder(name))
        found = files.described()
        if found is None:
            raise could_not_find(operation, "endpoint", self._endpoints.arn(name))
        return files, found

    def _ask(self, operation: str, files: EndpointFiles, **changes: Any) -> None:
        try:
            files.ask(**changes)
        except FileNotFoundError:  # deleted since we looked
            arn = self._endpoints.arn(files.name)
            raise could_not_find(operation, "endpoint", arn) from None

    def _changeable(self, operation: str, name: str) -> tuple[EndpointFiles, dict[str, Any]]:
        files, found = self._endpoint(operation, name)
        if found["EndpointStatus"] not in CHANGEABLE:
            text = f'Cannot update in-progress endpoint "{found["EndpointArn"]}".'
            if found["EndpointStatus"] == "Failed":
                text = f'Cannot update failed endpoint "{found["EndpointArn"]}": delete it first.'
            raise refused(operation, text)
        return files, found

    def _wish(self, config: Mapping[str, Any]) -> dict[str, Any]:
        """The configuration and its models as they are now: deleting them later changes nothing."""
        names = {variant["ModelName"] for variant in config["ProductionVariants"]}
        models = {name: self.describe_model(ModelName=name) for name in sorted(names)}
        return {"Config": dict(config), "Models": models}
