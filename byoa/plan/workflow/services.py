"""How a task calls a service: at once, until the job is done, until someone answers.

https://docs.aws.amazon.com/step-functions/latest/dg/integrate-services.html
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Any

from byoa.plan.errors import UsageError
from byoa.plan.workflow.states import Task

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from byoa.plan.workflow.fields import CallFields


class IntegrationPattern(Enum):
    """How a task ends: when it was asked for, when it is done, when someone sends its token."""

    CallAndContinue = ""
    WaitForCompletion = "sync"
    WaitForTaskToken = "waitForTaskToken"


class ServiceStep(Task):
    """A task of one action of a service."""

    ACTION = ""  #: "service:action"
    SYNC: str | None = None  #: what says that it waits until done: "sync" or "sync:2"
    CALLBACK = False  #: whether it can wait for a token

    def __init__(
        self,
        state_id: str,
        integration_pattern: IntegrationPattern = IntegrationPattern.CallAndContinue,
        **fields: Unpack[CallFields],
    ) -> None:
        super().__init__(state_id, resource=self._resource(state_id, integration_pattern), **fields)

    def _resource(self, state_id: str, pattern: IntegrationPattern) -> str:
        known = {
            IntegrationPattern.CallAndContinue: "",
            IntegrationPattern.WaitForCompletion: self.SYNC,
            IntegrationPattern.WaitForTaskToken: pattern.value if self.CALLBACK else None,
        }
        end = known.get(pattern)
        if end is None:
            names = ", ".join(one.name for one, end in known.items() if end is not None)
            raise UsageError(
                f"{type(self).__name__} {state_id!r} has the pattern {pattern!r} - {self.ACTION} "
                f"takes {names}"
            )
        return f"arn:aws:states:::{self.ACTION}" + (f".{end}" if end else "")


class JobStep(ServiceStep):
    """Starts a job and, unless told otherwise, waits until it is done."""

    SYNC = "sync"

    def __init__(
        self, state_id: str, wait_for_completion: bool = True, **fields: Unpack[CallFields]
    ) -> None:
        patterns = IntegrationPattern.CallAndContinue, IntegrationPattern.WaitForCompletion
        super().__init__(state_id, patterns[wait_for_completion], **fields)


class CallbackStep(ServiceStep):
    """Sends something and, when asked to, waits until someone answers with the task's token."""

    CALLBACK = True

    def __init__(
        self, state_id: str, wait_for_callback: bool = False, **fields: Unpack[CallFields]
    ) -> None:
        patterns = IntegrationPattern.CallAndContinue, IntegrationPattern.WaitForTaskToken
        super().__init__(state_id, patterns[wait_for_callback], **fields)


class CallStep(ServiceStep):
    """One call whose answer comes at once."""

    def __init__(self, state_id: str, **fields: Unpack[CallFields]) -> None:
        super().__init__(state_id, **fields)


class PatternStep(ServiceStep):
    """Waits until done unless another pattern is given."""

    SYNC = "sync"

    def __init__(
        self,
        state_id: str,
        integration_pattern: IntegrationPattern = IntegrationPattern.WaitForCompletion,
        **fields: Unpack[CallFields],
    ) -> None:
        super().__init__(state_id, integration_pattern, **fields)


class AwsSdkStep(Task):
    """Any other action of AWS: AwsSdkStep("Look", "sagemaker:describeEndpoint", parameters=…)."""

    def __init__(self, state_id: str, action: str, **fields: Unpack[CallFields]) -> None:
        service, _, name = action.partition(":")
        if not service or not name or not name[0].islower():
            raise UsageError(
                f"{action!r} is no action of {state_id!r} - write service:action with a small "
                "letter first, such as sagemaker:describeEndpoint"
            )
        super().__init__(state_id, resource=f"arn:aws:states:::aws-sdk:{action}", **fields)


def in_partition(definition: Any, partition: str) -> Any:
    """The definition with its tasks' addresses of another partition, such as aws-cn."""
    if isinstance(definition, dict):
        made = {key: in_partition(value, partition) for key, value in definition.items()}
        resource = made.get("Resource")
        if isinstance(resource, str) and resource.startswith("arn:aws:states:::"):
            made["Resource"] = f"arn:{partition}:states:::" + resource.split(":::", 1)[1]
        return made
    if isinstance(definition, list):
        return [in_partition(item, partition) for item in definition]
    return definition
