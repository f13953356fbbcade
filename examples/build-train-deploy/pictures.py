"""Small pictures of one thing each, a ball, a crate or a star: `pictures.py FOLDER`.

FOLDER/good and FOLDER/bad are two days' data, training/ and validation/ each: on the bad day only
four pictures came in to learn from. FOLDER/unseen is what the endpoint is asked about. All have
COCO annotations and are made by the generator of `make demo` (numpy and Pillow).
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "local_test"))
from sample_pictures import make_scene, write_coco

SIDE = 64
#: folder, how many pictures, seed
SETS = (
    ("good/training", 96, 1), ("good/validation", 12, 2),
    ("bad/training", 4, 4), ("bad/validation", 12, 2),
    ("unseen", 8, 3),
)  # fmt: skip

if __name__ == "__main__":
    for name, count, seed in SETS:
        random = np.random.default_rng(seed)
        scenes = [make_scene(random, SIDE, SIDE, most=1) for _ in range(count)]
        write_coco(Path(sys.argv[1]) / name, scenes)
        print(f"{sys.argv[1]}/{name}: {count} pictures")
