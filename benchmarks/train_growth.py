"""How training's time and memory grow with pictures, things in a picture, and its size.

Every point is a process of its own on one thread: CPU seconds, and the most memory it ever held.
A slope is that of the last step on logarithmic axes: 1 is in proportion, 0 no growth at all. Each
series is kept with its own date and versions; --only measures one anew and leaves the others.

    python benchmarks/train_growth.py [--small] [--only pictures|instances|side]
"""

from __future__ import annotations

import argparse
import functools
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Rows = list[dict[str, float]]

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "mask_r_cnn"))

import measure
from _scenes import write_scenes

STEPS, READS = 2, 3
PACKAGES = ("torch", "torchvision", "numpy", "pillow")


@dataclass(frozen=True)
class Point:
    """One job: entries in the channel, things in each, and the shorter side in training."""

    pictures: int = 64
    instances: int = 4
    side: int = 320

    def channel(self, room: Path) -> Path:
        """Its channel, written when it is not there; pictures are 4:3, as large as trained on."""
        folder = room / f"{self.pictures}-{self.instances}-{self.side}"
        if not folder.exists():
            size = (self.side * 4 // 3, self.side)
            write_scenes(folder, self.pictures, self.instances, size, files=8)
        return folder


# Which number grows, where, and what is called the cost of it.
SERIES = {
    "pictures": [Point(pictures=n) for n in (100, 1_000, 10_000, 100_000)],
    "instances": [Point(instances=n) for n in (1, 5, 25, 100, 200)],
    "side": [Point(side=n) for n in (192, 384, 600, 800, 1000)],
}
SMALL = {
    "pictures": [Point(20, side=64), Point(200, side=64)],
    "instances": [Point(8, 1, 64), Point(8, 20, 64)],
    "side": [Point(8, side=64), Point(8, side=128)],
}


def train(point: Point, folder: Path) -> dict[str, float]:
    """Read the channel and take a few steps, in this process; its seconds and its memory."""
    import torch

    from augment import Augmentation
    from channel import load_channel
    from distributed import Ranks, layout_of
    from engine import Trainer
    from hyperparameters import Hyperparameters
    from loader import Loader, epoch_order, tall
    from network import build_network

    torch.set_num_threads(1)
    torch.manual_seed(0)
    imported = _peak()
    reads = [_seconds(lambda: load_channel(folder))]
    peak_of_reading = _peak()
    reads += [_seconds(lambda: load_channel(folder)) for _ in range(READS - 1)]
    data = load_channel(folder)
    chosen = Hyperparameters(
        backbone="mobilenet_v2_fpn", min_size=point.side, max_size=2 * point.side, warmup_steps=0
    )
    network = build_network(chosen.backbone, "group", len(data.class_names) + 1, 100)
    augmentation = Augmentation(chosen.augment, chosen.min_size, chosen.max_size)
    loader = Loader(data.pictures, augmentation, chosen.seed, threads=1)
    trainer = Trainer(network, chosen, Ranks(layout_of({}), torch.device("cpu")), loader)
    tall_ones = tall(data.pictures)
    ordering = functools.partial(epoch_order, tall_ones, chosen.batch_size, chosen.seed, 0)
    order = ordering()
    moments = [time.process_time()]
    trainer.run_epoch(
        order[: STEPS + 1],
        lambda: False,
        lambda _: moments.append(time.process_time()),
    )
    loader.close()
    # The first step is slower than the others: kernels are chosen in it.
    seconds = (moments[-1] - moments[1]) / (len(moments) - 2) / chosen.batch_size
    return {
        "read_s": round(min(reads), 4),
        "order_s": round(_seconds(ordering), 4),
        "read_peak_mb": round(peak_of_reading - imported, 1),
        "picture_s": round(seconds, 4),
        "peak_mb": round(_peak(), 1),
        "imports_mb": round(imported, 1),
    }


def _seconds(way: Callable[[], Any]) -> float:
    """CPU seconds of one call, whose result is dropped."""
    began = time.process_time()
    way()
    return time.process_time() - began


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def in_child(point: Point, room: Path) -> dict[str, float]:
    """What `train` says in a fresh process."""
    place = point.channel(room)
    words = [point.pictures, point.instances, point.side, place]
    command = [sys.executable, __file__, "--point", *map(str, words)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def costs(grows: str, points: list[Point], room: Path) -> Rows:
    """The figures of every point of a series."""
    rows = []
    for point in points:
        x = point.side * (point.side * 4 // 3) if grows == "side" else getattr(point, grows)
        row = {"x": float(x), **in_child(point, room)}
        print(grows, row, flush=True)
        rows.append(row)
    return rows


def slopes(found: dict[str, Rows]) -> dict[str, float]:
    """How each cost grows over the last step of each series."""
    kinds = [(grows, cost) for grows in found for cost in ("picture_s", "peak_mb")]
    kinds.append(("pictures", "read_s"))
    return {
        f"{cost} / {grows}": round(measure.slope([(r["x"], r[cost]) for r in found[grows]]), 2)
        for grows, cost in kinds
    }


def kept() -> dict[str, Any]:
    """The series of before, each with its machine and date."""
    before = json.loads((measure.RESULTS / "train_growth.json").read_text(encoding="utf-8"))
    found: dict[str, Any] = before["series"]
    return found


def draw(found: dict[str, Rows], dates: dict[str, str]) -> None:
    """Time and memory, both as a multiple of the first point's; every series with its date."""
    things = {"side": "pixels of a picture", "instances": "things in it", "pictures": "pictures"}
    names = {grows: f"{things[grows]} ({dates[grows]})" for grows in found}
    labels = ("times as many", "times as much")
    for cost, title in (("picture_s", "CPU time of a picture"), ("peak_mb", "Most memory")):
        lines = {
            names[grows]: [(r["x"] / rows[0]["x"], r[cost] / rows[0][cost]) for r in rows]
            for grows, rows in found.items()
        }
        if cost == "picture_s":
            rows = found["pictures"]
            lines["reading the pictures' channel"] = [
                (r["x"] / rows[0]["x"], r["read_s"] / rows[0]["read_s"]) for r in rows
            ]
        lines["in proportion"] = [(1, 1), (1000, 1000)]
        name = "train_growth" if cost == "picture_s" else "train_growth_memory"
        measure.growth(name, f"{title} in training", lines, labels)


def main() -> int:
    """Measure every point, print the slopes, keep all."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--small", action="store_true", help="two small points a series")
    parser.add_argument("--only", choices=list(SERIES), help="measure one series; the others stay")
    parser.add_argument("--point", nargs=4, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.point:
        *numbers, folder = options.point
        print(json.dumps(train(Point(*map(int, numbers)), Path(folder))))
        return 0
    chosen = SMALL if options.small else SERIES
    series = kept() if options.only else {}
    with tempfile.TemporaryDirectory() as room:
        for grows, points in chosen.items():
            if options.only in (None, grows):
                rows = costs(grows, points, Path(room))
                series[grows] = {**measure.machine(*PACKAGES), "points": rows}
    found = {grows: one["points"] for grows, one in series.items()}
    print(json.dumps(slopes(found), indent=1))
    if not options.small:
        measure.save("train_growth", {"slopes": slopes(found), "series": series})
        draw(found, {grows: one["date"] for grows, one in series.items()})
    return 0


if __name__ == "__main__":
    sys.exit(main())
