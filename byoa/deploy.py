"""From a model to an endpoint that answers: every request is decided, then sent.

Names are made of the content, so that the same deployment finds what the first one made.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from byoa import account, jobs, models
from byoa.aws import endpoints
from byoa.aws.belongings import TAG, Thing, beside_endpoint
from byoa.local import lacking
from byoa.place import Place
from byoa.plan.ami import inference_ami, startup_timeouts
from byoa.plan.endpoint import (
    VARIANT,
    Endpoint,
    EndpointConfig,
    alarm_requests,
    endpoint_config_request,
    endpoint_request,
    scaling_requests,
    update_endpoint_request,
)
from byoa.plan.errors import JobFailedError, UsageError
from byoa.plan.image import ImageFacts
from byoa.plan.layout import ProjectPlace
from byoa.plan.model import model_request
from byoa.plan.names import fitted
from byoa.plan.templates import over
from byoa.progress import say
from byoa.settings import Settings

#: A service, boto3's method, the request.
Step = tuple[str, str, dict[str, Any]]
SCALING = "application-autoscaling"
RETAIN = {
    "RetainAllVariantProperties": True,
    "ExcludeRetainedVariantProperties": [{"VariantPropertyType": "DesiredWeight"}],
}


def pause(place: Place) -> float:
    return 0.2 if place.is_local else 10.0


def named(start: str, *content: Any) -> str:
    """START-<hash of the content>."""
    text = json.dumps(content, sort_keys=True, default=str)
    return f"{fitted(start, endpoints.LONGEST)}-{hashlib.sha256(text.encode()).hexdigest()[:10]}"


def deploy_task(place: Place, settings: Settings, task: str = "", **wanted: Any) -> dict[str, Any]:
    """Deploys the model of a task (or `job=`, `model=`); what describe_endpoint says of it.

    Keywords are fields of plan's Model, EndpointConfig and Endpoint, and those of `plan`.
    """
    keep = wanted.pop("keep", False)
    return deploy(place, plan(place, settings, task=task, **wanted), keep=keep)


def plan(
    place: Place, settings: Settings, *, endpoint: str = "", dry: bool = False,
    autoscale: str = "", rollback_errors: int = 0, **wanted: Any,
) -> list[Step]:  # fmt: skip
    """Every request, in the order in which it is sent. The model's files are sent here."""
    extra = over(settings.request, wanted.pop("request", {}))
    settings = replace(settings, request=extra)
    name = endpoint or fitted("-".join(filter(None, [settings.project, wanted.get("task")])))
    if wanted.get("multi_model"):
        wanted["multi_model"] = name  # its models lie below the endpoint's own address
        if wanted.get("memory_mb"):
            raise UsageError("Serverless endpoints have one model each. Leave out --multi-model.")
    model, facts = models.prepare(place, settings, wanted, dry)
    tags = {**model.tags, endpoints.TAG: name}
    common = {"tags": tags, **models.fields_of(Endpoint, wanted)}
    target = Endpoint(name=name, config="", extra=extra.get("endpoint", {}), **common)
    config = config_of(place, settings, facts, name, wanted)
    if wanted:
        raise UsageError(f"A deployment has no {', '.join(wanted)}. See: byoa deploy --help")
    mode = "serverless" if config.memory_mb else "async" if config.async_output else ""
    told = {"BYOA_SERVING_MODE": mode} if mode else {}
    model = replace(model, tags=tags, environment={**told, **model.environment})
    model = replace(model, name=named(name, vars(model), facts.digest))
    found = endpoints.describe(place.sagemaker, name)
    if found and not dry:
        found = endpoints.settled(place.sagemaker, name, pause(place), say)
    owner = jobs.tags(place, found["EndpointArn"]).get(TAG) if found else None
    if owner not in (None, settings.project):
        raise UsageError(f"The endpoint {name} is of the project {owner}. Name another: --endpoint")
    failed = [found] if found and found["EndpointStatus"] == "Failed" else []
    others = beside(place, found, config.variant) if found and not failed else []
    config = replace(config, model=model.name, others=others, tags=tags)
    target = replace(target, config=named(name, vars(config)))
    config = replace(config, name=target.config)
    alarms = alarm_requests(name, tags, errors=rollback_errors, variant=config.variant)
    alarms = alarms if rollback_errors else []
    target = replace(target, alarms=[*target.alarms, *(one["AlarmName"] for one in alarms)])
    last, request = "create_endpoint", endpoint_request
    if found and not failed:
        last, request = "update_endpoint", update_endpoint_request
        if autoscale:  # the machines that the load has called for stay
            target = replace(target, extra={**RETAIN, **target.extra})
    made = model_request(model)
    apart = autoscale or "VpcConfig" in made or made.get("EnableNetworkIsolation")
    if mode == "serverless" and apart:
        raise UsageError("Serverless has no --autoscale, --subnets, --isolation. Take instances.")
    return [
        ("sagemaker", "create_model", made),
        ("sagemaker", "create_endpoint_config", endpoint_config_request(config)),
        *(("cloudwatch", "put_metric_alarm", one) for one in alarms),
        # AWS changes no endpoint that has failed
        *(("sagemaker", "delete_endpoint", {"EndpointName": name}) for _ in failed),
        ("sagemaker", last, request(target)),
        *scaling(name, config.variant, autoscale),
    ]


