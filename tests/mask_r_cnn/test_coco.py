"""COCO files in every form, and what is told about those that cannot be used."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from pycocotools import mask as coco_mask

from channel import load_channel
from dataset import Dataset, Polygons, Rle, instance_rle, rasterise
from errors import DataError
from tests.mask_r_cnn.samples import SQUARE, annotation, coco, write_coco, write_picture


def loaded(folder: Path, **options: Any) -> Dataset:
    return load_channel(folder, **options)


def told(folder: Path, **options: Any) -> str:
    with pytest.raises(DataError) as caught:
        load_channel(folder, **options)
    text = str(caught.value)
    assert text.startswith(f"channel {folder.name}")
    assert "\n" not in text
    assert len(text) <= 1024
    return text


def one(folder: Path, **changes: Any) -> Dataset:
    """A channel of one annotation, changed, and a sound one in another picture."""
    document = coco(annotations=[annotation(**changes), annotation(2, image_id=2)])
    return loaded(write_coco(folder / "training", document))


def refused(folder: Path, **changes: Any) -> str:
    document = coco(annotations=[annotation(**changes)])
    return told(write_coco(folder / "training", document))


def test_classes_have_gaps_and_any_order(tmp_path: Path) -> None:
    data = loaded(write_coco(tmp_path / "training"))
    assert (data.class_names, data.category_ids) == (("cat", "dog"), (3, 7))
    assert [picture.path.name for picture in data.pictures] == ["a.jpg", "b.jpg"]
    first = data.pictures[0].instances[0]
    assert (first.label, first.box, first.area, first.crowd) == (1, (10, 10, 30, 30), 400, False)
    assert isinstance(first.segmentation, Polygons)
    assert data.pictures[1].instances[0].label == 2
    assert data.notes == {}


@pytest.mark.parametrize("name", ["any name.JSON", "annotations/instances_train.json"])
def test_found_by_content_here_or_one_folder_below(tmp_path: Path, name: str) -> None:
    folder = write_coco(tmp_path / "training")
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / "annotations.json").rename(folder / name)
    (folder / "labels.json").write_text('{"1": "cat"}')
    (folder / "list.json").write_text("[1, 2]")
    assert len(loaded(folder)) == 2


def test_pictures_anywhere_below(tmp_path: Path) -> None:
    folder = write_coco(tmp_path / "training", pictures=())
    write_picture(folder / "images" / "train" / "a.jpg")
    write_picture(folder / "b.jpg")
    assert len(loaded(folder)) == 2


def test_names_with_folders_of_another_machine(tmp_path: Path) -> None:
    document = coco()
    document["images"][0]["file_name"] = "D:\\projects\\cats\\a.jpg"
    document["images"][1]["file_name"] = "/home/me/b.jpg"
    assert len(loaded(write_coco(tmp_path / "training", document))) == 2


@pytest.mark.parametrize(
    "segmentation",
    [
        [SQUARE],
        SQUARE,
        [[[10, 10], [30, 10], [30, 30], [10, 30]]],
        [SQUARE, [1.0, 2.0], [40.0, 40.0, 41.0, 41.0], []],
        [[str(number) for number in SQUARE]],
    ],
)
def test_polygons_in_many_spellings(tmp_path: Path, segmentation: Any) -> None:
    data = one(tmp_path, segmentation=segmentation)
    instance = data.pictures[0].instances[0]
    assert instance.box == (10, 10, 30, 30)
    mask = rasterise(data.pictures[0], 48, 64)[0]
    assert mask.sum() == 400
    assert mask[10:30, 10:30].all()


def square_rle() -> dict[str, Any]:
    mask = np.zeros((48, 64), np.uint8, order="F")
    mask[10:30, 10:30] = 1
    return dict(coco_mask.encode(mask))


@pytest.mark.parametrize("form", ["compressed", "plain", "floats"])
@pytest.mark.parametrize("crowd", [0, 1])
def test_run_lengths_in_both_forms(tmp_path: Path, form: str, crowd: int) -> None:
    packed = square_rle()
    runs = [10 * 48 + 10, *([20, 28] * 19), 20]
    runs.append(48 * 64 - sum(runs))
    counts = {
        "compressed": packed["counts"].decode(),
        "plain": runs,
        "floats": [float(run) for run in runs],
    }
    data = one(
        tmp_path, segmentation={"size": [48, 64], "counts": counts[form]}, iscrowd=crowd, area=None
    )
    instance = data.pictures[0].instances[0]
    assert isinstance(instance.segmentation, Rle)
    assert instance.segmentation.counts == packed["counts"]
    assert (instance.box, instance.area, instance.crowd) == ((10, 10, 30, 30), 400, bool(crowd))
    assert data.summary()["crowds"] == crowd


def test_pictures_with_nothing_to_see_are_kept(tmp_path: Path) -> None:
    data = loaded(write_coco(tmp_path / "training", coco(annotations=[annotation()])))
    assert [len(picture.instances) for picture in data.pictures] == [1, 0]
    assert data.summary()["pictures_without_instances"] == 1


def test_two_hundred_instances(tmp_path: Path) -> None:
    many = [annotation(number) for number in range(200)]
    data = loaded(write_coco(tmp_path / "training", coco(annotations=many)))
    assert data.summary()["classes"] == {"cat": 200, "dog": 0}


@pytest.mark.parametrize(
    "segmentation",
    [
        [[5, 5, 5, 5, 5, 5]],
        [[5, 5, 20, 5, 40, 5]],
        [[1, 2, 3, 4]],
        [[9, 9]],
        [[-30, -30, -20, -30, -20, -20]],
    ],
)
def test_what_has_no_surface_is_left_out_and_counted(tmp_path: Path, segmentation: Any) -> None:
    data = one(tmp_path, segmentation=segmentation, bbox=[5, 5, 0, 0])
    assert data.summary()["instances"] == 1
    assert data.notes["instances without a surface, left out"] == 1


def test_run_lengths_of_nothing_are_left_out(tmp_path: Path) -> None:
    data = one(tmp_path, segmentation={"size": [48, 64], "counts": [48 * 64]}, bbox=[0, 0, 0, 0])
    assert data.summary()["instances"] == 1


@pytest.mark.parametrize(
    "bbox",
    [
        None,
        [],
        [10, 10, 0, 0],
        [10, 10, float("nan"), 3],
        [10, 10, 30, 30],
        ["a"] * 4,
        [10, 10, -3, 5],
    ],
)
def test_a_box_that_does_not_fit_its_outline_is_taken_from_it(tmp_path: Path, bbox: Any) -> None:
    """[10, 10, 30, 30] is x0, y0, x1, y1: the mistake of many an exporter."""
    data = one(tmp_path, bbox=bbox)
    assert data.pictures[0].instances[0].box == (10, 10, 30, 30)
    assert data.notes == {"boxes taken from the outline": 1}


def test_a_box_that_is_nearly_the_outlines_is_kept(tmp_path: Path) -> None:
    data = one(tmp_path, bbox=[10.3, 9.8, 19.6, 20.4])
    assert data.pictures[0].instances[0].box == pytest.approx((10.3, 9.8, 29.9, 30.2))
    assert data.notes == {}


def test_boxes_end_at_the_picture(tmp_path: Path) -> None:
    over = [-5, -5, 70, -5, 70, 60, -5, 60]
    data = one(tmp_path, segmentation=[over], bbox=[-5, -5, 75, 65])
    assert data.pictures[0].instances[0].box == (0, 0, 64, 48)


def test_no_size_in_the_file_is_fine(tmp_path: Path) -> None:
    document = coco()
    for image in document["images"]:
        del image["width"], image["height"]
    data = loaded(write_coco(tmp_path / "training", document))
    assert (data.pictures[0].width, data.pictures[0].height) == (64, 48)


def test_text_ids(tmp_path: Path) -> None:
    document = coco()
    for number, image in enumerate(document["images"]):
        image["id"] = f"image-{number}"
    for number, entry in enumerate(document["annotations"]):
        entry["image_id"] = f"image-{number}"
    assert loaded(write_coco(tmp_path / "training", document)).summary()["instances"] == 2


def test_several_files_share_classes_by_name_and_pictures(tmp_path: Path) -> None:
    folder = write_coco(tmp_path / "training")
    other = coco(
        categories=[{"id": 3, "name": "bird"}, {"id": 1, "name": "dog"}],
        images=[{"id": "x", "file_name": "a.jpg"}],
        annotations=[
            annotation(1, "x", category_id=1),  # type: ignore[arg-type]
            annotation(2, "x", category_id=3),  # type: ignore[arg-type]
        ],
    )
    (folder / "more.json").write_text(json.dumps(other))
    data = loaded(folder)
    assert data.class_names == ("cat", "dog", "bird")
    assert data.category_ids == (3, 7, 8)
    assert [[i.label for i in picture.instances] for picture in data.pictures] == [[1, 2, 3], [2]]


def test_what_two_files_both_say_counts_once(tmp_path: Path) -> None:
    folder = write_coco(tmp_path / "training")
    (folder / "person_keypoints.json").write_text((folder / "annotations.json").read_text())
    assert loaded(folder).summary()["instances"] == 2


def test_a_byte_order_mark_is_fine(tmp_path: Path) -> None:
    folder = write_coco(tmp_path / "training")
    text = (folder / "annotations.json").read_text()
    for encoding in ("utf-8-sig", "utf-16"):
        (folder / "annotations.json").write_text(text, encoding=encoding)
        assert len(loaded(folder)) == 2


def test_names_beyond_ascii(tmp_path: Path) -> None:
    document = coco(categories=[{"id": 3, "name": "Kätzchen 猫"}, {"id": 7, "name": "dog"}])
    document["images"][0]["file_name"] = "Bär.jpg"
    data = loaded(write_coco(tmp_path / "training", document, ("Bär.jpg", "b.jpg")))
    assert data.class_names[0] == "Kätzchen 猫"
    assert {picture.path.name for picture in data.pictures} == {"Bär.jpg", "b.jpg"}


def test_captions_beside_instances_are_told(tmp_path: Path) -> None:
    folder = write_coco(tmp_path / "training")
    captions = {"images": [], "annotations": [{"id": 1, "image_id": 1, "caption": "a cat"}]}
    (folder / "captions.json").write_text(json.dumps(captions))
    assert "captions.json has no list of categories" in told(folder)


def test_a_turned_picture_is_measured_upright(tmp_path: Path) -> None:
    folder = write_coco(tmp_path / "training")
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (48, 64)).save(folder / "a.jpg", exif=exif)
    assert (loaded(folder).pictures[0].width, loaded(folder).pictures[0].height) == (64, 48)


def drop(part: str) -> Callable[[dict[str, Any]], None]:
    def change(document: dict[str, Any]) -> None:
        del document[part]

    return change


def put(part: str, place: int, key: str, value: Any) -> Callable[[dict[str, Any]], None]:
    def change(document: dict[str, Any]) -> None:
        document[part][place][key] = value

    return change


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (drop("annotations"), "annotations.json has no list of annotations"),
        (drop("categories"), "annotations.json has no list of categories"),
        (
            put("images", 0, "file_name", "gone.jpg"),
            "annotations.json names pictures that are not there: gone.jpg - add them to the "
            "channel or take their entries out",
        ),
        (
            put("images", 0, "file_name", "../../../etc/passwd"),
            "annotations.json names pictures that are not there: ../../../etc/passwd",
        ),
        (put("images", 0, "file_name", 7), "has images without an id or a file_name: number 1"),
        (put("images", 0, "id", None), "has images without an id or a file_name: number 1"),
        (put("images", 0, "id", 2), "annotations.json uses an image id twice: 2 (a.jpg, b.jpg)"),
        (
            put("images", 0, "width", 640),
            "was made for pictures of another size: a.jpg (640 x 48, the upright picture has "
            "64 x 48) - scale the annotations with the pictures, or export them again",
        ),
        (
            put("annotations", 0, "category_id", 5),
            "annotations of categories that it does not list: annotation 1 (category_id 5)",
        ),
        (
            put("annotations", 0, "image_id", 99),
            "has annotations of images that it does not list: annotation 1",
        ),
        (
            put("annotations", 0, "image_id", [1]),
            "has annotations of images that it does not list: annotation 1",
        ),
        (
            put("categories", 0, "id", "x"),
            "categories without a whole-number id and a printable name",
        ),
        (put("categories", 0, "name", " "), "whole-number id and a printable name: {'id': 7"),
        (put("categories", 0, "name", "\ud800"), "whole-number id and a printable name"),
        (put("categories", 0, "name", "x" * 500), "whole-number id and a printable name"),
        (put("images", 0, "file_name", "a\nb\x1b[1m.jpg"), "not there: a?b?[1m.jpg - add"),
        (
            put("categories", 0, "id", 3),
            "annotations.json gives one category id to two classes: 3 (dog, cat)",
        ),
    ],
)
def test_what_is_wrong_is_told(
    tmp_path: Path, change: Callable[[dict[str, Any]], None], sentence: str
) -> None:
    document = coco()
    change(document)
    assert sentence in told(write_coco(tmp_path / "training", document))


@pytest.mark.parametrize(
    ("segmentation", "sentence"),
    [
        (None, "has annotations without a segmentation: annotation 1 - Mask R-CNN learns"),
        ([], "has annotations without a segmentation"),
        ([[]], "has annotations without a segmentation"),
        ("x", "has annotations without a segmentation"),
        ([[1, 2, 3]], "has outlines that are not x, y, x, y, … in numbers"),
        ([["a", "b", "c", "d", "e", "f"]], "has outlines that are not x, y, x, y, … in numbers"),
        ([[10, 10, None, 10, 30, 30]], "with values that are not numbers: annotation 1 (NaN"),
        ([[10, 10, float("nan"), 10, 30, 30]], "with values that are not numbers"),
        ([[10, 10, float("inf"), 10, 30, 30]], "with values that are not numbers"),
        ([[10, 10, 1e300, 10, 30, 30]], "has outlines far outside of their picture"),
        ([[0, 0, 1000, 0, 1000, 1000]], "has outlines far outside of their picture"),
        ({"size": [48, 64], "counts": [5]}, "run lengths that cannot be read: annotation 1 (its"),
        ({"size": [48, 64], "counts": [-5, 48 * 64 + 5]}, "run lengths that cannot be read"),
        ({"size": [48, 64], "counts": [0.5, 48 * 64 - 0.5]}, "run lengths that cannot be read"),
        ({"size": [48, 64], "counts": "~~~"}, "run lengths that cannot be read"),
        ({"size": [48, 64], "counts": "é"}, "its counts are not ASCII"),
        ({"size": [48, 64], "counts": None}, "neither a text nor whole numbers"),
        ({"size": [64, 48], "counts": [48 * 64]}, "run lengths of another size"),
        ({"counts": [48 * 64]}, "run lengths of another size"),
        ({}, "run lengths of another size"),
    ],
)
def test_what_is_wrong_with_an_outline_is_told(
    tmp_path: Path, segmentation: Any, sentence: str
) -> None:
    assert sentence in refused(tmp_path, segmentation=segmentation)


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (
            b'{"images": [',
            "annotations.json is not whole JSON (line 1, column 13: Expecting value)",
        ),
        (b"", "annotations.json is not whole JSON (line 1, column 1: Expecting value)"),
        (
            '{"images": [], "name": "é"}'.encode("latin-1"),
            "annotations.json is not UTF-8 (byte 0xe9 at 24) - save it as UTF-8",
        ),
        (b"[" * 100_000, "annotations.json is nested too deeply for COCO"),
        (b'{"images": [' + b"9" * 10_000 + b"]}", "has numbers that are too long"),
    ],
)
def test_files_that_are_no_json(tmp_path: Path, data: bytes, sentence: str) -> None:
    folder = write_coco(tmp_path / "training")
    (folder / "annotations.json").write_bytes(data)
    assert sentence in told(folder)


def test_a_file_that_is_too_large_is_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write_coco(tmp_path / "training")
    with (folder / "annotations.json").open("r+b") as file:
        file.truncate(5 * 2**30)  # a hole: takes no disk
    assert "annotations.json is larger than 4 GiB - split it" in told(folder)


def test_a_name_that_fits_several_pictures(tmp_path: Path) -> None:
    folder = write_coco(tmp_path / "training", pictures=("x/a.jpg", "y/a.jpg", "b.jpg"))
    assert "file names that fit several pictures: a.jpg: x/a.jpg, …" in told(folder)


def test_everything_wrong_is_told_together(tmp_path: Path) -> None:
    document = coco()
    document["images"] += [{"id": n, "file_name": f"{n}.jpg"} for n in range(10, 30)]
    document["annotations"][0]["segmentation"] = []
    folder = write_coco(tmp_path / "training", document)
    (folder / "b.jpg").write_bytes(b"\xff\xd8cut")
    assert told(folder) == (
        "channel training: 3 problems: annotations.json names pictures that are not there: "
        "10.jpg, 11.jpg, 12.jpg and 17 more - add them to the channel or take their entries out; "
        "pictures that cannot be used: b.jpg is broken: its header cannot be read - replace them; "
        "annotations.json has annotations without a segmentation: annotation 1 - Mask R-CNN "
        "learns from outlines: draw them, or remove these annotations"
    )


def test_on_a_shard_missing_pictures_are_counted(tmp_path: Path) -> None:
    folder = write_coco(tmp_path / "training", pictures=("b.jpg",))
    data = loaded(folder, sharded=True)
    assert [picture.path.name for picture in data.pictures] == ["b.jpg"]
    assert data.notes == {"pictures on other hosts": 1}
    assert data.class_names == ("cat", "dog")


def test_an_empty_shard_is_fine(tmp_path: Path) -> None:
    (tmp_path / "training").mkdir()
    assert len(loaded(tmp_path / "training", sharded=True)) == 0
    assert len(loaded(write_coco(tmp_path / "training", pictures=()), sharded=True)) == 0


def test_validation_uses_the_classes_of_training(tmp_path: Path) -> None:
    document = coco(categories=[{"id": 1, "name": "dog"}, {"id": 2, "name": "cat"}])
    document["annotations"] = [annotation(category_id=2)]
    folder = write_coco(tmp_path / "validation", document)
    data = loaded(folder, categories=(("cat", "dog", "bird"), (3, 7, 9)))
    assert (data.class_names, data.category_ids) == (("cat", "dog", "bird"), (3, 7, 9))
    assert data.pictures[0].instances[0].label == 1


def test_validation_with_other_classes_is_told(tmp_path: Path) -> None:
    document = coco()
    document["annotations"] += [annotation(3, category_id=7), annotation(4, category_id=7)]
    text = told(write_coco(tmp_path / "validation", document), categories=(("cat",), (3,)))
    assert text == (
        "channel validation: classes that the training channel does not have: dog - "
        "use the class names of training"
    )


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=8,
)


@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(data=st.data())
def test_any_value_anywhere_trains_or_is_told(tmp_path: Path, data: st.DataObject) -> None:
    document = coco()
    for _ in range(data.draw(st.integers(1, 3))):
        part = data.draw(st.sampled_from(["images", "annotations", "categories"]))
        if data.draw(st.integers(0, 9)) == 0 or not isinstance(document[part], list):
            document[part] = data.draw(json_values)
            continue
        if not document[part] or not isinstance(document[part][0], dict) or not document[part][0]:
            continue
        key = data.draw(st.sampled_from(sorted(document[part][0])))
        document[part][0][key] = data.draw(json_values)
    folder = write_coco(tmp_path / "training", document)
    try:
        channel = load_channel(folder)
    except DataError as error:
        assert "\n" not in str(error)
        return
    for picture in channel.pictures:
        for instance in picture.instances:
            assert coco_mask.area(instance_rle(picture, instance)) >= 0


@settings(
    max_examples=100,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(data=st.data())
def test_mutated_json_trains_or_is_told(tmp_path: Path, data: st.DataObject) -> None:
    folder = write_coco(tmp_path / "training")
    body = bytearray(json.dumps(coco()).encode())
    for _ in range(data.draw(st.integers(1, 4))):
        body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    (folder / "annotations.json").write_bytes(bytes(body))
    try:
        load_channel(folder)
    except DataError as error:
        assert "\n" not in str(error)


def test_the_example_in_the_guide_is_real(tmp_path: Path) -> None:
    document = coco()
    document["images"] += [{"id": n, "file_name": f"{n}.jpg"} for n in range(7, 31)]
    folder = write_coco(tmp_path / "training", document)
    (folder / "b.jpg").write_bytes(b"")
    guide = (Path(__file__).parents[2] / "docs" / "data.md").read_text(encoding="utf-8")
    example = guide.partition("```text\n")[2].partition("```")[0]
    assert " ".join(example.split()) == f"DataError: {told(folder)}"


def test_a_part_that_covers_no_pixel_does_not_stretch_the_box(tmp_path: Path) -> None:
    sliver = [60.0, 40.0, 62.0, 40.1, 60.0, 40.2]
    data = one(tmp_path, segmentation=[SQUARE, sliver], bbox=[10, 10, 20, 20])
    assert data.pictures[0].instances[0].box == (10, 10, 30, 30)
    assert data.notes == {}
    data = one(tmp_path, segmentation=[SQUARE, sliver], bbox=None)
    assert data.pictures[0].instances[0].box == (10, 10, 30, 30)
    data = one(tmp_path, segmentation=[sliver], bbox=None)
    assert data.notes == {"instances without a surface, left out": 1}
