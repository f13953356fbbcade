"""Executions: started in a thread of their own, described, stopped, redriven."""

from __future__ import annotations

import datetime
import json
import threading
import traceback
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from byoa.plan.errors import ServiceError
from byoa.sandbox.stepfunctions import described, maps, tasks
from byoa.sandbox.stepfunctions.clock import Clock
from byoa.sandbox.stepfunctions.course import MOST_EVENTS, Course, Progress, Run
from byoa.sandbox.stepfunctions.errors import ExpiredError, StateError, StoppedError
from byoa.sandbox.stepfunctions.history import History, Thread, data, iso, now, text
from byoa.sandbox.stepfunctions.machine import Machine
from byoa.sandbox.stepfunctions.scope import Variables

#: An event's type for each end, and the member that it has.
ENDS = {
    "SUCCEEDED": "ExecutionSucceeded",
    "FAILED": "ExecutionFailed",
    "TIMED_OUT": "ExecutionTimedOut",
    "ABORTED": "ExecutionAborted",
}
#: Executions can be redriven for as long.
REDRIVABLE = datetime.timedelta(days=14)


@dataclass
class Execution:
    """One run of a state machine."""

    arn: str
    name: str
    machine: Machine
    region: str
    input: Any
    started: datetime.datetime = field(default_factory=now)
    status: str = "RUNNING"
    stopped: datetime.datetime | None = None
    output: Any = None
    error: str = ""
    cause: str = ""
    redrives: int = 0
    redriven: datetime.datetime | None = None
    history: History = field(default_factory=History)
    progress: Progress = field(default_factory=Progress)
    clock: Clock = field(default_factory=Clock)
    lock: threading.RLock = field(default_factory=threading.RLock)
    ended: threading.Event = field(default_factory=threading.Event)
    active: dict[int, tuple[str, Thread]] = field(default_factory=dict)
    listeners: list[Callable[[Execution], None]] = field(default_factory=list)
    machine_gone: threading.Event = field(default_factory=threading.Event)
    parent: str = ""  #: the Map Run that it is a child of
    begun: bool = False

    def child(self, program: dict[str, Any], given: Any, run: maps.MapRun) -> Execution:
        """An execution for one input of a distributed Map."""
        mine = self.machine
        config = program.get("ProcessorConfig", {})
        language = program.get("QueryLanguage", mine.definition.get("QueryLanguage", "JSONPath"))
        definition = {**program, "QueryLanguage": language}
        machine = Machine(
            run.machine,
            f"{mine.name}/{run.machine.rpartition('/')[2]}",
            definition,
            text(definition),
            mine.role,
            config.get("ExecutionType", "STANDARD"),
        )
        name = str(uuid.uuid4())
        kind = "express" if machine.kind == "EXPRESS" else "execution"
        arn = f"{mine.arn.replace(':stateMachine:', f':{kind}:')}/{machine.name.partition('/')[2]}"
        return Execution(f"{arn}:{name}", name, machine, self.region, given, parent=run.arn)

    def start(self) -> None:
        self.begun = True
        told = {**data("input", self.input), "roleArn": self.machine.role}
        if self.machine.version:
            told["stateMachineVersionArn"] = self.machine.version
        if self.machine.alias:
            told["stateMachineAliasArn"] = self.machine.alias
        self.history.add("ExecutionStarted", 0, told)
        self.begin(0)  # the first state's event names none before it

    def redrive(self) -> None:
        """Goes on at what failed, with what that had been given."""
        with self.lock:
            reason = self.not_redrivable()
            if reason:
                raise ServiceError("ExecutionNotRedrivable", reason, "RedriveExecution")
            self.redrives += 1
            self.redriven = now()
            self.status, self.stopped, self.error, self.cause = "RUNNING", None, "", ""
            self.ended = threading.Event()
            self.history.closed = False
            last = len(self.history.events)
            told = {"redriveCount": self.redrives}
            self.begin(self.history.add("ExecutionRedriven", last, told))

    def not_redrivable(self) -> str:
        """Why it cannot be redriven, or ""."""
        if self.machine.kind == "EXPRESS":
            return "Execution is of an EXPRESS state machine and cannot be redriven"
        if self.status in {"RUNNING", "SUCCEEDED"}:
            return f"Execution is {self.status} and cannot be redriven"
        if self.stopped is not None and now() - self.stopped > REDRIVABLE:
            return "Execution has exceeded the redrivable period of 14 days"
        if len(self.history.events) >= MOST_EVENTS - 1:
            return f"Execution has exceeded the maximum number of history events ({MOST_EVENTS})"
        return ""

    def begin(self, last: int) -> None:
        self.tell()
        self.active = {}
        definition = self.machine.definition
        seconds = definition.get("TimeoutSeconds")
        self.clock = Clock(seconds=seconds)
        run = Run(
            region=self.region,
            context=self.context(),
            history=self.history,
            clock=self.clock,
            gone=self.machine_gone,
            task=tasks.task,
            active=self.active,
            map_run=lambda course, scope: maps.map_run(self, course, scope),
        )
        course = Course(
            run,
            definition,
            definition.get("QueryLanguage", "JSONPath"),
            self.clock,
            Thread(self.history, last),
            Variables(),
            self.progress,
        )
        name = f"execution-{self.name}"
        threading.Thread(target=self.go, args=(course,), name=name, daemon=True).start()

    def context(self) -> dict[str, Any]:
        """The context object that is the same in every state."""
        execution: dict[str, Any] = {
            "Id": self.arn,
            "Input": self.input,
            "Name": self.name,
            "RoleArn": self.machine.role,
            "StartTime": iso(self.started),
            "RedriveCount": self.redrives,
        }
        if self.redriven is not None:
            execution["RedriveTime"] = iso(self.redriven)
        return {
            "Execution": execution,
            "StateMachine": {"Id": self.machine.arn, "Name": self.machine.name},
        }

    def go(self, course: Course) -> None:
        clock = self.clock
        try:
            output = course.go(self.input)
            self.end(clock, "SUCCEEDED", course.events.last, output=output)
        except StateError as error:
            last = course.events.last
            self.end(clock, "FAILED", last, error=error.name, cause=error.cause)
        except ExpiredError:
            self.end(clock, "TIMED_OUT", course.events.last)
        except StoppedError:
            self.end(clock, "ABORTED", course.events.last)
        except Exception as error:  # a bug of ours: told, and kept in the log
            traceback.print_exc()
            cause = f"The sandbox failed: {type(error).__name__}: {error}"
            self.end(clock, "FAILED", course.events.last, error="States.Runtime", cause=cause)

    def stop(self, error: str, cause: str) -> None:
        """At once; what still runs of it is told to stop and heard no more."""
        with self.lock:
            if self.status == "RUNNING":
                for kind, events in reversed(list(self.active.values())):
                    events.add(f"{kind}StateAborted")
                last = len(self.history.events)
                self.end(self.clock, "ABORTED", last, error=error, cause=cause)
                self.clock.stop()

    def end(
        self, clock: Clock, status: str, last: int, output: Any = None, error: str = "",
        cause: str = "",
    ) -> None:  # fmt: skip
        with self.lock:
            if self.status != "RUNNING" or clock is not self.clock:
                return  # stopped meanwhile
            self.status, self.stopped = status, now()
            self.output, self.error, self.cause = output, error, cause
            told = data("output", output) if status == "SUCCEEDED" else described.problem(self)
            self.history.add(ENDS[status], last, told)
            self.history.closed = True
            self.ended.set()
        self.tell()

    def tell(self) -> None:
        """Lets those know who wait for its changes."""
        for listener in list(self.listeners):
            listener(self)


def parse_input(given: str | None, operation: str) -> Any:
    """The input of a start; InvalidExecutionInput when it is no JSON."""
    try:
        return json.loads(given if given is not None else "{}", parse_constant=no_constant)
    except (ValueError, RecursionError) as problem:
        said = f"Invalid State Machine Execution Input: '{problem}'"
        raise ServiceError("InvalidExecutionInput", said, operation) from None


def no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")
