"""Small pictures of one thing each, a ball, a crate or a star, with COCO annotations."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path


def make(product: Mapping[str, Path], count: int) -> None:
    """`count` pictures to learn from and 12 to judge by, by the generator of `make demo`."""
    import numpy as np

    sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "local_test"))
    from sample_pictures import make_scene, write_coco

    for seed, (channel, number) in enumerate([("training", count), ("validation", 12)], 1):
        random = np.random.default_rng(seed)
        scenes = [make_scene(random, 64, 64, most=1) for _ in range(number)]
        write_coco(Path(str(product[channel])), scenes)
