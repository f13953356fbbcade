"""A project as rows: each task's last job and every endpoint, how far, since when, for how much."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any

from byoa import jobs
from byoa.aws import endpoints
from byoa.aws import logs as cloudwatch
from byoa.aws.belongings import TAG
from byoa.cli.list import listing
from byoa.follow import metrics
from byoa.place import Place
from byoa.plan import cost
from byoa.plan.errors import error_code
from byoa.plan.look.training import Course

#: So many of the last lines tell how far a job is.
TAIL = 100
FAILED = ("Failed", "OutOfService")


@dataclass(frozen=True, kw_only=True)
class Row:
    """One job or endpoint."""

    kind: str  #: training, processing, transform, endpoint
    name: str
    task: str = ""
    status: str
    seconds: float = 0.0
    course: Course = field(default_factory=Course)
    metrics: Mapping[str, float] = field(default_factory=dict)
    usd: float | None = None
    reason: str = ""

    @property
    def goes_on(self) -> bool:
        return self.status in endpoints.BUSY or (
            self.kind != "endpoint" and self.status not in jobs.OVER
        )

    @property
    def is_well(self) -> bool:
        return self.goes_on or self.status in ("Completed", "InService")


@dataclass
class Rows:
    """A project's rows, asked for again and again; what has ended is asked for once."""

    place: Place
    project: str
    most: int = 50
    tags: dict[str, dict[str, str]] = field(default_factory=dict)
    ended: dict[str, Row] = field(default_factory=dict)
    #: Listed once, kept: younger jobs of others must not push one out of a watch.
    listed: dict[str, dict[str, Any]] = field(default_factory=dict)

    def look(self) -> list[Row]:
        """The oldest job first, then the endpoints."""
        new = (item for kind in jobs.NOUNS for item in listing(self.place, kind, self.most))
        self.listed |= {item["arn"]: item for item in new}
        found = list(self.listed.values())
        served = list(all_endpoints(self.place, self.most))
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(self.tags_of, (item["arn"] for item in (*found, *served))))
            last = {(item["kind"], self.task(item)): item for item in by_time(self.mine(found))}
            made = list(pool.map(self.job, by_time(last.values())))
            made += list(pool.map(self.endpoint, by_time(self.mine(served))))
        return [row for row in made if row]

    def tags_of(self, arn: str) -> dict[str, str]:
        """Asked for once; none of what was deleted since it was listed."""
        if arn not in self.tags:
            try:
                self.tags[arn] = jobs.tags(self.place, arn)
            except Exception as error:
                if error_code(error) not in {"ValidationException", "ResourceNotFound"}:
                    raise
                return {}
        return self.tags[arn]

    def mine(self, items: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [item for item in items if self.tags_of(item["arn"]).get(TAG) == self.project]

    def task(self, item: Mapping[str, Any]) -> str:
        return self.tags_of(item["arn"]).get("byoa:task", "")

    def job(self, item: Mapping[str, Any]) -> Row | None:
        name = item["job"]
        if name not in self.ended:
            described = jobs.describe(self.place, item["kind"], name)
            if described is None:  # deleted this moment
                return None
            row = replace(of_job(self.place, item["kind"], name, described), task=self.task(item))
            if row.goes_on:
                return row
            self.ended[name] = row
        return self.ended[name]

    def endpoint(self, item: Mapping[str, Any]) -> Row | None:
        row = of_endpoint(self.place, item["job"])
        return row and replace(row, task=self.task(item))


def by_time(items: Any) -> list[dict[str, Any]]:
    return sorted(items, key=lambda item: item["created"].timestamp())


def of_job(place: Place, kind: str, name: str, described: Mapping[str, Any]) -> Row:
    """How one job is."""
    bill, begun = cost.after(described, place.region), described.get("CreationTime")
    status, seconds = jobs.status_of(described), float(bill.run_seconds)
    usd = bill.usd
    if status not in jobs.OVER:
        seconds = max(0.0, time.time() - begun.timestamp()) if begun else 0.0
        usd = so_far(place, described)
    return Row(
        kind=kind, name=name, status=status, seconds=seconds, usd=None if place.is_local else usd,
        reason=described.get("FailureReason", ""), metrics=metrics(described),
        course=course_of(place, kind, name, described),
    )  # fmt: skip


def of_endpoint(place: Place, name: str) -> Row | None:
    """How one endpoint is; None when there is none of that name."""
    found = endpoints.describe(place.sagemaker, name)
    if found is None:
        return None
    seconds = max(0.0, time.time() - found["CreationTime"].timestamp())
    usd = None if place.is_local else endpoint_usd(place, found, seconds)
    return Row(
        kind="endpoint", name=name, seconds=seconds, usd=usd, status=found["EndpointStatus"],
        reason=found.get("FailureReason", ""),
    )  # fmt: skip


def so_far(place: Place, described: Mapping[str, Any]) -> float | None:
    """What a job that goes on has cost, at the price on demand; None when none is known."""
    begun = described.get("TrainingStartTime") or described.get("ProcessingStartTime")
    seconds = int(time.time() - begun.timestamp()) if begun else 0
    now = {"TrainingTimeInSeconds": seconds, "BillableTimeInSeconds": seconds}
    return cost.after({**described, **now}, place.region).usd


def course_of(place: Place, kind: str, name: str, described: Mapping[str, Any]) -> Course:
    """How far it is by the last lines of its first host."""
    course = Course()
    course.asked(described.get("HyperParameters", {}))
    for event in tail(place, jobs.group(kind), f"{name}/"):
        course.take(str(event["message"]), event["timestamp"] / 1000)
    return course


def tail(place: Place, group: str, prefix: str) -> list[dict[str, Any]]:
    """The last lines of the first stream; none when there is no log to be read."""
    try:
        names = sorted(cloudwatch.streams(place.logs, group, prefix))[:1]
        pages = [
            place.logs.get_log_events(logGroupName=group, logStreamName=name, limit=TAIL)
            for name in names
        ]
    except Exception as error:
        if error_code(error) in {"ResourceNotFoundException", "AccessDeniedException"}:
            return []
        raise
    return [event for page in pages for event in page["events"]]


def all_endpoints(place: Place, most: int) -> Iterator[dict[str, Any]]:
    page = place.sagemaker.list_endpoints(
        SortBy="CreationTime", SortOrder="Descending", MaxResults=min(100, most)
    )
    for item in page["Endpoints"]:
        name, arn = item["EndpointName"], item["EndpointArn"]
        yield {"job": name, "arn": arn, "created": item["CreationTime"], "kind": "endpoint"}


def endpoint_usd(place: Place, found: Mapping[str, Any], seconds: float) -> float | None:
    """What its instances of now have cost since it was made; None when a price is not known."""
    try:
        config = place.sagemaker.describe_endpoint_config(
            EndpointConfigName=found["EndpointConfigName"]
        )
    except Exception as error:  # a side figure, and AWS lets it be deleted
        if error_code(error) not in {"ValidationException", "AccessDeniedException"}:
            raise
        return None
    types = {one["VariantName"]: one.get("InstanceType") for one in config["ProductionVariants"]}
    hourly = 0.0
    for variant in found.get("ProductionVariants", ()):
        price = cost.price(types.get(variant["VariantName"]) or "", place.region)
        if price is None:
            return None
        hourly += price * variant.get("CurrentInstanceCount", 1)
    return hourly * seconds / cost.HOUR
