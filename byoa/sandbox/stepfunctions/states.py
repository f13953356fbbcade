"""What each type of state does: its output, the next state's name, the variables it assigned."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from byoa.sandbox.stepfunctions import choice, groups
from byoa.sandbox.stepfunctions.course import Course
from byoa.sandbox.stepfunctions.errors import StateError, runtime
from byoa.sandbox.stepfunctions.history import now
from byoa.sandbox.stepfunctions.retry import Retries, catcher
from byoa.sandbox.stepfunctions.scope import MISSING, Scope

Outcome = tuple[Any, str | None, dict[str, Any]]
Act = Callable[[Course, Scope], Outcome]


def following(state: Mapping[str, Any]) -> str | None:
    return state.get("Next")


def pass_(course: Course, scope: Scope) -> Outcome:
    result = scope.state["Result"] if "Result" in scope.state else scope.arguments()
    output, assigned = scope.output(result)
    return output, following(scope.state), assigned


def succeed(course: Course, scope: Scope) -> Outcome:
    if scope.jsonata:
        output, assigned = scope.output(scope.input)
        return output, None, assigned
    return scope.output_path(scope.effective_input()), None, {}


def fail(course: Course, scope: Scope) -> Outcome:
    raise StateError(said(scope, "Error"), said(scope, "Cause"))


def said(scope: Scope, name: str) -> str:
    """Error and Cause: a text, a path or function that gives one, or JSONata."""
    if f"{name}Path" in scope.state:
        path = f"{name}Path"
        found = scope.dynamic(scope.state[path], scope.input, path)
    else:
        found = scope.state.get(name, "")
        found = scope.fill(found, name) if scope.jsonata else found
    if not isinstance(found, str):
        raise runtime(f"The field {name} of a Fail state has to be a text, and is {found!r}")
    return found


def wait(course: Course, scope: Scope) -> Outcome:
    seconds, moment = scope.number("Seconds"), scope.number("Timestamp")
    if moment is not None:
        then = choice.moment(moment)
        if then is None:
            raise runtime(f"The Timestamp {moment!r} is no RFC 3339 time, as 2026-01-31T09:00:00Z")
        seconds = max(0.0, (then - now()).total_seconds())
    if not choice.is_number(seconds) or not 0 <= seconds < 10**8:
        raise runtime(f"The Seconds of a Wait have to be from 0 to 99999999, not {seconds!r}")
    course.clock.wait(seconds)
    if scope.jsonata:
        output, assigned = scope.output(scope.input)
        return output, following(scope.state), assigned
    value = scope.effective_input()
    assigned = scope.assign(scope.state.get("Assign") or {}, value)
    return scope.output_path(value), following(scope.state), assigned


def choose(course: Course, scope: Scope) -> Outcome:
    rule, name = choice.chosen(scope)
    source = scope.state if rule is None else rule
    value = scope.effective_input()
    made = value
    if scope.jsonata:
        template = source.get("Output", MISSING)
        made = value if template is MISSING else scope.fill(template, "Output")
    assigned = scope.assign(source.get("Assign") or {}, value)
    return (made if scope.jsonata else scope.output_path(made)), name, assigned


def patient(work: Callable[[Course, Scope], Any]) -> Act:
    """A state with Retry and Catch around its work."""

    def act(course: Course, scope: Scope) -> Outcome:
        retries = Retries(scope.state.get("Retry", ()))
        while True:
            try:
                output, assigned = scope.output(work(course, scope))
                return output, following(scope.state), assigned
            except StateError as raised:
                error = course.located(raised, scope)
                delay = retries.delay(error.name)
                if delay is None:
                    return caught(scope, error)
                course.clock.wait(delay)
                scope.context["State"]["RetryCount"] += 1
                course.progress.branches.clear()
                course.progress.map_run = None

    return act


def caught(scope: Scope, error: StateError) -> Outcome:
    """The way that a Catch points to, or the error again."""
    rule = catcher(scope.state.get("Catch", ()), error.name)
    if rule is None:
        raise error
    assign, problem = rule.get("Assign") or {}, error.output
    if scope.jsonata:
        template = rule.get("Output", MISSING)
        output = (
            problem if template is MISSING else scope.fill(template, "Output", errorOutput=problem)
        )
        return output, rule["Next"], scope.assign(assign, None, errorOutput=problem)
    assigned = scope.assign(assign, problem)
    return scope.put(rule.get("ResultPath", "$"), problem), rule["Next"], assigned


def task(course: Course, scope: Scope) -> Any:
    return course.run.task(course, scope)


ACTS: dict[str, Act] = {
    "Pass": pass_,
    "Succeed": succeed,
    "Fail": fail,
    "Wait": wait,
    "Choice": choose,
    "Task": patient(task),
    "Parallel": patient(groups.parallel),
    "Map": patient(groups.map_),
}
