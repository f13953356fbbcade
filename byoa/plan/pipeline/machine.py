"""A run as a state machine: a state a task, sides as Parallel, in JSONata.

The machine's input passes through every state as {"lost": {task: why}}. A task whose upstream is
lost is left out and lost itself, so a failure stops what depends on it and nothing else; the last
state fails with all that was lost. The run's own names come from the execution's input: the
definition is the same for every run of the same tasks.
https://docs.aws.amazon.com/step-functions/latest/dg/transforming-data.html
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from byoa.plan.errors import UsageError
from byoa.plan.pipeline.composition import Composition, Part, Sides, names_of

#: https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html
#: 1 MiB, less the tags that every state gets. An execution's 25,000 events are more than the tasks
#: of such a definition make.
MOST_BYTES, LONGEST = 940_000, 80
PLAIN = re.compile(r"[^\w .+=-]")
LOST = "$states.input.lost"


@dataclass(frozen=True)
class Job:
    """What a task's state asks for; `busy` are the errors after which it asks again."""

    resource: str
    arguments: Mapping[str, Any]
    busy: tuple[str, ...] = ()


def definition(
    composition: Composition,
    needs: Mapping[str, Iterable[str]],
    jobs: Mapping[str, Job],
    comment: str,
) -> dict[str, Any]:
    """The whole machine; UsageError when Step Functions would not take it."""
    machine = Machine(needs, jobs)
    states: dict[str, Any] = {
        machine.named("Begin"): {"Type": "Pass", "Output": {"lost": {}}, "Next": ""}
    }
    begin, end = next(iter(states)), machine.named("All done?")
    states[begin]["Next"] = machine.add(composition.part, end, states)
    failed, done = machine.named("Some were not done"), machine.named("Done")
    nobody = f"{{% $count($keys({LOST})) = 0 %}}"
    states[end] = {
        "Type": "Choice", "Choices": [{"Condition": nobody, "Next": done}], "Default": failed,
    }  # fmt: skip
    states[done] = {"Type": "Succeed"}
    states[failed] = {
        "Type": "Fail",
        "Error": "TasksFailed",
        "Cause": f"{{% 'Not done: ' & $substring($string({LOST}), 0, 30000) %}}",
    }
    found = {
        "Comment": comment, "QueryLanguage": "JSONata", "StartAt": begin, "States": states,
    }  # fmt: skip
    check_size(found)
    return found


@dataclass
class Machine:
    """The names that are given out, and what stands behind them."""

    needs: Mapping[str, Iterable[str]]
    jobs: Mapping[str, Job]
    taken: set[str] = field(default_factory=set)

    def named(self, text: str) -> str:
        """A state's name: the text as far as it can be one, and no other state's."""
        name = PLAIN.sub("_", text)
        if name != text or len(name) > LONGEST or name in self.taken:
            mark = hashlib.sha256(f"{len(self.taken)} {text}".encode()).hexdigest()[:8]
            name = f"{name[: LONGEST - 9]} {mark}"
        self.taken.add(name)
        return name

    def add(self, part: Part, after: str, states: dict[str, Any]) -> str:
        """Puts a part's states among others; the name of the first. "" after: the branch ends."""
        if isinstance(part, str):
            return self.task(part, after, states)
        if isinstance(part, Sides):
            return self.sides(part, after, states)
        for one in reversed(part.parts):
            after = self.add(one, after, states)
        return after

    def sides(self, part: Sides, after: str, states: dict[str, Any]) -> str:
        """A Parallel whose branches never fail: what one has lost comes out of it."""
        size = sum(1 for _ in names_of(part))
        name = self.named(f"{size} tasks, {len(part.parts)} side by side")
        branches = []
        for one in part.parts:
            inside: dict[str, Any] = {}
            start = self.add(one, "", inside)
            branches.append({"StartAt": start, "States": inside})
        states[name] = {
            "Type": "Parallel",
            "Branches": branches,
            "Output": {"lost": "{% $merge([$states.result.lost]) %}"},
            **next_one(after),
        }
        return name

    def task(self, task: str, after: str, states: dict[str, Any]) -> str:
        """The state that runs it; before it, where it needs others, the question for those."""
        job, name = self.jobs[task], self.named(task)
        over = after
        if not over:  # a branch ends here for a task that is lost, too
            over = self.named(f"after {task}")
            states[over] = {"Type": "Pass", "End": True}
        states[name] = {
            "Type": "Task",
            "Resource": job.resource,
            "Arguments": dict(job.arguments),
            **({"Retry": [patience(job.busy)]} if job.busy else {}),
            "Catch": [
                {
                    "ErrorEquals": ["States.ALL"],
                    "Output": {"lost": more(task, "$states.errorOutput.Error")},
                    "Next": over,
                }
            ],
            "Output": "{% $states.input %}",
            **next_one(after),
        }
        needs = [one for one in self.needs[task] if one in self.jobs]
        if not needs:
            return name
        question = self.named(f"{task}?")
        some = ",".join(map(literal, needs))
        states[question] = {
            "Type": "Choice",
            "Choices": [
                {
                    "Condition": f"{{% $count($keys({LOST})[$ in [{some}]]) > 0 %}}",
                    "Output": {"lost": more(task, "'what it needs was not done'")},
                    "Next": over,
                }
            ],
            "Default": name,
        }
        return question


def next_one(after: str) -> dict[str, Any]:
    return {"Next": after} if after else {"End": True}


def more(task: str, why: str) -> str:
    return f"{{% $merge([{LOST}, {{{literal(task)}: {why}}}]) %}}"


def literal(text: str) -> str:
    """A text within {% … %}, which ends at the first %}."""
    return json.dumps(text).replace("%", "\\u0025")


def patience(busy: Iterable[str]) -> dict[str, Any]:
    """Thousands of jobs are not taken at once: what was refused is asked for again, spread out."""
    return {
        "ErrorEquals": list(busy),
        "IntervalSeconds": 2,
        "BackoffRate": 1.6,
        "MaxAttempts": 12,
        "MaxDelaySeconds": 60,
        "JitterStrategy": "FULL",
    }


def check_size(found: Mapping[str, Any]) -> None:
    size = len(json.dumps(found, separators=(",", ":")))
    if size > MOST_BYTES:
        raise UsageError(
            f"As a state machine this run has {size:,} bytes, and Step Functions takes"
            f" {MOST_BYTES:,}. Submit it --on batch, or fewer of its tasks (--only, --until)."
        )
