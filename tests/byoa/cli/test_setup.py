"""What `byoa setup` and `byoa teardown` say, and what they take."""

from __future__ import annotations

import json
from typing import Any

import pytest

from byoa.cli import setup
from byoa.cli.main import parsed
from byoa.plan.errors import UsageError
from tests.byoa.conftest import Byoa


def parameters(*words: str) -> dict[str, str]:
    return setup.parameters(parsed("setup", setup, list(words)))


@pytest.mark.parametrize(
    ("words", "made"),
    [
        ((), {}),
        (("--schedule", "rate(1 day)"), {"Schedule": "rate(1 day)"}),
        (("--schedule", ""), {"Schedule": ""}),
        (("--trigger_prefix", "incoming/a/"), {"TriggerPrefix": "incoming/a/"}),
        (("--trigger-suffix", "_READY"), {"TriggerSuffix": "_READY"}),
        (("--trigger-image", "release"), {"TriggerImageTag": "release"}),
        (("--trigger-push", "cells"), {"TriggerRepository": "cells"}),
        (
            ("--trigger-push", "cells:dev"),
            {"TriggerRepository": "cells", "TriggerBranch": "dev"},
        ),
        (("--set", "LogDays=7", "--set", "Metric=map"), {"LogDays": "7", "Metric": "map"}),
        (("--set", "SourceArns=arn:aws:s3:::a,b=c"), {"SourceArns": "arn:aws:s3:::a,b=c"}),
    ],
)
def test_flags_are_the_templates_parameters(words: tuple[str, ...], made: dict[str, str]):
    assert parameters(*words) == made


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--trigger-prefix", "models/"), "Take a folder below incoming/"),
        (("--set", "TriggerPrefix=data/"), "Take a folder below incoming/"),
        (("--schedule", "daily"), r"neither a rate nor a cron"),
        (("--schedule", "rate(2 day)"), r"AWS writes 2 days"),
        (("--schedule", "cron(0 6 * * * *)"), r"one of the day of the month"),
        (("--set", "LogDays"), "is not NAME=VALUE"),
        (("--set", "=7"), "is not NAME=VALUE"),
    ],
)
def test_mistakes_are_told_first(words: tuple[str, ...], said: str):
    with pytest.raises(UsageError, match=said):
        parameters(*words)


@pytest.mark.parametrize("place", ["docker", "process"])
def test_there_is_no_stack_without_aws(byoa: Byoa, place: str):
    said = byoa("setup", "-p", "cells", "--on", place)
    assert said.code == 2
    assert "Say --on sagemaker, or --on sandbox" in said.err


@pytest.fixture
def sandbox(byoa: Byoa) -> Any:
    assert byoa("sandbox", "up").code == 0
    yield ("-p", "cells", "--on", "sandbox")
    assert byoa("sandbox", "down").code == 0


def test_from_the_command_line(byoa: Byoa, sandbox: tuple[str, ...]):
    dry = byoa("setup", *sandbox, "--dry-run").json
    assert dry["create_change_set"]["TemplateBody"].startswith("infrastructure/template.yml (")
    assert len(dry["uploads"]) == 5
    whole = byoa("setup", *sandbox, "--dry-run", "--json").json
    assert "Resources:" in whole["create_change_set"]["TemplateBody"]

    policy = byoa("setup", *sandbox, "--policy").json
    assert policy["Version"] == "2012-10-17"

    alone = byoa("setup", *sandbox)  # nobody can be asked
    assert (alone.code, "nothing was done: say --yes" in alone.err) == (1, True)
    assert byoa("teardown", *sandbox, "--dry-run", "--json").json[:1] != [
        {"kind": "stack", "name": "byoa-cells"}
    ]

    made = byoa("setup", *sandbox, "--yes")
    assert made.code == 0
    assert made.out.splitlines()[0].split() == ["ACTION", "WHAT", "KIND"]
    assert "Machine:" in made.out
    again = byoa("setup", *sandbox, "--yes", "--json").json
    assert again["changes"] == []
    assert again["outputs"]["Bucket"] == "byoa-cells-123456789012-us-east-1"

    listed = byoa("teardown", *sandbox, "--dry-run").out
    assert "stack  " in listed
    gone = byoa("teardown", *sandbox, "--yes")
    assert (gone.code, "removed stack byoa-cells" in gone.err) == (0, True)
    assert "removed bucket byoa-cells-123456789012-us-east-1" in gone.err  # it was empty
    assert json.loads(byoa("teardown", *sandbox, "--dry-run", "--json").out) == []
