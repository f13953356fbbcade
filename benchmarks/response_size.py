"""Bytes of an answer per detection, plain and gzipped, on real masks; beside AWS's sample's lists.

    python benchmarks/response_size.py [--model FOLDER] [--small]

The masks are the people of Penn-Fudan, two or three in a picture: as annotators drew them, and with
--model (a folder with model.json and model.safetensors) as a trained model finds them. Pictures
with about 10 and about 100 people are 2 x 2 and 6 x 6 of them side by side.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import statistics
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "mask_r_cnn")]

import numpy as np
from numpy.typing import NDArray
from PIL import Image

import measure
from channel import load_channel
from dataset import Picture, instance_rle
from detection import Detection
from engines import load_engine
from pictures import read_picture
from response import JSON, Answer, Prediction, encode
from rle import decode_mask
from run_lengths import area_and_box, counts_from_mask, text_of

NEEDS = ("data",)
SIZES = ((640, 480), (1280, 960))
TILES = {"2 to 3": 1, "about 10": 2, "about 100": 6}
GOAL = {"plain": 600, "gzip": 200}
Source = Callable[[Sequence[Picture], int, int], list[Detection]]


def mosaics(pictures: Sequence[Picture], tiles: int) -> Iterator[Sequence[Picture]]:
    """Groups that fill a picture of tiles x tiles, the last ones left over."""
    for start in range(0, len(pictures) - tiles**2 + 1, tiles**2):
        yield pictures[start : start + tiles**2]


def drawn(group: Sequence[Picture], width: int, height: int) -> list[Detection]:
    """The annotators' masks; the score has as many digits as a model's."""
    random = np.random.default_rng(0)
    found = []
    for picture, (left, top, right, bottom) in placed(group, width, height):
        for one in picture.instances:
            mask = Image.fromarray(decode_mask(instance_rle(picture, one)) * np.uint8(255))
            bits = np.zeros((height, width), np.bool_)
            small = mask.resize((right - left, bottom - top), Image.Resampling.BILINEAR)
            bits[top:bottom, left:right] = np.asarray(small) >= 128
            if bits.any():
                counts = counts_from_mask(bits)
                # A model's boxes are no whole numbers.
                x0, y0, x1, y1 = random.normal(area_and_box(counts, height)[1], 0.5).tolist()
                rle = {"size": [height, width], "counts": text_of(counts)}
                found.append(Detection(one.label, random.random(), (x0, y0, x1, y1), rle))
    return found


def predicted(folder: Path) -> Source:
    """What a trained model finds with a score of a half or more."""
    engine = load_engine(folder)

    def find(group: Sequence[Picture], width: int, height: int) -> list[Detection]:
        whole = Image.new("RGB", (width, height))
        for picture, (left, top, right, bottom) in placed(group, width, height):
            image = Image.fromarray(read_picture(picture.path))
            whole.paste(image.resize((right - left, bottom - top)), (left, top))
        return engine.predict([np.asarray(whole)], score_threshold=0.5)[0]

    return find


def placed(
    group: Sequence[Picture], width: int, height: int
) -> Iterator[tuple[Picture, tuple[int, int, int, int]]]:
    """Each picture with its place: left, top, right, bottom."""
    tiles = round(len(group) ** 0.5)
    columns = [width * number // tiles for number in range(tiles + 1)]
    rows = [height * number // tiles for number in range(tiles + 1)]
    for number, picture in enumerate(group):
        row, column = divmod(number, tiles)
        yield picture, (columns[column], rows[row], columns[column + 1], rows[row + 1])


def answer(detections: Sequence[Detection], width: int, height: int) -> bytes:
    """The JSON that a client gets."""
    image: NDArray[np.uint8] = np.zeros((height, width, 3), np.uint8)
    return encode(Prediction([Answer(1, image, detections)], ["person"], [1]), JSON)


def bytes_of(scenes: Sequence[Sequence[Detection]], width: int, height: int) -> dict[str, Any]:
    """Bytes a detection, the median over the pictures in which something was found."""
    scenes = [scene for scene in scenes if scene]
    answers = [answer(scene, width, height) for scene in scenes]
    numbers = [len(scene) for scene in scenes]
    plain = statistics.median(len(one) / n for one, n in zip(answers, numbers, strict=True))
    packed = statistics.median(
        len(gzip.compress(one, 1)) / n for one, n in zip(answers, numbers, strict=True)
    )
    every = [one for scene in scenes for one in scene]
    return {
        "plain": round(plain, 1),
        "gzip": round(packed, 1),
        "pictures": len(scenes),
        "detections_a_picture": round(statistics.mean(numbers), 1),
        "mask_width": round(statistics.median(one.box[2] - one.box[0] for one in every), 1),
        "times_smaller_than_lists": round(as_lists(every[0]) / plain),
        "mean_of": split(answers),
    }


def split(answers: Sequence[bytes]) -> dict[str, float]:
    """What the bytes of a detection are, on average: run lengths, digits, names and the rest."""
    rows = [json.loads(one)["predictions"][0]["detections"] for one in answers]
    every = [detection for row in rows for detection in row]
    digits = sum(len(dumped(one["bbox"])) + len(dumped(one["score"])) for one in every)
    # Without its quotes: they are names' and punctuation's, as every run-length has them.
    runs = sum(len(dumped(one["segmentation"]["counts"])) - 2 for one in every)
    class_names = sum(len(f'"category_name":{dumped(one["category_name"])},') for one in every)
    whole = sum(map(len, answers))
    parts = {
        "run lengths": runs,
        "digits of box and score": digits,
        "category_name": class_names,
        "other names and punctuation": whole - runs - digits - class_names,
        "all": whole,
    }
    return {name: round(size / len(every), 1) for name, size in parts.items()}


def dumped(value: Any) -> str:
    """JSON as an answer has it."""
    return json.dumps(value, separators=(",", ":"))


def as_lists(one: Detection) -> float:
    """Bytes of one mask as AWS's sample sends it: every pixel a float in a list of lists."""
    return len(json.dumps(decode_mask(one.rle or {}).astype(np.float32).tolist()))


