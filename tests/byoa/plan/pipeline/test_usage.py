"""What a run used, and what it can use at most."""

from __future__ import annotations

import pytest

from byoa.plan.pipeline.manifest import RunTask
from byoa.plan.pipeline.needs import Size
from byoa.plan.pipeline.usage import Usage, bound, in_words, used


def test_every_attempt_counts():
    described = {
        "startedAt": 20_000,
        "stoppedAt": 30_000,
        "attempts": [
            {"startedAt": 1_000, "stoppedAt": 6_000},
            {"statusReason": "never began"},
            {"startedAt": 20_000, "stoppedAt": 30_000},
        ],
    }
    assert used(described, Size(2, 4096, 1)) == Usage(15, 30, 60, 15)
    assert used({"startedAt": 0, "stoppedAt": 5}, Size(2, 4096)) == Usage()
    assert used({"startedAt": 1_000, "stoppedAt": 3_000}, Size(1, 1024)) == Usage(2, 2, 2, 0)
    assert used({}, Size(2, 4096)) == Usage()


def test_the_bound_is_every_attempt_to_its_time_out_and_none_without_one():
    tasks = [RunTask(seconds=10, attempts=3, vcpus=2, memory_mb=1024), RunTask(seconds=3600)]
    assert bound(tasks) == Usage(3780, 3960, 7380, 0)
    assert bound([*tasks, RunTask()]) is None
    assert bound([]) == Usage()


def test_money_is_only_told_by_prices_that_were_given():
    usage = Usage(3600, 7200, 3600, 0)
    assert usage.usd({"vcpu": 0.04}) is None
    assert usage.usd({"vcpu": 0.04, "gb": 0.004}) == pytest.approx(0.084)
    assert Usage(1, 1, 1, 1).usd({"vcpu": 1, "gb": 1}) is None
    assert in_words(usage) == "2 vCPU h, 1 GB h"
    assert in_words(Usage(0, 0, 0, 3600)) == "0 vCPU h, 0 GB h, 1 GPU h"
