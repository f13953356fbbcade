"""Parallel and Map: branches in threads of their own; the first that fails ends the others."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Sequence
from typing import Any

from byoa.sandbox.stepfunctions.clock import Clock
from byoa.sandbox.stepfunctions.course import Course
from byoa.sandbox.stepfunctions.errors import StateError, StoppedError, runtime
from byoa.sandbox.stepfunctions.history import Thread
from byoa.sandbox.stepfunctions.scope import Scope

#: How many iterations of an inline Map run at once when nothing else is said.
INLINE_AT_ONCE = 40
#: Works with a line of events to write on.
Branch = Callable[[Thread], Any]


def together(course: Course, branches: Sequence[Branch], clock: Clock, most: int) -> list[Any]:
    """What the branches give, in their order; or the first error, when all of them are quiet."""
    waiting: queue.SimpleQueue[int] = queue.SimpleQueue()
    for at in range(len(branches)):
        waiting.put(at)
    results: list[Any] = [None] * len(branches)
    errors: list[BaseException] = []
    lasts = [course.events.last]

    def work() -> None:
        line = course.events.branch()
        while not errors:
            try:
                at = waiting.get_nowait()
                results[at] = branches[at](line)
                lasts.append(line.last)
            except queue.Empty:
                return
            except BaseException as error:  # handed on below
                if not errors:
                    lasts[:] = [line.last]
                errors.append(error)
                clock.stop()

    threads = [threading.Thread(target=work, daemon=True) for _ in range(min(most, len(branches)))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    clock.close()
    course.events.last = max(lasts)
    if errors:
        course.clock.check()  # stopped from outside: that is what ended the branches
        raise errors[0]
    return results


def parallel(course: Course, scope: Scope) -> list[Any]:
    value = scope.arguments()
    course.events.add("ParallelStateStarted")
    clock = Clock(course.clock)

    def branch(at: int, program: Any) -> Branch:
        def work(line: Thread) -> Any:
            own = course.events.branch()  # each branch follows on the Parallel's start
            try:
                return course.branch(program, at, clock, own).go(value)
            finally:
                line.last = own.last

        return work

    programs = scope.state["Branches"]
    try:
        found = together(
            course, [branch(*each) for each in enumerate(programs)], clock, len(programs)
        )
    except StateError:
        course.events.add("ParallelStateFailed")
        raise
    course.events.note("ParallelStateSucceeded")
    return found


def map_(course: Course, scope: Scope) -> Any:
    processor = scope.state.get("ItemProcessor") or scope.state["Iterator"]
    if processor.get("ProcessorConfig", {}).get("Mode") == "DISTRIBUTED":
        return course.run.map_run(course, scope)
    items = items_of(scope)
    name = scope.context["State"]["Name"]
    course.events.add("MapStateStarted", {"length": len(items)})
    clock = Clock(course.clock)

    def iteration(at: int, item: Any) -> Branch:
        return lambda line: iterate(
            course.branch(processor, at, clock, line), scope, name, at, item
        )

    most = int(scope.number("MaxConcurrency", 0)) or INLINE_AT_ONCE
    try:
        found = together(course, [iteration(*each) for each in enumerate(items)], clock, most)
    except StateError:
        course.events.add("MapStateFailed")
        raise
    course.events.note("MapStateSucceeded")
    return found


def iterate(branch: Course, scope: Scope, name: str, at: int, item: Any) -> Any:
    if branch.progress.done:
        return branch.progress.output
    told = {"name": name, "index": at}
    branch.around["Map"] = {"Item": {"Index": at, "Value": item}}
    branch.events.add("MapIterationStarted", told)
    try:
        output = branch.go(selected(scope, at, item))
    except StoppedError:
        branch.events.add("MapIterationAborted", told)
        raise
    except StateError:
        branch.events.note("MapIterationFailed", told)
        raise
    branch.events.add("MapIterationSucceeded", told)
    return output


def items_of(scope: Scope) -> list[Any]:
    """The list that a Map goes through."""
    if scope.jsonata:
        found = scope.fill(scope.state["Items"], "Items") if "Items" in scope.state else scope.input
    else:
        found = scope.effective_input()
        if "ItemsPath" in scope.state:
            found = scope.path(scope.state["ItemsPath"], found, "ItemsPath")
    if not isinstance(found, list):
        raise runtime(
            'Reference path "' + scope.state.get("ItemsPath", "$") + '" must point to array.'
        )
    return found


def selected(scope: Scope, at: int, item: Any) -> Any:
    """An iteration's input: the item, or what ItemSelector (once Parameters) makes of it."""
    template = scope.state.get("ItemSelector", scope.state.get("Parameters"))
    if template is None:
        return item
    context = {**scope.context, "Map": {"Item": {"Index": at, "Value": item}}}
    inner = Scope(scope.state, scope.input, context, scope.variables, scope.jsonata)
    if scope.jsonata:
        return inner.fill(template, "ItemSelector")
    return inner.template(template, scope.effective_input())
