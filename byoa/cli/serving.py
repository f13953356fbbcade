"""What deploy and transform have in common: which model, in which image, under which conditions."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from byoa import images, model_data
from byoa.deploy import Deployment
from byoa.place import Place
from byoa.plan.endpoint import VARIANT, Endpoint, EndpointConfig
from byoa.plan.errors import UsageError
from byoa.plan.image import ImageFacts
from byoa.plan.layout import ProjectPlace
from byoa.plan.model import Model
from byoa.plan.names import fitted
from byoa.plan.transform import TransformJob
from byoa.settings import Settings
from byoa.transform import Batch

INSTANCE = "ml.m5.large"
#: Flags of `byoa transform` that are called as TransformJob's fields.
SAME = (
    "content_type", "accept", "split", "assemble", "strategy", "compression", "concurrent",
    "timeout", "retries",
)  # fmt: skip


def add_model(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("Model")
    which = group.add_mutually_exclusive_group(required=True)
    which.add_argument("--task_name", "--task", "-t", help="the model of a task's last job")
    which.add_argument("--job", help="the model of a training job")
    which.add_argument("--model", help="a folder, a model.tar.gz, or its address")
    add = group.add_argument
    add("--image", help="the image that serves it (the one that trained it)")
    add("--role", help="the role that it runs as (the project's)")
    add("--env", nargs=2, action="append", default=[], metavar=("NAME", "VALUE"))
    add("--tag", nargs=2, action="append", default=[], metavar=("NAME", "VALUE"))
    add("--isolation", action="store_true", help="no network for the container")
    add("--subnets", nargs="+", default=[], help="of your VPC")
    add("--security-groups", nargs="+", default=[], help="of your VPC")
    add("--kms-key", help="encrypts disks and outputs")
    add("--request", metavar="JSON", help="more fields of AWS's requests, or @FILE:"
        ' {"model": {…}, "endpoint_config": {…}, "endpoint": {…}, "transform": {…}}')  # fmt: skip
    add("--keep", action="store_true", help="delete nothing that failed or was replaced")


def model_of(
    arguments: argparse.Namespace, settings: Settings, place: Place
) -> tuple[ImageFacts, Model]:
    """The model, its files sent where they have to be, and the facts of its image."""
    data = data_of(arguments, settings, place)
    uri = image_of(arguments, settings, place, data.image)
    local = place.name == "process" or arguments.dry_run
    facts = ImageFacts(uri) if local else images.facts(place, uri)
    extra = more(arguments.request)
    return facts, Model(
        name="",
        image=uri,
        role="",
        data=data.address,
        environment=dict(arguments.env),
        tags={**settings.tags, **dict(arguments.tag)},
        isolation=arguments.isolation,
        subnets=arguments.subnets,
        security_groups=arguments.security_groups,
        extra={**settings.request.get("model", {}), **extra.get("model", {})},
    )


def data_of(
    arguments: argparse.Namespace, settings: Settings, place: Place
) -> model_data.ModelData:
    project = settings.need_project()
    if arguments.task_name:
        return model_data.of_task(place, project, arguments.task_name)
    if arguments.job:
        return model_data.of_job(place, arguments.job)
    if "://" in arguments.model:
        return model_data.ModelData(arguments.model)
    return model_data.of_path(place, project, Path(arguments.model), arguments.dry_run)


def image_of(arguments: argparse.Namespace, settings: Settings, place: Place, trained: str) -> str:
    """--image, else the image that trained the model, else byoa.toml's."""
    named = arguments.image or trained or settings.image
    if place.name == "process" and not named.startswith("process://"):
        folder = Path(named) if named else images.algorithm(settings.folder)
        if not folder.is_dir():
            raise UsageError(
                f"{named} is no folder, and plain processes have no images. Name the algorithm's"
                " folder with --image, or take --on docker."
            )
        return f"process://{folder.absolute()}"
    if not named:
        raise UsageError("No image is named. Give --image, or image below [project] in byoa.toml.")
    return named


def more(said: str | None) -> Mapping[str, Any]:
    """--request: JSON, or a file of it."""
    if not said:
        return {}
    text = Path(said[1:]).read_text(encoding="utf-8") if said.startswith("@") else said
    try:
        found = json.loads(text)
    except ValueError as error:
        raise UsageError(f"--request is not JSON: {error}") from error
    if not isinstance(found, dict):
        raise UsageError('--request is no object: write {"endpoint_config": {…}}')
    return found


def numbers(said: str, flag: str, most: int) -> list[float]:
    """The numbers of A:B:C."""
    try:
        found = [float(word) for word in said.split(":")]
    except ValueError:
        found = []
    if not 1 <= len(found) <= most:
        raise UsageError(f"{flag} {said} is not written as numbers with : between. See --help")
    return found


