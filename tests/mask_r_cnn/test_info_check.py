"""A model.json that anybody may have written: read as it is meant, or told with its value."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from errors import DataError
from model_info import ModelInfo, read_info

GOOD: dict[str, Any] = {
    "backbone": "resnet18_fpn",
    "norm": "group",
    "class_names": ["a", "b"],
    "category_ids": [3, 7],
    "min_size": 320,
    "max_size": 512,
    "score_threshold": 0.05,
    "max_detections": 100,
    "precision": "auto",
    "metrics": {"epoch": 5},
    "versions": {"torch": "2.10.0"},
    "format": 1,
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("model")
    (place / "model.safetensors").write_bytes(b"")
    return place


def read(folder: Path, told: Any) -> ModelInfo:
    (folder / "model.json").write_text(json.dumps(told), encoding="utf-8")
    return read_info(folder)


def test_what_a_job_writes_is_read(folder: Path) -> None:
    assert read(folder, GOOD).num_classes == 3
    least = {name: GOOD[name] for name in list(GOOD)[:8]}
    assert read(folder, least).precision == "auto"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"backbone": "vgg"}, "backbone is 'vgg', it must be one of resnet50_fpn"),
        ({"backbone": ["resnet18_fpn"]}, r"backbone is \['resnet18_fpn'\], it must be one of"),
        ({"min_size": 0}, "min_size is 0, it must be a whole number from 32 to 8192"),
        ({"min_size": 1e9}, "min_size is 1000000000.0, it must be a whole number"),
        ({"max_size": True}, "max_size is True, it must be a whole number"),
        ({"max_size": 100}, r"max_size is 100, below min_size \(320\)"),
        ({"score_threshold": 1.5}, "score_threshold is 1.5, it must be a number from 0 to 1"),
        ({"score_threshold": float("nan")}, "score_threshold is nan, it must be"),
        ({"max_detections": 10**12}, "max_detections is 1000000000000, it must be"),
        ({"precision": "fp8"}, "precision is 'fp8', it must be one of auto"),
        ({"norm": "layer"}, "norm is 'layer', it must be one of frozen"),
        ({"class_names": "ab"}, "class_names is 'ab', it must be a list of names"),
        ({"class_names": []}, r"class_names is \[\], it must be a list of names"),
        ({"class_names": ["a", 7]}, r"class_names is \['a', 7\]"),
        ({"class_names": ["a"] * 99}, r"class_names and 2 category_ids"),
        ({"category_ids": [3, 3]}, r"category_ids is \[3, 3\], it must be a list of different"),
        ({"category_ids": [3, "7"]}, "category_ids is"),
        ({"metrics": 1}, "metrics is 1, it must be an object"),
        ({"versions": []}, r"versions is \[\], it must be an object"),
        ({"format": True}, "format is True"),
        ({"unknown": 1}, "unknown"),
    ],
)
def test_what_cannot_be_meant_is_told(folder: Path, changes: dict[str, Any], said: str) -> None:
    with pytest.raises(DataError, match=f"is not a model description: .*{said}"):
        read(folder, {**GOOD, **changes})


@pytest.mark.parametrize("name", list(GOOD)[:8])
def test_what_is_missing_is_told(folder: Path, name: str) -> None:
    with pytest.raises(DataError, match=f"is not a model description: .*{name}"):
        read(folder, {key: value for key, value in GOOD.items() if key != name})


LEAF = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9)
VALUES = st.recursive(
    LEAF,
    lambda one: st.lists(one, max_size=3) | st.dictionaries(st.text(max_size=5), one),
    max_leaves=6,
)


@settings(max_examples=300, deadline=None)
@given(changes=st.dictionaries(st.sampled_from([*GOOD, "other"]), VALUES, min_size=1, max_size=3))
def test_whatever_it_says_it_is_read_or_told(folder: Path, changes: dict[str, Any]) -> None:
    try:
        info = read(folder, {**GOOD, **changes})
    except DataError as error:
        assert len(str(error)) < 1000
        return
    assert 32 <= info.min_size <= info.max_size <= 8192 and 0 <= info.score_threshold <= 1
    assert (
        1 <= info.max_detections <= 10_000 and len(info.class_names) == len(info.category_ids) > 0
    )


@settings(max_examples=50, deadline=None)
@given(told=VALUES)
def test_whatever_stands_for_the_object_is_told(folder: Path, told: Any) -> None:
    with pytest.raises(DataError):
        read(folder, told)
