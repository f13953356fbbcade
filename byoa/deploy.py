"""From a model to an endpoint that answers: what has to be sent is decided, then sent.

Names are made of the content, so that the same deployment finds what the first one made.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from byoa import account
from byoa.aws import endpoints
from byoa.place import Place
from byoa.plan.ami import inference_ami, startup_timeouts
from byoa.plan.autoscaling import scaling_requests
from byoa.plan.endpoint import (
    VARIANT,
    Endpoint,
    EndpointConfig,
    alarm_requests,
    endpoint_config_request,
    endpoint_request,
    update_endpoint_request,
    variant,
)
from byoa.plan.errors import JobFailedError, UsageError
from byoa.plan.image import ImageFacts
from byoa.plan.layout import ProjectPlace
from byoa.plan.model import Model, model_request
from byoa.plan.names import fitted
from byoa.progress import say
from byoa.task import Task

#: A service, boto3's method, the request.
Step = tuple[str, str, dict[str, Any]]
LONGEST, MARK = 52, 10
MODE = "BYOA_SERVING_MODE"
PAUSE, LOCAL_PAUSE = 10.0, 0.2


@dataclass(frozen=True, kw_only=True)
class Deployment:
    """What is to answer, and how; the names in it are made here."""

    project: str
    model: Model
    config: EndpointConfig
    endpoint: Endpoint
    variant: str = VARIANT  #: the endpoint's other variants stay beside it
    weight: float = 1.0
    scaling: tuple[int, int, float] | None = None  #: least, most, requests a minute for each
    rollback_errors: int = 0  #: server errors a minute that send an update back; 0: none do
    keep: bool = False  #: what was made for an endpoint that failed or changed
    extra: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


def completed(wanted: Deployment, facts: ImageFacts, place: Place, data_mark: str) -> Deployment:
    """The deployment with its names, its role's tags, and what the image asks of its machines."""
    name, config = wanted.endpoint.name, wanted.config
    tags = {
        **wanted.model.tags, "byoa:project": wanted.project, endpoints.TAG: name
    }  # fmt: skip
    mode = "serverless" if config.memory_mb else "async" if config.async_output else ""
    environment = {**({MODE: mode} if mode else {}), **wanted.model.environment}
    model = replace(wanted.model, environment=environment, tags=tags)
    model = replace(
        model, name=derived(name, {**vars(model), "data_mark": data_mark}, facts.digest)
    )
    if not config.memory_mb and place.name == "sagemaker":
        start, download = startup_timeouts(facts.size_bytes)
        config = replace(
            config,
            ami=config.ami or inference_ami(facts, config.instance_type),
            startup_timeout=config.startup_timeout or start,
            download_timeout=config.download_timeout or download,
        )
    config = replace(config, model=model.name, tags=tags)
    endpoint = replace(wanted.endpoint, tags=tags)
    return replace(wanted, model=model, config=config, endpoint=endpoint)


def derived(endpoint: str, *content: Any) -> str:
    """ENDPOINT-<hash of the content>."""
    text = json.dumps(content, sort_keys=True, default=str)
    return f"{fitted(endpoint, LONGEST)}-{hashlib.sha256(text.encode()).hexdigest()[:MARK]}"


def steps(wanted: Deployment, others: Sequence[Mapping[str, Any]], exists: bool) -> list[Step]:
    """Every request, in the order in which it is sent. `others` are variants that stay."""
    mine = {**variant(wanted.config), "VariantName": wanted.variant}
    mine["InitialVariantWeight"] = wanted.weight
    variants = [*others, {key: value for key, value in mine.items() if value not in (None, {})}]
    extra = {"ProductionVariants": variants, **wanted.config.extra}
    config = endpoint_config_request(replace(wanted.config, name="x", extra=extra))
    config["EndpointConfigName"] = derived(wanted.endpoint.name, config)
    alarms: list[Step] = []
    endpoint = replace(wanted.endpoint, config=config["EndpointConfigName"])
    if wanted.rollback_errors:
        made = alarm_requests(endpoint.name, endpoint.tags, errors=wanted.rollback_errors)
        alarms = [("cloudwatch", "put_metric_alarm", one) for one in made]
        names = [*endpoint.alarms, *(one["AlarmName"] for one in made)]
        endpoint = replace(endpoint, alarms=names)
    verb = "update_endpoint" if exists else "create_endpoint"
    request = (update_endpoint_request if exists else endpoint_request)(endpoint)
    return [
        ("sagemaker", "create_model", model_request(wanted.model)),
        ("sagemaker", "create_endpoint_config", config),
        *alarms,
        ("sagemaker", verb, request),
        *scaling(wanted),
    ]


