"""Records that travel name no folder of their machine."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from byoa.plan.pipeline.model import Fingerprint, Record
from byoa.plan.pipeline.moved import asked_for, away, changed, here

MADE = Fingerprint(
    params={
        "data": "/project/data",
        "n": 3,
        "all": ["/project", "/projects/x", {"a": "x/project"}],
    },
    options={"extra": "/project/"},
)


def test_only_paths_at_or_below_the_root_are_changed():
    gone = away(MADE, "/project/")
    assert gone.params == {
        "data": "{{root}}/data", "n": 3, "all": ["{{root}}", "/projects/x", {"a": "x/project"}],
    }  # fmt: skip
    assert gone.options == {"extra": "{{root}}/"}
    assert here(Record(task="t", fingerprint=gone, products={}), "/home/me/p").fingerprint == (
        changed(MADE, "/project", "/home/me/p")
    )


JSON = st.recursive(
    st.none() | st.integers() | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=8,
)


@given(st.dictionaries(st.text(max_size=4), JSON), st.sampled_from(["/a", "/a/b c", "/"]))
def test_two_machines_agree_whatever_the_parameters_are(params: dict[str, object], root: str):
    made = Fingerprint(params=params)
    elsewhere = changed(made, root.rstrip("/"), "/elsewhere")
    assert away(elsewhere, "/elsewhere") == away(away(made, root), "/elsewhere")


def test_placeholders_that_only_the_users_machine_knows():
    text = "a: '{{git_hash}} {{ user }} {{root}} {{sample}} {{env.HOME}}'"
    assert asked_for(text) == {"git_hash", "user"}
