"""Workflows in the words of AWS's Step Functions Data Science SDK, without its dependencies.

    from byoa.workflow import Catch, Chain, ExecutionInput, Fail, LambdaStep, Retry, Workflow

All names but Workflow and Execution are builders of plain dicts: they need no boto3, no account.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from byoa.plan.workflow.blocks import Catch, Retry
from byoa.plan.workflow.build import BatchSubmitJobStep as BatchSubmitJobStep
from byoa.plan.workflow.build import CodeBuildStep as CodeBuildStep
from byoa.plan.workflow.chain import Chain, Graph, definition
from byoa.plan.workflow.choice_rule import ChoiceRule, Condition
from byoa.plan.workflow.deploy import DeployStep as DeployStep
from byoa.plan.workflow.endpoint import EndpointStep as EndpointStep
from byoa.plan.workflow.estimator import Estimator as Estimator
from byoa.plan.workflow.estimator import Model as Model
from byoa.plan.workflow.estimator import PipelineModel as PipelineModel
from byoa.plan.workflow.estimator import TrainingInput as TrainingInput
from byoa.plan.workflow.estimator import Transformer as Transformer
from byoa.plan.workflow.expressions import jsonata, jsonpath
from byoa.plan.workflow.gate import GateStep as GateStep
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
from byoa.plan.workflow.names import execution_name as execution_name
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
from byoa.plan.workflow.processor import ProcessingInput as ProcessingInput
from byoa.plan.workflow.processor import ProcessingOutput as ProcessingOutput
from byoa.plan.workflow.processor import Processor as Processor
from byoa.plan.workflow.read import from_json
from byoa.plan.workflow.road import Pace as Pace
from byoa.plan.workflow.sagemaker import DataCaptureConfig as DataCaptureConfig
from byoa.plan.workflow.sagemaker import EndpointConfigStep as EndpointConfigStep
from byoa.plan.workflow.sagemaker import ModelStep as ModelStep
from byoa.plan.workflow.sagemaker import ProcessingStep as ProcessingStep
from byoa.plan.workflow.sagemaker import TrainingStep as TrainingStep
from byoa.plan.workflow.sagemaker import TransformStep as TransformStep
from byoa.plan.workflow.sagemaker import TuningStep as TuningStep
from byoa.plan.workflow.services import (
    AwsSdkStep,
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
    IntegrationPattern,
    LambdaStep,
    ServiceStep,
    SnsPublishStep,
    SqsSendMessageStep,
    StepFunctionsStartExecutionStep,
)
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
from byoa.plan.workflow.tuner import CategoricalParameter as CategoricalParameter
from byoa.plan.workflow.tuner import ContinuousParameter as ContinuousParameter
from byoa.plan.workflow.tuner import HyperparameterTuner as HyperparameterTuner
from byoa.plan.workflow.tuner import IntegerParameter as IntegerParameter

if TYPE_CHECKING:
    from byoa.workflow.execution import Execution
    from byoa.workflow.workflow import Workflow

__all__ = [
    "AwsSdkStep",
    "Catch",
    "Chain",
    "Choice",
    "ChoiceRule",
    "Condition",
    "Context",
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
    "ErrorOutput",
    "EventBridgePutEventsStep",
    "Execution",
    "ExecutionInput",
    "Fail",
    "GlueDataBrewStartJobRunStep",
    "GlueStartJobRunStep",
    "Graph",
    "IntegrationPattern",
    "LambdaStep",
    "Map",
    "Parallel",
    "Pass",
    "Placeholder",
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
    "format_",
    "from_json",
    "hash_",
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
LATE = {"Execution": "byoa.workflow.execution", "Workflow": "byoa.workflow.workflow"}


def __getattr__(name: str) -> Any:
    from importlib import import_module

    if name not in LATE:
        raise AttributeError(f"byoa.workflow has no {name!r}")
    return getattr(import_module(LATE[name]), name)
