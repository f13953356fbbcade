"""`byoa list`: projects, tasks and jobs."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from byoa import jobs
from byoa.cli.common import add_common, settings_of
from byoa.cli.show import emit
from byoa.place import Place, open_place

HELP = "Jobs of all projects, or of one project or task, the newest first."
EXAMPLES = """\
  byoa list
  byoa list -p demo -t first --json
  byoa list --what tasks --on process"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--what", choices=("jobs", "tasks", "projects"), default="jobs")
    parser.add_argument("--task_name", "-t", help="of this task only")
    parser.add_argument("--most", type=int, default=50, help="look at so many jobs (50)")
    add_common(parser)


def run(arguments: argparse.Namespace) -> int:
    settings = settings_of(arguments)
    place = open_place(settings)
    asked = {"project": settings.project, "task": arguments.task_name}
    found = [
        row
        for row in rows(place, arguments.most)
        if all(value in (None, "", row[name]) for name, value in asked.items())
    ]
    names = {"projects": ["project"], "tasks": ["project", "task"]}.get(arguments.what, [])
    emit(counted(found, names) if names else found, arguments)
    return 0


def rows(place: Place, most: int) -> list[dict[str, Any]]:
    """The newest jobs that carry a project's tag."""
    found = [item for kind in jobs.NOUNS for item in listing(place, kind, most)]
    found = sorted(found, key=lambda item: item["created"], reverse=True)[:most]
    with ThreadPoolExecutor(8) as pool:
        tags = list(pool.map(lambda item: jobs.tags(place, item.pop("arn")), found))
    return [
        {"project": tag["byoa:project"], "task": tag.get("byoa:task", ""), **item}
        for item, tag in zip(found, tags)
        if "byoa:project" in tag
    ]


def listing(place: Place, kind: str, most: int) -> Iterator[dict[str, Any]]:
    """What list_training_jobs and its like give, as many as asked for."""
    more: dict[str, str] = {}
    noun, left = jobs.NOUNS[kind], most
    while left > 0:
        page = getattr(place.sagemaker, f"list_{kind}_jobs")(
            SortBy="CreationTime", SortOrder="Descending", MaxResults=min(100, left), **more
        )
        for item in page[f"{noun}Summaries"]:
            yield {
                "job": item[f"{noun}Name"], "kind": kind, "status": item[f"{noun}Status"],
                "created": item["CreationTime"], "arn": item[f"{noun}Arn"],
            }  # fmt: skip
        left -= len(page[f"{noun}Summaries"])
        if not page.get("NextToken"):
            return
        more = {"NextToken": page["NextToken"]}


def counted(found: list[dict[str, Any]], names: list[str]) -> list[dict[str, Any]]:
    """One row for each project (and task): its number of jobs, and how the newest one is."""
    groups: dict[tuple[str, ...], dict[str, Any]] = {}
    for row in found:
        new = {
            **{n: row[n] for n in names},
            "jobs": 0,
            "last": row["status"],
            "created": row["created"],
        }
        groups.setdefault(tuple(row[name] for name in names), new)["jobs"] += 1
    return list(groups.values())
