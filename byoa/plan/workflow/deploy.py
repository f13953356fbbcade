"""From a trained model to an endpoint that serves it, as one state: or nothing is left of it.

    deploy = DeployStep("Deploy", endpoint_name="cells", model=train.get_expected_model(),
                        instance_type="ml.g5.xlarge")

It makes the model and the endpoint's configuration, creates the endpoint or updates the one that
is there, waits until it serves, and takes back what it made when SageMaker rolls back or fails.
https://docs.aws.amazon.com/sagemaker/latest/dg/deployment-guardrails.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from byoa.plan.endpoint import (
    Endpoint,
    EndpointConfig,
    endpoint_config_request,
    endpoint_request,
    update_endpoint_request,
)
from byoa.plan.model import model_request
from byoa.plan.workflow.box import Box, Lifted
from byoa.plan.workflow.road import (
    BUSY,
    CAUSE,
    GONE,
    SDK,
    THROTTLED,
    Pace,
    States,
    assign,
    begin,
    call,
    choice,
    text,
    waiting,
    when,
)

if TYPE_CHECKING:
    from byoa.plan.workflow.model import Model

RESULT = ("Deployed", "EndpointName", "EndpointArn", "EndpointConfigName", "ModelName")
#: What is made for an endpoint says so, as `byoa deploy` does: `byoa undeploy` finds it by that.
TAG = "byoa:endpoint"
CALM = Pace()
#: Another execution was quicker: it has created the endpoint, or is updating it.
FIRST = "($contains($byoa_said, 'already exist') or $contains($byoa_said, 'in-progress'))"


class DeployStep(Box):
    """One model on one endpoint. Names come from the model, so no two executions share one."""

    def __init__(  # noqa: PLR0913 - what a deployment is, by name
        self,
        state_id: str,
        *,
        endpoint_name: str,
        model: Model,
        instance_type: str = "ml.m5.large",
        instance_count: Any = 1,
        tags: Mapping[str, str] | None = None,
        config: Mapping[str, Any] | None = None,
        update: Mapping[str, Any] | None = None,
        pace: Pace = CALM,
        **fields: Any,
    ) -> None:
        """`config` and `update` are further fields of plan's EndpointConfig and Endpoint."""
        said = {**(tags or {}), TAG: endpoint_name}
        wanted = EndpointConfig(
            name=model.needed_name(), model=model.needed_name(), instance_type=instance_type,
            instance_count=instance_count, tags=said, **(config or {}),
        )  # fmt: skip
        target = Endpoint(name=endpoint_name, config=wanted.name, tags=tags or {}, **(update or {}))
        lift = Lifted()
        lift(endpoint_name, "EndpointName")
        requests = {
            "model": lift(model_request(model.to_plan(said))),
            "config": lift(endpoint_config_request(wanted)),
            "create": lift(endpoint_request(target)),
            "update": lift(update_endpoint_request(target)),
        }
        states = road(state_id, requests, pace)
        super().__init__(state_id, given=lift.given, states=states, result=RESULT, **fields)


def road(step: str, requests: Mapping[str, Mapping[str, Any]], pace: Pace) -> States:
    """All states from the model to the endpoint that serves it."""
    model, target = requests["model"], requests["create"]
    config = {"EndpointConfigName": target["EndpointConfigName"]}
    variables = {"byoa_why": "", "byoa_refused": "", "byoa_looks": 0, "byoa_new": False}
    undo, last, failed = f"{step}: remove configuration", f"{step}: remove model", f"{step}: failed"
    named = {"ModelName": model["ModelName"]}
    return {
        f"{step}: begin": begin(f"{step}: create model", **variables),
        f"{step}: create model": call(
            f"{SDK}createModel", model, f"{step}: create configuration",
            f"{step}: model there?",
        ),
        f"{step}: model there?": already(
            failed, f"{step}: create configuration", f"'The model ' & {text(model['ModelName'])}"
        ),
        f"{step}: create configuration": call(
            f"{SDK}createEndpointConfig", requests["config"], f"{step}: look",
            f"{step}: configuration there?",
        ),
        f"{step}: configuration there?": already(
            last, f"{step}: look",
            f"'The configuration ' & {text(config['EndpointConfigName'])}",
        ),
        **choosing(step, requests, pace, undo),
        **waiting(step, target, pace, new="$byoa_new", back=undo),
        undo: call(f"{SDK}deleteEndpointConfig", config, last, last),
        last: call(f"{SDK}deleteModel", named, failed, failed),
        f"{step}: serves": serves({"Deployed": True, **named}, target),
    }  # fmt: skip


