from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from byoa.cli import cost
from byoa.place import open_place
from byoa.settings import load
from tests.byoa.conftest import Byoa


def test_the_prices_and_their_day(byoa: Byoa):
    said = byoa("cost", "--json")
    assert said.code == 0
    assert {"instance_type": "ml.m5.large", "usd_per_hour": 0.115} in said.json
    assert "Prices of 2026-09-01" in said.err
    assert "ml.g5.xlarge" in byoa("cost").out


def test_the_worst_case_of_a_job_that_is_not_there_yet(byoa: Byoa):
    words = ("cost", "--it", "ml.g5.xlarge", "--ic", 2, "--max_run_mins", 90)
    assert byoa(*words, "--json").json == {
        "instances": "2 x ml.g5.xlarge",
        "usd_per_hour": 2.816,
        "seconds": 5400,
        "usd_at_most": 4.224,
    }
    assert byoa(*words, "--max-cost", 5).code == 0
    over = byoa(*words, "--max-cost", 4)
    assert (over.code, over.out) == (2, "")
    assert "over the limit of $4" in over.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--it", "ml.z9.large"), "No price is known for ml.z9.large in us-east-1"),
        (("--it", "ml.m5.large", "--region", "eu-west-1"), "No price is known"),
    ],
)
def test_an_unknown_price_is_none(byoa: Byoa, words: tuple[str, ...], said: str):
    answer = byoa("cost", *words, "--json")
    assert answer.json["usd_at_most"] is None
    assert said in answer.err
    held = byoa("cost", *words, "--max-cost", 100)
    assert held.code == 2
    assert "cannot be held" in held.err


@pytest.mark.parametrize("words", [("--ic", 0), ("--max_run_mins", 0)])
def test_no_instances_are_no_job(byoa: Byoa, words: tuple[str, int]):
    answer = byoa("cost", "--it", "ml.m5.large", *words)
    assert answer.code == 2
    assert "1 or more" in answer.err


def test_what_jobs_have_cost(byoa: Byoa):
    Path("a.sh").write_text("sleep 1\n")
    for task in ("one", "two"):
        assert byoa("run", "-p", "demo", "-t", task, "-e", "a.sh", "--on", "process").code == 0
    both = byoa("cost", "-p", "demo", "--on", "process", "--json").json
    assert [row["job"][:3] for row in both] == ["one", "two"]
    assert {row["usd"] for row in both} == {0.0}, "what runs here costs nothing"
    assert both[0]["status"] == "Completed"
    assert "total" in byoa("cost", "-p", "demo", "--on", "process").out
    (one,) = byoa("cost", "-p", "demo", "-t", "one", "--on", "process", "--json").json
    assert one == both[0]
    (named,) = byoa("cost", one["job"], "--on", "process", "--json").json
    assert named == one
    # The same jobs, had they run on AWS
    place = open_place(load(None, {"on": "process"}))
    row = cost.after(replace(place, name="sagemaker"), one["job"])
    assert row["usd"] == pytest.approx(row["billable_seconds"] * 0.115 / 3600, abs=1e-4)
    total = cost.total([row, {**row, "usd": None}])
    assert (total["usd"], total["status"]) == (row["usd"], "without 1 of no known price")


def test_a_job_that_is_not_there(byoa: Byoa):
    answer = byoa("cost", "nothing-20260101-000000-00", "--on", "process")
    assert answer.code == 1
    assert "byoa list" in answer.err