def scaling(wanted: Deployment) -> list[Step]:
    if not wanted.scaling:
        return []
    least, most, each = wanted.scaling
    found = scaling_requests(
        wanted.endpoint.name, least=least, most=most, per_instance=each, variant=wanted.variant
    )
    return [("application-autoscaling", method, request) for method, request in found]


def prepare(wanted: Deployment, place: Place, facts: ImageFacts, dry: bool = False) -> list[Step]:
    """The role, the names, and the steps from what there is now to what is wanted."""
    network = {
        "subnets": wanted.model.subnets, "security_groups": wanted.model.security_groups
    }  # fmt: skip
    task = Task(project=wanted.project, name="deploy", job=network)
    project = ProjectPlace(place.storage.base, wanted.project).uri
    data = wanted.model.data or ""
    read = [data] if data.startswith("s3://") else []
    role = account.role(place, task, project, read, facts.uri, dry)
    wanted = replace(wanted, model=replace(wanted.model, role=role, image=facts.uri))
    # What we sent ourselves lies under the hash of its content.
    mark = place.storage.fingerprint(data) if data and not data.startswith(project) else ""
    whole = completed(wanted, facts, place, mark)
    found = endpoints.describe(place.sagemaker, wanted.endpoint.name)
    if found and found["EndpointStatus"] in endpoints.BUSY and not dry:
        found = endpoints.wait(place.sagemaker, wanted.endpoint.name, say, pause(place))
    exists = bool(found) and found is not None and found["EndpointStatus"] != "Failed"
    others = kept_variants(place, found, wanted.variant) if found and exists else []
    made = steps(whole, others, exists)
    if found and not exists:  # Failed: AWS changes it no more
        made.insert(-1, ("sagemaker", "delete_endpoint", {"EndpointName": wanted.endpoint.name}))
    return made


def kept_variants(place: Place, found: Mapping[str, Any], mine: str) -> list[dict[str, Any]]:
    """The variants that an endpoint has besides ours; none when ours is the only one of byoa's."""
    if mine == VARIANT:
        return []
    config = place.sagemaker.describe_endpoint_config(
        EndpointConfigName=found["EndpointConfigName"]
    )
    return [dict(one) for one in config["ProductionVariants"] if one["VariantName"] != mine]


def pause(place: Place) -> float:
    return LOCAL_PAUSE if place.is_local else PAUSE


def deploy(
    made: Sequence[Step], place: Place, *, keep: bool = False, wait: bool = True
) -> dict[str, Any]:
    """Sends the steps; the endpoint's description once it serves. Nothing stays of a failure."""
    name, config = names(made)
    found = endpoints.describe(place.sagemaker, name)
    if found and found["EndpointConfigName"] == config and found["EndpointStatus"] == "InService":
        say(f"endpoint {name} serves exactly that already")
        send_all([step for step in made if step[0] != "sagemaker"], place, [])
        return found
    mine: list[Step] = []
    early = [step for step in made if step[0] != "application-autoscaling"]
    try:
        send_all(early, place, mine)
        if not wait:
            return endpoints.describe(place.sagemaker, name) or {}
        found = endpoints.wait(place.sagemaker, name, say, pause(place))
        check(found, name, config, place)
    except KeyboardInterrupt:
        say(f"endpoint {name} goes on by itself. Remove it: byoa undeploy {name}")
        raise
    except Exception:
        if not keep:
            withdraw(mine, place, name)
        raise
    send_all(made[len(early) :], place, mine)
    if not keep:
        tidy(place, name, made)
    return found or {}


