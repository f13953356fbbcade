"""What a job can cost at most, and what it did cost: prices.json says as of which day.

Where no price is known, none is made up.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from byoa.plan.errors import UsageError
from byoa.plan.tables import table

HOUR = 3600


@dataclass(frozen=True, kw_only=True)
class Bill:
    """Seconds of instances and their price; usd is None where no price is known."""

    seconds: int  #: that are paid, of each instance
    instances: str  #: such as "2 x ml.m5.large"
    usd: float | None
    run_seconds: int = 0
    interruptions: int = 0
    spot: bool = False

    @property
    def saving(self) -> float:
        """The part of the running time that spot did not charge, in per cent."""
        return max(0.0, 1 - self.seconds / self.run_seconds) * 100 if self.run_seconds else 0.0

    @property
    def saved_usd(self) -> float | None:
        """What the same running time would have cost more on demand."""
        if self.usd is None or not self.seconds:
            return None
        return self.usd * max(0, self.run_seconds - self.seconds) / self.seconds


def price(instance_type: str, region: str = "us-east-1") -> float | None:
    """Dollars for an hour on demand; the same for training, processing, transform and hosting."""
    known = region in table("prices.json")["regions"]
    found: float | None = table("prices.json")["hourly"].get(instance_type) if known else None
    return found


def worst_case(request: Mapping[str, Any], region: str = "us-east-1") -> Bill:
    """The most that a create request can cost: of spot, too, since spot is never dearer.

    All its attempts and jobs run into their time-out on the dearest type that it may get.
    """
    job = request.get("TrainingJobDefinition", request)
    limits = request.get("HyperParameterTuningJobConfig", {}).get("ResourceLimits", {})
    jobs = limits.get("MaxNumberOfTrainingJobs", 1)
    attempts = 1 + job.get("RetryStrategy", {}).get("MaximumRetryAttempts", 0)
    resources = _resources(job)
    seconds = job.get("StoppingCondition", {}).get("MaxRuntimeInSeconds", 24 * HOUR) * attempts
    seconds = (seconds + resources.get("KeepAlivePeriodInSeconds", 0)) * jobs
    offers = [(text, _hourly(groups, region)) for text, groups in _offers(resources)]
    unknown = any(cost is None for _, cost in offers)
    dearest = None if unknown else max((cost or 0.0 for _, cost in offers), default=None)
    return Bill(
        seconds=seconds,
        instances=" or ".join(text for text, _ in offers),
        usd=None if dearest is None else dearest * seconds / HOUR,
        run_seconds=seconds,
        spot=bool(job.get("EnableManagedSpotTraining")),
    )


def after(description: Mapping[str, Any], region: str = "us-east-1") -> Bill:
    """What a job cost, from describe_training_job's or describe_processing_job's answer."""
    run, paid = description.get("TrainingTimeInSeconds"), description.get("BillableTimeInSeconds")
    if run is None:
        kind = "Training" if "TrainingStartTime" in description else "Processing"
        begun, ended = (description.get(f"{kind}{end}Time") for end in ("Start", "End"))
        run = int((ended - begun).total_seconds()) if begun and ended else 0
    paid = run if paid is None else paid
    # AWS says which one of several types it took
    text, groups = next(_offers(_resources(description)), ("", {}))
    hourly = _hourly(groups, region)
    steps = description.get("SecondaryStatusTransitions", ())
    return Bill(
        seconds=paid,
        instances=text,
        usd=None if hourly is None or not groups else hourly * paid / HOUR,
        run_seconds=run,
        interruptions=sum(step.get("Status") == "Interrupted" for step in steps),
        spot=bool(description.get("EnableManagedSpotTraining")),
    )


def check_limit(request: Mapping[str, Any], most_usd: float, region: str = "us-east-1") -> Bill:
    """The worst case; UsageError when it is over the limit, or cannot be held against it."""
    bill = worst_case(request, region)
    if bill.usd is None:
        raise UsageError(
            f"no price is known for {bill.instances} in {region}, so --max-cost {most_usd:g} "
            "cannot be held - leave it out, or take an instance type that `byoa cost` lists"
        )
    if bill.usd > most_usd:
        hours = bill.seconds / HOUR
        raise UsageError(
            f"{bill.instances} for up to {hours:g} h can cost ${bill.usd:.2f}, over the limit of "
            f"${most_usd:g} - lower --max_run_mins or the instances, or raise --max-cost"
        )
    return bill


def _resources(job: Mapping[str, Any]) -> Mapping[str, Any]:
    cluster = job.get("ProcessingResources", {}).get("ClusterConfig")
    found: Mapping[str, Any] = cluster or job.get("ResourceConfig", {})
    return found


def _offers(resources: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, int]]]:
    """The fleets that a job may get, as words and as counts by type."""
    count = resources.get("SelectedInstanceCount") or resources.get("InstanceCount", 1)
    chosen = resources.get("SelectedInstanceType") or resources.get("InstanceType")
    whole = [{"InstanceType": chosen}] if chosen else resources.get("InstanceGroups", [])
    for fleet in [whole] if whole else [[one] for one in resources.get("InstancePreferences", ())]:
        sizes: Counter[str] = Counter()
        for item in fleet:
            sizes[item["InstanceType"]] += item.get("InstanceCount", count)
        yield " + ".join(f"{number} x {name}" for name, number in sizes.items()), sizes


def _hourly(fleet: Mapping[str, int], region: str) -> float | None:
    prices = [(price(name, region), number) for name, number in fleet.items()]
    return None if any(p is None for p, _ in prices) else sum((p or 0) * n for p, n in prices)