def measured(sources: dict[str, Source], pictures: Sequence[Picture]) -> dict[str, Any]:
    """Every source, size and number in a picture."""
    result: dict[str, Any] = {}
    for name, source in sources.items():
        for width, height in SIZES:
            for number, tiles in TILES.items():
                groups = mosaics(pictures, tiles)
                scenes = [source(group, width, height) for group in groups]
                # People of 20 pixels are too small for a model that learnt from large ones.
                if sum(map(len, scenes)) > len(scenes) * tiles**2:
                    row = bytes_of(scenes, width, height)
                    result[f"{name}, {width}x{height}, {number}"] = row
                    print(f"{name}, {width}x{height}, {number} in a picture: {row}", flush=True)
    return result


def main() -> int:
    """Measure and keep."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--model", type=Path, help="a trained model's folder")
    parser.add_argument("--small", action="store_true", help="8 pictures")
    options = parser.parse_args()
    data = load_channel(Path(os.environ["BYOA_TEST_DATA"]) / "PennFudanPed")
    pictures = data.pictures[:8] if options.small else data.pictures
    sources: dict[str, Source] = {"drawn": drawn}
    if options.model:
        sources["predicted"] = predicted(options.model)
    result = measured(sources, pictures)
    over = {name: row for name, row in result.items() if any(row[k] > GOAL[k] for k in GOAL)}
    print(f"over {GOAL}:", ", ".join(over) or "none")
    if not options.small:
        facts = {"bytes_a_detection": result, "goal": GOAL}
        measure.save("response_size", {**measure.machine("numpy", "pillow"), **facts})
        title = "Answers on Penn-Fudan: bytes a detection (plain)"
        bars = {name: row["plain"] for name, row in result.items()}
        measure.bars("response_size", title, bars, "bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
