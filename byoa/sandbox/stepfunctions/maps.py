"""A distributed Map: each item, or batch of items, is a child execution of its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from byoa.sandbox.stepfunctions.course import Course
from byoa.sandbox.stepfunctions.errors import runtime
from byoa.sandbox.stepfunctions.scope import Scope

if TYPE_CHECKING:
    from byoa.sandbox.stepfunctions.executions import Execution


@dataclass
class MapRun:
    """One run of a distributed Map."""

    arn: str


def map_run(execution: Execution, course: Course, scope: Scope) -> Any:
    raise runtime("A distributed Map is not carried out yet.")
