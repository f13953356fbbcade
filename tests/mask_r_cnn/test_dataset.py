"""A channel as a whole: what is in it, how it is split, and how little memory it takes."""

from __future__ import annotations

import json
import pickle
import tracemalloc
from pathlib import Path

import pytest

from channel import load_channel
from dataset import Dataset, Instance, Picture, Polygons, check_num_classes, split
from errors import DataError
from tests.mask_r_cnn.samples import annotation, coco, write_coco, write_pairs, write_picture


def told(folder: Path) -> str:
    with pytest.raises(DataError) as caught:
        load_channel(folder)
    return str(caught.value)


def test_a_missing_channel(tmp_path: Path) -> None:
    assert told(tmp_path / "training").startswith("channel training is missing: ")


def test_an_empty_channel(tmp_path: Path) -> None:
    assert told(tmp_path).endswith(
        ": it is empty - give it a COCO instances JSON and its pictures, or folders PNGImages/ "
        "and PedMasks/, or images/ and masks/"
    )


def test_a_channel_of_pictures_only(tmp_path: Path) -> None:
    write_picture(tmp_path / "a.jpg")
    write_picture(tmp_path / "b.jpg")
    assert "it holds 2 files but no annotations: a.jpg - give it a COCO" in told(tmp_path)


def test_a_channel_of_other_json(tmp_path: Path) -> None:
    (tmp_path / "labels.json").write_text('{"a.jpg": "cat"}')
    assert "none of its JSON files is COCO instances: labels.json - give it" in told(tmp_path)


def test_a_channel_that_names_no_picture(tmp_path: Path) -> None:
    document = {"images": [], "annotations": [], "categories": [{"id": 1, "name": "cat"}]}
    (tmp_path / "a.json").write_text(json.dumps(document))
    assert "names no picture" in told(tmp_path)


def test_summary(tmp_path: Path) -> None:
    assert load_channel(write_pairs(tmp_path)).summary() == {
        "pictures": 2,
        "pictures_without_instances": 0,
        "instances": 4,
        "crowds": 0,
        "classes": {"pedestrian": 4},
        "notes": {},
    }


def test_a_data_set_of_plain_pictures_works_alike(tmp_path: Path) -> None:
    packed = load_channel(write_pairs(tmp_path))
    plain = Dataset(tuple(packed.pictures), packed.class_names, packed.category_ids)
    assert plain.summary() == packed.summary()
    for one, two in zip(split(plain, 0.5, 3), split(packed, 0.5, 3), strict=True):
        assert list(one.pictures) == list(two.pictures)


@pytest.mark.parametrize("fraction", [0.0, 0.01, 0.25, 0.9])
def test_split_is_a_partition_and_repeats(tmp_path: Path, fraction: float) -> None:
    data = load_channel(write_pairs(tmp_path, tuple(f"{n:02}" for n in range(20))))
    training, validation = split(data, fraction, seed=1)
    assert len(validation) == max(1 if fraction else 0, round(20 * fraction))
    assert sorted(p.image_id for part in (training, validation) for p in part.pictures) == list(
        range(1, 21)
    )
    again = split(data, fraction, seed=1)
    assert [p.path for p in again[1].pictures] == [p.path for p in validation.pictures]
    if fraction > 0.01:
        other = split(data, fraction, seed=2)
        assert [p.path for p in other[1].pictures] != [p.path for p in validation.pictures]


def test_a_split_of_one_picture(tmp_path: Path) -> None:
    data = load_channel(write_pairs(tmp_path, ("only",)))
    assert [len(part) for part in split(data, 0.0, 0)] == [1, 0]
    with pytest.raises(DataError, match="has one picture, so none can be held out - add pictures"):
        split(data, 0.1, 0)