def already(failed: str, then: str, what: str) -> dict[str, Any]:
    """A redriven execution finds what it has made; anybody else's of that name is an error."""
    mine = "$states.context.Execution.RedriveCount > 0 and $contains($byoa_said, 'already exist')"
    return choice(
        failed, when(mine, then), byoa_why=f"{what} & ' could not be made: ' & $byoa_said"
    )


def choosing(step: str, requests: Mapping[str, Mapping[str, Any]], pace: Pace, back: str) -> States:
    """Creates the endpoint, or updates the one that is there once nothing else happens to it."""
    endpoint = {"EndpointName": requests["create"]["EndpointName"]}
    said = f"'The endpoint ' & {text(endpoint['EndpointName'])} & "
    wait, again = f"{step}: let it settle", {"byoa_looks": "$byoa_looks + 1"}
    ours = f"$byoa_config = {text(requests['create']['EndpointConfigName'])}"
    failed = f"{said}' has failed before and cannot be deleted: ' & {CAUSE}"
    return {
        f"{step}: look": {
            **call(
                f"{SDK}describeEndpoint", endpoint, f"{step}: what is there?",
                f"{step}: nothing there?",
            ),
            **assign({
                "byoa_status": "$states.result.EndpointStatus",
                "byoa_config": "$states.result.EndpointConfigName",
            }),
        },
        f"{step}: nothing there?": choice(
            back,
            when(GONE, f"{step}: create endpoint", byoa_new="true", byoa_looks="0"),
            when(f"{THROTTLED} and {pace.patient}", wait, **again),
            byoa_why=f"{said}' cannot be looked at: ' & $byoa_said",
        ),
        f"{step}: what is there?": choice(
            f"{step}: update endpoint",
            when(ours, f"{step}: look again", byoa_looks="0"),  # the answer was lost, no more
            when(f"{BUSY} and {pace.patient}", wait, **again),
            when(BUSY, back, byoa_why=f"{said}' is ' & $byoa_status & ' and does not settle.'"),
            # AWS changes no endpoint that has failed, and one that has serves nobody
            when(f"$byoa_status = 'Failed' and {pace.patient}", f"{step}: remove failed", **again),
            byoa_looks="0", byoa_new="false",
        ),
        wait: {"Type": "Wait", "Seconds": pace.pause, "Next": f"{step}: look"},
        f"{step}: remove failed": call(
            f"{SDK}deleteEndpoint", endpoint, wait, back, byoa_why=failed
        ),
        **{
            f"{step}: {verb} endpoint": call(
                f"{SDK}{verb}Endpoint", requests[verb], f"{step}: wait", f"{step}: refused?",
                byoa_refused=CAUSE,
            )
            for verb in ("create", "update")
        },
        # an answer may be lost on the way: what the endpoint is decides, not the answer
        f"{step}: refused?": choice(
            f"{step}: look again",
            when(f"{FIRST} and {pace.patient}", wait, byoa_refused="''", **again),
        ),
    }  # fmt: skip


def serving(step: str, target: Mapping[str, str], pace: Pace, *, new: bool) -> States:
    """What follows a createEndpoint or updateEndpoint that stands in a state of its own.

    Model and configuration are of other states: they cost nothing, and stay.
    """
    variables = {"byoa_why": "", "byoa_refused": "", "byoa_looks": 0}
    return {
        f"{step}: begin": begin(f"{step}: look again", **variables),
        **waiting(step, target, pace, new=str(new).lower(), back=f"{step}: failed"),
        f"{step}: serves": serves({"EndpointStatus": "InService"}, target),
    }


def serves(more: Mapping[str, Any], target: Mapping[str, str]) -> dict[str, Any]:
    """The end of a box whose endpoint serves."""
    names = {key: target[key] for key in ("EndpointName", "EndpointConfigName")}
    return {"Type": "Succeed", "Output": {**more, **names, "EndpointArn": "{% $byoa_arn %}"}}
