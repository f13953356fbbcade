"""AWS Batch's jobs: submitted under its rate, looked at by the hundred, ended.

https://docs.aws.amazon.com/batch/latest/userguide/service_limits.html
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from byoa.aws.parallel import each
from byoa.plan.errors import ByoaError, NotFoundError

#: SubmitJob takes 50 a second of an account and region, and others may submit, too.
RATE = 40.0
#: What a quiet while is good for, in seconds of the rate.
BURST = 0.2
MOST_DESCRIBED = 100
JOB_GROUP = "/aws/batch/job"
OVER = ("SUCCEEDED", "FAILED")
#: How a job goes: Batch's statuses in their order.
STATUSES = ("SUBMITTED", "PENDING", "RUNNABLE", "STARTING", "RUNNING", *OVER)


class Pace:
    """Lets so many through in a second, whichever thread asks; a few at once after a pause."""

    def __init__(
        self,
        rate: float = RATE,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.rate, self.sleep, self.clock = rate, sleep, clock
        self._next = clock() - BURST
        self._lock = threading.Lock()

    def wait(self) -> None:
        """Comes back when it is this caller's turn."""
        with self._lock:
            now = self.clock()
            mine = self._next = max(self._next, now - BURST) + 1 / self.rate
        if mine > now:
            self.sleep(mine - now)


class Batch:
    """A region's jobs; `client` has boto3's methods."""

    def __init__(self, client: Any, pace: Pace | None = None, workers: int = 8) -> None:
        self.client, self.pace, self.workers = client, pace or Pace(), workers

    def submit(self, request: Mapping[str, Any]) -> str:
        """The id of a new job."""
        self.pace.wait()
        return str(self.client.submit_job(**request)["jobId"])

    def describe(self, ids: Iterable[str]) -> dict[str, dict[str, Any]]:
        """What Batch says of each job that it still knows, by id; of a child of an array id:n."""
        wanted = list(dict.fromkeys(ids))
        pieces = [wanted[at : at + MOST_DESCRIBED] for at in range(0, len(wanted), MOST_DESCRIBED)]
        with ThreadPoolExecutor(self.workers) as pool:
            answers = each(pool, lambda some: self.client.describe_jobs(jobs=some)["jobs"], pieces)
        return {one["jobId"]: one for answer in answers for one in answer}

    def named(self, queue: str, prefix: str) -> Iterator[dict[str, Any]]:
        """The jobs of a queue whose names begin so, in whatever state; arrays, not their children.

        Batch's filter does not tell cases apart.
        """
        wanted = [{"name": "JOB_NAME", "values": [f"{prefix}*"]}]
        more: dict[str, str] = {}
        while True:
            page = self.client.list_jobs(jobQueue=queue, filters=wanted, **more)
            yield from (one for one in page["jobSummaryList"] if one["jobName"].startswith(prefix))
            if not page.get("nextToken"):
                return
            more["nextToken"] = page["nextToken"]

    def end(self, ids: Sequence[str], reason: str) -> None:
        """Ends jobs, the last submitted first, so that none begins because another is gone."""
        for job in reversed(ids):
            self.pace.wait()
            self.client.terminate_job(jobId=job, reason=reason)


def definition_arn(client: Any, request: Mapping[str, Any]) -> str:
    """The job definition: one of that name is equal, since its name is made of its content."""
    name = request["jobDefinitionName"]
    found = client.describe_job_definitions(jobDefinitionName=name, status="ACTIVE")
    for one in found["jobDefinitions"]:
        return str(one["jobDefinitionArn"])
    return str(client.register_job_definition(**request)["jobDefinitionArn"])


def queue_of(client: Any, name: str) -> dict[str, Any]:
    """A job queue that the user names; NotFoundError when there is none."""
    found: list[dict[str, Any]] = client.describe_job_queues(jobQueues=[name])["jobQueues"]
    if not found:
        raise NotFoundError(
            f"AWS Batch has no job queue {name}. Name another as job_queue in soopervisor.yaml, or"
            " drop the line: byoa makes one."
        )
    return found[0]


def usable(batch: Any, queue: Mapping[str, Any], fargate: bool) -> str:
    """The ARN of a queue that takes such jobs as we send; ByoaError says what it is instead."""
    name = queue["jobQueueName"]
    if queue.get("state") != "ENABLED":
        raise ByoaError(
            f"The job queue {name} is {queue.get('state')}. Enable it, or name another."
        )
    if queue.get("schedulingPolicyArn"):
        raise ByoaError(
            f"The job queue {name} has a scheduling policy: its jobs need a share, and byoa names"
            " none. Name another queue, or none: byoa makes one."
        )
    order = [one["computeEnvironment"] for one in queue.get("computeEnvironmentOrder", ())]
    found = batch.describe_compute_environments(computeEnvironments=order) if order else {}
    types = [
        str(one.get("computeResources", {}).get("type", ""))
        for one in found.get("computeEnvironments", ())
    ]
    if {one.startswith("FARGATE") for one in types} == {not fargate}:
        markets = "spot or ec2" if fargate else "fargate or fargate-spot"
        raise ByoaError(
            f"The job queue {name} has {', '.join(sorted(set(types)))}, and its jobs must be made"
            f" for that: write `machines: {{market: …}}` with {markets} in soopervisor.yaml."
        )
    return str(queue["jobQueueArn"])


def log_group(described: Mapping[str, Any]) -> str:
    """The log group of a job: its definition may name another than Batch's own."""
    config = described.get("container", {}).get("logConfiguration", {})
    return str(config.get("options", {}).get("awslogs-group") or JOB_GROUP)


def log_streams(described: Mapping[str, Any]) -> list[str]:
    """The streams of /aws/batch/job that a job's attempts wrote, the last one last."""
    tries = [one.get("container", {}) for one in described.get("attempts", ())]
    names = [one.get("logStreamName") for one in (*tries, described.get("container", {}))]
    return [str(name) for name in dict.fromkeys(names) if name]