def test_num_classes(tmp_path: Path) -> None:
    data = load_channel(write_coco(tmp_path))
    assert check_num_classes(data, None) == 3
    assert check_num_classes(data, 3) == 3
    with pytest.raises(DataError) as caught:
        check_num_classes(data, 2)
    assert str(caught.value) == (
        "num_classes is 2, but the training channel has 2 classes (cat, dog) and the background "
        "- set num_classes to 3 or leave it out"
    )


def many(folder: Path, pictures: int, instances: int) -> Path:
    """Writes a COCO channel whose pictures are all links to one file."""
    write_picture(folder / "0.jpg")
    for number in range(1, pictures):
        (folder / f"{number}.jpg").hardlink_to(folder / "0.jpg")
    ring = [12.34, 10.01, 30.99, 10.5, 29.1, 31.07, 9.99, 30.3] * 6
    document = {
        "images": [{"id": n, "file_name": f"{n}.jpg"} for n in range(pictures)],
        "annotations": [
            annotation(n, n % pictures, category_id=1, segmentation=[ring])
            for n in range(instances)
        ],
        "categories": [{"id": 1, "name": "cat"}],
    }
    (folder / "a.json").write_text(json.dumps(document))
    return folder


def test_an_instance_takes_less_than_270_bytes(tmp_path: Path) -> None:
    """48 numbers an outline, as in COCO: a million instances fit 270 MB, and are sent as fast."""
    few, more = (load_channel(many(tmp_path / str(n), 25, n)) for n in (1_000, 5_000))
    assert (len(pickle.dumps(more)) - len(pickle.dumps(few))) / 4_000 < 270
    tracemalloc.start()
    try:
        copy = pickle.loads(pickle.dumps(more))  # noqa: S301
        assert tracemalloc.get_traced_memory()[0] / 5_000 < 270
    finally:
        tracemalloc.stop()
    assert copy.summary() == more.summary()


def test_pictures_survive_packing_exactly(tmp_path: Path) -> None:
    data = load_channel(many(tmp_path, 2, 4))
    (instance, _) = data.pictures[0].instances
    assert isinstance(instance, Instance)
    assert isinstance(instance.segmentation, Polygons)
    assert instance.segmentation.parts[0].tolist() == [
        12.34, 10.01, 30.99, 10.5, 29.1, 31.07, 9.99, 30.3,
    ] * 6  # fmt: skip
    copy = pickle.loads(pickle.dumps(data))  # noqa: S301
    assert isinstance(copy.pictures[1], Picture)
    assert copy.pictures[1].path == data.pictures[1].path
    assert data.pictures[-1].path == data.pictures[1].path
    with pytest.raises(IndexError):
        data.pictures[2]


def test_a_channel_with_nothing_to_learn(tmp_path: Path) -> None:
    thin = annotation(segmentation=[[1, 1, 9, 1, 5, 1]])
    folder = write_coco(tmp_path / "training", coco(annotations=[thin]))
    assert told(folder) == (
        "channel training: in its 2 pictures is no instance to learn from (instances without a "
        "surface, left out: 1) - add annotations of what is to be found"
    )
    classes = (("cat", "dog"), (3, 7))
    assert len(load_channel(folder, categories=classes)) == 2  # to validate on, they will do
    assert len(load_channel(folder, sharded=True)) == 2  # other hosts may have more


def test_annotations_in_a_channel_of_their_own(tmp_path: Path) -> None:
    pictures = write_coco(tmp_path / "training", pictures=("images/b.jpg",))
    (tmp_path / "annotations").mkdir()
    (pictures / "annotations.json").rename(tmp_path / "annotations" / "all.json")
    data = load_channel(pictures, sharded=True, annotations=tmp_path / "annotations")
    assert [picture.path.name for picture in data.pictures] == ["b.jpg"]
    assert data.notes == {"pictures on other hosts": 1}
    with pytest.raises(DataError, match=r"all.json names pictures that are not there: a.jpg"):
        load_channel(pictures, annotations=tmp_path / "annotations")
    with pytest.raises(DataError, match="channel nowhere is missing"):
        load_channel(pictures, annotations=tmp_path / "nowhere")
