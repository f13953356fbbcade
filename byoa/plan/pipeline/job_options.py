"""What `class: train`, `process` and `deploy` know: tasks that are SageMaker jobs or an endpoint.

Ours, not Ploomber's. A task's params are its hyperparameters (of `process`: its environment); an
input is a path, an s3:// address, or `{upstream: TASK, product: KEY}`.
"""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterator, Mapping
from math import isnan, nan
from typing import Any

from byoa.plan.errors import ByoaError

#: Keys of byoa.task.Task, Program, Image and of plan's jobs, by the same name.
JOB = frozenset({
    "on", "project", "image", "framework", "version", "python", "inputs", "environment", "tags",
    "instance_type", "instance_count", "volume_gb", "max_run", "max_cost", "request",
    "isolation", "subnets", "security_groups",
    "source_dir", "dependencies", "arguments", "shell",
})  # fmt: skip
TRAIN = frozenset({
    "spot", "max_wait", "on_demand_fallback", "interrupt_after", "metrics", "distribution",
    "keep_alive", "input_mode", "clean_state",
})  # fmt: skip
DEPLOY = frozenset({
    "on", "project", "image", "endpoint", "model", "best", "environment", "tags", "request",
    "instance_type", "instance_count", "memory_mb", "max_concurrency", "autoscale",
})  # fmt: skip
OPTIONS: Mapping[str, frozenset[str]] = {
    "train": JOB | TRAIN,
    "process": JOB | {"command"},
    "deploy": DEPLOY,
}
#: What each may leave behind as products, by key; "" is the only product of a task.
PRODUCTS: Mapping[str, tuple[str, ...]] = {
    "train": ("", "model", "output", "metrics", "state"),
    "process": ("", "output", "state"),
    "deploy": ("",),
}
BEST = {"of", "metric", "mode", "product"}


def upstream_of(kind: str, options: Mapping[str, Any]) -> list[str]:
    """The tasks, or patterns of them, that the options ask for, each once."""
    asked = list(_mapping(options.get("inputs")).values())
    asked += [options.get("model")]
    found = [item.get("upstream") for item in asked if isinstance(item, Mapping)]
    found += [_mapping(options.get("best")).get("of")]
    return list(dict.fromkeys(name for name in found if isinstance(name, str) and name))


def problems(
    kind: str, name: str, source: str, options: Mapping[str, Any], products: Collection[str]
) -> Iterator[str]:
    """One sentence for each thing that cannot be."""
    for key in options.keys() - OPTIONS[kind]:
        near = difflib.get_close_matches(str(key), sorted(OPTIONS[kind]), 1)
        meant = (
            f"Did you mean {near[0]!r}?" if near else f"It has {', '.join(sorted(OPTIONS[kind]))}."
        )
        yield f"{name}: a {kind} task has no {key!r}. {meant}"
    for key in sorted(set(products) - set(PRODUCTS[kind])):
        known = ", ".join(one for one in PRODUCTS[kind] if one) or "one path"
        yield f"{name}: a {kind} task has no product {key!r}. It has {known}."
    inputs = options.get("inputs", {})
    if not isinstance(inputs, Mapping):
        yield f"{name}: inputs is {inputs!r}. Write NAME: PATH for each channel."
    for channel, item in _mapping(inputs).items():
        if not (isinstance(item, str) and item) and not _is_upstream(item):
            yield (
                f"{name}: the input {channel} is {item!r}. Write a path, an s3:// address or"
                " {upstream: TASK, product: KEY}."
            )
    if kind == "deploy":
        yield from _deploy_problems(name, options)
    elif source and options.get("shell"):
        yield f"{name}: it has a source and a shell line. Leave one out."


def _deploy_problems(name: str, options: Mapping[str, Any]) -> Iterator[str]:
    best, model = options.get("best"), options.get("model")
    if (best is None) == (model is None):
        yield (
            f"{name}: which model? Write model: {{upstream: TASK}} or best: {{of: TASKS, metric:"
            " NAME}."
        )
    if best is not None:
        said = _mapping(best)
        missing = {"of", "metric"} - said.keys()
        extra = said.keys() - BEST
        if missing or extra or said.get("mode", "max") not in {"max", "min"}:
            yield (
                f"{name}: best is {best!r}. Write {{of: TASKS, metric: NAME, mode: max or min,"
                " product: model}}."
            )


def _is_upstream(item: Any) -> bool:
    return (
        isinstance(item, Mapping) and "upstream" in item and item.keys() <= {"upstream", "product"}
    )


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def best_of(metrics: Mapping[str, Mapping[str, float]], metric: str, mode: str = "max") -> str:
    """The task with the best value of a metric; a tie goes to the first, nan is no value."""
    have = {
        task: value for task, found in metrics.items() if not isnan(value := found.get(metric, nan))
    }
    if not have:
        known = sorted({name for found in metrics.values() for name in found})
        raise ByoaError(
            f"None of {', '.join(metrics) or 'no tasks'} has the metric {metric!r}. They have:"
            f" {', '.join(known) or 'none'}."
        )
    pick = max if mode == "max" else min
    return pick(have, key=lambda task: have[task])
