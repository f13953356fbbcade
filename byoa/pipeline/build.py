"""`build`: runs what has to run, as many tasks at once as there is room, and records each.

The loop asks State what has to run and a backend to run it. Nothing of the user's code is loaded
here. What a kill leaves is a state that the next build goes on from.
"""

from __future__ import annotations

import heapq
import shutil
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack, closing
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from byoa.pipeline import hooks, runs
from byoa.pipeline.backends import Backend, Ended, InThisProcess
from byoa.pipeline.echo import Echo
from byoa.pipeline.file_clients import FileClients
from byoa.pipeline.here import Here, has_objects
from byoa.pipeline.interrupts import Interrupts
from byoa.pipeline.lock import alone
from byoa.pipeline.options import ALL, USUAL, Options, Watcher, jobs_of
from byoa.pipeline.order import order_for
from byoa.pipeline.outcome import FATES, Outcome, Result, failure_of, still_true
from byoa.pipeline.slots import Slots
from byoa.pipeline.state import State, folder_of
from byoa.pipeline.worker import Failure
from byoa.plan.errors import ByoaError
from byoa.plan.pipeline import retries
from byoa.plan.pipeline.model import Decision, Pipeline, Task
from byoa.plan.pipeline.schedule import Schedule
from byoa.plan.pipeline.selection import Selection, chosen
from byoa.progress import say

#: How often the loop looks up from waiting: for Ctrl-C, for the table.
TICK = 0.2


__all__ = ["ALL", "USUAL", "Build", "Options", "Watcher", "build", "jobs_of"]


def build(
    pipeline: Pipeline,
    selection: Selection = ALL,
    options: Options = USUAL,
    *,
    backend: Callable[[runs.Run], Backend] | None = None,
    watcher: Watcher | None = None,
    state: State | None = None,
) -> Result:
    """Builds a pipeline; a failure is in the result, what keeps it from beginning is raised."""
    with ExitStack() as stack:
        stack.enter_context(alone(folder_of(pipeline), wait=options.wait))
        run = runs.Run(pipeline, options.argv)
        stack.callback(run.close)
        here = backend(run) if backend else usual_backend(pipeline, run, options)
        stack.callback(here.close)
        stop = stack.enter_context(Interrupts())
        one = Build(pipeline, selection, options, here, state or State(pipeline), run, stop, stack)
        one.watcher = watcher
        stack.callback(one.state.save)
        return one.go()


def usual_backend(pipeline: Pipeline, run: runs.Run, options: Options) -> Backend:
    if options.debug:
        return InThisProcess()
    return Here(pipeline, run.folder / "template.log")


