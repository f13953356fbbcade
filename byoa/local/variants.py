"""The containers of an endpoint configuration's variants, each started with its conditions."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from byoa.local.container import ML, PROCESS
from byoa.local.docker import DockerError, docker
from byoa.local.fleet import Fleet, Limits, Variant
from byoa.local.images import check_image, facts, has_gpu
from byoa.local.instance import Instance
from byoa.local.lacking import check_serving
from byoa.local.many_models import ManyModels
from byoa.local.models import containers_of
from byoa.local.serve_container import MULTI_MODEL, Serving, fetch_model, launch
from byoa.local.supervise import Around
from byoa.plan.errors import ByoaError
from byoa.plan.image import MULTI_MODEL_LABEL
from byoa.plan.storage import Storage

#: Seconds until the first good /ping. https://docs.aws.amazon.com/sagemaker/latest/dg/
STARTUP, SERVERLESS_STARTUP = 240.0, 180.0
ASYNC_SECONDS, ASYNC_PAYLOAD = 3600.0, 1 << 30
SERVERLESS_PAYLOAD = 4 << 20
Log = Callable[[str, str], None]


@dataclass
class Network:
    """A docker network without a way out, made when the first isolated model wants it."""

    folder: Path
    labels: Mapping[str, str]
    made: str = ""

    def __call__(self) -> str:
        if not self.made:
            name = f"byoa-{self.folder.name[:40]}-{uuid.uuid4().hex[:8]}"
            marks = [f"--label={key}={value}" for key, value in self.labels.items()]
            try:
                docker("network", "create", "--internal", *marks, name)
            except DockerError as error:
                raise ByoaError(f"docker: {error}") from error
            self.made = name
        return self.made

    def close(self) -> None:
        if self.made:
            try:
                docker("network", "rm", self.made)
            except DockerError:
                pass  # its containers were told already


def build(
    fleet: Fleet,
    wanted: Mapping[str, Any],
    folder: Path,
    around: Around,
    log: Log,
    network: Network,
) -> None:
    """Fetches the models and starts every container; what is started is in the fleet."""
    config = wanted["Config"]
    asynchronous = bool(config.get("AsyncInferenceConfig"))
    for variant in config["ProductionVariants"]:
        model = wanted["Models"][variant["ModelName"]]
        memory = variant.get("ServerlessConfig", {}).get("MemorySizeInMB", 0)
        serving = replace(
            serving_of(model, folder / variant["VariantName"], around, network),
            memory_mb=memory,
            gpus=not memory and has_gpu(),
        )
        one = started(variant, serving, limits_of(variant, asynchronous), log)
        base = folder / variant["VariantName"]
        one.models = many_models(model, serving.image, base, around.storage)
        fleet.variants.append(one)


def serving_of(model: Mapping[str, Any], base: Path, around: Around, network: Network) -> Serving:
    """A model's container, its image looked for and its files fetched."""
    container = containers_of(model)[0]
    image, isolated = around.find_image(container["Image"]), model.get("EnableNetworkIsolation")
    check_image(image)
    if image.startswith(PROCESS):
        check_serving()
    many = container.get("Mode") == MULTI_MODEL
    if many:
        check_label(image)
    fetch_model(container, base, around.storage)
    return Serving(
        image=image,
        base=base,
        environment={
            **({} if isolated else around.environment),
            **container.get("Environment", {}),
            **({"SAGEMAKER_MULTI_MODEL": "true"} if many else {}),
        },
        network=network() if isolated and not image.startswith(PROCESS) else "",
        grace=around.serving_stop_seconds,
        labels=network.labels,
    )


def many_models(
    model: Mapping[str, Any], image: str, base: Path, storage: Storage
) -> ManyModels | None:
    """The models below a container's prefix, none of them fetched yet; None: it has but one."""
    container, folder = containers_of(model)[0], base / "models"
    if container.get("Mode") != MULTI_MODEL:
        return None
    cache = container.get("MultiModelConfig", {}).get("ModelCacheSetting")
    return ManyModels(
        prefix=container["ModelDataUrl"],
        folder=folder,
        inside=str(folder) if image.startswith(PROCESS) else f"{ML}/models",
        storage=storage,
        caching=cache != "Disabled",
    )


def check_label(image: str) -> None:
    """ByoaError, in AWS's words, when an image does not say that it takes many models."""
    if image.startswith(PROCESS):
        return
    labels = facts(image)["Config"].get("Labels") or {}
    if labels.get(MULTI_MODEL_LABEL) != "true":
        text = f"Your Ecr Image {image} does not contain required {MULTI_MODEL_LABEL}=true Docker"
        raise ByoaError(f"{text} label(s).")


def started(variant: Mapping[str, Any], serving: Serving, limits: Limits, log: Log) -> Variant:
    serverless = variant.get("ServerlessConfig")
    patience = variant.get("ContainerStartupHealthCheckTimeoutInSeconds") or (
        SERVERLESS_STARTUP if serverless else STARTUP
    )
    streams = [
        f"{variant['VariantName']}/i-{uuid.uuid4().hex[:17]}"
        for _ in range(variant.get("InitialInstanceCount") or 1)
    ]
    return Variant(
        name=variant["VariantName"],
        weight=float(variant.get("InitialVariantWeight", 1.0)),
        instances=[
            Instance(launch(serving), partial(log, stream), float(patience)) for stream in streams
        ],
        limits=limits,
        stream=streams[0],
    )


def limits_of(variant: Mapping[str, Any], asynchronous: bool) -> Limits:
    if asynchronous:
        return Limits(seconds=ASYNC_SECONDS, payload=ASYNC_PAYLOAD)
    serverless = variant.get("ServerlessConfig")
    if serverless:
        at_once = serverless.get("MaxConcurrency", 1)
        return Limits(payload=SERVERLESS_PAYLOAD, at_once=at_once)
    return Limits()
