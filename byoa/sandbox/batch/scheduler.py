"""Moves jobs from status to status: what waits, what may begin, what an end means for others.

Everything here is called with the region's lock held; an attempt runs in a thread of its own.
https://docs.aws.amazon.com/batch/latest/userguide/job_states.html
"""

from __future__ import annotations

import os
import threading
from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from byoa.sandbox.batch import environments, queues
from byoa.sandbox.batch.exits import Ending, begins_again
from byoa.sandbox.batch.job import BEFORE, Job
from byoa.sandbox.batch.region import Region, now, plain

#: However many vCPUs an environment has, this machine runs so many containers at once.
AT_ONCE = max(4, 2 * (os.cpu_count() or 1))
TOO_LARGE = (
    "MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT - The job resource requirement (vCPU/memory/GPU) "
    "is higher than that can be met by the CE(s) attached to the job queue."
)
DEPENDENCY = "Dependent Job failed"
CHILD = "Array Child Job failed"

#: Runs one attempt in an environment and tells how it ended; in its own thread.
Carry = Callable[[Job, dict[str, Any]], Ending]


@dataclass
class Scheduler:
    region: Region
    carry: Carry
    runnable: dict[str, deque[Job]] = field(default_factory=lambda: defaultdict(deque))
    used: dict[str, float] = field(default_factory=lambda: defaultdict(float))  #: vCPUs
    running: int = 0

    def enter(self, job: Job) -> None:
        """A job that was just submitted: it waits, or it is ready."""
        for one in job.children or [job]:
            if one.over:  # with one before it in this very array
                continue
            if any(self.region.jobs[name].status == "FAILED" for name in one.waits):
                self.settle(one, "FAILED", DEPENDENCY)
            elif one.waits:
                one.status = "PENDING"
            else:
                self.ready(one)
        if job.children and not job.over:
            job.status = "PENDING"
        self.turn()

    def ready(self, job: Job) -> None:
        if job.stop:  # cancelled while it waited
            self.settle(job, "FAILED", job.stop)
            return
        job.status = "RUNNABLE"
        self.runnable[job.queue].append(job)

    def turn(self) -> None:
        """Begins what there is room for: queues by priority, a queue's jobs in their order."""
        known = self.region.queues
        for arn in sorted(
            self.runnable, key=lambda arn: -known.get(plain(arn), NOTHING)["priority"]
        ):
            self.serve(self.runnable[arn], queues.of(self.region, arn))

    def serve(self, waiting: deque[Job], places: list[dict[str, Any]]) -> None:
        aside: list[Job] = []
        while waiting and self.running < AT_ONCE:
            job = waiting[0]
            if job.status == "RUNNABLE":
                wanted = job.need("VCPU")
                if places and all(environments.most_vcpus(one) < wanted for one in places):
                    job.reason = TOO_LARGE
                    aside.append(waiting.popleft())
                    continue
                place = next((one for one in places if self.room(one) >= wanted), None)
                if place is None:
                    break
                self.begin(job, place)
            waiting.popleft()
        waiting.extend(aside)

    def room(self, environment: dict[str, Any]) -> float:
        used = self.used[environment["computeEnvironmentName"]]
        return environments.most_vcpus(environment) - used

    def begin(self, job: Job, environment: dict[str, Any]) -> None:
        job.status, job.reason, job.ending = "STARTING", "", None
        self.used[environment["computeEnvironmentName"]] += job.need("VCPU")
        self.running += 1
        threading.Thread(target=self.attempt, args=(job, environment), daemon=True).start()

    def attempt(self, job: Job, environment: dict[str, Any]) -> None:
        """In a thread of its own, without the lock but at its end."""
        try:
            ending = self.carry(job, environment)
        except Exception as error:  # a bug of ours must not leave a job that never ends
            text = f"The sandbox failed: {type(error).__name__}: {error}"
            ending = Ending(None, text, "Task failed to start")
        with self.region.changed:
            self.running -= 1
            self.used[environment["computeEnvironmentName"]] -= job.need("VCPU")
            self.ended(job, ending)
            self.turn()

    def ended(self, job: Job, ending: Ending) -> None:
        """One more attempt is over; whether it was the last one."""
        job.ending, job.stopped = ending, now()
        code = {} if ending.exit_code is None else {"exitCode": ending.exit_code}
        reason = {"reason": ending.reason} if ending.reason else {}
        job.attempts.append(
            {
                "container": {
                    "taskArn": job.task_arn,
                    "logStreamName": job.stream,
                    "networkInterfaces": [],
                    **code,
                    **reason,
                },
                "startedAt": job.started,
                "stoppedAt": job.stopped,
                "statusReason": ending.status_reason,
            }
        )
        if begins_again(ending, job.strategy, len(job.attempts)):
            self.ready(job)
        else:
            self.settle(job, "SUCCEEDED" if ending.good else "FAILED", ending.status_reason)

    def settle(self, job: Job, status: str, reason: str) -> None:
        """A job is over, and with it, perhaps, those that waited for it and its array."""
        ends = deque([(job, status, reason)])
        while ends:
            one, status, reason = ends.popleft()
            if one.over:
                continue
            one.status, one.reason = status, reason
            one.stopped = one.stopped or now()
            for follower in one.followers:
                follower.waits.discard(one.id)
                if status == "FAILED":
                    ends.append((follower, "FAILED", follower.stop or DEPENDENCY))
                elif not follower.waits and follower.status in BEFORE:
                    self.ready(follower)
            parent = one.parent
            if parent is not None and all(child.over for child in parent.children):
                ends.append((parent, *whole(parent)))

    def halt(self, job: Job, reason: str, *, terminate: bool) -> None:
        """CancelJob and TerminateJob. What waits for others is over when those are."""
        if job.over:
            return
        job.stop = job.stop or reason
        job.cancelled = job.cancelled or not terminate
        job.terminated = job.terminated or terminate
        for child in job.children:
            self.halt(child, reason, terminate=terminate)
        if job.status == "RUNNABLE" and not job.children:
            self.settle(job, "FAILED", job.stop)
        elif not terminate and job.status in {"STARTING", "RUNNING"}:
            job.stop, job.cancelled = "", False  # too late, and no error


NOTHING: dict[str, Any] = {"priority": -1}


def whole(parent: Job) -> tuple[str, str]:
    """How an array ended, all of its children being over."""
    if all(child.status == "SUCCEEDED" for child in parent.children):
        return "SUCCEEDED", ""
    return "FAILED", parent.stop or CHILD
