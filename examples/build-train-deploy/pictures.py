"""Small pictures of one thing each, a ball, a crate or a star: `pictures.py FOLDER`.

FOLDER/training, FOLDER/validation and FOLDER/held_out, each with COCO annotations; FOLDER/few is a
bad day's training set: four pictures. Made by the generator of `make demo` (numpy and Pillow).
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "local_test"))
from sample_pictures import make_scene, write_coco

SIDE = 64
#: folder, how many pictures, seed
SETS = (("training", 96, 1), ("validation", 16, 2), ("held_out", 8, 3), ("few", 4, 4))

if __name__ == "__main__":
    for name, count, seed in SETS:
        random = np.random.default_rng(seed)
        scenes = [make_scene(random, SIDE, SIDE, most=1) for _ in range(count)]
        write_coco(Path(sys.argv[1]) / name, scenes)
        print(f"{sys.argv[1]}/{name}: {count} pictures")
