"""DescribeJobs and ListJobs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from byoa.sandbox.batch import queues
from byoa.sandbox.batch.job import Job
from byoa.sandbox.batch.region import PAGE, Region, page, plain, refused


def describe(region: Region, request: dict[str, Any]) -> dict[str, Any]:
    """Jobs that nobody knows are left out, as on AWS."""
    wanted = request["jobs"]
    if len(wanted) > PAGE:
        raise refused(f"jobs must have {PAGE} entries or less, but {len(wanted)} were given.")
    return {"jobs": [region.jobs[name].shown() for name in wanted if name in region.jobs]}


def listed(region: Region, request: dict[str, Any]) -> dict[str, Any]:
    """Of a queue or of an array; only those that run, unless asked otherwise."""
    given = [key for key in ("jobQueue", "arrayJobId", "multiNodeJobId") if request.get(key)]
    if len(given) != 1:
        raise refused("Exactly one of jobQueue, arrayJobId and multiNodeJobId must be specified.")
    status = request.get("jobStatus", "RUNNING")
    if given == ["arrayJobId"]:
        parent = region.jobs.get(request["arrayJobId"])
        found = [] if parent is None else parent.children
        return page(summaries([one for one in found if one.status == status]), request, KEY)
    if given == ["multiNodeJobId"]:
        return {KEY: []}
    queue = queues.find(region, request["jobQueue"])["jobQueueArn"]
    mine = [one for one in region.jobs.values() if one.queue == queue and one.parent is None]
    filters = request.get("filters") or []
    if len(filters) > 1:
        raise refused("Only one filter can be used at a time.")
    fits = chosen(filters[0]) if filters else lambda one: one.status == status
    found = [one for one in mine if fits(one)]
    return page(summaries(found[::-1]), request, KEY)  # the most recent first


KEY = "jobSummaryList"


def summaries(found: list[Job]) -> list[dict[str, Any]]:
    return [one.summary() for one in found]


def chosen(one: dict[str, Any]) -> Callable[[Job], bool]:
    values = [str(value) for value in one.get("values", [])]
    test = FILTERS.get(one.get("name", ""))
    if test is None or not values:
        raise refused(
            f"filters: {one.get('name')} is none of {', '.join(FILTERS)}, or has no values"
        )
    return lambda job: any(test(job, value) for value in values)


def by_name(job: Job, value: str) -> bool:
    name, value = job.name.lower(), value.lower()
    return name.startswith(value[:-1]) if value.endswith("*") else name == value


def by_definition(job: Job, value: str) -> bool:
    if value.startswith("arn:"):
        return job.definition == value
    name = plain(job.definition).partition(":")[0]
    return name.startswith(value[:-1]) if value.endswith("*") else name == value


FILTERS: dict[str, Callable[[Job, str], bool]] = {
    "JOB_NAME": by_name,
    "JOB_DEFINITION": by_definition,
    "BEFORE_CREATED_AT": lambda job, value: job.created < int(value),
    "AFTER_CREATED_AT": lambda job, value: job.created > int(value),
    "SHARE_IDENTIFIER": lambda job, value: job.more.get("shareIdentifier") == value,
}