@dataclass
class Build:
    """One build: what waits, what runs, what became of the rest."""

    pipeline: Pipeline
    selection: Selection
    options: Options
    backend: Backend
    state: State
    run: runs.Run
    stop: Interrupts
    stack: ExitStack
    watcher: Watcher | None = None
    halted: bool = False
    decisions: Mapping[str, Decision] = field(default_factory=dict)
    attempts: dict[str, int] = field(default_factory=dict)
    running: dict[str, Path] = field(default_factory=dict)  #: task → the tree that it writes to
    later: list[tuple[float, str]] = field(default_factory=list)  #: retries: when, which
    spent: dict[str, Outcome] = field(default_factory=dict)  #: by attempts that are tried again

    def go(self) -> Result:
        self.state.sweep()
        self.decisions = self.state.plan(self.selection)
        actions = {name: decision.action for name, decision in self.decisions.items()}
        kept = [name for name, action in actions.items() if action == "keep"]
        self.result.outcomes.update((name, Outcome(name, "kept")) for name in kept)
        self.stores.send_rest(self.pipeline.tasks[name] for name in kept)
        if not self.schedule.open and not self.pipeline.hooks:
            self.all_sent()
            return self.result
        self.begin()
        self.hook(hooks.rendering(self.pipeline, self.schedule.open, sent=self.sent))
        while self.schedule.any_ready or self.later or self.running:
            self.fill()
            self.hear(self.backend.wait(self.patience()))
            self.look_up()
            if self.stop.count > 1:  # asked twice: nothing is waited for
                self.backend.kill()
                break
        self.finish()
        return self.result

    def hook(self, task: Task | None) -> None:
        """Runs a hook aside; when it fails, nothing (more) begins."""
        if task is None or self.stop.count:
            return
        log = self.run.log(task.name)
        order = order_for(self.pipeline, task, self.pipeline.root, log=str(log), run=self.run.id)
        self.backend_of_hooks.start(task, order)
        ended: list[Ended] = []
        while not ended:
            ended = self.backend_of_hooks.wait(TICK)
            if self.stop.heard:
                self.backend_of_hooks.cancel(task.name)
        if runs.spoken(log) and not ended[0].failure:
            (self.watcher.say if self.watcher else say)(log.read_text(errors="replace").rstrip())
        if ended[0].stops:
            self.result.stopped = self.result.stopped or "early"
            self.halt()
        elif (failure := ended[0].failure) is not None:
            said = f"{task.name.strip('()')} of the pipeline failed: {failure.text}"
            self.result.failure = self.result.failure or replace(failure, text=said)
            self.halt()

    @cached_property
    def backend_of_hooks(self) -> Backend:
        """Hooks run here, wherever tasks do."""
        if isinstance(self.backend, Here | InThisProcess):
            return self.backend
        return self.stack.enter_context(closing(usual_backend(self.pipeline, self.run, USUAL)))

    @property
    def sent(self) -> bool:
        """Whether the pipeline is sent along with a hook: one with functions of Python's is not."""
        return not has_objects(self.pipeline)

    @cached_property
    def schedule(self) -> Schedule:
        tasks = self.pipeline.tasks
        undone = [name for name, one in self.decisions.items() if one.action in ("run", "perhaps")]
        known = {name: record for name in undone if (record := self.state.record(tasks[name]))}
        return Schedule(
            self.pipeline, undone, {name: record.seconds for name, record in known.items()}
        )

    @cached_property
    def stores(self) -> FileClients:
        self.stack.callback(self.state.aside.close)
        return FileClients(self.state)

    @cached_property
    def slots(self) -> Slots:
        return Slots(1 if self.options.debug else jobs_of(self.pipeline, self.options))

    @cached_property
    def result(self) -> Result:
        return Result(self.run.id)

    @cached_property
    def forced(self) -> frozenset[str]:
        return chosen(self.pipeline, self.selection).forced

    @cached_property
    def echo(self) -> Echo | None:
        return Echo(self.run) if self.options.echo else None

    def begin(self) -> None:
        self.result.begun = True
        self.run.begin(self.slots.jobs, self.decisions)
        self.tell({"event": "run-start", "run": self.run.id, "jobs": self.slots.jobs})
        self.tell(*(one.event() for one in self.result.outcomes.values()))
        self.stores.look(self.pipeline.tasks[one] for one in self.schedule.open)
        self.backend.prepare([self.pipeline.tasks[name] for name in self.schedule.open])

    def tell(self, *events: Mapping[str, Any]) -> None:
        stamped = [{"time": runs.now(), **event} for event in events]
        self.run.write(stamped)
        for event in stamped if self.watcher else ():
            self.watcher.event(event)  # type: ignore[union-attr]

    def patience(self) -> float:
        """How long the backend may be waited for."""
        if self.schedule.any_ready and not self.running:
            return 0
        soonest = self.later[0][0] - time.monotonic() if self.later else TICK
        return min(TICK, max(0.0, soonest))

    def look_up(self) -> None:
        if self.echo:
            self.echo.follow(self.running)
        self.stores.go_on()
        if self.watcher:
            self.watcher.tick()
        if self.stop.heard and not self.result.stopped:
            self.result.stopped = self.stop.heard
            self.halt()
            for name in self.running:
                self.backend.cancel(name)

    # Starting

    def fill(self) -> None:
        """Starts what is ready, as far as there is room; what is kept makes others ready."""
        while self.later and self.later[0][0] <= time.monotonic():
            self.schedule.put(heapq.heappop(self.later)[1])
        while not self.halted:
            began = [self.start(task) for task in self.schedule.take(self.slots.fits, self.room)]
            if all(began):  # nothing was decided on the spot: nothing new is ready
                return

    def room(self) -> bool:
        return self.slots.free > 0 and not self.halted

    def start(self, task: Task) -> bool:
        """Begins an attempt; False when the task is over at once: up to date, or cannot begin."""
        try:
            decision = self.decide(task)
            if decision.action == "keep" or self.fetched(task):
                self.end(Outcome(task.name, "kept"))
                return False
            self.state.begin(task, self.run.id)
            staged, _ = self.state.stage(task)
        except (ByoaError, OSError) as error:
            self.end(Outcome(task.name, "failed", failure_of(error)))
            return False
        self.slots.take(task)
        self.running[task.name] = staged
        self.attempts[task.name] = self.attempts.get(task.name, 0) + 1
        self.send(task, decision)
        return True

    def fetched(self, task: Task) -> bool:
        """Whether a File client has what the task would make; then it is here now."""
        first = task.name not in self.attempts and task.name not in self.forced
        return first and self.stores.fetch(task)

    def decide(self, task: Task) -> Decision:
        """The task's decision now that its upstream is done; of a retry it is made."""
        if task.name in self.attempts:
            return self.decisions[task.name]
        return self.state.decide(task, forced=task.name in self.forced)

    def send(self, task: Task, decision: Decision) -> None:
        log, attempt = self.run.log(task.name), self.attempts[task.name]
        in_place = task.options.get("staging", True) is False
        order = order_for(
            self.pipeline,
            task,
            self.pipeline.root if in_place else str(self.running[task.name]),
            home=str(self.state.folder),
            run=self.run.id,
            attempt=attempt,
            log=str(log),
            force=task.name in self.forced,
            devices=self.slots.devices(task),
        )
        if attempt > 1:
            with log.open("a") as file:
                file.write(f"--- attempt {attempt} ---\n")
        reason = "; ".join(reason.text for reason in decision.reasons)
        said = {"task": task.name, "attempt": attempt, "reason": reason}
        self.tell({"event": "task-start", **said, "log": self.run.relative(log)})
        self.backend.start(task, order)

    # Ending

    def hear(self, ended: Iterable[Ended]) -> None:
        for one in ended:
            task = self.pipeline.tasks[one.task]
            staged = self.running.pop(one.task)
            self.slots.give(task)
            if self.echo:
                self.echo.follow([one.task])
            self.conclude(task, one, staged)

    def conclude(self, task: Task, ended: Ended, staged: Path) -> None:
        """Records what ended well; what did not is tried again, or has failed."""
        outcome = self.outcome_of(task, ended)
        if ended.failure is None:
            outcome = self.commit(task, outcome, ended, staged)
        kinds = outcome.failure.kinds if outcome.failure else ()
        pause = retries.pause(task.limits, kinds, outcome.attempts) if kinds else None
        if pause is not None and not self.halted:
            self.tell({**outcome.event(), "retry": True})
            self.spent[task.name] = outcome
            heapq.heappush(self.later, (time.monotonic() + pause, task.name))
            return
        if "cancelled" in kinds or ended.stops:
            outcome.outcome = "cancelled"
        self.end(outcome)
        if ended.stops and not self.result.stopped:
            self.result.stopped = "early"
            self.halt()

    def outcome_of(self, task: Task, ended: Ended) -> Outcome:
        log, before = self.run.log(task.name), self.spent.get(task.name)
        return Outcome(
            task.name,
            "failed" if ended.failure else "done",
            ended.failure,
            ended.seconds,
            ended.cpu_seconds + (before.cpu_seconds if before else 0),
            max(ended.peak_mb, before.peak_mb if before else 0),
            self.attempts[task.name],
            self.run.relative(log) if runs.spoken(log) else "",
            ended.metrics,
        )

    def commit(self, task: Task, outcome: Outcome, ended: Ended, staged: Path) -> Outcome:
        facts = outcome.facts(self.run.id, runs.stamp(runs.ago(outcome.seconds)))
        facts["digests"] = still_true(ended.digests, task, staged)
        try:
            self.state.commit(task, staged, facts)
            self.stores.send(task)
        except (ByoaError, OSError) as error:
            return replace(outcome, outcome="failed", failure=failure_of(error))
        return outcome

    def end(self, outcome: Outcome) -> None:
        """Writes an outcome down and sees to those that waited for it."""
        name = outcome.task
        self.result.outcomes[name] = outcome
        self.tell(outcome.event())
        if outcome.outcome in ("done", "kept"):
            self.schedule.done(name)
            return
        for below in self.schedule.lost(name):
            said = Failure(f"it needs {name}, which {FATES[outcome.outcome]}", ("skipped",))
            self.result.outcomes[below] = Outcome(below, "skipped", said)
            self.tell(self.result.outcomes[below].event())
        if self.options.fail_fast and outcome.outcome == "failed":
            self.halt()

    def halt(self) -> None:
        """Nothing new begins; what runs may go on to its end."""
        self.halted = True
        self.schedule.halt()
        self.later.clear()

    def all_sent(self) -> None:
        """Waits for what goes to File clients; a task whose products do not arrive has failed."""
        failed = self.stores.close(lambda: bool(self.stop.heard))
        self.result.stopped = self.result.stopped or self.stop.heard
        for name, why in failed.items():
            outcome = self.result.outcomes[name]
            outcome.outcome, outcome.failure = "failed", Failure(why, ("ByoaError",))
            if self.result.begun:
                self.tell(outcome.event())

    def finish(self) -> None:
        """Says what was not reached, and that the run is over."""
        self.all_sent()
        for name in self.pipeline.tasks:
            if name in self.schedule.open:
                self.result.outcomes[name] = Outcome(name, "cancelled")
                self.tell(self.result.outcomes[name].event())
        self.hook(hooks.finishing(self.pipeline, self.result, sent=self.sent))
        shutil.rmtree(self.state.work, ignore_errors=True)
        self.tell({"event": "run-end", "outcome": self.result.word})
        if len(runs.newest_first(self.pipeline)) > runs.KEPT:
            runs.prune(self.pipeline, {one.run for one in self.state.records().values()})
