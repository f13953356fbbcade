"""Memory of our default engine over 2,000 requests of random sizes: it must not grow.

A kernel is made for every size of pictures, and kept: what keeps them has to let go of some.

    python benchmarks/engine_memory.py [--small]
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any
from unittest.mock import patch

os.environ["OMP_NUM_THREADS"] = "1"
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "mask_r_cnn"))

import numpy as np
from torchvision.transforms.functional import to_tensor

import measure
from _random_models import calibrated, folder_of, info_of, scene
from engines import VARIABLE, load_engine


def main() -> int:
    """Measure, save, draw."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--small", action="store_true", help="thirty requests; nothing is written")
    small = parser.parse_args().small
    with tempfile.TemporaryDirectory() as place:
        result = {
            "machine": measure.machine("openvino", "numpy"),
            **memory(Path(place), 30 if small else 2000),
        }
    print(json.dumps(result, indent=1))
    if not small:
        measure.save("engine_memory", result)
        points = [(int(number), mib) for number, mib in result["mib"].items()]
        with measure.figure("engine_memory", "Memory over requests of random sizes") as axes:
            axes.plot(*zip(*points), "o-")
            axes.set(xlabel="requests", ylabel="resident MiB", ylim=(0, None))
    return 0


def memory(place: Path, requests: int) -> dict[str, Any]:
    """Resident MiB of an engine over requests of random sizes, by the number of requests."""
    info = info_of("mobilenet_v2_fpn", 64, 224)
    picture = to_tensor(scene(160, 120))
    folder = folder_of(calibrated(info, picture), info, place / "for memory")
    with patch.dict(os.environ, {VARIABLE: "openvino"}):
        engine = load_engine(folder)
    random, found = np.random.default_rng(0), {}
    image = np.asarray(scene(512, 512))
    for number in range(requests + 1):
        if number % max(1, requests // 10) == 0:
            found[number] = resident()
        height, width = (int(side) for side in random.integers(32, 512, 2))
        engine.predict([image[:height, :width].copy()], max_detections=int(random.integers(1, 40)))
    return {"mib": found, "growth_in_the_second_half": found[requests] - found[requests // 2]}


def resident() -> int:
    """MiB of this process that are in memory."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") // 2**20


if __name__ == "__main__":
    raise SystemExit(main())
