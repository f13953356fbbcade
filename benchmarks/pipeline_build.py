"""`byoa pipeline build` against `ploomber build`: `pipeline_build.py [--tasks N] [--pairs N]`.

The same pipeline.yaml of trivial function tasks for both, in turns: a first build, one with nothing
to do, one after a change that 1 task in 100 sees. Figures are CPU seconds of the whole process with
all its children; wall seconds are there too, and on a busy machine say little. Ploomber gets an
environment of its own, made by pip here unless --ploomber names one.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path

RESULTS = Path(__file__).with_name("results") / "pipeline_build.json"
PLOOMBER = "ploomber==0.23.3"
Figures = dict[str, float]

CODE = """
from pathlib import Path


def write(product, n):
    Path(product).write_text(str(n))


def seldom(product, n):
    Path(product).write_text(str(n) * 2)
"""
#: Ploomber's default runs each function in a process of its own, one after the other; the second
#: gives up what keeps tasks apart.
EXECUTORS = {
    "ploomber": "",
    "ploomber in one process": (
        "executor: {dotted_path: ploomber.executors.Serial, build_in_subprocess: false}\n"
    ),
}


def project(folder: Path, count: int, executor: str = "") -> Path:
    """A pipeline of so many tasks, every hundredth another function's."""
    folder.mkdir()
    (folder / "steps.py").write_text(CODE)
    tasks = (
        f"  - {{source: steps.{'write' if number % 100 else 'seldom'}, name: t{number},"
        f" product: out/{number}, params: {{n: {number}}}}}\n"
        for number in range(count)
    )
    text = f"{executor}meta: {{extract_upstream: false}}\ntasks:\n{''.join(tasks)}"
    (folder / "pipeline.yaml").write_text(text)
    return folder


def measured(command: list[str], folder: Path) -> Figures:
    """Wall and CPU seconds and the largest process of a command, its children's included."""
    began = time.monotonic()
    with (folder / "said").open("w") as said:
        process = subprocess.Popen(command, cwd=folder, stdout=said, stderr=said)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{command} failed: {(folder / 'said').read_text()[-2000:]}")
    return {
        "cpu": usage.ru_utime + usage.ru_stime,
        "wall": time.monotonic() - began,
        "peak_mb": usage.ru_maxrss / 1024,
    }


def rounds(command: list[str], folder: Path) -> dict[str, Figures]:
    """A first build, one with nothing to do, one after a change."""
    found = {"first": measured(command, folder), "nothing to do": measured(command, folder)}
    (folder / "steps.py").write_text(CODE.replace("* 2", "* 3"))
    found["1 in 100 changed"] = measured(command, folder)
    return found


def pair(
    commands: dict[str, list[str]], count: int, scratch: Path, turn: int
) -> dict[str, dict[str, Figures]]:
    """All programs once, in an order that changes with the turn."""
    found = {}
    for name in sorted(commands, reverse=bool(turn % 2)):
        folder = project(scratch / f"{name}-{turn}", count, EXECUTORS.get(name, ""))
        found[name] = rounds(commands[name], folder)
        shutil.rmtree(folder)
    return found


def summary(pairs: list[dict[str, dict[str, Figures]]]) -> dict[str, object]:
    """Medians, and the medians of each pair's ratios of CPU seconds."""

    def middle(value: Callable[[dict[str, dict[str, Figures]]], float]) -> float:
        return round(statistics.median(map(value, pairs)), 2)

    names, kinds = list(pairs[0]), list(pairs[0]["byoa"])
    figures = {
        name: {
            kind: {
                unit: middle(lambda one, n=name, k=kind, u=unit: one[n][k][u])  # type: ignore[misc]
                for unit in ("cpu", "wall", "peak_mb")
            }
            for kind in kinds
        }
        for name in names
    }
    ratios = {
        f"{name} / byoa, {kind}, cpu": middle(
            lambda one, n=name, k=kind: one[n][k]["cpu"] / one["byoa"][k]["cpu"]  # type: ignore[misc]
        )
        for name in names
        if name != "byoa"
        for kind in kinds
    }
    return {"pairs": len(pairs), "seconds": figures, "ratios": ratios}


def planned(count: int, scratch: Path) -> dict[str, object]:
    """What it takes to plan a large pipeline: new, and when all of it is done."""
    folder = project(scratch / "planned", count)
    plan = [*byoa(), "plan"]
    new = measured(plan, folder)
    build = measured([*byoa(), "build", "--quiet"], folder)
    again = measured(plan, folder)
    shutil.rmtree(folder)
    found = {"plan, new": new, "build": build, "plan, done": again}
    return {
        name: {unit: round(value, 2) for unit, value in one.items()} for name, one in found.items()
    }


def byoa() -> list[str]:
    return [sys.executable, "-m", "byoa.cli", "pipeline"]


def environment(scratch: Path) -> Path:
    """A virtual environment with Ploomber in it."""
    folder = scratch / "environment"
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    packages = [PLOOMBER, "ipykernel", "setuptools<81"]
    subprocess.run([folder / "bin/pip", "install", "--quiet", *packages], check=True)
    return folder


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--tasks", type=int, default=1000)
    parser.add_argument("--pairs", type=int, default=1)
    parser.add_argument("--planned", type=int, default=10_000)
    parser.add_argument("--ploomber", type=Path, help="an environment that has it")
    arguments = parser.parse_args()
    os.environ["PYTHONPATH"] = str(Path(__file__).parents[1])
    with tempfile.TemporaryDirectory() as text:
        scratch = Path(text)
        theirs = str((arguments.ploomber or environment(scratch)) / "bin/ploomber")
        commands = {name: [theirs, "build"] for name in EXECUTORS}
        commands["byoa"] = [*byoa(), "build", "--quiet"]
        pairs = [pair(commands, arguments.tasks, scratch, turn) for turn in range(arguments.pairs)]
        large = planned(arguments.planned, scratch)
    found = {
        "date": date.today().isoformat(),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "python": platform.python_version(),
        "ploomber": PLOOMBER.partition("==")[2],
        f"{arguments.tasks} tasks": summary(pairs),
        f"{arguments.planned} tasks, byoa alone": large,
    }
    RESULTS.write_text(json.dumps(found, indent=2) + "\n")
    print(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
