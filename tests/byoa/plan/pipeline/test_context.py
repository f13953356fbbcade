"""What goes into an image, and what never does."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from byoa.plan.errors import UsageError
from byoa.plan.pipeline import context

TRACKED = ["pipeline.yaml", "tasks/raw.py", "data/big.csv", ".gitignore", "deploy/id_rsa", ".env"]


def test_what_git_tracks_travels_but_for_secrets_and_what_is_excluded():
    found = context.chosen(TRACKED, ["out/x.csv", "model.bin"], ["model.bin"], ["data"])
    assert found.names == ("model.bin", "pipeline.yaml", "tasks/raw.py")
    assert found.said == (
        ".env looks like environment variables and stays here",
        "deploy/id_rsa looks like an SSH key and stays here",
    )


def test_a_secret_that_is_included_stays_as_well():
    found = context.chosen([], ["credentials.json"], ["credentials.json"], [])
    assert found.names == () and "credentials.json looks like credentials" in found.said[0]


@pytest.mark.parametrize(
    ("name", "pattern", "fits"),
    [
        ("data/a.csv", "data", True),
        ("data/a.csv", "./data/", True),
        ("data/a.csv", "data/*.csv", True),
        ("database.py", "data", False),
        ("x/data/a.csv", "data", False),
    ],
)
def test_patterns_name_files_and_folders(name: str, pattern: str, fits: bool):
    assert context.covered(name, [pattern]) is fits


def test_the_targets_own_files_come_first():
    names = ["env.yaml", "env.aws.yaml", "pipeline.yaml"]
    assert sorted(context.renamed(names, "aws")) == [
        ("env.aws.yaml", "env.aws.yaml"),
        ("env.aws.yaml", "env.yaml"),
        ("pipeline.yaml", "pipeline.yaml"),
    ]
    assert context.renamed(["env.yaml"], "aws") == [("env.yaml", "env.yaml")]
    assert context.entry_of([*names, "pipeline.aws.yaml"], "aws") == "pipeline.aws.yaml"
    assert context.entry_of(names, "aws") == "pipeline.yaml"


def test_placeholders_that_only_the_users_machine_knows():
    text = "a: '{{git_hash}} {{ user }} {{root}} {{sample}} {{env.HOME}}'"
    assert context.asked_for(text) == {"git_hash", "user"}


def test_locks_make_images_by_pattern_of_the_whole_name():
    names = ["requirements.lock.txt", "requirements.fit-__.lock.txt", "requirements.txt", "x.txt"]
    found = context.locks(names)
    assert found == {"": "requirements.lock.txt", "fit-*": "requirements.fit-__.lock.txt"}
    assert [context.image_of(name, found) for name in ("fit-1", "fitness", "get")] == [
        "fit-*",
        "",
        "",
    ]
    with pytest.raises(UsageError, match=r"requirements\.fit-__\.lock\.txt: no task"):
        context.unused(found, ["get", "fitness"])
    context.unused(found, ["fit-1"])


def test_an_environment_is_what_tasks_run_in_not_how_its_list_is_written():
    first = context.environment("FROM a", "numpy==1\npandas==2  # for reading\n", {})
    assert first == context.environment("FROM a", "pandas==2\n\n# all\nnumpy==1", {})
    assert len({
        first,
        context.environment("FROM b", "numpy==1\npandas==2", {}),
        context.environment("FROM a", "numpy==2\npandas==2", {}),
        context.environment("FROM a", "numpy==1\npandas==2", {"BASE_IMAGE": "c"}),
    }) == 4  # fmt: skip


@given(st.text(min_size=1, max_size=200))
def test_every_pattern_has_a_tag_that_registries_take(pattern: str):
    import re

    assert re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}", context.tag(pattern))
    assert context.tag(pattern) != context.tag(pattern + "x")
