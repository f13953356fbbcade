"""What a sync decides, from listings alone."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from byoa.plan import sync
from byoa.plan.storage import Stored

NAMES = st.sampled_from(["a", "b", "sub/c", "d"])
Contents = dict[str, bytes]
CONTENTS = st.dictionaries(NAMES, st.binary(max_size=2))


def tag(data: bytes) -> str:
    return hashlib.md5(data).hexdigest()


@given(here=CONTENTS, there=CONTENTS, delete=st.booleans())
def test_afterwards_it_holds_what_the_folder_holds(here: Contents, there: Contents, delete: bool):
    remote = {name: Stored(name, len(data), tag(data)) for name, data in there.items()}
    sizes = {name: len(data) for name, data in here.items()}
    etags = {name: tag(here[name]) for name in sync.to_hash(sizes, remote)}
    todo = sync.decide(sizes, etags, remote, {}, delete)
    after = {n: d for n, d in there.items() if n not in todo.deleted}
    after |= {name: here[name] for name in todo.uploaded}
    assert {n: d for n, d in after.items() if n not in todo.extra} == here
    assert set(todo.unchanged) == {n for n in here if there.get(n) == here[n]}
    assert not (delete and todo.extra) and not (not delete and todo.deleted)
    assert set(todo.extra) | set(todo.deleted) == there.keys() - here.keys()
    assert todo.sent_bytes == sum(len(here[name]) for name in todo.uploaded)


def test_what_is_known_of_an_encrypted_object():
    remote = {"a": Stored("a", 1, "opaque")}
    decided = [
        sync.decide({"a": 1}, {"a": "ours"}, remote, known, False).unchanged
        for known in ({}, {"a": ["ours", "opaque"]}, {"a": ["old", "opaque"]}, {"a": ["ours", "x"]})
    ]
    assert decided == [(), ("a",), (), ()]


@given(size=st.integers(0, 5 << 40), part=st.integers(1, 1 << 26))
def test_parts_cover_a_file_and_are_not_too_many(size: int, part: int):
    step = sync.part_size(size, part)
    assert step == part or step % part == 0
    assert size <= step * sync.MOST_PARTS
    if size <= part * 100:
        spans = sync.parts(size, part)
        assert sum(length for _, length in spans) == (size if size >= part else 0)
        assert all(length == part for _, length in spans[:-1])


def test_the_etag_of_parts_is_the_one_that_s3_documents():
    first, second = hashlib.md5(b"a").digest(), hashlib.md5(b"b").digest()
    assert sync.joined_etag([first, second]) == hashlib.md5(first + second).hexdigest() + "-2"


@given(st.lists(st.builds(Stored, st.text(max_size=5), st.integers(0, 9), st.text(max_size=5))))
def test_the_fingerprint_does_not_depend_on_the_order(objects: list[Stored]):
    assert sync.fingerprint(objects) == sync.fingerprint(reversed(objects))


def test_the_fingerprint_cannot_be_confused_by_names():
    pairs = [
        [Stored("a", 1, "b")],
        [Stored("a:1", 1, "b")],
        [Stored("a", 1, "b,1:c:1:d")],
        [Stored("a", 1, "b"), Stored("c", 1, "d")],
        [Stored("a", 11, "b")],
        [],
    ]
    assert len({sync.fingerprint(one) for one in pairs}) == len(pairs)


@pytest.mark.parametrize("key", ["a", "a b", "ä/漢", "a\nb", "x" * 1024])
def test_keys_that_s3_takes(key: str):
    assert sync.bad_key(key) is None


@pytest.mark.parametrize("key", ["x" * 1025, "é" * 513, "\x00", "\x1f", "\ud800", "\uffff"])
def test_keys_that_it_does_not(key: str):
    assert sync.bad_key(key)


@pytest.mark.parametrize(
    ("name", "posix", "windows"),
    [
        ("a/b.txt", True, True),
        ("..", False, False),
        ("a/../b", False, False),
        ("/a", False, False),
        ("a//b", False, False),
        ("a/", False, False),
        ("a/./b", False, False),
        ("", False, False),
        ("a\0", False, False),
        ("..a/b..", True, True),
        ("a\\..\\b", True, False),
        ("C:\\a", True, False),
        ("C:a", True, False),
        ("what?", True, False),
    ],
)
def test_names_that_stay_in_their_folder(name: str, posix: bool, windows: bool):
    assert (sync.bad_path(name, False) is None) == posix
    assert (sync.bad_path(name, True) is None) == windows


def test_names_that_would_be_a_file_and_a_folder():
    assert sync.clashes(["a", "a/b", "ab/c", "x/y/z", "x/y", "q"]) == ["a", "x/y"]
    assert sync.clashes(["a", "ab", "a-b/c"]) == []
