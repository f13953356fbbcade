"""Records as files: what is written is read, what is damaged is none."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from byoa.plan.pipeline import records
from byoa.plan.pipeline.model import Fingerprint, Made, Record

WORDS = st.dictionaries(st.text(), st.text(), max_size=3)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
FINGERPRINTS = st.builds(
    Fingerprint,
    source=WORDS,
    params=st.dictionaries(st.text(), JSON, max_size=3),
    options=st.dictionaries(st.text(), JSON, max_size=3),
    resources=WORDS,
    upstream=WORDS,
    products=WORDS,
    image=st.text(),
)
STATS = st.just(()) | st.tuples(*[st.integers(0, 2**62)] * 4)
RECORDS = st.builds(
    Record,
    task=st.text(min_size=1),
    fingerprint=FINGERPRINTS,
    products=st.dictionaries(
        st.text(), st.builds(Made, st.text(), st.text(min_size=1), st.integers(0), STATS)
    ),
    run=st.text(),
    seconds=st.floats(0, 1e9),
    attempts=st.integers(1, 9),
    log=st.text(),
    metrics=st.dictionaries(st.text(), st.floats(-1e9, 1e9)),
    accepted=st.booleans(),
)


@given(RECORDS)
def test_what_is_written_is_read(record):
    text = records.written(record)
    assert records.read(text, record.task) == record
    assert records.read(text.encode("utf-8", "surrogatepass")) == record


@given(RECORDS)
def test_without_stats_it_says_nothing_of_this_machine(record):
    found = records.read(records.written(record, stats=False))
    assert all(made.stat == () for made in found.products.values())
    assert found.fingerprint == record.fingerprint


@given(st.text() | st.binary() | JSON.map(json.dumps))
def test_what_is_no_record_is_said_to_be_none(data):
    with pytest.raises(records.UnreadableError):
        records.read(data)


@given(RECORDS, st.data())
def test_a_record_with_any_part_replaced_is_read_or_refused(record, data):
    said = json.loads(records.written(record))
    key = data.draw(st.sampled_from(sorted(said)))
    said[key] = data.draw(JSON)
    try:
        records.written(records.read(json.dumps(said)))
    except records.UnreadableError:
        pass


@given(RECORDS, st.integers(0, 2000))
def test_a_record_cut_short_is_refused(record, at):
    text = records.written(record)
    with pytest.raises(records.UnreadableError, match="is damaged"):
        records.read(text[: min(at, len(text) - 1)])


def test_why_it_is_refused():
    text = records.written(Record(task="a", fingerprint=Fingerprint(), products={}))
    with pytest.raises(records.UnreadableError, match="is of another task, 'a'"):
        records.read(text, "b")
    with pytest.raises(records.UnreadableError, match="is of version 2, and this byoa reads 1"):
        records.read(text.replace('"version": 1', '"version": 2'))


@given(st.lists(st.text(min_size=1), min_size=2, max_size=2, unique=True))
def test_different_tasks_have_different_files(names):
    one, other = map(records.file_name, names)
    assert one != other
    assert not {"/", "\0", "\\", ":"}.intersection(one)
    assert one not in (".", "..") and len(one.encode()) < 240


def test_usual_names_are_themselves():
    for name in ("fit-random-forest-1-gini", "get", "a_b.c", "fit 1", "naïve"):
        assert records.file_name(name) in (name, "na%C3%AFve")
