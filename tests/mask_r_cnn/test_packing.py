"""Packing gives back exactly what was packed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from instances import Instance, MaskFile, Picture, Polygons, Rle, Segmentation
from packing import PackedPictures, Packer, merged

numbers = st.floats(-1e4, 1e4) | st.integers(-99_999, 99_999).map(lambda n: n / 100)
outlines = st.lists(
    st.lists(numbers, min_size=6, max_size=12).map(lambda points: np.array(points, np.float64)),
    min_size=1,
    max_size=3,
).map(lambda parts: Polygons(tuple(parts)))
segmentations = st.one_of(
    outlines,
    st.binary(min_size=1, max_size=9).map(Rle),
    st.builds(MaskFile, st.just(Path("masks/\udcff ü.png")), st.integers(1, 2**31)),
)
instances = st.builds(
    Instance,
    label=st.integers(1, 1000),
    box=st.tuples(numbers, numbers, numbers, numbers),
    segmentation=segmentations,
    area=numbers,
    crowd=st.booleans(),
)
pictures = st.builds(
    Picture,
    image_id=st.just(0),
    path=st.text("ab/é", min_size=1, max_size=9).map(Path),
    width=st.integers(1, 9999),
    height=st.integers(1, 9999),
    instances=st.lists(instances, max_size=3).map(tuple),
)


def shape(segmentation: Segmentation) -> object:
    if isinstance(segmentation, Polygons):
        return [part.tolist() for part in segmentation.parts]
    return segmentation


def packed(some: list[Picture]) -> PackedPictures:
    packer = Packer()
    for picture in some:
        packer.add(picture)
    return packer.pictures()


def plain(picture: Picture) -> tuple[object, ...]:
    ones = [(i.label, i.box, shape(i.segmentation), i.area, i.crowd) for i in picture.instances]
    return picture.path, picture.width, picture.height, ones


@given(st.lists(pictures, max_size=5))
def test_what_comes_out_is_what_went_in(some: list[Picture]) -> None:
    result = packed(some)
    assert len(result) == len(some)
    assert [plain(picture) for picture in result] == [plain(picture) for picture in some]
    assert [picture.image_id for picture in result] == list(range(1, len(some) + 1))
    assert result.sizes.tolist() == [[picture.width, picture.height] for picture in some]


@given(st.lists(pictures, min_size=1, max_size=5), st.data())
def test_a_selection_counts_its_own(some: list[Picture], data: st.DataObject) -> None:
    chosen = data.draw(st.lists(st.integers(0, len(some) - 1), max_size=5, unique=True))
    part = packed(some).select(chosen)
    assert [plain(picture) for picture in part] == [plain(some[index]) for index in chosen]
    every = [one for index in chosen for one in some[index].instances]
    counts, crowds, empty = part.label_counts(1000)
    assert counts.sum() == sum(not one.crowd for one in every)
    assert crowds == sum(one.crowd for one in every)
    assert empty == sum(not some[index].instances for index in chosen)


def test_a_slice_is_a_selection() -> None:
    some = [Picture(0, Path(str(n)), 1, 1, ()) for n in range(4)]
    assert [picture.path.name for picture in packed(some)[1:3]] == ["1", "2"]


def test_merging_keeps_what_both_say_once() -> None:
    one = Instance(1, (0, 0, 1, 1), Rle(b"1"), 1.0)
    two = Instance(2, (0, 0, 1, 1), Rle(b"1"), 1.0)
    first = Picture(1, Path("a"), 2, 2, (one,))
    assert merged(first, Picture(2, Path("a"), 2, 2, (one, two))).instances == (one, two)
