"""Tasks of the services that Step Functions calls by itself, one class for each.

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


class LambdaStep(CallbackStep):
    """Runs a Lambda function: parameters FunctionName and Payload."""

    ACTION = "lambda:invoke"


class SnsPublishStep(CallbackStep):
    """Publishes to a topic."""

    ACTION = "sns:publish"


class SqsSendMessageStep(CallbackStep):
    """Sends a message to a queue."""

    ACTION = "sqs:sendMessage"


class EventBridgePutEventsStep(CallbackStep):
    """Puts events on a bus."""

    ACTION = "events:putEvents"


class GlueStartJobRunStep(JobStep):
    """Runs a Glue job."""

    ACTION = "glue:startJobRun"


class EcsRunTaskStep(JobStep):
    """Runs a task of ECS or Fargate."""

    ACTION = "ecs:runTask"
    CALLBACK = True


class EmrCreateClusterStep(JobStep):
    """Creates an EMR cluster."""

    ACTION = "elasticmapreduce:createCluster"


class EmrTerminateClusterStep(JobStep):
    """Ends an EMR cluster."""

    ACTION = "elasticmapreduce:terminateCluster"


class EmrAddStepStep(JobStep):
    """Adds a step to an EMR cluster."""

    ACTION = "elasticmapreduce:addStep"


class EmrCancelStepStep(CallStep):
    """Cancels a step of an EMR cluster."""

    ACTION = "elasticmapreduce:cancelStep"


class EmrSetClusterTerminationProtectionStep(CallStep):
    """Protects an EMR cluster from its end, or no longer."""

    ACTION = "elasticmapreduce:setClusterTerminationProtection"


class EmrModifyInstanceFleetByNameStep(CallStep):
    """Changes a fleet of an EMR cluster."""

    ACTION = "elasticmapreduce:modifyInstanceFleetByName"


class EmrModifyInstanceGroupByNameStep(CallStep):
    """Changes a group of an EMR cluster."""

    ACTION = "elasticmapreduce:modifyInstanceGroupByName"


class DynamoDBGetItemStep(CallStep):
    """Reads an item of a table."""

    ACTION = "dynamodb:getItem"


class DynamoDBPutItemStep(CallStep):
    """Writes an item of a table."""

    ACTION = "dynamodb:putItem"


class DynamoDBUpdateItemStep(CallStep):
    """Changes an item of a table."""

    ACTION = "dynamodb:updateItem"


class DynamoDBDeleteItemStep(CallStep):
    """Takes an item out of a table."""

    ACTION = "dynamodb:deleteItem"


class EksCreateClusterStep(PatternStep):
    """Creates an EKS cluster."""

    ACTION = "eks:createCluster"


class EksDeleteClusterStep(PatternStep):
    """Deletes an EKS cluster."""

    ACTION = "eks:deleteCluster"


class EksCreateFargateProfileStep(PatternStep):
    """Creates a Fargate profile of an EKS cluster."""

    ACTION = "eks:createFargateProfile"


class EksDeleteFargateProfileStep(PatternStep):
    """Deletes a Fargate profile of an EKS cluster."""

    ACTION = "eks:deleteFargateProfile"


class EksCreateNodegroupStep(PatternStep):
    """Creates a node group of an EKS cluster."""

    ACTION = "eks:createNodegroup"


class EksDeleteNodegroupStep(PatternStep):
    """Deletes a node group of an EKS cluster."""

    ACTION = "eks:deleteNodegroup"


class EksRunJobStep(PatternStep):
    """Runs a job of Kubernetes."""

    ACTION = "eks:runJob"


class EksCallStep(CallStep):
    """One request to the API of Kubernetes."""

    ACTION = "eks:call"


class GlueDataBrewStartJobRunStep(PatternStep):
    """Runs a job of Glue DataBrew."""

    ACTION = "databrew:startJobRun"


class StepFunctionsStartExecutionStep(PatternStep):
    """Runs another workflow; its output comes as JSON, not as text."""

    ACTION = "states:startExecution"
    SYNC = "sync:2"
    CALLBACK = True


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
