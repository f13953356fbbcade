"""`byoa cost`: what a job may cost, what jobs have cost, and the prices that are known."""

from __future__ import annotations

import argparse
from typing import Any

from byoa import jobs
from byoa.cli import list as listing
from byoa.cli.common import add_common, settings_of
from byoa.cli.show import emit, say
from byoa.place import Place, open_place
from byoa.plan import cost
from byoa.plan.errors import UsageError
from byoa.plan.tables import table

HELP = "What a job may cost at most, what jobs have cost, or the prices that are known."
EXAMPLES = """\
  byoa cost                                                        the prices, and of which day
  byoa cost --it ml.g5.xlarge --ic 2 --max_run_mins 90             before: the worst case
  byoa cost first-20261122-080522-065fba                           after: one job
  byoa cost -p demo -t first                                       after: all jobs of a task
  byoa cost -p demo --json"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("job", nargs="?", help="a job's name")
    parser.add_argument("--task_name", "-t", help="all jobs of this task")
    parser.add_argument("--instance_type", "--it", help="of a job that is not there yet")
    parser.add_argument("--instance_count", "--ic", type=int, default=1)
    parser.add_argument("--max_run_mins", type=int, default=1440)
    parser.add_argument(
        "--max-cost", type=float, metavar="USD", help="exit code 2 if it may be more"
    )
    parser.add_argument("--most", type=int, default=100, help="look at so many jobs (100)")
    add_common(parser)


def run(arguments: argparse.Namespace) -> int:
    settings = settings_of(arguments)
    prices = table("prices.json")
    if arguments.instance_type:
        emit(before(arguments, settings.region or prices["regions"][0]), arguments)
    elif not (arguments.job or arguments.task_name or settings.project):
        hourly = prices["hourly"].items()
        emit([{"instance_type": name, "usd_per_hour": value} for name, value in hourly], arguments)
    else:
        place = open_place(settings)
        found = {arguments.job} if arguments.job else names(place, settings.project, arguments)
        rows = [after(place, job) for job in sorted(found)]
        emit(rows if arguments.json or len(rows) < 2 else [*rows, total(rows)], arguments)
    say(f"Prices of {prices['date']}, {', '.join(prices['regions'])}: {prices['source']}.")
    return 0


def before(arguments: argparse.Namespace, region: str) -> dict[str, Any]:
    """The worst case of a job of these instances."""
    if arguments.instance_count < 1 or arguments.max_run_mins < 1:
        raise UsageError("A job has 1 or more instances and minutes. Give --ic and --max_run_mins.")
    resources = {
        "InstanceType": arguments.instance_type,
        "InstanceCount": arguments.instance_count,
    }
    stop = {"MaxRuntimeInSeconds": arguments.max_run_mins * 60}
    request = {"ResourceConfig": resources, "StoppingCondition": stop}
    if arguments.max_cost is not None:
        cost.check_limit(request, arguments.max_cost, region)
    bill = cost.worst_case(request, region)
    if bill.usd is None:
        say(f"No price is known for {arguments.instance_type} in {region}.")
    hourly = None if bill.usd is None else bill.usd / bill.seconds * cost.HOUR
    return {
        "instances": bill.instances,
        "usd_per_hour": rounded(hourly),  # of an endpoint, too: it costs as long as it is there
        "seconds": bill.seconds,
        "usd_at_most": rounded(bill.usd),
    }


def names(place: Place, project: str, arguments: argparse.Namespace) -> set[str]:
    """The jobs of a project, or of one of its tasks."""
    return {
        row["job"]
        for row in listing.rows(place, arguments.most)
        if row["project"] == project and arguments.task_name in (None, row["task"])
    }


def after(place: Place, job: str) -> dict[str, Any]:
    """One job's bill; what runs on this machine costs nothing."""
    _, described = jobs.find(place, job)
    bill = cost.after(described, place.region)
    return {
        "job": job,
        "status": jobs.status_of(described),
        "instances": bill.instances,
        "seconds": bill.run_seconds,
        "billable_seconds": bill.seconds,
        "saving_percent": round(bill.saving, 1),
        "interruptions": bill.interruptions,
        "usd": 0.0 if place.is_local else rounded(bill.usd),
        "saved_usd": 0.0 if place.is_local else rounded(bill.saved_usd),
    }


def total(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """The sum; without a job's price it is that of the others, and says so."""
    sums = {
        key: sum(row[key] or 0 for row in rows)
        for key in ("seconds", "billable_seconds", "interruptions", "usd", "saved_usd")
    }
    unknown = sum(row["usd"] is None for row in rows)
    status = f"without {unknown} of no known price" if unknown else ""
    return {"job": "total", "status": status or None, **{k: rounded(v) for k, v in sums.items()}}


def rounded(usd: float | None) -> float | None:
    return None if usd is None else round(usd, 4)
