"""Values as records keep them: equal only where they are for the code; no secrets, nothing long."""

from __future__ import annotations

import dataclasses
import datetime
import enum
import json
from pathlib import PurePosixPath
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from byoa.plan.pipeline import fingerprint, reasons
from byoa.plan.pipeline.model import Fingerprint, Product, Reason, Source, Task


class Colour(enum.Enum):
    RED = 1


@dataclasses.dataclass
class Point:
    x: int


class Odd:
    def __init__(self, value: int) -> None:
        self.value = value


DIFFERENT: list[list[Any]] = [
    [0, 0.0, False, None, "", "0", [], {}, "None", [None]],
    [1, 1.0, True, "1", [1], {"1": 1}, {1: 1}, {1, 2}, frozenset({1})],
    [float("nan"), float("inf"), float("-inf"), "nan", None],
    [Point(1), Point(2), {"x": 1}, Colour.RED, 1, "RED"],
    [Odd(1), Odd(2)],
    [datetime.date(2020, 1, 1), datetime.datetime(2020, 1, 1), "2020-01-01"],
    [b"a", "a", b"b"],
    [{"a": 1, "b": 2}, {"b": 2, "a": 1}],
    [len, max, Odd, "len"],
    ["x" * 1000, "x" * 1001, "x" * 1000 + "y"],
    [{"password": "a"}, {"password": "b"}, {"password": ""}],
]


@pytest.mark.parametrize("values", DIFFERENT, ids=range(len(DIFFERENT)))
def test_what_the_code_could_tell_apart(values):
    kept = [fingerprint.text(fingerprint.kept("p", value)) for value in values]
    assert len(set(kept)) == len(values)


SAME = [
    ((1, 2), [1, 2]),
    (PurePosixPath("a/b"), "a/b"),
    ({3, 1, 2}, {1, 2, 3}),
    (Odd(1), Odd(1)),
    (float("nan"), float("nan")),
]


@pytest.mark.parametrize(("one", "other"), SAME, ids=range(len(SAME)))
def test_what_is_the_same(one, other):
    assert fingerprint.kept("p", one) == fingerprint.kept("p", other)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.dates() | st.binary(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text() | st.integers(), inner, max_size=3)
        | st.tuples(inner, inner)
    ),
    max_leaves=5,
)


@given(VALUES)
def test_any_value_becomes_json_and_stays_itself_on_the_way(value):
    kept = fingerprint.kept("p", value)
    again = json.loads(json.dumps(kept, allow_nan=False))
    assert fingerprint.text(again) == fingerprint.text(kept)
    old, new = Fingerprint(params={"p": again}), Fingerprint(params={"p": kept})
    assert reasons.differences(old, new) == ()


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("password", "hunter2"),
        ("db_password", "hunter2"),
        ("api-key", "hunter2"),
        ("credentials", {"user": "me", "token": "hunter2"}),
        ("uri", "postgresql://me:hunter2@db.example/x"),
        ("uris", ["sqlite:///x", "mysql://me:hunter2@db.example/x"]),
    ],
)
def test_secrets_are_kept_as_hashes(key, value):
    assert "hunter2" not in json.dumps(fingerprint.kept(key, value))


@pytest.mark.parametrize(("key", "value"), [("max_tokens", 5), ("tokens", "x"), ("monkey", "x")])
def test_what_is_no_secret_is_readable(key, value):
    assert fingerprint.kept(key, value) == value


def one(**more: Any) -> Task:
    words: dict[str, Any] = {"products": {"": Product("out.txt")}, **more}
    return Task(name="a", kind="function", source=Source(dotted="t.f"), **words)


