"""EndpointStep: an endpoint that serves, where the SDK's was done once SageMaker had been asked.

Its first state is the SDK's task as it is; a box behind it waits (deploy.py, road.py).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from byoa.plan.endpoint import Endpoint, endpoint_request
from byoa.plan.workflow.box import Box, Lifted
from byoa.plan.workflow.chain import Chain
from byoa.plan.workflow.deploy import CALM, serving
from byoa.plan.workflow.expressions import JSONATA, at_run_time
from byoa.plan.workflow.model import tag_texts
from byoa.plan.workflow.placeholders import ExecutionInput, StepInput
from byoa.plan.workflow.road import Pace
from byoa.plan.workflow.sagemaker import SageMakerStep

if TYPE_CHECKING:
    from byoa.plan.workflow.chain import Scope

NAMES = ("EndpointName", "EndpointConfigName")
RESULT = (*NAMES, "EndpointArn", "EndpointStatus")


class EndpointCall(SageMakerStep):
    """The call itself; `keep` hands its input on, in which the names stand."""

    keep = False

    def to_dict(
        self, query_language: str | None = None, scope: Scope | None = None
    ) -> dict[str, Any]:
        made = super().to_dict(query_language, scope)
        if not self.keep or {"ResultPath", "Output"} & made.keys():
            return made
        if self.language(query_language) == JSONATA:
            return {**made, "Output": "{% $states.input %}"}
        return {**made, "ResultPath": None}


class CreateEndpointCall(EndpointCall):
    """createEndpoint."""

    ACTION = "createEndpoint"


class UpdateEndpointCall(EndpointCall):
    """updateEndpoint."""

    ACTION = "updateEndpoint"


class EndpointStep(Chain):
    """Creates an endpoint, or with update=True moves it, and waits until it serves.

    An endpoint that it has created and that fails is deleted, and the execution fails with
    SageMaker's reason. wait=False is the SDK's step alone.
    """

    def __init__(  # noqa: PLR0913 - the SDK's signature, so that its notebooks run
        self,
        state_id: str,
        endpoint_name: str,
        endpoint_config_name: str,
        tags: Any = None,
        update: bool = False,
        *,
        wait: bool = True,
        pace: Pace = CALM,
        **fields: Any,
    ) -> None:
        said = dict(zip(NAMES, (endpoint_name, endpoint_config_name), strict=True))
        if not update:
            wanted = Endpoint(name=endpoint_name, config=endpoint_config_name, tags=tag_texts(tags))
            said = endpoint_request(wanted)
        self.call = (UpdateEndpointCall if update else CreateEndpointCall)(state_id, said, **fields)
        super().__init__([self.call])
        if wait:
            self.append(serving_box(f"{state_id}: InService", said, pace, new=not update))
            names = [said[key] for key in NAMES]
            self.call.keep = any(
                at_run_time(name) and not isinstance(name, ExecutionInput) for name in names
            )

    def output(self) -> StepInput:
        """What the last of its states hands on."""
        return self.steps[-1].output()

    def update_parameters(self, params: Any) -> None:
        """Other parameters of the call; the waiting keeps to the names that it was given."""
        self.call.update_parameters(params)

    def add_retry(self, retry: Any) -> None:
        """Of the call."""
        self.call.add_retry(retry)

    def add_catch(self, catch: Any) -> None:
        """Of the call and of the waiting."""
        for state in self.steps:
            state.add_catch(catch)


def serving_box(name: str, said: dict[str, Any], pace: Pace, *, new: bool) -> Box:
    """The state that waits until an endpoint serves a configuration."""
    lift = Lifted()
    target = {key: lift(said[key], key) for key in NAMES}
    return Box(name, given=lift.given, states=serving(name, target, pace, new=new), result=RESULT)
