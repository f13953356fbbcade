"""Penn-Fudan on a GPU, from a backbone that knows ImageNet to the plateau: seconds from the start.

    BYOA_TEST_DATA=FOLDER python benchmarks/gpu_penn_fudan.py [--weights FILE --backbone NAME]

`train` as SageMaker starts it, in the small-data setting of the accuracy gate at a GPU's batch; the
wall's seconds of every judgement since the process was started. The plateau is the first judgement
within a point of the best mask AP. Goal: under 60 s.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import measure

NEEDS = ("gpu", "data")
TRAIN = measure.ROOT / "mask_r_cnn" / "train.py"
WEIGHTS = "weights/mobilenet_v2_imagenet.safetensors"
SETTING = {
    "batch_size": 8,
    "learning_rate": 0.02,
    "lr_scheduler": "cosine",
    "warmup_steps": 50,
    "num_epochs": 30,
    "evaluate_every": 2,
    "ema": 0.99,
    "augment": "strong",
    "rois_per_image": 128,
    "min_size": 400,
    "max_size": 640,
    "validation_fraction": 50 / 170,
    "checkpoint_every": 0,
}
SMALL = {"batch_size": 2, "num_epochs": 1, "min_size": 64, "max_size": 96, "evaluate_every": 1}
LINE = re.compile(r"epoch=(\d+); .*validation_segm_map=([0-9.e-]+);")


def curve(room: Path, channel: Path, chosen: Mapping[str, Any], weights: Path | None) -> list[Any]:
    """{epoch, seconds, segm_map} of every judgement of a job that learns from `channel`."""
    environ = {
        **os.environ,
        "SM_CHANNEL_TRAINING": str(channel),
        "SM_MODEL_DIR": str(room / "model"),
        "SM_OUTPUT_DATA_DIR": str(room / "output" / "data"),
        "SM_CHECKPOINT_DIR": str(room / "checkpoints"),
    }
    if weights is not None:
        (room / "pretrained").mkdir()
        (room / "pretrained" / weights.name).symlink_to(weights.resolve())
        environ["SM_CHANNEL_PRETRAINED"] = str(room / "pretrained")
    words = [word for name, value in chosen.items() for word in (f"--{name}", str(value))]
    began, found = time.monotonic(), []
    with subprocess.Popen(
        [sys.executable, "-u", str(TRAIN), *words], env=environ, text=True, stdout=subprocess.PIPE
    ) as job:
        assert job.stdout is not None
        for line in job.stdout:
            if match := LINE.search(line):
                seconds = round(time.monotonic() - began, 2)
                point = {"epoch": int(match[1]), "seconds": seconds, "segm_map": float(match[2])}
                found.append(point)
                print(point, flush=True)
    if job.returncode:
        raise SystemExit(f"train ended with {job.returncode}")
    return found


def plateau(points: Sequence[Mapping[str, float]], within: float = 0.01) -> Mapping[str, float]:
    """The first judgement that is within a point of the best."""
    best = max(point["segm_map"] for point in points)
    return next(point for point in points if point["segm_map"] >= best - within)


def main() -> int:
    """Train, print and keep."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--small", action="store_true", help="one epoch at 64 px: a try")
    parser.add_argument("--weights", type=Path, help="an ImageNet classifier of the backbone")
    parser.add_argument("--backbone", default="mobilenet_v2_fpn")
    parser.add_argument("--channel", type=Path, help="other pictures than Penn-Fudan")
    arguments = parser.parse_args()
    chosen: dict[str, Any] = {**SETTING, "backbone": arguments.backbone}
    weights, channel = arguments.weights, arguments.channel
    if channel is None:
        root = Path(os.environ["BYOA_TEST_DATA"])
        channel = root / "PennFudanPed"
        weights = weights or root / WEIGHTS
    if arguments.small:
        chosen |= SMALL
    if weights is None:
        chosen["pretrained"] = "none"
    with tempfile.TemporaryDirectory() as room:
        points = curve(Path(room), channel, chosen, weights)
    reached = plateau(points)
    print("plateau", reached)
    if arguments.small:
        return 0
    import torch

    gpu = torch.cuda.get_device_name() if torch.cuda.is_available() else "none"
    facts = {**measure.machine("torch", "torchvision"), "gpu": gpu, "setting": chosen}
    measure.save("gpu_penn_fudan", {**facts, "plateau": reached, "curve": points})
    series = {"mask AP": [(p["seconds"], p["segm_map"]) for p in points]}
    labels = ("seconds since the start of train", "held-out mask AP")
    measure.growth("gpu_penn_fudan", f"Penn-Fudan on {gpu}", series, labels)
    return 0


if __name__ == "__main__":
    sys.exit(main())
