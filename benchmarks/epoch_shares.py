"""What of an epoch is training, what predicting the held-out pictures, and what COCO's figures.

    python benchmarks/epoch_shares.py [--small]

A real job on Penn-Fudan (120 pictures, 50 held out) from ImageNet's MobileNetV2, one epoch, or with
--small on a few generated pictures. CPU seconds of the process, so others do not show.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "mask_r_cnn")]

import measure
from _scenes import write_scenes
from channel import load_channel
from dataset import Dataset, split
from engine import Trainer
from evaluation import Judge
from hyperparameters import parse
from job import Folders, Job
from run import run_job
from validate import Validator

NEEDS = ("data",)
PARTS: dict[str, tuple[Any, str]] = {
    "training": (Trainer, "run_epoch"),
    "judgement": (Validator, "__call__"),
    "COCO's figures": (Judge, "__call__"),
}


@contextmanager
def clocks() -> Iterator[Counter[str]]:
    """CPU seconds that each part takes from here on."""
    spent: Counter[str] = Counter()

    def timed(name: str, method: Callable[..., Any]) -> Callable[..., Any]:
        def call(*words: Any) -> Any:
            began = time.process_time()
            try:
                return method(*words)
            finally:
                spent[name] += time.process_time() - began  # type: ignore[assignment]

        return call

    with ExitStack() as patches:
        for name, (owner, method) in PARTS.items():
            whole = timed(name, getattr(owner, method))
            patches.enter_context(patch.object(owner, method, whole))
        yield spent


def pictures(small: bool, room: Path) -> tuple[Dataset, Dataset, Path | None, dict[str, Any]]:
    """What is learnt from, what is held out, the first weights, and the sizes."""
    if small:
        whole = load_channel(write_scenes(room / "scenes", 3, 2, (96, 64), 3))
        sizes = {"min_size": 64, "max_size": 96, "rois_per_image": 16, "pretrained": "none"}
        return *split(whole, 1 / 3, seed=0), None, {**sizes, "precision": "fp32"}
    root = Path(os.environ["BYOA_TEST_DATA"])
    whole = load_channel(root / "PennFudanPed")
    weights = root / "weights" / "mobilenet_v2_imagenet.safetensors"
    return *split(whole, 50 / 170, seed=0), weights, {"min_size": 320, "max_size": 512}


def main() -> int:
    """Train one epoch and tell the shares."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--small", action="store_true", help="three small pictures: seconds")
    small = parser.parse_args().small
    with tempfile.TemporaryDirectory() as folder, clocks() as spent:
        room = Path(folder)
        training, held_out, weights, chosen = pictures(small, room)
        # The small-data setting: the quicker the step, the larger the share of all else.
        chosen = {"rois_per_image": 128, **chosen, "backbone": "mobilenet_v2_fpn", "num_epochs": 1}
        options = parse([word for k, v in chosen.items() for word in (f"--{k}", str(v))])
        model, output, kept, events = (room / name for name in ("model", "output", "kept", "tb"))
        places = Folders(model, output, kept, events, weights)
        run_job(Job(options, training, held_out, places, False, {}))
    figures, judged = spent["COCO's figures"], spent["judgement"]
    epoch = spent["training"] + judged
    shares = {
        "predicting": round(100 * (judged - figures) / epoch, 2),
        "COCO's figures": round(100 * figures / epoch, 3),
    }
    result: dict[str, Any] = {
        "pictures": len(training),
        "held_out": len(held_out),
        "cpu_seconds": {name: round(seconds, 3) for name, seconds in spent.items()},
        "percent_of_an_epoch": shares,
        "ms_a_held_out_picture": round(1000 * (judged - figures) / len(held_out), 1),
        "ms_a_picture_in_training": round(1000 * spent["training"] / len(training), 1),
    }
    print(result)
    if not small:
        measure.save("epoch_shares", {**measure.machine("torch", "torchvision"), **result})
        shares = {"training": 100 * spent["training"] / epoch, **shares}
        measure.bars("epoch_shares", "An epoch on Penn-Fudan", shares, "% of its CPU time")
    return 0


if __name__ == "__main__":
    sys.exit(main())
