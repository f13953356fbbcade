"""RoIAlign by lookup is torchvision's RoIAlign."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torchvision.ops import MultiScaleRoIAlign

from roi_align import BagRoIAlign

HEIGHT, WIDTH = 96, 160


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**31), st.sampled_from([7, 14]), st.booleans())
def test_values_and_gradients_are_torchvisions(seed: int, size: int, outside: bool) -> None:
    generator = torch.Generator().manual_seed(seed)
    maps = {
        str(i): torch.randn(2, 8, HEIGHT // s, WIDTH // s, generator=generator)
        for i, s in enumerate((4, 8, 16, 32))
    }
    boxes = [_boxes(generator, count, outside) for count in (5, 3)]
    shapes = [(HEIGHT, WIDTH), (HEIGHT - 7, WIDTH - 20)]
    answers = []
    for kind in (MultiScaleRoIAlign, BagRoIAlign):
        pool = kind(list(maps), output_size=size, sampling_ratio=2)
        leaves = {k: v.clone().requires_grad_() for k, v in maps.items()}
        out = pool(leaves, boxes, shapes)
        (out * torch.arange(out.numel()).view_as(out) / out.numel()).sum().backward()
        grads = [v.grad if v.grad is not None else torch.zeros_like(v) for v in leaves.values()]
        answers.append((out, grads))
    torch.testing.assert_close(answers[0][0], answers[1][0], atol=1e-4, rtol=1e-4)
    for expected, found in zip(answers[0][1], answers[1][1]):
        torch.testing.assert_close(expected, found, atol=1e-3, rtol=1e-3)


@pytest.mark.parametrize("height", [1, 10, 22, 33, 45, 65])
def test_the_padding_of_a_flat_picture_does_not_count(height: int) -> None:
    generator = torch.Generator().manual_seed(0)
    padded = -(-height // 32) * 32
    maps = {
        str(i): torch.randn(1, 8, padded // s, 10 * 32 // s, generator=generator)
        for i, s in enumerate((4, 8, 16, 32))
    }
    boxes = [_boxes(generator, 8, outside=False).clamp(max=height)]
    expected = MultiScaleRoIAlign(list(maps), output_size=7, sampling_ratio=2)
    found = BagRoIAlign(list(maps), output_size=7, sampling_ratio=2)
    torch.testing.assert_close(
        found(maps, boxes, [(height, 300)]), expected(maps, boxes, [(padded, 320)])
    )


def test_under_autocast_the_answer_is_rounded_once() -> None:
    generator = torch.Generator().manual_seed(0)
    maps = {str(i): torch.randn(1, 8, 32 >> i, 32 >> i, generator=generator) for i in range(3)}
    pool = BagRoIAlign(list(maps), output_size=7, sampling_ratio=2)
    boxes = [_boxes(generator, 5, outside=False)]
    exact = pool(maps, boxes, [(128, 128)])
    with torch.autocast("cpu", torch.bfloat16):
        rounded = pool(maps, boxes, [(128, 128)])
    assert rounded.dtype == torch.bfloat16
    assert torch.equal(rounded, exact.bfloat16())


def test_no_box_at_all() -> None:
    maps = {str(i): torch.randn(1, 8, 32 >> i, 32 >> i) for i in range(3)}
    pool = BagRoIAlign(list(maps), output_size=7, sampling_ratio=2)
    assert pool(maps, [torch.zeros(0, 4)], [(128, 128)]).shape == (0, 8, 7, 7)


def _boxes(generator: torch.Generator, count: int, outside: bool) -> torch.Tensor:
    limit = torch.tensor([WIDTH, HEIGHT, WIDTH, HEIGHT])
    corners = torch.rand(count, 4, generator=generator) * limit
    boxes = torch.cat(
        [
            torch.minimum(corners[:, :2], corners[:, 2:]),
            torch.maximum(corners[:, :2], corners[:, 2:]),
        ],
        dim=1,
    )
    return boxes * 1.5 - 20 if outside else boxes
