"""Pipelines as state machines, run: each task once, after its upstream; what is lost stops no more
than what needs it.

A task is an object that is written; to a bucket that is not there where it is to fail.
"""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from typing import Any

import pytest

from byoa.plan.pipeline.composition import composed
from byoa.plan.pipeline.machine import Job, definition
from byoa.plan.workflow import check
from tests.byoa.sandbox.conftest import Clients
from tests.byoa.sandbox.stepfunctions.conftest import Run

PUT = "arn:aws:states:::aws-sdk:s3:putObject"


def machine_of(needs: Mapping[str, Any], bad: set[str], folder: str) -> dict[str, Any]:
    jobs = {
        name: Job(
            PUT,
            {
                "Bucket": "nobodys-bucket" if name in bad else "tests-bucket",
                "Key": f"{folder}/{number}",
                "Body": name,
            },
        )
        for number, name in enumerate(needs)
    }
    return definition(composed(needs), needs, jobs, "a test")


def lost_by(needs: Mapping[str, Any], bad: set[str]) -> set[str]:
    lost = set(bad)
    for name, some in needs.items():
        if lost.intersection(some):
            lost.add(name)
    return lost


def written(client: Clients, folder: str) -> dict[str, Any]:
    """Task → when."""
    s3, found = client("s3"), {}
    for one in s3.list_objects_v2(Bucket="tests-bucket", Prefix=f"{folder}/").get("Contents", []):
        name = s3.get_object(Bucket="tests-bucket", Key=one["Key"])["Body"].read().decode()
        found[name] = one["LastModified"]
    return found


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.usefixtures("bucket")
def test_any_graph_with_any_failures(client: Clients, run: Run, seed: int):
    chance = random.Random(seed)
    names = [f"task {number}" for number in range(chance.randint(1, 9))]
    needs = {
        name: chance.sample(names[:at], chance.randint(0, min(2, at)))
        for at, name in enumerate(names)
    }
    bad = {name for name in names if chance.random() < 0.15 * (seed % 3)}
    folder = f"pipelines/{seed}"
    told = machine_of(needs, bad, folder)
    assert list(check.problems(told)) == []
    done = run(told)
    lost = lost_by(needs, bad)
    assert set(written(client, folder)) == set(names) - lost
    assert done["status"] == ("FAILED" if lost else "SUCCEEDED"), done
    if lost:
        said = json.loads(done["cause"].removeprefix("Not done: "))
        assert said.keys() == lost
        failed = {name for name, why in said.items() if why != "what it needs was not done"}
        assert failed == {name for name in bad if not lost.intersection(needs[name])}


@pytest.mark.usefixtures("bucket")
def test_names_that_mean_something_to_the_languages(client: Clients, run: Run):
    odd = ["a%}b", 'say "no"', "it's $x", "{% 1 %}", "ä" * 100, "ä" * 99 + "b", "a[*]?", "Begin"]
    needs = {name: odd[:at] for at, name in enumerate(odd)}
    told = machine_of(needs, {odd[1]}, "pipelines/odd")
    assert list(check.problems(told)) == []
    done = run(told)
    assert done["status"] == "FAILED"
    assert json.loads(done["cause"].removeprefix("Not done: ")).keys() == set(odd[1:])
    assert set(written(client, "pipelines/odd")) == {odd[0]}
