"""Whatever pipeline.yaml and env.yaml hold: a Pipeline, or sentences; never a traceback."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from byoa.pipeline import document
from byoa.pipeline.load import Around, load
from byoa.plan.errors import ByoaError, UsageError
from byoa.plan.pipeline import kinds
from byoa.plan.pipeline.names import PLAIN, shown
from byoa.plan.pipeline.placeholders import Missing, fill, fill_point, meant_by
from tests.byoa.pipeline.loading import written

SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 10**6),
    st.floats(allow_nan=False),
    st.sampled_from([
        "tasks.get", "s.py", "x.sql", "fit-[[a]]", "{{here}}/x", "{{a.b}}", "{{", "[[", "a::b",
        "tasks::values", "*", "fit-*", "fit", "get", "..", "/", "", " ", "train", "SQLDump",
        "[[a | x]]", "{% if %}", "File", "SQLiteRelation", "a/b", "-x", "\x00", "table",
    ]),
    st.text(max_size=8),
)  # fmt: skip
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["a", "b", "dotted_path", "resources_", "path"]), inner, max_size=3
        )
    ),
    max_leaves=6,
)
ANY_KEY = st.sampled_from(
    sorted({*kinds.TASK, *(key for keys in kinds.OPTIONS.values() for key in keys)})
)
USUAL = st.fixed_dictionaries(
    {},
    optional={
        "source": st.sampled_from(["tasks.get", "tasks.fit", "s.py", "a.sql", "s.sh"]) | VALUES,
        "product": st.sampled_from(["x.csv", "y-[[a]]"]) | VALUES,
        "name": st.sampled_from(["get", "fit-[[a]]", "b"]) | VALUES,
        "grid": st.dictionaries(st.sampled_from(["a", "depth"]), VALUES, max_size=2) | VALUES,
        "class": st.sampled_from(sorted({*kinds.CLASSES, *kinds.NO_CLASSES})) | VALUES,
        "for_each": st.sampled_from(["fit", "b"]) | VALUES,
        "upstream": st.sampled_from(["get", "fit-*"]) | VALUES,
    },
)  # fmt: skip
ENTRIES = st.builds(lambda a, b: {**b, **a}, USUAL, st.dictionaries(ANY_KEY, VALUES, max_size=2))
TOPS = st.dictionaries(
    st.sampled_from(sorted(kinds.TOP - {"location", "tasks"})), VALUES, max_size=2
)
META = st.dictionaries(st.sampled_from(sorted(kinds.META)), VALUES, max_size=2)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Any:
    tasks = "def get(product): pass\ndef fit(product, a=1, depth=2): pass\n"
    files = {
        "tasks.py": tasks + "def values(**k): return [1, 2]\n",
        "s.py": '# %% tags=["parameters"]\nupstream = ["get"]\n',
        "a.sql": "CREATE TABLE {{product}} AS SELECT * FROM {{upstream.get}}",
        "s.sh": "touch {{product}}",
    }
    return written(tmp_path_factory.mktemp("fuzz"), files)


@settings(max_examples=120)
@given(tasks=st.lists(ENTRIES, max_size=3), top=TOPS, meta=META, env=VALUES)
def test_a_pipeline_or_sentences(folder: Any, tasks: Any, top: Any, meta: Any, env: Any):
    data = {**top, "meta": meta, "tasks": tasks} if meta else {**top, "tasks": tasks}
    (folder / "pipeline.yaml").write_text(yaml.safe_dump(data))
    (folder / "env.yaml").write_text(yaml.safe_dump({"a": env}))
    try:
        pipeline = load(around=Around({}, folder))
    except ByoaError as error:
        assert str(error).strip()
        assert "object at 0x" not in str(error)
    else:
        assert [task.name for task in pipeline.tasks.values()] == list(pipeline.tasks)
        places = [one for task in pipeline.tasks.values() for one in task.products.values()]
        assert all(bool(one.path) != bool(one.relation) for one in places)


@given(text=st.text(max_size=60) | st.text("{}[]:-,&*!'\"\n #ab1<>|", max_size=40))
def test_yaml_is_read_as_pyyaml_reads_it(text: str):
    assume("<<" not in text)  # a lone one is a word here
    try:
        ours = document.parse(text)
    except UsageError:
        return
    theirs = yaml.load(text, yaml.CSafeLoader)
    assert same(ours, theirs), (ours, theirs)


def same(ours: Any, theirs: Any) -> bool:
    """Equal, but for keys: `on:` is a word here."""
    if isinstance(theirs, dict):
        return len(ours) == len(theirs) and all(map(same, ours.values(), theirs.values()))
    if isinstance(theirs, list):
        return len(ours) == len(theirs) and all(map(same, ours, theirs))
    return bool(ours == theirs) or ours != ours  # noqa: PLR0124 - nan


@given(text=st.text(max_size=30) | st.text("{}[]%#|. ab'\"1", max_size=20))
def test_templates_are_filled_or_refused(text: str):
    for change in (
        lambda: fill(text, lambda name: {"b": 1} if name == "a" else missing(name)),
        lambda: fill_point(text, {"a": {"b": 1}}),
    ):
        try:
            assert isinstance(change(), str)
        except (UsageError, Missing):
            pass


def missing(name: str) -> Any:
    raise Missing(name)


@given(st.text(max_size=12) | st.text("0123456789.eE+-_ [](){}',\"", max_size=12))
def test_a_literal_is_plain(text: str):
    value = meant_by(text)
    assert value is None or isinstance(value, (str, int, float, bool, list, dict))


@given(first=VALUES, second=VALUES)
def test_a_value_in_a_name_is_a_files(first: Any, second: Any):
    assert PLAIN.fullmatch(shown(first))
    if shown(first) == shown(second) and not isinstance(first, (int, float, bool, type(None))):
        assert str(first) == str(second) or first == second


def test_bombs_and_depths_are_refused():
    bomb = "a0: &a0 [x]\n" + "".join(
        f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 12)
    )
    with pytest.raises(UsageError, match="unfold"):
        document.parse(bomb)
    with pytest.raises(UsageError, match=r"too much|too deep"):
        document.parse("[" * 5000 + "]" * 5000)
