"""Workflows in the words of AWS's Step Functions Data Science SDK, without its dependencies.

    from byoa.workflow import Catch, Chain, ExecutionInput, Fail, LambdaStep, Retry, Workflow

All but the last two names are builders of plain dicts: neither boto3 nor an account is needed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from byoa.plan.workflow.blocks import Catch as Catch
from byoa.plan.workflow.blocks import Retry as Retry
from byoa.plan.workflow.chain import Chain as Chain
from byoa.plan.workflow.chain import Graph as Graph
from byoa.plan.workflow.chain import definition as definition
from byoa.plan.workflow.choice_rule import ChoiceRule as ChoiceRule
from byoa.plan.workflow.choice_rule import Condition as Condition
from byoa.plan.workflow.expressions import jsonata as jsonata
from byoa.plan.workflow.expressions import jsonpath as jsonpath
from byoa.plan.workflow.intrinsics import array as array
from byoa.plan.workflow.intrinsics import array_contains as array_contains
from byoa.plan.workflow.intrinsics import array_get_item as array_get_item
from byoa.plan.workflow.intrinsics import array_length as array_length
from byoa.plan.workflow.intrinsics import array_partition as array_partition
from byoa.plan.workflow.intrinsics import array_range as array_range
from byoa.plan.workflow.intrinsics import array_unique as array_unique
from byoa.plan.workflow.intrinsics import base64_decode as base64_decode
from byoa.plan.workflow.intrinsics import base64_encode as base64_encode
from byoa.plan.workflow.intrinsics import format_ as format_
from byoa.plan.workflow.intrinsics import hash_ as hash_
from byoa.plan.workflow.intrinsics import json_merge as json_merge
from byoa.plan.workflow.intrinsics import json_to_string as json_to_string
from byoa.plan.workflow.intrinsics import math_add as math_add
from byoa.plan.workflow.intrinsics import math_random as math_random
from byoa.plan.workflow.intrinsics import string_split as string_split
from byoa.plan.workflow.intrinsics import string_to_json as string_to_json
from byoa.plan.workflow.intrinsics import uuid_ as uuid_
from byoa.plan.workflow.items import batches as batches
from byoa.plan.workflow.items import objects_below as objects_below
from byoa.plan.workflow.items import results_below as results_below
from byoa.plan.workflow.items import rows_of as rows_of
from byoa.plan.workflow.placeholders import Context as Context
from byoa.plan.workflow.placeholders import ErrorOutput as ErrorOutput
from byoa.plan.workflow.placeholders import ExecutionInput as ExecutionInput
from byoa.plan.workflow.placeholders import Placeholder as Placeholder
from byoa.plan.workflow.placeholders import StepInput as StepInput
from byoa.plan.workflow.placeholders import StepResult as StepResult
from byoa.plan.workflow.placeholders import context as context
from byoa.plan.workflow.placeholders import item_index as item_index
from byoa.plan.workflow.placeholders import item_value as item_value
from byoa.plan.workflow.placeholders import task_token as task_token
from byoa.plan.workflow.placeholders import variable as variable
from byoa.plan.workflow.read import from_json as from_json
from byoa.plan.workflow.services import AwsSdkStep as AwsSdkStep
from byoa.plan.workflow.services import DynamoDBDeleteItemStep as DynamoDBDeleteItemStep
from byoa.plan.workflow.services import DynamoDBGetItemStep as DynamoDBGetItemStep
from byoa.plan.workflow.services import DynamoDBPutItemStep as DynamoDBPutItemStep
from byoa.plan.workflow.services import DynamoDBUpdateItemStep as DynamoDBUpdateItemStep
from byoa.plan.workflow.services import EcsRunTaskStep as EcsRunTaskStep
from byoa.plan.workflow.services import EksCallStep as EksCallStep
from byoa.plan.workflow.services import EksCreateClusterStep as EksCreateClusterStep
from byoa.plan.workflow.services import (
from byoa.plan.workflow.services import EksCreateNodegroupStep as EksCreateNodegroupStep
from byoa.plan.workflow.services import EksDeleteClusterStep as EksDeleteClusterStep
from byoa.plan.workflow.services import (
from byoa.plan.workflow.services import EksDeleteNodegroupStep as EksDeleteNodegroupStep
from byoa.plan.workflow.services import EksRunJobStep as EksRunJobStep
from byoa.plan.workflow.services import EmrAddStepStep as EmrAddStepStep
from byoa.plan.workflow.services import EmrCancelStepStep as EmrCancelStepStep
from byoa.plan.workflow.services import EmrCreateClusterStep as EmrCreateClusterStep
from byoa.plan.workflow.services import (
from byoa.plan.workflow.services import (
from byoa.plan.workflow.services import (
from byoa.plan.workflow.services import EmrTerminateClusterStep as EmrTerminateClusterStep
from byoa.plan.workflow.services import EventBridgePutEventsStep as EventBridgePutEventsStep
from byoa.plan.workflow.services import (
from byoa.plan.workflow.services import GlueStartJobRunStep as GlueStartJobRunStep
from byoa.plan.workflow.services import IntegrationPattern as IntegrationPattern
from byoa.plan.workflow.services import LambdaStep as LambdaStep
from byoa.plan.workflow.services import ServiceStep as ServiceStep
from byoa.plan.workflow.services import SnsPublishStep as SnsPublishStep
from byoa.plan.workflow.services import SqsSendMessageStep as SqsSendMessageStep
from byoa.plan.workflow.services import (
from byoa.plan.workflow.states import Choice as Choice
from byoa.plan.workflow.states import DistributedMap as DistributedMap
from byoa.plan.workflow.states import Fail as Fail
from byoa.plan.workflow.states import Map as Map
from byoa.plan.workflow.states import Parallel as Parallel
from byoa.plan.workflow.states import Pass as Pass
from byoa.plan.workflow.states import State as State
from byoa.plan.workflow.states import Succeed as Succeed
from byoa.plan.workflow.states import Task as Task
from byoa.plan.workflow.states import Wait as Wait

if TYPE_CHECKING:
    from byoa.workflow.execution import Execution as Execution
    from byoa.workflow.workflow import Workflow as Workflow

#: What talks to AWS is loaded when asked for.
LATE = {"Execution": "byoa.workflow.execution", "Workflow": "byoa.workflow.workflow"}


def __getattr__(name: str) -> Any:
    from importlib import import_module

    if name not in LATE:
        raise AttributeError(f"byoa.workflow has no {name!r}")
    return getattr(import_module(LATE[name]), name)
