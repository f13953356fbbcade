"""Reading a COCO channel of outlines as long as COCO's: CPU time, and what an instance takes.

python benchmarks/read_channel.py [PICTURES [INSTANCES A PICTURE]]

The numbers in docs/data.md are of 100000 and 10.
"""

from __future__ import annotations

import json
import pickle
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "mask_r_cnn"))

import numpy as np
from PIL import Image

from channel import load_channel

POINTS = 24


def annotation(number: int, image: int, rng: np.random.Generator) -> dict[str, Any]:
    """A round outline with two decimals, as annotation tools write them."""
    turn = np.linspace(0, 2 * np.pi, POINTS, endpoint=False)
    circle = np.stack([np.cos(turn), np.sin(turn)], axis=1) * rng.uniform(10, 100)
    points = (circle + rng.uniform((100, 100), (540, 380))).round(2)
    (x0, y0), (x1, y1) = points.min(axis=0).tolist(), points.max(axis=0).tolist()
    return {
        "id": number,
        "image_id": image,
        "category_id": 1 + number % 5,
        "segmentation": [points.ravel().tolist()],
        "bbox": [x0, y0, round(x1 - x0, 2), round(y1 - y0, 2)],
        "area": 1.0,
        "iscrowd": 0,
    }


def write_channel(folder: Path, pictures: int, instances: int) -> None:
    """Writes the channel; its pictures are links to a few files."""
    rng = np.random.default_rng(0)
    names = [f"{number:012}.jpg" for number in range(pictures)]
    for number, name in enumerate(names):
        first = folder / names[number - number % 20_000]  # a file takes a limited number of links
        if number % 20_000:
            (folder / name).hardlink_to(first)
        else:
            noise = rng.integers(0, 255, (480, 640, 3), np.uint8)
            Image.fromarray(noise).save(first, quality=80)
    document = {
        "images": [{"id": i, "file_name": name} for i, name in enumerate(names)],
        "annotations": [
            annotation(i * instances + k, i, rng) for i in range(pictures) for k in range(instances)
        ],
        "categories": [{"id": number, "name": f"class {number}"} for number in range(1, 6)],
    }
    (folder / "instances.json").write_text(json.dumps(document))


def main(arguments: list[str]) -> int:
    """Print one line of JSON."""
    pictures = int(arguments[0]) if arguments else 2_000
    instances = int(arguments[1]) if len(arguments) > 1 else 10
    with tempfile.TemporaryDirectory() as place:
        write_channel(Path(place), pictures, instances)
        began = time.process_time()
        data = load_channel(Path(place))
        seconds = time.process_time() - began
    packed = len(pickle.dumps(data))
    line = {
        "pictures": len(data),
        "instances": sum(data.summary()["classes"].values()),
        "cpu_seconds": round(seconds, 1),
        "packed_bytes_an_instance": round(packed / (pictures * instances)),
    }
    print(json.dumps(line))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