def config_of(
    place: Place, settings: Settings, facts: ImageFacts, name: str, wanted: dict[str, Any]
) -> EndpointConfig:
    """The configuration with what the image asks of its machine; "" as address is the project's."""
    given = models.fields_of(EndpointConfig, wanted)
    folder = f"{ProjectPlace(place.storage.base, settings.need_project()).uri}endpoints/{name}"
    given |= {key: f"{folder}/{key}" for key in ("async_output", "capture") if given.get(key) == ""}
    given["extra"] = settings.request.get("endpoint_config", {})
    if settings.instance_type:
        given.setdefault("instance_type", settings.instance_type)
    config = EndpointConfig(name="", model="", **given)
    if config.memory_mb or place.is_local:
        return config
    start, download = startup_timeouts(facts.size_bytes)
    needed: dict[str, Any] = {"ami": inference_ami(facts, config.instance_type)}
    needed |= {"startup_timeout": start, "download_timeout": download}
    return replace(config, **{key: getattr(config, key) or it for key, it in needed.items()})


def beside(place: Place, found: Mapping[str, Any], mine: str) -> list[dict[str, Any]]:
    """The variants that stay beside a variant with a name of its own."""
    if mine == VARIANT:
        return []
    config = place.sagemaker.describe_endpoint_config(
        EndpointConfigName=found["EndpointConfigName"]
    )
    return [dict(one) for one in config["ProductionVariants"] if one["VariantName"] != mine]


def scaling(name: str, variant: str, autoscale: str) -> list[Step]:
    """MIN:MAX[:REQUESTS A MINUTE FOR EACH] as requests."""
    if not autoscale:
        return []
    try:
        words = f"{autoscale}:60".split(":")
        least, most, each = int(words[0]), int(words[1]), float(words[2])
    except (IndexError, ValueError):
        raise UsageError(f"{autoscale!r} is not MIN:MAX[:PER_MINUTE], such as 1:4:600") from None
    found = scaling_requests(name, least=least, most=most, per_instance=each, variant=variant)
    return [(SCALING, method, request) for method, request in found]


def deploy(
    place: Place, steps: Sequence[Step], *, keep: bool = False, wait: bool = True
) -> dict[str, Any]:
    """Sends the steps; the endpoint's description once it serves. Nothing stays of a failure."""
    target = next(step[2] for step in steps if step[1] in {"create_endpoint", "update_endpoint"})
    name, config = target["EndpointName"], target["EndpointConfigName"]
    found = endpoints.describe(place.sagemaker, name) or {}
    sent: list[Step] = []
    if (found.get("EndpointConfigName"), found.get("EndpointStatus")) == (config, "InService"):
        say(f"endpoint {name} serves exactly that already")
    else:
        try:
            send(place, [step for step in steps if step[0] != SCALING], sent)
            if not wait:
                return endpoints.describe(place.sagemaker, name) or {}
            found = endpoints.settled(place.sagemaker, name, pause(place), say) or {}
            check(place, found, name, config, image_of(steps))
        except KeyboardInterrupt:
            remove = f"byoa undeploy {name} --on {place.name}"
            say(f"The endpoint {name} goes on by itself. Remove it: {remove}")
            raise
        except Exception as error:
            moving = sent and sent[-1][1] == "update_endpoint"  # it still needs what it moves to
            if not keep and not (moving and not isinstance(error, JobFailedError)):
                withdraw(place, sent)
            raise
        if not keep:
            tidy(place, name, config)
    send(place, [step for step in steps if step[0] == SCALING], sent)
    return found


