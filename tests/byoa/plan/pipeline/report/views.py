"""Pipelines to look at that never ran: a small grid, a huge one, one of a stranger's words."""

from __future__ import annotations

import math
from itertools import product
from typing import Any

from byoa.plan.pipeline.model import SINGLE, Pipeline, Product, Source, Task
from byoa.plan.pipeline.report.ran import Run
from byoa.plan.pipeline.report.seen import Link, Seen, View

T0 = 1_795_000_000.0
EVIL = "<script>alert('1')</script>\"&\x00\x1b[2J\u202e{}"


def task(name: str, kind: Any = "function", needs: Any = (), **more: Any) -> Task:
    upstream = {one: (one,) for one in needs}
    path = f"output/{name}.csv"
    words = {"source": Source(dotted=f"tasks.{name}"), "products": {SINGLE: Product(path)}}
    return Task(**{"name": name, "kind": kind, "upstream": upstream, **words, **more})


def iris(failed: bool = True) -> View:
    """The seeds' example, as it is after a run in which one of the twelve fits failed."""
    made: list[Seen] = []

    def add(task: Task, at: float, took: float, **more: Any) -> None:
        words = {"status": "done", "started": T0 + at, "cpu_seconds": took * 0.9}
        words |= {"peak_mb": 120.0 + took * 20, "seconds": took, "attempts": 1, "last": T0 + at}
        links = (Link("log", f"runs/r/{task.name}.log"), Link("csv", f"output/{task.name}.csv"))
        made.append(Seen(**{"task": task, "links": links, **words, **more}))

    add(task("get"), 0, 1.2, reasons=("source changed: tasks/raw.py:get",))
    add(task("sepal", needs=["get"]), 1.2, 0.6, reasons=("upstream get wrote other bytes",))
    add(task("petal", needs=["get"]), 1.2, 0.7, status="kept", started=None)
    add(task("features", needs=["get", "sepal", "petal"]), 1.9, 0.8)
    free = [2.7, 2.7]
    points: list[dict[str, Any]] = [
        {"model": "random-forest", "n_estimators": n, "criterion": c}
        for n, c in product([1, 3, 5], ["gini", "entropy"])
    ]
    points += [
        {"model": "ada-boost", "n_estimators": n, "learning_rate": r}
        for n, r in product([1, 3, 5], [0.01, 1])
    ]
    for place, point in enumerate(points):
        seconds = 1.1 + 0.35 * point["n_estimators"] + 0.2 * (place % 3)
        lane = free.index(min(free))
        accuracy = 0.97 - 0.25 / point["n_estimators"] - 0.04 * (point["model"] == "ada-boost")
        name = "-".join(["fit", *(str(value) for value in point.values())])
        words: dict[str, Any] = {
            "metrics": {"accuracy": round(accuracy - 0.01 * (place % 2), 4), "loss": 2 - accuracy},
        }
        if failed and place == 7:
            words = {
                "status": "failed",
                "error": "ValueError: learning_rate must be > 0",
                "tail": 'Traceback (most recent call last):\n  File "scripts/fit.py", line 31\n'
                "    model.fit(X, y)\nValueError: learning_rate must be > 0",
                "attempts": 2,
            }
        add(
            task(name, "notebook", ["features"], family="fit", point=point),
            free[lane], seconds, **words,
        )  # fmt: skip
        free[lane] += seconds
    fits = [seen.name for seen in made if seen.task.family]
    add(
        task("best", needs=fits), max(free), 0.4,
        **({"status": "skipped", "started": None, "seconds": 0.0} if failed else {}),
    )  # fmt: skip
    run = Run(run="20261122T140000-a1b2", started=T0, ended=T0 + max(free), jobs=2)
    return View(
        pipeline="pipeline",
        tasks={seen.name: seen for seen in made},
        run=run,
        command="byoa pipeline build -j 2",
        made="made by byoa at 2026-11-22 14:00 UTC",
    )


def chained() -> View:
    """A grid of 20 fits, an evaluation of each, a table of all."""
    made = {"data": Seen(task=task("data"), status="kept", seconds=3)}
    for n in range(20):
        point = {"depth": n % 5, "rate": 10.0 ** -(n // 5)}
        status = ["done", "running", "waiting", "outdated", "cancelled"][min(n // 5, 4)]
        fit = task(f"fit-{n}", "train", ["data"], family="fit", point=point)
        evaluate = task(f"eval-{n}", "script", [f"fit-{n}"], family="eval", point=point)
        made[fit.name] = Seen(task=fit, status=status, metrics={"loss": math.exp(-n / 5)})
        made[evaluate.name] = Seen(task=evaluate, status="waiting")
    found = [name for name in made if name.startswith("eval")]
    made["table"] = Seen(task=task("table", needs=found))
    made["notify"] = Seen(task=task("notify", "shell", ["table"]), status="skipped")
    return View(pipeline="chained", tasks=made)


def huge(count: int = 10_000) -> View:
    """So many tasks: a fit a point of a grid, and files that differ in a number."""
    made = {"data": Seen(task=task("data"), status="done", started=T0, seconds=1.0)}
    for n in range(count // 2):
        point = {"seed": n, "rate": 0.1 * (n % 10), "kind": "abc"[n % 3]}
        fit = task(f"fit-{n}", "function", ["data"], family="fit", point=point)
        made[fit.name] = Seen(
            task=fit, status="failed" if n == 77 else "done", started=T0 + 1 + n * 0.01,
            seconds=0.02, last=T0, metrics={"score": math.sin(n)}, reasons=("new",),
            error="boom" if n == 77 else "",
        )  # fmt: skip
        part = task(f"part-{n:05}", needs=[fit.name])
        made[part.name] = Seen(task=part, status="kept", seconds=0.01, last=T0)
    return View(pipeline="huge", tasks=made, run=Run(started=T0, ended=T0 + 60, jobs=4))


def evil() -> View:
    """Everything that is a stranger's word is a script."""
    one = task(EVIL, needs=[], family=EVIL, point={EVIL: EVIL, "n": 1})
    other = task(f"{EVIL} 2", needs=[EVIL], family=EVIL, point={EVIL: [EVIL], "n": math.nan})
    made = {
        seen.task.name: Seen(
            task=seen.task, status="failed", reasons=(EVIL,), error=EVIL, tail=f"{EVIL}\n{EVIL}",
            metrics={EVIL: 0.5}, started=T0, seconds=1, links=(Link(EVIL, EVIL),), attempts=2,
        )
        for seen in (Seen(task=one), Seen(task=other))
    }  # fmt: skip
    return View(pipeline=EVIL, tasks=made, run=Run(run=EVIL, started=T0), command=EVIL, made=EVIL)


def pipeline_of(*tasks: Task) -> Pipeline:
    return Pipeline(name="pipeline", root="/nowhere", tasks={task.name: task for task in tasks})
