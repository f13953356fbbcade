"""Holds an endpoint's answers against what is in the pictures: `check.py UNSEEN ANSWERS`.

ANSWERS holds the answer to UNSEEN/images/00001.jpg as 00001.json. Right is an answer whose surest
detection has the thing's name and covers its box by half or more. Exit code 1: less than half are.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

Box = list[float]  # x, y, width, height


def overlap(one: Box, other: Box) -> float:
    """What two boxes share, as a part of what they cover together."""
    width = min(one[0] + one[2], other[0] + other[2]) - max(one[0], other[0])
    height = min(one[1] + one[3], other[1] + other[3]) - max(one[1], other[1])
    shared = max(width, 0) * max(height, 0)
    return shared / (one[2] * one[3] + other[2] * other[3] - shared)


def right(thing: dict[str, Any], name: str, answer: dict[str, Any]) -> bool:
    """Whether the surest detection is the thing; says both."""
    detections = answer["predictions"][0]["detections"]
    best = max(detections, key=lambda one: one["score"], default=None)
    if best is None:
        print(f"{thing['image_id']}: a {name}; nothing was found")
        return False
    covered = overlap(best["bbox"], thing["bbox"])
    good = bool(best["category_name"] == name and covered >= 0.5)
    print(
        f"{thing['image_id']}: a {name}; found a {best['category_name']} ({best['score']:.2f}),"
        f" boxes overlap by {covered:.0%}: {'right' if good else 'wrong'}"
    )
    return good


def main(unseen: Path, answers: Path) -> int:
    truth = json.loads((unseen / "annotations.json").read_text())
    names = {one["id"]: one["name"] for one in truth["categories"]}
    found = [
        right(thing, names[thing["category_id"]], json.loads(answer.read_text()))
        for thing in truth["annotations"]
        if (answer := answers / f"{thing['image_id']:05d}.json").is_file()
    ]
    print(f"{sum(found)} of {len(found)} are right")
    return 0 if found and 2 * sum(found) >= len(found) else 1


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2])))
