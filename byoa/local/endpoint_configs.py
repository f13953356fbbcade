"""Endpoint configurations: variants, serverless, async, data capture. Part of `SageMaker`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from byoa.local.models import Models, claim, found
from byoa.local.resources import Records, Tags, check_name, need, now, page, refused

MOST_VARIANTS = 10
#: https://docs.aws.amazon.com/sagemaker/latest/dg/serverless-endpoints.html
SERVERLESS_MB = (1024, 2048, 3072, 4096, 5120, 6144)
ELSEWHERE = ("ShadowProductionVariants", "ExplainerConfig")


class EndpointConfigs(Models):
    """create_endpoint_config, describe_, delete_ and list_endpoint_configs."""

    root: Path
    region: str

    @property
    def _configs(self) -> Records:
        return Records(self.root, "endpoint-configs", "endpoint-config", self.region)

    def create_endpoint_config(self, **request: Any) -> dict[str, Any]:
        operation, name = "CreateEndpointConfig", request.get("EndpointConfigName", "")
        check_name(operation, "endpointConfigName", name)
        self._check_config(operation, request)
        claim(operation, self._configs, name, "endpoint configuration")
        arn = self._configs.arn(name)
        Tags(self.root).add(arn, request.pop("Tags", []))
        record = {**request, "EndpointConfigArn": arn, "CreationTime": now()}
        self._configs.write(name, record)
        return {"EndpointConfigArn": arn}

    def describe_endpoint_config(self, **request: Any) -> dict[str, Any]:
        return self._config("DescribeEndpointConfig", request["EndpointConfigName"])

    def delete_endpoint_config(self, **request: Any) -> dict[str, Any]:
        self._config("DeleteEndpointConfig", request["EndpointConfigName"])
        self._configs.remove(request["EndpointConfigName"])
        return {}

    def list_endpoint_configs(self, **request: Any) -> dict[str, Any]:
        keys = ("EndpointConfigName", "EndpointConfigArn", "CreationTime")
        items = [self._configs.read("List", name) for name in self._configs.names()]
        shown, more = page(items, request, "EndpointConfigName", "")
        return {"EndpointConfigs": [{key: item[key] for key in keys} for item in shown], **more}

    def _config(self, operation: str, name: str) -> dict[str, Any]:
        return found(operation, self._configs, name, "endpoint configuration")

    def _check_config(self, operation: str, request: Mapping[str, Any]) -> None:
        need(operation, request, "ProductionVariants")
        for key in ELSEWHERE:
            if request.get(key):
                raise refused(operation, f"{key} works on AWS only.")
        variants = request["ProductionVariants"]
        names = [variant.get("VariantName") for variant in variants]
        if len(set(names)) != len(names) or not 0 < len(names) <= MOST_VARIANTS:
            text = f"1 to {MOST_VARIANTS} production variants with a name each, not {names}."
            raise refused(operation, text)
        for variant in variants:
            need(operation, variant, "VariantName", "ModelName")
            found(operation, self._models, variant["ModelName"], "model")
            check_variant(operation, variant)


def check_variant(operation: str, variant: Mapping[str, Any]) -> None:
    serverless = variant.get("ServerlessConfig")
    if not serverless:
        need(operation, variant, "InstanceType", "InitialInstanceCount")
        return
    if variant.get("InstanceType") or variant.get("InitialInstanceCount"):
        text = f"Variant {variant['VariantName']} has an instance and ServerlessConfig: one of them"
        raise refused(operation, f"{text} only.")
    if serverless.get("MemorySizeInMB") not in SERVERLESS_MB:
        text = f"MemorySizeInMB {serverless.get('MemorySizeInMB')} is none of {SERVERLESS_MB}"
        raise refused(operation, text)