def add_endpoint(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument_group("Endpoint").add_argument
    add("--endpoint", help="its name (PROJECT-TASK)")
    add("--instance_type", "--it", help="the machine (ml.m5.large)")
    add("--instance_count", "--ic", type=int, default=1, help="how many")
    add("--serverless", metavar="MB[:CONCURRENCY[:PROVISIONED]]", help="no machine of your own")
    add("--async", dest="async_output", nargs="?", const="-", metavar="ADDRESS",
        help="answers of up to an hour go there (the project's folder)")  # fmt: skip
    add("--async-failures", metavar="ADDRESS", help="where failures go")
    add("--async-concurrency", type=int, metavar="N", help="requests in one machine at once")
    add("--success-topic", metavar="ARN", help="SNS topic of asynchronous answers")
    add("--error-topic", metavar="ARN", help="SNS topic of asynchronous failures")
    add("--capture", nargs="?", const="-", metavar="ADDRESS", help="keep requests and answers")
    add("--capture-percent", type=int, default=100, metavar="N", help="of so many of them (100)")
    add("--autoscale", metavar="MIN:MAX[:PER_MINUTE]", help="as many machines as the load needs")
    add("--variant", metavar="NAME[:WEIGHT]", help="beside the endpoint's other variants")
    add("--alarm", nargs="+", default=[], help="CloudWatch alarms that send an update back")
    add("--rollback-errors", type=int, default=0, metavar="N", help="so many 5xx a minute do, too")
    add("--canary", type=int, metavar="PERCENT", help="the load that an update gets first")
    add("--bake", type=int, default=60, metavar="SECONDS", help="between an update's steps (60)")
    add("--ami", help="InferenceAmiVersion (what the image's CUDA needs)")
    add("--startup-timeout", type=int, metavar="SECONDS", help="until it answers (by its size)")
    add("--no-wait", action="store_true", help="do not wait until it serves")


def deployment(
    arguments: argparse.Namespace, settings: Settings, place: Place, model: Model
) -> Deployment:
    """The flags as a Deployment."""
    project = settings.need_project()
    name = arguments.endpoint or fitted("-".join(filter(None, [project, arguments.task_name])))
    folder = f"{ProjectPlace(place.storage.base, project).uri}endpoints/{name}"
    extra = more(arguments.request)
    named, _, weight = (arguments.variant or VARIANT).partition(":")
    return Deployment(
        project=project,
        model=model,
        config=config_of(arguments, settings, folder, extra),
        endpoint=Endpoint(
            name=name,
            config="",
            alarms=arguments.alarm,
            canary_percent=arguments.canary,
            wait=arguments.bake,
            extra={**settings.request.get("endpoint", {}), **extra.get("endpoint", {})},
        ),
        variant=named,
        weight=numbers(weight, "--variant", 1)[0] if weight else 1.0,
        scaling=scaling_of(arguments.autoscale),
        rollback_errors=arguments.rollback_errors,
    )


def config_of(
    arguments: argparse.Namespace, settings: Settings, folder: str, extra: Mapping[str, Any]
) -> EndpointConfig:
    memory = numbers(arguments.serverless, "--serverless", 3) if arguments.serverless else []
    size, concurrency, provisioned = [*map(int, memory), *[0] * 3][:3]
    where = {"async": arguments.async_output, "capture": arguments.capture}
    where = {key: f"{folder}/{key}" if said == "-" else said for key, said in where.items()}
    return EndpointConfig(
        name="",
        model="",
        instance_type=arguments.instance_type or settings.instance_type or INSTANCE,
        instance_count=arguments.instance_count,
        memory_mb=size or None,
        concurrency=concurrency or 5,
        provisioned=provisioned or None,
        async_output=where["async"],
        async_failures=arguments.async_failures,
        async_concurrency=arguments.async_concurrency,
        success_topic=arguments.success_topic,
        error_topic=arguments.error_topic,
        capture=where["capture"],
        capture_percent=arguments.capture_percent,
        ami=arguments.ami,
        startup_timeout=arguments.startup_timeout,
        kms_key=arguments.kms_key,
        extra={**settings.request.get("endpoint_config", {}), **extra.get("endpoint_config", {})},
    )


def scaling_of(said: str | None) -> tuple[int, int, float] | None:
    if not said:
        return None
    least, most, each = [*numbers(said, "--autoscale", 3), 60.0, 60.0][:3]
    return int(least), int(most), each


def batch(arguments: argparse.Namespace, settings: Settings, model: Model) -> Batch:
    """The flags as a Batch."""
    address = arguments.data if "://" in arguments.data else ""
    join = {"DataProcessing": {"JoinSource": "Input"}} if arguments.join else {}
    extra = {**join, **settings.request.get("transform", {})}
    extra |= more(arguments.request).get("transform", {})
    job = TransformJob(
        name="",
        model="",
        input=address,
        output=arguments.output_address,
        data_type="ManifestFile" if arguments.manifest else "S3Prefix",
        instance_type=arguments.instance_type or settings.instance_type or INSTANCE,
        instance_count=arguments.instance_count,
        payload_mb=arguments.payload,
        kms_key=arguments.kms_key,
        extra=extra,
        **{name: getattr(arguments, name) for name in SAME},
    )
    return Batch(
        project=settings.need_project(),
        name=arguments.task_name or "transform",
        model=model,
        job=job,
        folder=None if address else Path(arguments.data),
    )
