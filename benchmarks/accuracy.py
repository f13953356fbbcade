"""Accuracy gates: our `train` and predictions beside plain torchvision's, and the time to an AP.

    BYOA_TEST_DATA=… python benchmarks/accuracy.py     everything: some hours of one core
    python benchmarks/accuracy.py --inference FOLDER   a trained model: our engines by torchvision
    python benchmarks/accuracy.py --report             the figures of the runs that are done
    python benchmarks/accuracy.py --small              the plumbing, on a few generated pictures
    python benchmarks/accuracy.py --run penn_fudan_long-small-0     one run: how far it can get

A finished run is kept in --folder and not done again: stop and start it as you like. Each is a
process of its own on one core; its time is that process's CPU seconds without the judgements. Its
model is then asked by every engine and precision, int8 too, each way kept as it is known.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "mask_r_cnn"), str(ROOT / "local_test")]

import measure
from _accuracy_report import write_report

if TYPE_CHECKING:
    from _accuracy_works import Work
    from dataset import Dataset

NEEDS = ("data",)
SEEDS = (0, 1, 2)
SIDES = (
    ("penn_fudan", "plain"),
    ("penn_fudan", "ours"),
    ("penn_fudan", "small"),
    ("generated", "plain"),
    ("generated", "ours"),
)
SMALL_SIDES = (("tiny", "plain"), ("tiny", "ours"), ("tiny", "small"))


def main() -> int:
    """Do what was asked for; 0."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--folder", type=Path, default=ROOT / "build" / "accuracy")
    parser.add_argument("--inference", type=Path, metavar="FOLDER", help="gate one trained model")
    parser.add_argument("--report", action="store_true", help="train nothing")
    parser.add_argument("--small", action="store_true", help="two steps a run; no results written")
    parser.add_argument("--run", metavar="WORK-RECIPE-SEED", help="one run alone")
    parser.add_argument("--way", default="", help="with --run, ask only so: as 'openvino int8'")
    chosen = parser.parse_args()
    folder: Path = chosen.folder.resolve()
    if chosen.run:
        do_run(folder, chosen.run, chosen.way)
    elif chosen.inference:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory() as room:
            kept = Path(room) / "inference.json"
            gate(folder, chosen.inference, trained_on(chosen.inference), kept)
    elif chosen.report:
        write_report(finished(folder))
    elif chosen.small:
        everything(folder, [(*side, 0) for side in SMALL_SIDES])
    else:
        # Seed 0 of everything first: an early answer to every question.
        everything(folder, [(*side, seed) for seed in SEEDS for side in SIDES])
        write_report(finished(folder))
    return 0


def everything(folder: Path, runs: list[tuple[str, str, int]]) -> None:
    """What is not done yet of the runs, each in a process of its own."""
    for run in runs:
        name = "-".join(map(str, run))
        if not gated(folder, name):
            own = [sys.executable, __file__, "--folder", str(folder), "--run", name]
            environ = {**os.environ, "OMP_NUM_THREADS": "1"}
            subprocess.run(own, check=True, env=environ)


def do_run(folder: Path, name: str, way: str = "") -> None:
    """One run in this process: figures in FOLDER/NAME/run.json, its model in FOLDER/NAME/model.

    How the model predicts is gated at once: FOLDER/NAME/inference.json.
    """
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})  # before torch counts its threads
    from _training_runs import train

    work, recipe, seed = name.split("-")
    room = folder / name
    room.mkdir(parents=True, exist_ok=True)
    if not (room / "run.json").is_file():
        about = {"work": work, "recipe": recipe, "seed": int(seed), "code": _commit()}
        found = train(work_of(work), recipe, int(seed), room)
        _write(room / "run.json", {**about, **measure.machine("torch", "torchvision"), **found})
    gate(folder, room / "model", work, room / "inference.json", way)


def gated(folder: Path, name: str) -> bool:
    """Whether the run's model was asked in every way that there is now."""
    from _inference_gate import ways

    _, held_out = pictures_of(folder, name.partition("-")[0])
    return set(ways(held_out)) <= asked(folder / name / "inference.json").keys()


def asked(path: Path) -> dict[str, Any]:
    """The ways that a model was asked in, each with its AP, code and date."""
    found = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    ap: dict[str, Any] = (found or {}).get("ap", {})
    return ap


def work_of(name: str) -> Work:
    """The work of that name."""
    import _accuracy_works as works

    if name.startswith("penn_fudan"):
        data = Path(os.environ["BYOA_TEST_DATA"])
        return works.penn_fudan(data, long=name.endswith("_long"))
    return works.tiny() if name == "tiny" else works.generated()


def trained_on(model: Path) -> str:
    """The work that the model's classes are of."""
    classes = json.loads((model / "model.json").read_text(encoding="utf-8"))["class_names"]
    return "penn_fudan" if classes == ["pedestrian"] else "generated"


def pictures_of(folder: Path, work: str) -> tuple[Dataset, Dataset]:
    """What the work learns from and what it holds out."""
    return work_of(work).data(folder / f"{work}_pictures")


def gate(folder: Path, model: Path, work: str, kept: Path, only: str = "") -> None:
    """Box and mask AP of a model by every engine on the work's held-out pictures.

    Each way is kept as soon as it is known, and not asked again.
    """
    from _inference_gate import BASE, drops, inference_gate, ways

    training, held_out = pictures_of(folder, work)
    found = asked(kept)
    wanted = [way for way in ways(held_out) if way.startswith(only) and way not in found]
    for way, figures in inference_gate(model, training, held_out, wanted):
        found[way] = {**figures, "code": _commit(), "date": date.today().isoformat()}
        print(model.parent.name, way, figures, flush=True)
        _write(kept, {"ap": found, "drop": drops(found) if BASE in found else {}})


def finished(folder: Path) -> list[Mapping[str, Any]]:
    """The figures of every run that is done, in the order of their names."""
    runs = []
    for path in sorted(folder.glob("*-*-*/run.json")):
        run = json.loads(path.read_text(encoding="utf-8"))
        gate_of = path.with_name("inference.json")
        if gate_of.is_file():
            run["inference"] = json.loads(gate_of.read_text(encoding="utf-8"))
        runs.append(run)
    return runs


def _write(path: Path, figures: Mapping[str, Any]) -> None:
    partial = path.with_suffix(".tmp")
    partial.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    partial.rename(path)


def _commit() -> str:
    command = ["git", "-C", str(ROOT), "rev-parse", "--short", "HEAD"]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()


if __name__ == "__main__":
    sys.exit(main())