def names(made: Sequence[Step]) -> tuple[str, str]:
    request = next(step[2] for step in made if step[1] in {"create_endpoint", "update_endpoint"})
    return request["EndpointName"], request["EndpointConfigName"]


def send_all(made: Sequence[Step], place: Place, sent: list[Step]) -> None:
    """What is there already under its content's name is as good as sent."""
    for service, method, request in made:
        if service != "sagemaker" and place.session is None:
            say(f"{method} has no meaning on {place.name}: left out")
            continue
        client = place.sagemaker if service == "sagemaker" else place.session.client(service)
        call = sender(getattr(client, method), request)
        try:
            account.when_assumable(place, call) if method == "create_model" else call()
        except Exception as error:
            if method == "create_endpoint" or not endpoints.is_there_already(error):
                raise
            continue
        sent.append((service, method, request))
        if method == "delete_endpoint":
            endpoints.wait(place.sagemaker, request["EndpointName"], say, pause(place))


def sender(method: Callable[..., Any], request: Mapping[str, Any]) -> Callable[[], Any]:
    return lambda: method(**request)


def check(found: Mapping[str, Any] | None, name: str, config: str, place: Place) -> None:
    """JobFailedError unless the endpoint serves what was sent."""
    if found is None:
        raise JobFailedError(f"The endpoint {name} was deleted while it was made.")
    if found["EndpointStatus"] == "InService" and found["EndpointConfigName"] == config:
        return
    old = found["EndpointStatus"] == "InService"
    told = [
        f"The endpoint {name} "
        + ("was rolled back and serves what it served before" if old else "has failed")
        + f": {found.get('FailureReason', 'no reason was given')}",
        *(f"  | {line}" for line in endpoints.last_lines(place.logs, name)),
        f"Try the model here first: byoa deploy --on process. All lines: byoa logs {name}",
    ]
    raise JobFailedError("\n".join(told))


def withdraw(sent: Sequence[Step], place: Place, name: str) -> None:
    """Deletes what this deployment made, the last first."""
    for _, method, request in reversed(sent):
        if method == "create_endpoint":
            endpoints.delete(place.sagemaker, "delete_endpoint", name)
            endpoints.wait(place.sagemaker, name, say, pause(place))
        elif method in {"create_endpoint_config", "create_model"}:
            key = "EndpointConfigName" if "config" in method else "ModelName"
            verb = method.replace("create", "delete")
            endpoints.delete(place.sagemaker, verb, request[key])
            say(f"{verb} {request[key]}")


def tidy(place: Place, name: str, made: Sequence[Step]) -> None:
    """Removes the configurations and models that the endpoint had before."""
    kept = {names(made)[1]}
    config = next(step[2] for step in made if step[1] == "create_endpoint_config")
    kept |= {one["ModelName"] for one in config["ProductionVariants"]}
    for method, old in list(endpoints.own(place.sagemaker, name, tuple(kept))):
        endpoints.delete(place.sagemaker, method, old)


def undeploy(name: str, place: Place, dry: bool = False) -> list[Step]:
    """Deletes an endpoint, then the configurations and models that were made for it."""
    found = endpoints.describe(place.sagemaker, name)
    own = list(endpoints.own(place.sagemaker, name))
    if not found and not own:
        raise UsageError(f"There is no endpoint {name} on {place.name}. See: byoa list")
    made: list[Step] = []
    if found:
        made.append(("sagemaker", "delete_endpoint", {"EndpointName": name}))
    for method, thing in own:
        key = "EndpointConfigName" if "config" in method else "ModelName"
        made.append(("sagemaker", method, {key: thing}))
    for _, method, request in made if not dry else ():
        endpoints.delete(place.sagemaker, method, *request.values())
        if method == "delete_endpoint":
            endpoints.wait(place.sagemaker, name, say, pause(place))
    return made
