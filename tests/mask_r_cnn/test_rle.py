"""The RLEs of `encode_masks` are those of torchvision's paste and pycocotools' encode."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from faster_coco_eval.core import mask as coco_mask
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from pycocotools import mask as reference
from torchvision.models.detection.roi_heads import paste_masks_in_image

from rle import decode_mask, decode_part, encode_masks

Array = NDArray[np.float32]


def blobs(seed: int, number: int, side: int = 28) -> Array:
    """Smooth probability maps, as a mask head gives them."""
    coarse = torch.from_numpy(np.random.default_rng(seed).normal(size=(number, 1, 5, 5)))
    fine = torch.nn.functional.interpolate(coarse, size=(side, side), mode="bicubic")
    result: Array = torch.sigmoid(4 * fine)[:, 0].to(torch.float32).numpy()
    return result


def pasted(masks: Array, boxes: Array, height: int, width: int, threshold: float) -> list[Any]:
    full = paste_masks_in_image(
        torch.from_numpy(masks)[:, None], torch.from_numpy(boxes), (height, width)
    )
    bits = (full[:, 0] > threshold).numpy().astype(np.uint8)
    return [reference.encode(np.asfortranarray(mask)) for mask in bits]


@st.composite
def scenes(draw: st.DrawFn) -> tuple[Array, Array, int, int, float]:
    height, width = draw(st.integers(1, 150)), draw(st.integers(1, 150))
    number = draw(st.integers(0, 4))
    inside = st.floats(0, 1, width=32)
    beyond = st.floats(-0.75, 1.75, width=32)
    part = inside if draw(st.booleans()) else beyond
    boxes = np.zeros((number, 4), np.float32)
    for index in range(number):
        across = sorted((draw(part) * width, draw(part) * width))
        down = sorted((draw(part) * height, draw(part) * height))
        if across[1] < 0 or down[1] < 0 or across[0] > width or down[0] > height:
            continue  # torchvision raises for a box that misses the picture
        boxes[index] = (across[0], down[0], across[1], down[1])
    masks = blobs(draw(st.integers(0, 10_000)), number, draw(st.sampled_from([14, 28])))
    return masks, boxes, height, width, draw(st.sampled_from([0.5, 0.3, 0.9]))


@given(scenes())
@settings(max_examples=300, deadline=None)
def test_same_bytes_as_paste_and_encode(scene: tuple[Array, Array, int, int, float]) -> None:
    masks, boxes, height, width, threshold = scene
    expected = pasted(masks, boxes, height, width, threshold) if len(masks) else []
    assert encode_masks(masks, boxes, height, width, threshold) == expected


@pytest.mark.parametrize("seed", range(5))
def test_same_bytes_on_a_large_picture(seed: int) -> None:
    random = np.random.default_rng(seed)
    corner = random.uniform(0, (900, 700), (20, 2))
    extent = random.uniform(1, (500, 400), (20, 2))
    boxes = np.concatenate([corner, corner + extent], axis=1).astype(np.float32)
    masks = blobs(seed, 20)
    assert encode_masks(masks, boxes, 768, 1024) == pasted(masks, boxes, 768, 1024, 0.5)


def test_the_threshold_itself_is_not_in_the_mask() -> None:
    masks = np.full((1, 28, 28), 0.5, np.float32)
    boxes = np.array([[3, 4, 30, 29]], np.float32)
    assert encode_masks(masks, boxes, 40, 50) == pasted(masks, boxes, 40, 50, 0.5)
    (rle,) = encode_masks(masks, boxes, 40, 50)
    assert not decode_mask(rle).any()


def test_runs_join_over_columns_of_full_height() -> None:
    masks = np.ones((1, 28, 28), np.float32)
    boxes = np.array([[-50, -50, 150, 150]], np.float32)
    (rle,) = encode_masks(masks, boxes, 40, 30)
    assert rle == reference.encode(np.ones((40, 30), np.uint8, order="F"))


def test_a_huge_box_needs_no_huge_memory() -> None:
    masks = blobs(3, 1)
    boxes = np.array([[-3e6, -2e6, 4e6, 3e6]], np.float32)
    (rle,) = encode_masks(masks, boxes, 50, 60)
    assert rle["size"] == [50, 60]


def test_a_box_beyond_the_limit_has_the_pixels_of_the_stretched_map() -> None:
    masks = blobs(8, 6)
    boxes = np.array([[-300, -200, 350, 400]] * 6, np.float32)  # 17 times the picture
    ours = encode_masks(masks, boxes, 150, 150)
    theirs = pasted(masks, boxes, 150, 150, 0.5)
    for mine, other in zip(ours, theirs, strict=True):
        different = decode_mask(mine) != decode_mask(other)
        assert different.mean() < 1e-4  # the last bit of a float may round another way


@pytest.mark.parametrize(
    "box",
    [
        (200, 10, 240, 30),
        (10, -90, 20, -60),
        (-30, 5, -20, 9),
        (np.nan, 0, 5, 5),
        (0, 0, np.inf, 5),
        (30, 30, 5, 5),
        (-1e30, -1e30, 1e30, 1e30),
    ],
)
def test_nothing_to_see_is_an_empty_mask(box: tuple[float, float, float, float]) -> None:
    (rle,) = encode_masks(np.ones((1, 28, 28), np.float32), np.array([box], np.float32), 60, 80)
    assert rle == reference.encode(np.zeros((60, 80), np.uint8, order="F"))


def test_no_masks_give_no_rles() -> None:
    assert encode_masks(np.zeros((0, 28, 28), np.float32), np.zeros((0, 4), np.float32), 5, 5) == []


@given(
    st.tuples(st.integers(1, 12), st.integers(1, 12)).flatmap(
        lambda shape: arrays(np.uint8, shape, elements=st.integers(0, 1))
    )
)
@settings(max_examples=200, deadline=None)
def test_a_part_holds_all_of_its_mask(mask: NDArray[np.uint8]) -> None:
    part = decode_part(reference.encode(np.asfortranarray(mask)))
    canvas = np.zeros_like(mask)
    canvas[part.place] = part.bits
    assert (canvas == mask).all()
    if mask.any():
        assert part.bits[0].any() and part.bits[-1].any()
        assert part.bits[:, 0].any() and part.bits[:, -1].any()


def test_runs_of_no_length_are_read() -> None:
    odd = {"size": [2, 3], "counts": [1, 2, 0, 1, 2]}  # two runs of 1 that touch
    part = decode_part(coco_mask.frPyObjects(odd, 2, 3))
    assert (part.left, part.top, part.bits.tolist()) == (0, 0, [[False, True], [True, True]])
