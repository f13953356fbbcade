"""Workflows in the words of AWS's Step Functions Data Science SDK, without its dependencies.

from byoa.workflow import Catch, Chain, ExecutionInput, Fail, LambdaStep, Retry, Workflow
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from byoa.plan.workflow.blocks import Catch as Catch
    from byoa.plan.workflow.blocks import Retry as Retry

#: Where each name lives; it is loaded when asked for.
MODULES = {
    "byoa.plan.workflow.blocks": "Catch Retry",
    "byoa.plan.workflow.chain": "Chain Graph",
    "byoa.plan.workflow.choice_rule": "ChoiceRule Condition",
    "byoa.plan.workflow.expressions": "jsonata jsonpath",
    "byoa.plan.workflow.placeholders": "Context ErrorOutput ExecutionInput StepInput StepResult "
    "context item_index item_value task_token variable",
    "byoa.plan.workflow.services": "AwsSdkStep IntegrationPattern LambdaStep",
    "byoa.plan.workflow.states": "Choice Fail Map Parallel Pass State Succeed Task Wait",
    "byoa.workflow.execution": "Execution",
    "byoa.workflow.workflow": "Workflow",
}
NAMES = {name: module for module, names in MODULES.items() for name in names.split()}
__all__ = [*sorted(NAMES)]


def __getattr__(name: str) -> Any:
    if name not in NAMES:
        raise AttributeError(f"byoa.workflow has no {name!r}")
    return getattr(import_module(NAMES[name]), name)
