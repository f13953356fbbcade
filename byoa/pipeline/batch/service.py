"""`submit --on batch`: what is shown without sending, and what is told after."""

from __future__ import annotations

import json
from typing import Any

from byoa.pipeline.batch.home import Home
from byoa.pipeline.batch.submit import Asked, submit
from byoa.plan.pipeline.manifest import Run


def dry_run(home: Home, asked: Asked) -> list[dict[str, Any]]:
    from byoa.pipeline.batch.dry import requests

    return requests(home, asked)


def submitted(home: Home, asked: Asked, wait: bool, as_json: bool) -> int:
    return told(home, submit(home, asked), wait, as_json)


def told(home: Home, run: Run | None, wait: bool, as_json: bool) -> int:
    """Says what was submitted, and watches it if that is wanted; the exit code."""
    if run is None:
        if as_json:
            print(json.dumps({"run": None}))
        return 0
    if as_json and not wait:
        print(json.dumps({"run": run.run, "tasks": list(run.tasks), "store": run.store}))
    home.say(f"run {run.run}: {len(run.tasks)} tasks are submitted")
    if wait:
        from byoa.pipeline.batch.watch import watch

        return watch(home, run, as_json)
    home.say(f"Next: byoa pipeline status{home.said}")
    return 0
