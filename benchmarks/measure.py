"""What the benchmarks share: turns, medians of pairs, what the machine is, results and plots.

A machine that others use too makes seconds worthless and ratios fair, as long as both sides of a
ratio were measured in turns: `interleaved` does that, `ratio` takes the median over the pairs.
"""

from __future__ import annotations

import contextlib
import importlib.metadata
import json
import os
import platform
import statistics
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
RESULTS = HERE / "results"
PEERS = ROOT / ".venv-bench" / "bin" / "python"
Times = dict[str, list[float]]
FLAGS = ("avx2", "avx512f", "avx512_bf16", "avx512_vnni", "amx_bf16")
CLOCKS: dict[str, Callable[[], float]] = {"cpu": time.process_time, "wall": time.perf_counter}


def interleaved(
    ways: Mapping[str, Callable[[], Any]], rounds: int, clock: str = "cpu", warm_up: int = 1
) -> Times:
    """Seconds of every way in every round; in a round each way has its turn.

    The clock is this process's CPU time ("cpu": for one thread, what others do hardly shows) or
    the wall's ("wall").
    """
    now = CLOCKS[clock]
    for way in list(ways.values()) * warm_up:
        way()
    times: Times = {name: [] for name in ways}
    for _ in range(rounds):
        for name, way in ways.items():
            began = now()
            way()
            times[name].append(now() - began)
    return times


def ratio(times: Mapping[str, Sequence[float]], slow: str, fast: str) -> float:
    """How many times as long `slow` took as `fast`: the median over the rounds."""
    return statistics.median(a / b for a, b in zip(times[slow], times[fast], strict=True))


def milliseconds(times: Mapping[str, Sequence[float]]) -> dict[str, float]:
    """The median of every way, in milliseconds."""
    return {name: round(1000 * statistics.median(found), 3) for name, found in times.items()}


def percentile(values: Iterable[float], percent: float) -> float:
    """The value that so many percent of the values do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]


def machine(*packages: str) -> dict[str, Any]:
    """Date, processor, cores, load and versions: what a figure means nothing without."""
    versions = {"python": platform.python_version()}
    for package in packages:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            versions[package] = importlib.metadata.version(package)
    return {
        "date": date.today().isoformat(),
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)),
        "load": round(os.getloadavg()[0], 1),
        "versions": versions,
    }


def _processor() -> str:
    facts = {"model name": platform.machine(), "flags": ""}
    with contextlib.suppress(OSError):
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        pairs = (line.partition(":") for line in lines)
        facts |= {name.strip(): value.strip() for name, _, value in pairs}
    has = [flag for flag in FLAGS if flag in facts["flags"].split()]
    return f"{facts['model name']} ({', '.join(has) or 'no AVX2'})"


def save(name: str, result: Mapping[str, Any]) -> Path:
    """Write results/NAME.json and say where; the figures that the README and docs quote."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}.json"
    path.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    print(f"written: {path.relative_to(ROOT)}")
    return path


def peers() -> Path:
    """The interpreter that has the systems we compare with; made on first use, by pip."""
    subprocess.run([HERE / "peers.sh"], check=True, cwd=ROOT)
    return PEERS


@contextlib.contextmanager
def figure(name: str, title: str) -> Iterator[Any]:
    """Gives matplotlib's axes; what was drawn on them is in results/NAME.png afterwards."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    drawing, axes = pyplot.subplots(figsize=(7, 4), layout="constrained")
    try:
        axes.set_title(title)
        yield axes
        if axes.get_legend_handles_labels()[1]:
            axes.legend(frameon=False)
        axes.spines[["top", "right"]].set_visible(False)
        drawing.savefig(RESULTS / f"{name}.png", dpi=110)
        print(f"drawn: benchmarks/results/{name}.png")
    finally:
        pyplot.close(drawing)


def bars(name: str, title: str, values: Mapping[str, float], unit: str) -> None:
    """One bar a way, the figure at its end."""
    with figure(name, title) as axes:
        drawn = axes.barh(list(values), list(values.values()), color="#3b6ea5")
        axes.bar_label(drawn, [_short(value) for value in values.values()], padding=3)
        axes.margins(x=0.12)  # for the figures
        axes.invert_yaxis()
        axes.set_xlabel(unit)


def _short(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def growth(
    name: str,
    title: str,
    series: Mapping[str, Sequence[tuple[float, float]]],
    labels: tuple[str, str],
) -> None:
    """(x, y) points of each series as a line, both axes logarithmic: a slope of 1 is linear."""
    with figure(name, title) as axes:
        for label, points in series.items():
            xs, ys = zip(*points)
            axes.plot(xs, ys, "o-", label=label)
        axes.set(xscale="log", yscale="log", xlabel=labels[0], ylabel=labels[1])
        axes.grid(alpha=0.3, which="both")


def slope(points: Sequence[tuple[float, float]]) -> float:
    """How a cost grows over the largest step: 1 is linear, 2 quadratic, 0 not at all."""
    from math import log

    (x0, y0), (x1, y1) = points[-2:]
    return (log(y1) - log(y0)) / (log(x1) - log(x0))
