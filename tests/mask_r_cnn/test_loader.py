"""Which pictures a step sees, and in what shape."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import augment
from augment import Augmentation
from channel import load_channel
from dataset import rasterise
from instances import Picture
from loader import Loader, epoch_order, example_seed, tall
from mask_targets import Target
from pictures import read_picture
from resize import fit_size
from tests.mask_r_cnn.samples import square_mask, write_mask, write_pairs, write_picture


@given(st.lists(st.booleans(), min_size=1, max_size=60), st.integers(1, 9), st.integers(0, 99))
def test_an_epoch_shows_every_picture_and_keeps_shapes_apart(
    kinds: list[bool], size: int, seed: int
) -> None:
    tall_ones = np.array(kinds)
    order = epoch_order(tall_ones, size, seed, 3)
    assert order == epoch_order(tall_ones, size, seed, 3)
    assert all(len(batch) == size for batch in order)
    assert all(len({kinds[index] for index in batch}) == 1 for batch in order)
    seen = Counter(index for batch in order for index in batch)
    assert set(seen) == set(range(len(kinds)))
    # Only filling up the last batch of each shape shows a picture again.
    assert sum(seen.values()) - len(kinds) < 2 * size


def test_the_order_of_a_large_channel_is_quick() -> None:
    """It was quadratic once: ten seconds an epoch for these."""
    began = time.process_time()
    assert len(epoch_order(np.zeros(100_000, dtype=bool), 2, 0, 0)) == 50_000
    assert time.process_time() - began < 3


def test_epochs_and_seeds_differ() -> None:
    tall_ones = np.zeros(40, dtype=bool)
    orders = [epoch_order(tall_ones, 2, seed, epoch) for seed in (0, 1) for epoch in (0, 1)]
    assert len({str(order) for order in orders}) == 4
    assert len({example_seed(s, e, i) for s in range(3) for e in range(3) for i in range(3)}) == 27


def _channel(folder: Path) -> Path:
    write_pairs(folder, ("one", "two"))
    write_picture(folder / "PNGImages" / "tall.png", 48, 64)
    write_mask(folder / "PedMasks" / "tall_mask.png", square_mask((1, 2, 3), 48, 64))
    return folder


def test_batches_are_padded_and_come_in_order(tmp_path: Path) -> None:
    pictures = load_channel(_channel(tmp_path)).pictures
    assert tall(pictures).tolist() == [p.height > p.width for p in pictures]
    order = epoch_order(tall(pictures), 2, 0, 0)
    loader = Loader(pictures, Augmentation("flip", 64, 96), 0, threads=2)
    try:
        batches = list(loader.batches(0, order))
    finally:
        loader.close()
    for batch, indices in zip(batches, order, strict=True):
        assert batch.seeds == [example_seed(0, 0, index) for index in indices]
        height, width = batch.pictures.shape[-2:]
        assert height % 32 == width % 32 == 0
        for target, (h, w) in zip(batch.targets, batch.sizes, strict=True):
            assert (h, w) <= (height, width)
            assert (target["boxes"] <= torch.tensor([w, h, w, h])).all()


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(["none", "flip", "multiscale", "strong"]), st.integers(0, 2**32))
def test_boxes_fit_their_masks_whatever_the_variation(name: str, seed: int) -> None:
    picture = load_channel(_CHANNEL).pictures[0]
    example = Augmentation(name, 64, 96)(picture, np.random.default_rng(seed))
    image, target = example.image, example.target
    assert image.dtype == torch.uint8
    assert max(image.shape[-2:]) <= 96
    assert len(target["boxes"]) == len(target["labels"]) == len(target["masks"])
    masks = full_masks(target, image.shape[-2:])
    for box, mask in zip(target["boxes"].int().tolist(), masks, strict=True):
        rows, columns = torch.where(mask > 0)
        assert [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1] == box


def full_masks(target: Target, size: Sequence[int]) -> torch.Tensor:
    """The crops where they belong, in masks as large as the picture."""
    height, width = size
    masks = torch.zeros((len(target["masks"]), height + 200, width + 200), dtype=torch.uint8)
    for mask, crop, (x, y) in zip(masks, target["masks"], target["corners"].tolist(), strict=True):
        mask[y + 1 : y + 1 + crop.shape[0], x + 1 : x + 1 + crop.shape[1]] = crop
    return masks[:, 1 : height + 1, 1 : width + 1]


@pytest.mark.parametrize("seed", range(8))
def test_a_window_cuts_masks_as_it_cuts_the_picture(seed: int) -> None:
    picture = load_channel(_CHANNEL).pictures[seed % 3]
    seen: list[tuple[slice, slice]] = []
    original = augment._window

    def window(*arguments: Any) -> tuple[slice, slice]:
        seen.append(original(*arguments))
        return seen[0]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(augment, "_window", window)
        patch.setattr(augment, "_JITTER", (1.4, 1.4))
        example = Augmentation("strong", 40, 48)(picture, np.random.default_rng(seed))
    height, width = fit_size((picture.height, picture.width), 40, 48)
    whole = rasterise(picture, round(height * 1.4), round(width * 1.4))
    cut = torch.from_numpy(whole)[:, seen[0][0], seen[0][1]]
    cut = cut[cut.flatten(1).amax(1) > 0]
    found = full_masks(example.target, example.image.shape[-2:])
    assert torch.equal(found, cut) or torch.equal(found, cut.flip(-1))


def test_a_flip_mirrors_picture_and_masks_together() -> None:
    picture = load_channel(_CHANNEL).pictures[0]
    plain = Augmentation("none", 64, 96)(picture, np.random.default_rng(0))
    flips = [Augmentation("flip", 64, 96)(picture, np.random.default_rng(s)) for s in range(20)]
    size = plain.image.shape[-2:]
    masks = full_masks(plain.target, size)
    mirrored = [f for f in flips if not torch.equal(full_masks(f.target, size), masks)]
    assert 0 < len(mirrored) < 20
    assert torch.equal(full_masks(mirrored[0].target, size), masks.flip(-1))
    assert torch.equal(mirrored[0].image, plain.image.flip(-1))


def test_a_large_jpeg_is_decoded_no_larger_than_needed(tmp_path: Path) -> None:
    path = write_picture(tmp_path / "large.jpg", 640, 480)
    picture = Picture(1, path, 640, 480, ())
    asked: list[Any] = []

    def read(*arguments: Any, **options: Any) -> Any:
        pixels = read_picture(*arguments, **options)
        asked.append(pixels.shape)
        return pixels

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(augment, "read_picture", read)
        example = Augmentation("none", 96, 200)(picture, np.random.default_rng(0))
    assert asked == [(120, 160, 3)]
    assert example.image.shape == (3, 96, 128)


def _made() -> Path:
    import tempfile

    return _channel(Path(tempfile.mkdtemp(prefix="loader-")))


_CHANNEL = _made()
