"""Batch's API, all of it answered here: moto starts containers without limits, retries or roles."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from werkzeug.wrappers import Response

from byoa.local.logs import LogWriter
from byoa.plan.errors import ServiceError
from byoa.sandbox import answers, shapes
from byoa.sandbox.batch import definitions, environments, listing, queues, submit, tags
from byoa.sandbox.batch.attempt import Attempt
from byoa.sandbox.batch.exits import Ending
from byoa.sandbox.batch.job import Job
from byoa.sandbox.batch.region import Region, refused
from byoa.sandbox.batch.scheduler import Scheduler
from byoa.sandbox.hooks import Sandbox, not_implemented
from byoa.sandbox.sagemaker import root
from byoa.sandbox.state import State
from byoa.sandbox.wire import Call

REGIONS: dict[str, Scheduler] = {}
LOCK = threading.Lock()
#: SubmitJob takes so many a second.
SUBMITS = 50.0
TAGS = "/v1/tags/"


class Bucket:
    """Tokens that come back at a rate; who finds none is told to slow down."""

    def __init__(self, rate: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.rate, self.clock = rate, clock
        self.tokens, self.seen = rate, clock()

    def take(self) -> bool:
        moment = self.clock()
        self.tokens = min(self.rate, self.tokens + (moment - self.seen) * self.rate)
        self.seen = moment
        if self.tokens < 1:
            return False
        self.tokens -= 1
        return True


BUCKETS: dict[str, Bucket] = {}


def submit_job(scheduler: Scheduler, request: dict[str, Any]) -> dict[str, Any]:
    bucket = BUCKETS.setdefault(scheduler.region.name, Bucket(SUBMITS))
    if not bucket.take():
        raise ServiceError("TooManyRequestsException", "Too Many Requests", "SubmitJob", 429)
    job = submit.make(scheduler.region, request)
    scheduler.enter(job)
    return {"jobArn": job.arn, "jobName": job.name, "jobId": job.id}


def halt(scheduler: Scheduler, request: dict[str, Any], *, terminate: bool) -> dict[str, Any]:
    job = scheduler.region.jobs.get(request["jobId"])
    if job is not None:  # one that nobody knows is no error
        scheduler.halt(job, request["reason"], terminate=terminate)
        scheduler.turn()
    return {}


def halt_all(scheduler: Scheduler, request: dict[str, Any], *, terminate: bool) -> dict[str, Any]:
    if len(request["jobs"]) > 50:
        raise refused("jobs must have 50 entries or less")
    for name in request["jobs"]:
        halt(scheduler, {"jobId": name, "reason": request["reason"]}, terminate=terminate)
    return {"successful": request["jobs"], "errors": []}


def delete_queue(scheduler: Scheduler, request: dict[str, Any]) -> dict[str, Any]:
    """With the queue its jobs end."""
    region = scheduler.region
    arn = region.arn("job-queue", request["jobQueue"].rpartition("/")[2])
    done = queues.delete(region, request)
    for job in list(region.jobs.values()):
        if job.queue == arn:
            scheduler.halt(job, "Job Queue was deleted", terminate=True)
    return done


def records(function: Callable[[Region, dict[str, Any]], dict[str, Any]]) -> Act:
    """What only looks at, or changes, what is kept; a change may make room for a job."""

    def act(scheduler: Scheduler, request: dict[str, Any]) -> dict[str, Any]:
        found = function(scheduler.region, request)
        scheduler.turn()
        return found

    return act


Act = Callable[[Scheduler, dict[str, Any]], dict[str, Any]]
OPERATIONS: dict[str, Act] = {
    "CreateComputeEnvironment": records(environments.create),
    "DescribeComputeEnvironments": records(environments.describe),
    "UpdateComputeEnvironment": records(environments.update),
    "DeleteComputeEnvironment": records(environments.delete),
    "CreateJobQueue": records(queues.create),
    "DescribeJobQueues": records(queues.describe),
    "UpdateJobQueue": records(queues.update),
    "DeleteJobQueue": delete_queue,
    "RegisterJobDefinition": records(definitions.register),
    "DescribeJobDefinitions": records(definitions.describe),
    "DeregisterJobDefinition": records(definitions.deregister),
    "SubmitJob": submit_job,
    "DescribeJobs": records(listing.describe),
    "ListJobs": records(listing.listed),
    "CancelJob": partial(halt, terminate=False),
    "TerminateJob": partial(halt, terminate=True),
    "CancelJobs": partial(halt_all, terminate=False),
    "TerminateJobs": partial(halt_all, terminate=True),
    "TagResource": records(tags.tag),
    "UntagResource": records(tags.untag),
    "ListTagsForResource": records(tags.listed),
}


def batch(sandbox: Sandbox, call: Call) -> Response:
    act = OPERATIONS.get(call.operation)
    if act is None:
        raise not_implemented(call)
    if call.request.path.startswith(TAGS):
        call.parameters["resourceArn"] = unquote(call.request.path[len(TAGS) :])
        if call.operation == "UntagResource":
            call.parameters["tagKeys"] = call.request.args.getlist("tagKeys")
    shapes.check(call, "ClientException")
    scheduler = scheduler_of(sandbox.state, call.region or sandbox.state.region)
    with scheduler.region.changed:
        try:
            found = act(scheduler, call.parameters)
        except ServiceError as error:
            error.operation_name = call.operation
            raise
    return answers.answer(call, found)


def scheduler_of(state: State, name: str) -> Scheduler:
    with LOCK:
        if name not in REGIONS:
            region, writer = Region(name), LogWriter(root(state, name))

            def carry(job: Job, environment: dict[str, Any]) -> Ending:
                number = len(job.attempts) + 1
                return Attempt(state, region, writer, job, environment, number).carry()

            Path(state.folder, "batch").mkdir(exist_ok=True)
            REGIONS[name] = Scheduler(region, carry)
        return REGIONS[name]