def said(old: Task, new: Task) -> list[str]:
    both = [fingerprint.settled(task, {}, {}) for task in (old, new)]
    return [reason.text for reason in reasons.differences(*both)]


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ({"params": {"n": 3}}, {"params": {"n": 5}}, ["parameter n: 3 → 5"]),
        ({"params": {"n": 1}}, {"params": {"n": True}}, ["parameter n: 1 → true"]),
        ({"params": {"n": None}}, {"params": {"n": "x"}}, ["parameter n: null → x"]),
        ({}, {"params": {"n": 5}}, ["parameter n added: 5"]),
        ({"params": {"n": 5}}, {}, ["parameter n removed"]),
        ({"params": {"token": "a"}}, {"params": {"token": "b"}}, ["parameter token changed"]),
        ({"options": {"chunksize": 1}}, {"options": {"chunksize": 2}}, ["option chunksize: 1 → 2"]),
        ({"options": {"static_analysis": "strict"}}, {}, []),
        ({}, {"products": {"": Product("b.txt")}}, ["product: out.txt → b.txt"]),
        (
            {"products": {"": Product(relation=("s", "t", "table"))}},
            {"products": {"": Product(relation=("", "t", "view"))}},
            ["product: table s.t → view t"],
        ),
        ({"params": {"resources_": {"a": "x"}}}, {}, []),
    ],
)
def test_what_is_said(old, new, words):
    assert said(one(**old), one(**new)) == words


def test_the_projects_own_folder_is_not_part_of_it():
    params = [{"db": f"{root}/x.db", "all": [root, f"{root}2", "/x"]} for root in ("/a/b", "/c")]
    said = [
        fingerprint.settled(one(params=each), {}, {}, root=root)
        for each, root in zip(params, ("/a/b", "/c"))
    ]
    assert said[0].params["db"] == said[1].params["db"] == "{{root}}/x.db"
    assert said[0].params["all"] == ["{{root}}", "/a/b2", "/x"]


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (["upstream a changed"], "upstream a changed"),
        (["upstream a:x added", "upstream a:y added"], "upstream a added"),
        (["upstream a added", "upstream b removed"], "upstream a added; upstream b removed"),
        (["upstream a added", "upstream b added"], "upstream a and b added"),
        (["upstream a added", "upstream b added", "upstream c added"], "upstream a, b and c added"),
        ([f"upstream f-{n}:m added" for n in range(6)], "upstream f-0, f-1, f-2 and 3 more added"),
        (["upstream {} added", "upstream b added"], "upstream {} and b added"),
        (["if a and b write other bytes"], "if a and b write other bytes"),
    ],
)
def test_what_happened_to_many_is_said_once(names, words):
    assert reasons.in_words(Reason("upstream", name) for name in names) == words


def test_modules_are_named_with_what_changed_in_them():
    found = [
        Reason("source", "source changed"),
        Reason("module", "h.py:g changed"),
        Reason("module", "h.py:K changed"),
        Reason("parameter", "parameter n changed"),
    ]
    words = "source changed; h.py:g and h.py:K changed; parameter n changed"
    assert reasons.in_words(found) == words


def test_a_long_value_is_cut():
    (text,) = said(one(params={"n": "a" * 900}), one(params={"n": "b" * 900}))
    assert len(text) < 150


def test_hashes_are_not_shown():
    old = Fingerprint(source={"": "1", "h.py:g": "1"}, resources={"t": "1", "u": "1"})
    new = Fingerprint(source={"": "2", "h.py:k": "1"}, resources={"t": "2", "u": ""})
    assert [(one.kind, one.text) for one in reasons.differences(old, new)] == [
        ("source", "source changed"),
        ("module", "h.py:k added"),
        ("module", "h.py:g removed"),
        ("resource", "resource t changed"),
        ("resource", "resource u is missing"),
    ]


def test_an_image_counts_where_both_had_one():
    old, new, none = (Fingerprint(image=image) for image in ("sha256:a", "sha256:b", ""))
    assert [one.text for one in reasons.differences(old, new)] == ["image: sha256:a → sha256:b"]
    assert reasons.differences(none, new) == reasons.differences(old, none) == ()
