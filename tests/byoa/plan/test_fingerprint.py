"""Fingerprints of tasks, and the words for what changed."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from byoa.plan.fingerprint import differences

OLD: dict[str, Any] = {
    "code": {"train.py": "1", "lib/y.py": "2"},
    "data": {"training": "f1"},
    "parameters": {"lr": 0.1, "name": "a"},
    "image": "sha256:1",
    "environment": {"X": "1"},
    "instances": 1,
}
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=2), inner, max_size=2)
    ),
    max_leaves=5,
)
PARTS = st.dictionaries(st.sampled_from([*OLD, "other"]), VALUES, max_size=5)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({}, []),
        (
            {"code": {"train.py": "9", "lib/x.py": "3"}},
            ["code: lib/x.py added, lib/y.py removed, train.py changed"],
        ),
        ({"code": "sha"}, ["code changed"]),
        ({"data": {"training": "f2", "more": "f"}}, ["data: more added, training changed"]),
        ({"parameters": {"lr": 0.2, "name": "a"}}, ["parameter lr: 0.1 → 0.2"]),
        ({"parameters": {"lr": 0.1}}, ["parameter name: a → not set"]),
        ({"image": "sha256:2"}, ["image changed"]),
        ({"environment": None}, ["environment X: 1 → not set"]),
        ({"instances": 2}, ["instances: 1 → 2"]),
        ({"spot": True}, ["spot: not set → true"]),
    ],
)
def test_what_changed_is_said(change: dict[str, Any], said: list[str]):
    assert differences(OLD, OLD | change) == said


def test_many_files_are_counted():
    new = OLD | {"code": {f"{n}.py": "x" for n in range(9)}}
    assert differences({"code": {}}, {"code": new["code"]}) == [
        "code: 0.py added, 1.py added, 2.py added, 3.py added, 4.py added and 4 more"
    ]


@given(PARTS)
def test_order_does_not_matter_and_json_keeps_it(parts: dict[str, Any]):
    turned = dict(reversed(parts.items()))
    assert differences(parts, turned) == differences(json.loads(json.dumps(parts)), parts) == []


@given(PARTS, PARTS)
def test_anything_can_be_compared(old: dict[str, Any], new: dict[str, Any]):
    assert all(isinstance(sentence, str) for sentence in differences(old, new))
