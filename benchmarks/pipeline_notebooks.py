"""Twelve notebooks of a grid: `byoa pipeline build` against `ploomber build`, on the same files.

    python benchmarks/pipeline_notebooks.py [--pairs N] [--ploomber ENVIRONMENT]

The project is examples/pipeline. Both run it in turns: all of it, nothing of it, and after a value
was added in the middle of the grid (4 of 16 fits are new). Figures are CPU seconds of the whole
process with all its children. Ploomber starts a kernel for every notebook; byoa runs them in forks
of one warm process.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import statistics
import subprocess
import tempfile
from datetime import date
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

from pipeline_build import PLOOMBER, Figures, byoa, environment, measured

EXAMPLE = ROOT / "examples" / "pipeline"
RESULTS = Path(__file__).with_name("results") / "pipeline_notebooks.json"
ROUNDS = ("first", "nothing to do", "a value added")


def rounds(command: list[str], folder: Path) -> dict[str, Figures]:
    """The three rounds of one program, on a copy of the example."""
    shutil.copytree(EXAMPLE, folder, ignore=shutil.ignore_patterns("products", ".byoa"))
    found = {ROUNDS[0]: measured(command, folder), ROUNDS[1]: measured(command, folder)}
    spec = folder / "pipeline.yaml"
    spec.write_text(spec.read_text().replace("[1, 3, 5]", "[1, 2, 3, 5]"))
    found[ROUNDS[2]] = measured(command, folder)
    reports = len(list((folder / "products").glob("report-*.html")))
    if reports < 16:
        raise SystemExit(f"{command} made {reports} reports of 16 in {folder}")
    return found


def summary(pairs: list[dict[str, dict[str, Figures]]]) -> dict[str, object]:
    """Medians of each figure, and of each pair's ratio of CPU seconds."""
    figures = {
        name: {
            kind: {
                unit: round(statistics.median(pair[name][kind][unit] for pair in pairs), 2)
                for unit in ("cpu", "wall", "peak_mb")
            }
            for kind in ROUNDS
        }
        for name in ("byoa", "ploomber")
    }
    ratios = {
        kind: round(
            statistics.median(p["ploomber"][kind]["cpu"] / p["byoa"][kind]["cpu"] for p in pairs), 1
        )
        for kind in ROUNDS
    }
    return {"pairs": len(pairs), "seconds": figures, "ploomber / byoa, cpu": ratios}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--pairs", type=int, default=2)
    parser.add_argument(
        "--ploomber", type=Path, help="an environment that has it and the example's"
    )
    arguments = parser.parse_args()
    os.environ["PYTHONPATH"] = str(ROOT)
    with tempfile.TemporaryDirectory() as text:
        scratch = Path(text)
        place = arguments.ploomber or environment(scratch)
        if not arguments.ploomber:
            wanted = EXAMPLE / "requirements.txt"
            subprocess.run([place / "bin/pip", "install", "--quiet", "-r", wanted], check=True)
        commands = {
            "ploomber": [str(place / "bin/ploomber"), "build"],
            "byoa": [*byoa(), "build", "--quiet"],
        }
        pairs = [
            {
                name: rounds(commands[name], scratch / f"{name}-{turn}")
                for name in sorted(commands, reverse=bool(turn % 2))
            }
            for turn in range(arguments.pairs)
        ]
    found = {
        "date": date.today().isoformat(),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "python": platform.python_version(),
        "ploomber": PLOOMBER.partition("==")[2],
        **summary(pairs),
    }
    RESULTS.write_text(json.dumps(found, indent=2) + "\n")
    print(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
