"""The course of an execution, or of one branch in it: state after state until an end.

What was reached is kept as Progress, so a redrive goes on where the course ended.
"""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from byoa.sandbox.stepfunctions.clock import Clock
from byoa.sandbox.stepfunctions.errors import StateError, StoppedError
from byoa.sandbox.stepfunctions.history import History, Thread, data, iso, now, text
from byoa.sandbox.stepfunctions.scope import Scope, Variables

#: Of any input, result or output. https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html
MOST_DATA = 256 * 1024
MOST_EVENTS = 25_000
#: Errors of the definition and its data: the cause says where.
LOCATED = {
    "States.Runtime", "States.IntrinsicFailure", "States.QueryEvaluationError",
    "States.ResultPathMatchFailure", "States.NoChoiceMatched", "States.ParameterPathFailure",
    "States.ItemReaderFailed", "States.ResultWriterFailed",
}  # fmt: skip
#: States that last, and so may be cut short.
ABORTABLE = {"Task", "Wait", "Map", "Parallel"}
LOCATION = "An error occurred while executing the state "


@dataclass
class Run:
    """What all branches of an execution share."""

    region: str
    context: dict[str, Any]  #: the context object's Execution and StateMachine
    history: History
    clock: Clock
    gone: threading.Event  #: set when the machine is deleted: the next state is the end
    active: dict[int, tuple[str, Thread]]  #: states that wait for something, the outer ones first
    task: Callable[[Course, Scope], Any]  #: carries a Task state out
    map_run: Callable[[Course, Scope], Any]  #: carries a distributed Map out


@dataclass
class Progress:
    """How far a course came: the state that it is in and what that was entered with."""

    state: str = ""
    input: Any = None
    variables: dict[str, Any] = field(default_factory=dict)
    done: bool = False
    output: Any = None
    branches: dict[int, Progress] = field(default_factory=dict)
    map_run: Any = None  #: a distributed Map's, with its children

    def branch(self, index: int) -> Progress:
        return self.branches.setdefault(index, Progress())


@dataclass
class Course:
    """One line of states."""

    run: Run
    program: Mapping[str, Any]  #: StartAt and States
    language: str
    clock: Clock
    events: Thread
    variables: Variables
    progress: Progress
    around: dict[str, Any] = field(default_factory=dict)  #: the context object's Map

    def go(self, value: Any) -> Any:
        """The output of the last state."""
        at = self.progress
        if at.done:
            return at.output
        resumed = bool(at.state)
        if resumed:
            value = at.input
            self.variables.own = copy.deepcopy(at.variables)
        name = at.state or self.program["StartAt"]
        while True:
            if not resumed:
                at.branches.clear()
                at.map_run = None
            resumed = False
            at.state, at.input = name, value
            at.variables = copy.deepcopy(self.variables.own)
            self.clock.check()
            if self.run.gone.is_set():
                raise StoppedError
            if len(self.run.history.events) > MOST_EVENTS:
                said = "The execution reached the maximum number of history events"
                raise StateError("States.Runtime", f"{said} ({MOST_EVENTS}).")
            value, following = self.visit(name, value)
            if following is None:
                at.done, at.output = True, value
                return value
            name = following

    def visit(self, name: str, value: Any) -> tuple[Any, str | None]:
        """One state: its output and the name of the next."""
        from byoa.sandbox.stepfunctions.states import ACTS

        state = self.program["States"].get(name)
        if state is None:
            raise StateError("States.Runtime", f"There is no state {name!r} to go to.")
        kind = state["Type"]
        entered = self.events.add(f"{kind}StateEntered", {"name": name, **data("input", value)})
        context = {
            **self.run.context,
            **self.around,
            "State": {"EnteredTime": iso(now()), "Name": name, "RetryCount": 0},
        }
        language = state.get("QueryLanguage", self.language)
        scope = Scope(state, value, context, self.variables, language == "JSONata", entered)
        if kind in ABORTABLE:
            self.run.active[id(self)] = (kind, self.events)
        try:
            output, following, assigned = ACTS[kind](self, scope)
            check_size(name, output)
        except StateError as error:
            raise self.located(error, scope) from None
        except StoppedError:
            if kind in ABORTABLE:
                self.events.add(f"{kind}StateAborted")
            raise
        finally:
            self.run.active.pop(id(self), None)
        told = {"name": name, **data("output", output)}
        if assigned:
            told["assignedVariables"] = {key: text(item) for key, item in assigned.items()}
            told["assignedVariablesDetails"] = {"truncated": False}
        self.events.add(f"{kind}StateExited", told)
        return output, following

    def located(self, error: StateError, scope: Scope) -> StateError:
        """The error with the state and the event that it belongs to."""
        if error.name not in LOCATED or error.cause.startswith(LOCATION):
            return error
        name = scope.context["State"]["Name"]
        where = f"{LOCATION}'{name}' (entered at the event id #{scope.entered}). "
        made = StateError(error.name, where + error.cause)
        if error.name == "States.QueryEvaluationError":
            told = {"error": made.name, "cause": made.cause, "state": name}
            self.events.add("EvaluationFailed", told)
        return made

    def branch(
        self, program: Mapping[str, Any], index: int, clock: Clock, events: Thread
    ) -> Course:
        """A branch of this course: Parallel's or Map's."""
        return Course(
            self.run,
            program,
            self.language,
            clock,
            events,
            Variables(outer=self.variables),
            self.progress.branch(index),
            dict(self.around),
        )


def check_size(name: str, output: Any) -> None:
    if len(text(output).encode()) > MOST_DATA:
        cause = (
            f"The state/task '{name}' returned a result with a size exceeding "
            "the maximum number of bytes service limit."
        )
        raise StateError("States.DataLimitExceeded", cause)
