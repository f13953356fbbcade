"""What a run used of Batch's machines, by task; what it cost where prices are given."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from byoa.pipeline.batch import runs
from byoa.pipeline.batch.home import Home
from byoa.plan.pipeline.manifest import Run
from byoa.plan.pipeline.needs import Size
from byoa.plan.pipeline.usage import HOUR, Usage, used


def rows(home: Home, run: Run, prices: Mapping[str, float]) -> list[dict[str, Any]]:
    """A row a task that ran, and their sum."""
    if run.on_sagemaker:  # whole machines, whose prices are known
        from byoa.pipeline.sagemaker import cost_rows

        return cost_rows(home, run)
    seen = runs.look(home, run, whole=True)
    spent: dict[str, Usage] = {}
    for name, one in seen.tasks.items():
        task = run.tasks[name]
        usage = used(one.described, Size(task.vcpus, task.memory_mb, task.gpus))
        if usage.seconds:
            spent[name] = usage
    total = sum(spent.values(), Usage())
    return [row(name, usage, prices) for name, usage in {**spent, "all": total}.items()]


def row(name: str, usage: Usage, prices: Mapping[str, float]) -> dict[str, Any]:
    found = {
        "task": name,
        "seconds": round(usage.seconds, 1),
        "vcpu_hours": round(usage.vcpu_seconds / HOUR, 5),
        "gb_hours": round(usage.gb_seconds / HOUR, 5),
        "gpu_hours": round(usage.gpu_seconds / HOUR, 5),
    }
    usd = usage.usd(prices) if prices else None
    return found | ({"usd": usd and round(usd, 6)} if prices else {})
