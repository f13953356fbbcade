"""Notebook tasks run as RUN's children run them: in a fork whose stdout and stderr are its log."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pytest

from byoa.pipeline import attempts, worker
from byoa.pipeline.kinds import notebook
from byoa.pipeline.order import order_for
from byoa.plan.pipeline.model import SINGLE, Pipeline, Product, Source, Task


@dataclass
class Ran:
    """What a notebook task left."""

    root: Path
    work: Path
    facts: dict[str, Any]
    log: str

    @property
    def notebook(self) -> dict[str, Any]:
        held: dict[str, Any] = json.loads((self.work / "out/nb.ipynb").read_text())
        return held

    def outputs(self, cell: int) -> list[dict[str, Any]]:
        """The outputs of the n-th code cell, the injected one not counted."""
        found: list[dict[str, Any]] = shown(self.notebook)[cell]
        return found

    def text(self, cell: int) -> str:
        return "".join(output.get("text", "") for output in self.outputs(cell))


def shown(held: dict[str, Any]) -> list[list[dict[str, Any]]]:
    return [
        cell["outputs"]
        for cell in held["cells"]
        if cell["cell_type"] == "code"
        and "injected-parameters" not in cell["metadata"].get("tags", [])
    ]


Run = Callable[..., Ran]


@pytest.fixture(scope="session", autouse=True)
def warmed():
    """Once, as the template does it: the forks below have it all loaded."""
    notebook.warm()


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Runs a notebook's text as a task."""

    def run_it(text: str, suffix: str = ".py", **more: Any) -> Ran:
        (tmp_path / "scripts").mkdir(exist_ok=True)
        path = f"scripts/nb{suffix}"
        (tmp_path / path).write_text(text)
        products = more.pop("products", {SINGLE: "out/nb.ipynb"})
        task = Task(
            name="nb",
            kind=more.pop("kind", "notebook"),
            source=Source(path=path, text=text),
            products={key: Product(where) for key, where in products.items()},
            **more,
        )
        pipeline = Pipeline(name="pipeline", root=str(tmp_path), tasks={"nb": task})
        work = tmp_path / ".byoa" / "work" / "token"
        log = tmp_path / "nb.log"
        order = order_for(pipeline, task, str(work), log=str(log), home=str(tmp_path / ".byoa"))
        facts = in_a_fork(task, order)
        return Ran(tmp_path, work, facts, log.read_text())

    return run_it


def in_a_fork(task: Task, order: Any) -> dict[str, Any]:
    read, write = os.pipe()
    sys.stdout.flush()
    pid = os.fork()
    if pid == 0:
        os.close(read)
        attempts.own_output(order.log)
        os.write(write, json.dumps(asdict(worker.attempt(task, order))).encode())
        os._exit(0)
    os.close(write)
    with open(read, "rb") as told:
        data = told.read()
    os.waitpid(pid, 0)
    facts: dict[str, Any] = json.loads(data)
    return facts
