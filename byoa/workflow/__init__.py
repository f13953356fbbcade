"""Workflows in the words of AWS's Step Functions Data Science SDK, without its dependencies.

    from byoa.workflow import Catch, Chain, ExecutionInput, Fail, LambdaStep, Retry, Workflow

All names but Workflow and Execution are builders of plain dicts: they need no boto3, no account.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from byoa.plan.workflow import estimator
from byoa.plan.workflow.blocks import Catch, Retry
from byoa.plan.workflow.build import BatchSubmitJobStep, CodeBuildStep
from byoa.plan.workflow.chain import Chain, Graph, definition
from byoa.plan.workflow.choice_rule import ChoiceRule
from byoa.plan.workflow.deploy import DeployStep
from byoa.plan.workflow.endpoint import EndpointStep
from byoa.plan.workflow.estimator import Estimator, TrainingInput
from byoa.plan.workflow.expressions import jsonata, jsonpath
from byoa.plan.workflow.functions import BuildImageStep, FunctionStep
from byoa.plan.workflow.gate import GateStep
from byoa.plan.workflow.hosting import DataCaptureConfig, EndpointConfigStep, ModelStep
from byoa.plan.workflow.intrinsics import (
    array,
    array_contains,
    array_get_item,
    array_length,
    array_partition,
    array_range,
    array_unique,
    base64_decode,
    base64_encode,
    format_,
    hash_,
    json_merge,
    json_to_string,
    math_add,
    math_random,
    string_split,
    string_to_json,
    uuid_,
)
from byoa.plan.workflow.items import batches, objects_below, results_below, rows_of
from byoa.plan.workflow.model import Model, PipelineModel, Transformer
from byoa.plan.workflow.names import execution_mark, execution_name
from byoa.plan.workflow.placeholders import (
    Context,
    ErrorOutput,
    ExecutionInput,
    Placeholder,
    StepInput,
    StepResult,
    context,
    item_index,
    item_value,
    task_token,
    variable,
)
from byoa.plan.workflow.processor import ProcessingInput, ProcessingOutput, Processor
from byoa.plan.workflow.read import from_json
from byoa.plan.workflow.road import Pace
from byoa.plan.workflow.rules import Condition
from byoa.plan.workflow.sagemaker import ProcessingStep, TrainingStep, TransformStep, TuningStep
from byoa.plan.workflow.service_steps import (
    DynamoDBDeleteItemStep,
    DynamoDBGetItemStep,
    DynamoDBPutItemStep,
    DynamoDBUpdateItemStep,
    EcsRunTaskStep,
    EksCallStep,
    EksCreateClusterStep,
    EksCreateFargateProfileStep,
    EksCreateNodegroupStep,
    EksDeleteClusterStep,
    EksDeleteFargateProfileStep,
    EksDeleteNodegroupStep,
    EksRunJobStep,
    EmrAddStepStep,
    EmrCancelStepStep,
    EmrCreateClusterStep,
    EmrModifyInstanceFleetByNameStep,
    EmrModifyInstanceGroupByNameStep,
    EmrSetClusterTerminationProtectionStep,
    EmrTerminateClusterStep,
    EventBridgePutEventsStep,
    GlueDataBrewStartJobRunStep,
    GlueStartJobRunStep,
    LambdaStep,
    SnsPublishStep,
    SqsSendMessageStep,
    StepFunctionsStartExecutionStep,
)
from byoa.plan.workflow.services import AwsSdkStep, IntegrationPattern, ServiceStep
from byoa.plan.workflow.states import (
    Choice,
    DistributedMap,
    Fail,
    Map,
    Parallel,
    Pass,
    State,
    Succeed,
    Task,
    Wait,
)
from byoa.plan.workflow.tuner import (
    CategoricalParameter,
    ContinuousParameter,
    HyperparameterTuner,
    IntegerParameter,
)

if TYPE_CHECKING:
    from byoa.workflow.execution import Execution
    from byoa.workflow.here import infrastructure
    from byoa.workflow.pipelines import InferencePipeline, TrainingPipeline
    from byoa.workflow.workflow import Workflow

__all__ = [
    "AwsSdkStep",
    "BatchSubmitJobStep",
    "BuildImageStep",
    "Catch",
    "CategoricalParameter",
    "Chain",
    "Choice",
    "ChoiceRule",
    "CodeBuildStep",
    "Condition",
    "Context",
    "ContinuousParameter",
    "DataCaptureConfig",
    "DeployStep",
    "DistributedMap",
    "DynamoDBDeleteItemStep",
    "DynamoDBGetItemStep",
    "DynamoDBPutItemStep",
    "DynamoDBUpdateItemStep",
    "EcsRunTaskStep",
    "EksCallStep",
    "EksCreateClusterStep",
    "EksCreateFargateProfileStep",
    "EksCreateNodegroupStep",
    "EksDeleteClusterStep",
    "EksDeleteFargateProfileStep",
    "EksDeleteNodegroupStep",
    "EksRunJobStep",
    "EmrAddStepStep",
    "EmrCancelStepStep",
    "EmrCreateClusterStep",
    "EmrModifyInstanceFleetByNameStep",
    "EmrModifyInstanceGroupByNameStep",
    "EmrSetClusterTerminationProtectionStep",
    "EmrTerminateClusterStep",
    "EndpointConfigStep",
    "EndpointStep",
    "ErrorOutput",
    "Estimator",
    "EventBridgePutEventsStep",
    "Execution",
    "ExecutionInput",
    "Fail",
    "FunctionStep",
    "GateStep",
    "GlueDataBrewStartJobRunStep",
    "GlueStartJobRunStep",
    "Graph",
    "HyperparameterTuner",
    "InferencePipeline",
    "IntegerParameter",
    "IntegrationPattern",
    "LambdaStep",
    "Map",
    "Model",
    "ModelStep",
    "Pace",
    "Parallel",
    "Pass",
    "PipelineModel",
    "Placeholder",
    "ProcessingInput",
    "ProcessingOutput",
    "ProcessingStep",
    "Processor",
    "Retry",
    "ServiceStep",
    "SnsPublishStep",
    "SqsSendMessageStep",
    "State",
    "StepFunctionsStartExecutionStep",
    "StepInput",
    "StepResult",
    "Succeed",
    "Task",
    "TrainingInput",
    "TrainingPipeline",
    "TrainingStep",
    "TransformStep",
    "Transformer",
    "TuningStep",
    "Wait",
    "Workflow",
    "array",
    "array_contains",
    "array_get_item",
    "array_length",
    "array_partition",
    "array_range",
    "array_unique",
    "base64_decode",
    "base64_encode",
    "batches",
    "context",
    "definition",
    "estimator",
    "execution_mark",
    "execution_name",
    "format_",
    "from_json",
    "hash_",
    "infrastructure",
    "item_index",
    "item_value",
    "json_merge",
    "json_to_string",
    "jsonata",
    "jsonpath",
    "math_add",
    "math_random",
    "objects_below",
    "results_below",
    "rows_of",
    "string_split",
    "string_to_json",
    "task_token",
    "uuid_",
    "variable",
]

#: What talks to AWS is loaded when asked for.
LATE = {
    "Execution": "byoa.workflow.execution",
    "InferencePipeline": "byoa.workflow.pipelines",
    "TrainingPipeline": "byoa.workflow.pipelines",
    "Workflow": "byoa.workflow.workflow",
    "infrastructure": "byoa.workflow.here",
}


def __getattr__(name: str) -> Any:
    from importlib import import_module

    if name not in LATE:
        raise AttributeError(f"byoa.workflow has no {name!r}")
    return getattr(import_module(LATE[name]), name)
