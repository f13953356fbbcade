"""The steps of single services, one class for each action that Step Functions knows by itself.

Those of SageMaker, CodeBuild and Batch have modules of their own (sagemaker.py, build.py).
https://docs.aws.amazon.com/step-functions/latest/dg/integrate-services.html
"""

from __future__ import annotations

from byoa.plan.workflow.services import CallbackStep, CallStep, JobStep, PatternStep


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
