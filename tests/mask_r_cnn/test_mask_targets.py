"""Targets from crops are those from full masks, and in place."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torchvision.ops import roi_align

from instances import Instance, Picture, Polygons
from mask_targets import mask_targets, pack_masks
from raster import draw, rasterise

HEIGHT, WIDTH = 60, 90


def scene(rng: np.random.Generator, count: int) -> Picture:
    """Outlines that also run over the picture's edges."""
    instances = []
    for _ in range(count):
        turn = np.sort(rng.uniform(0, 2 * np.pi, 7))
        middle, radius = rng.uniform((0, 0), (180, 120)), rng.uniform(8, 70)
        points = np.stack([np.cos(turn), np.sin(turn)], 1) * radius + middle
        points = points.clip(0, (180, 120))
        outline = Polygons((points.ravel(),))
        instances.append(Instance(1, (0.0, 0.0, 180.0, 120.0), outline, 1.0))
    return Picture(1, Path("x.png"), 180, 120, tuple(instances))


def boxes_in(rng: np.random.Generator, count: int) -> torch.Tensor:
    corners = rng.uniform((0, 0), (WIDTH, HEIGHT), (2, count, 2))
    boxes = np.concatenate([corners.min(0), corners.max(0)], 1)
    boxes[::3] = np.round(boxes[::3] / 10) * 10  # some on the very edge
    return torch.from_numpy(boxes).float()


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 6))
def test_crops_give_the_targets_of_full_masks(seed: int, count: int) -> None:
    rng = np.random.default_rng(seed)
    picture = scene(rng, count)
    full = torch.from_numpy(rasterise(picture, HEIGHT, WIDTH))
    crops = pack_masks(draw(picture, HEIGHT, WIDTH), (HEIGHT, WIDTH))
    boxes, matched = boxes_in(rng, 12), torch.from_numpy(rng.integers(0, count, 12))
    regions = torch.cat([matched[:, None].to(boxes), boxes], 1)
    expected = roi_align(full[:, None].float(), regions, (28, 28), aligned=True)[:, 0]
    found = mask_targets([crops, {"masks": full}], [boxes] * 2, [matched] * 2, 28)
    torch.testing.assert_close(found[:12], expected, atol=2e-4, rtol=0)
    assert torch.equal(found[12:], expected)


@given(st.integers(0, 2**32))
@settings(max_examples=15, deadline=None)
def test_a_mirrored_thing_has_a_mirrored_target(seed: int) -> None:
    # Half a pixel beside, as torchvision reads, costs a point of mask AP.
    rng = np.random.default_rng(seed)
    full = torch.from_numpy(rasterise(scene(rng, 3), HEIGHT, WIDTH))
    boxes, matched = boxes_in(rng, 12), torch.from_numpy(rng.integers(0, 3, 12))
    other = boxes[:, [2, 1, 0, 3]] * torch.tensor([-1.0, 1, -1, 1])
    other[:, [0, 2]] += WIDTH
    pair = [{"masks": full}, {"masks": full.flip(-1)}]
    found = mask_targets(pair, [boxes, other], [matched] * 2, 28)
    torch.testing.assert_close(found[:12], found[12:].flip(-1), atol=2e-3, rtol=0)


def test_a_picture_of_nothing() -> None:
    crops = pack_masks([], (HEIGHT, WIDTH))
    assert crops["corners"].shape == (0, 2)
    none = torch.zeros(0, dtype=torch.int64)
    assert mask_targets([crops], [torch.zeros(0, 4)], [none], 28).shape == (0, 28, 28)


def test_small_things_take_small_masks() -> None:
    outline = Polygons((np.array([20.0, 20, 40, 20, 40, 30, 20, 30]),))
    things = (Instance(1, (20.0, 20.0, 40.0, 30.0), outline, 200.0),) * 200
    packed = pack_masks(draw(Picture(1, Path("x"), 180, 120, things), 600, 900), (600, 900))
    assert packed["masks"].shape == (200, 52, 102)
    assert packed["masks"][:, 1:-1, 1:-1].all()
    assert packed["corners"][0].tolist() == [99, 99]
