"""A buildspec is read as CodeBuild reads it, or refused with a sentence."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from byoa.sandbox.codebuild.artifacts import location
from byoa.sandbox.codebuild.buildspec import BuildspecError, parse
from byoa.sandbox.codebuild.variables import split

ROOT = Path(__file__).resolve().parents[3]


def test_the_projects_own_is_good():
    spec = parse((ROOT / "buildspec.yml").read_text())
    assert [phase.name for phase in spec.phases] == ["build"]
    assert spec.phases[0].commands == ("bash build_and_push.sh",)


def test_values_are_texts():
    spec = parse(
        "version: 0.2\n"
        "env: {shell: /bin/sh, variables: {A: 1, B: true, C: null, D: 1.50, E: x}}\n"
        "phases: {build: {commands: one}, install: {commands: [2, three], finally: [x]}}\n"
        "cache: {paths: [a]}\n"
    )
    assert spec.variables == {"A": "1", "B": "true", "C": "", "D": "1.5", "E": "x"}
    assert spec.shell == "sh"
    assert [phase.name for phase in spec.phases] == ["install", "build"]
    assert spec.phases[0].commands == ("2", "three") and spec.phases[0].finally_ == ("x",)
    assert spec.left_aside == ("cache",)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "version: 0.2",
        "version: 0.2\nphases: []",
        "version: 0.2\nphases: {build: [x]}",
        "version: 0.2\nenv: {variables: {1a: x}}\nphases: {build: {}}",
        "version: 0.2\nenv: {variables: {A: [x]}}\nphases: {build: {}}",
        "version: 0.2\nenv: {shell: powershell.exe}\nphases: {build: {}}",
        "version: 0.2\nphases: {build: {on-failure: RETRY}}",
        "version: 0.2\nbatch: {x: y}\nphases: {build: {}}",
        "version: 0.2\nphases: {build: {run-as: me}}",
        "a: &a [*a]",
        "!!python/object/apply:os.system ['true']",
    ],
)
def test_what_cannot_be_run_is_refused(text: str):
    with pytest.raises(BuildspecError):
        parse(text)


@given(st.text())
def test_any_text_is_read_or_refused(text: str):
    for document in (text, f"version: 0.2\nphases:\n  build:\n    commands:\n      - {text}"):
        try:
            parse(document)
        except BuildspecError:
            pass


def test_a_secrets_reference_has_four_parts():
    assert split("name:key:stage:id") == ["name", "key", "stage", "id"]
    assert split("name") == ["name", "", "", ""]
    arn = "arn:aws:secretsmanager:us-east-1:123456789012:secret:name-x"
    assert split(f"{arn}:key") == [arn, "key", "", ""]


def test_where_artifacts_go():
    project = {"location": "b", "path": "/p/", "name": "n", "namespaceType": "BUILD_ID"}
    assert location(project, "id") == "s3://b/p/id/n"
    assert location({"location": "b", "name": "n"}, "id") == "s3://b/n"