def send(place: Place, steps: Sequence[Step], sent: list[Step]) -> None:
    """What is there already under its content's name is as good as sent."""
    for service, method, request in steps:
        if service != "sagemaker" and place.session is None:
            say(f"{method} means nothing on {place.name}: left out")
            continue
        client = place.sagemaker if service == "sagemaker" else place.session.client(service)
        try:
            account.when_assumable(place, lambda: getattr(client, method)(**request))  # noqa: B023
        except Exception as error:
            if "already exist" not in str(error):
                raise
            if method != "create_endpoint":
                continue
            # ours if it has our configuration: the answer was cut, or two drivers are at it
            found = endpoints.describe(place.sagemaker, request["EndpointName"]) or {}
            if found.get("EndpointConfigName") != request["EndpointConfigName"]:
                raise
        sent.append((service, method, request))
        if method == "delete_endpoint":
            endpoints.settled(place.sagemaker, request["EndpointName"], pause(place), say)


def image_of(steps: Sequence[Step]) -> str:
    model = next((step[2] for step in steps if step[1] == "create_model"), {})
    return str(model.get("PrimaryContainer", {}).get("Image", ""))


def check(place: Place, found: Mapping[str, Any], name: str, config: str, image: str = "") -> None:
    """JobFailedError unless the endpoint serves what was sent."""
    status = found.get("EndpointStatus", "gone: somebody deleted it meanwhile")
    if (status, found.get("EndpointConfigName")) == ("InService", config):
        return
    back = "was rolled back: it serves what it served before. The reason"
    word = back if status == "InService" else f"is {status}"
    created = found.get("CreationTime")
    since = created.timestamp() - 60 * (not place.is_local) if created else 0  # two clocks
    told = [f"The endpoint {name} {word}: {found.get('FailureReason', 'none was given')}"]
    told += [f"  | {line}" for line in endpoints.last_lines(place.logs, name, since=since)]
    told += [step for step in (lacking.install("\n".join(told), image),) if step]
    raise JobFailedError("\n".join([*told, f"All lines: byoa logs {name} --on {place.name}"]))


def withdraw(place: Place, sent: Sequence[Step]) -> None:
    """Deletes what a deployment made, the last first."""
    for _, method, request in reversed(sent):
        undo = method.replace("create", "delete")
        if method.startswith("create") and undo in endpoints.KEYS:
            endpoints.delete(place.sagemaker, undo, request[endpoints.KEYS[undo]])
            if undo == "delete_endpoint":
                endpoints.settled(place.sagemaker, request["EndpointName"], pause(place), say)
        of = request.get("Dimensions", [{}])[0].get("Value")
        if method == "put_metric_alarm" and not endpoints.describe(place.sagemaker, of):
            place.session.client("cloudwatch").delete_alarms(AlarmNames=[request["AlarmName"]])


def tidy(place: Place, name: str, config: str) -> None:
    """Removes the configurations and models that the endpoint had before."""
    found = place.sagemaker.describe_endpoint_config(EndpointConfigName=config)
    used = [config, *(one["ModelName"] for one in found["ProductionVariants"])]
    for method, old in list(endpoints.own(place.sagemaker, name, used)):
        endpoints.delete(place.sagemaker, method, old)


def undeploy(place: Place, name: str, dry: bool = False) -> list[dict[str, str]]:
    """Deletes an endpoint, then all that was made for it; the kind and name of each thing."""
    delete = partial(endpoints.delete, place.sagemaker)
    own = list(endpoints.own(place.sagemaker, name))
    found = [("delete_endpoint", name)] if endpoints.describe(place.sagemaker, name) else []
    things = [Thing(how[7:], what, partial(delete, how, what)) for how, what in [*found, *own]]
    if not things:
        raise UsageError(
            f"There is no endpoint {name} on {place.name}. See: byoa status -p PROJECT"
        )
    if place.session is not None:  # its log stays: it says why it was undeployed
        # first of all: with its endpoint AWS takes the scaling away itself, without a word
        beside = beside_endpoint(place.session, name)
        things = [*(thing for thing in beside if thing.kind != "log group"), *things]
    for thing in things if not dry else ():
        thing.remove()
        endpoints.settled(place.sagemaker, name, pause(place), say)
    return [{"kind": thing.kind, "name": thing.name} for thing in things]
