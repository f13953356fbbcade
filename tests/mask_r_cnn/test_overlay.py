"""What `draw` leaves on a picture."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from faster_coco_eval.core import mask as coco_mask
from numpy.typing import NDArray

from evaluation import Detection
from overlay import _shrunk, draw

NAMES = ("person", "traffic light")


def grey(height: int, width: int) -> NDArray[np.uint8]:
    return np.full((height, width, 3), 128, np.uint8)


def square(height: int, width: int, box: tuple[int, int, int, int]) -> dict[str, Any]:
    mask = np.zeros((height, width), np.uint8, order="F")
    mask[box[1] : box[3], box[0] : box[2]] = 1
    rle: dict[str, Any] = coco_mask.encode(mask)
    return rle


def found(height: int, width: int, box: tuple[int, int, int, int], label: int = 1) -> Detection:
    return Detection(label, 0.9, box, square(height, width, box))


def test_mask_is_tinted_contour_is_solid_and_the_rest_is_untouched() -> None:
    image = grey(300, 300)
    drawn = draw(image, [found(300, 300, (100, 100, 200, 200))], NAMES)
    centre, edge, far = drawn[150, 150], drawn[150, 100], drawn[280, 280]
    assert (centre != 128).any() and (edge != centre).any()
    assert (far == 128).all()
    assert (image == 128).all(), "the picture that was given is not drawn on"
    assert drawn.shape == image.shape and drawn.dtype == np.uint8


@pytest.mark.parametrize("by", [1, 2, 3, 5, 13])
def test_the_rim_is_as_wide_as_the_line(by: int) -> None:
    mask = np.random.default_rng(by).random((40, 50)) > 0.03
    padded = np.pad(mask, by)
    naive = [
        [padded[y : y + 2 * by + 1, x : x + 2 * by + 1].all() for x in range(50)] for y in range(40)
    ]
    assert (_shrunk(mask, by) == naive).all()


def test_neighbours_have_colours_of_their_own() -> None:
    boxes = [(10, 40, 60, 90), (70, 40, 120, 90), (130, 40, 180, 90)]
    drawn = draw(grey(100, 200), [found(100, 200, box) for box in boxes], NAMES)
    centres = {tuple(drawn[65, (box[0] + box[2]) // 2]) for box in boxes}
    assert len(centres) == 3


@pytest.mark.parametrize(("height", "width"), [(150, 200), (3000, 4000)])
def test_lines_and_letters_scale_with_the_picture(height: int, width: int) -> None:
    box = (width // 4, height // 2, width // 2, height * 3 // 4)
    drawn = draw(grey(height, width), [found(height, width, box)], NAMES)
    above = drawn[: box[1]]
    label = np.flatnonzero((above != 128).any(axis=(1, 2)))
    assert max(11, height // 40) <= label.size <= height // 5


def test_labels_do_not_cover_each_other() -> None:
    same = [found(400, 400, (100, 200, 300, 380), label) for label in (1, 2)]
    drawn = draw(grey(400, 400), same, NAMES)
    one = draw(grey(400, 400), same[:1], NAMES)
    label = np.argwhere((one[:198] != 128).any(axis=2))
    top, left = label.min(axis=0)
    bottom, right = label.max(axis=0)
    assert (drawn[top:bottom, left:right] == one[top:bottom, left:right]).all()


@pytest.mark.parametrize("scores", [True, False])
@pytest.mark.parametrize("size", [(1, 1), (3, 200), (200, 3), (64, 64)])
@pytest.mark.parametrize(
    "box", [(0, 0, 1, 1), (-50, -60, 900, 800), (500, 500, 600, 600), (20, 20, 5, 5)]
)
def test_odd_sizes_and_boxes_are_drawn(
    size: tuple[int, int], box: tuple[int, int, int, int], scores: bool
) -> None:
    detection = Detection(1, 0.5, box, square(*size, (0, 0, 1, 1)))
    assert draw(grey(*size), [detection], NAMES, scores).shape == (*size, 3)


@pytest.mark.parametrize("name", ["", "a\nb", "x" * 500, "人", "🚲", "<script>", "\x00"])
def test_any_name_is_drawn(name: str) -> None:
    drawn = draw(grey(80, 90), [found(80, 90, (10, 30, 50, 60))], (name,))
    assert (drawn != 128).any()


def test_nothing_found_changes_nothing() -> None:
    assert (draw(grey(40, 50), [], NAMES) == 128).all()


def test_a_detection_without_a_mask_has_its_box() -> None:
    drawn = draw(grey(100, 100), [Detection(1, 0.5, (20, 40, 60, 80))], NAMES)
    assert (drawn[40:80, 20] != 128).any(axis=1).all()
    assert (drawn[60, 40] == 128).all()
