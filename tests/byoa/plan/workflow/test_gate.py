"""GateStep, run by the sandbox's interpreter: which models go on."""

from __future__ import annotations

from typing import Any

import pytest

from byoa.plan.errors import UsageError
from byoa.plan.workflow.blocks import Catch, Retry
from byoa.plan.workflow.chain import Chain, definition
from byoa.plan.workflow.check import problems
from byoa.plan.workflow.gate import GateStep
from byoa.plan.workflow.states import Pass, Succeed
from byoa.sandbox.stepfunctions.errors import StateError
from tests.byoa.plan.workflow.fake_sagemaker import SageMaker, run

METRIC = "validation_segm_map"
ADDRESSES = {
    "archive": {"ModelDataUrl": "s3://bucket/out/old-1/output/model.tar.gz"},
    "folder": {
        "ModelDataSource": {"S3DataSource": {"S3Uri": "s3://bucket/out/old-1/output/model/"}}
    },
    "neither": {"ModelDataUrl": "s3://bucket/models/of-a-friend.tar.gz"},
    "nothing": {},
}


def job(**metrics: float) -> dict[str, Any]:
    listed = [{"MetricName": name, "Value": value} for name, value in metrics.items()]
    return {"TrainingJobName": "new-1", "FinalMetricDataList": listed}


def serving(value: float | None = 0.5, address: str = "archive") -> SageMaker:
    """A SageMaker whose endpoint serves the model of the job old-1."""
    return SageMaker(
        endpoints={"cells": {"EndpointConfigName": "config", "fates": ["InService"]}},
        configs={"config": {"ProductionVariants": [{"ModelName": "byoa-1"}]}},
        models={"byoa-1": {"PrimaryContainer": ADDRESSES[address]}},
        jobs={"old-1": job(**{METRIC: value}) if value is not None else job(loss=1)},
    )


def gate(language: str = "JSONPath", **more: Any) -> dict[str, Any]:
    said = {"metric": METRIC, "endpoint_name": "cells", **more}
    steps = Chain([GateStep("Gate", **said), Succeed("Deploy")])
    made = definition(steps, query_language=language)
    assert problems(made) == []
    return made


def through(sagemaker: SageMaker, new: Any, **more: Any) -> Any:
    return run(gate(**more), new, sagemaker)


@pytest.mark.parametrize("language", ["JSONPath", "JSONata"])
@pytest.mark.parametrize("address", ["archive", "folder"])
def test_a_better_model_goes_on_with_all_that_is_known(language: str, address: str):
    new = job(loss=0.1, **{METRIC: 0.6})
    assert through(serving(0.5, address), new, language=language) == {
        **new,
        "Gate": {
            "Passed": True,
            "Reason": f"{METRIC} is 0.6, and the model that serves has 0.5.",
            "Metric": METRIC,
            "New": 0.6,
            "Current": 0.5,
        },
    }


@pytest.mark.parametrize("language", ["JSONPath", "JSONata"])
def test_a_worse_model_stays_on_the_shelf(language: str):
    sagemaker = serving(0.5)
    assert through(sagemaker, job(**{METRIC: 0.4}), language=language) == {
        "Deployed": False,
        "Reason": f"Not better: {METRIC} is 0.4, and the model that serves has 0.5.",
    }
    assert {name[:8] for name in sagemaker.called} == {"describe"}


def test_its_answer_can_be_used_by_what_follows():
    step = GateStep("Gate", metric=METRIC, endpoint_name="cells")
    tell = Pass("Tell", parameters={"New": step.output()["Gate"]["New"]})
    made = definition(Chain([step, tell]))
    assert run(made, job(**{METRIC: 0.6}), serving(0.5)) == {"New": 0.6}


def test_errors_of_the_gate_can_be_caught_and_tried_again():
    step = GateStep("Gate", metric=METRIC, endpoint_name="cells")
    step.add_retry(Retry(error_equals=["States.Timeout"]))
    step.add_catch(Catch(error_equals=["Gate"], next_step=Pass("Tell", result="told")))
    made = definition(Chain([step, Succeed("Deploy")]))
    assert problems(made) == []
    assert run(made, job(loss=1), serving(0.5)) == "told"


def test_a_worse_model_fails_the_execution_when_asked_to():
    with pytest.raises(StateError) as caught:
        through(serving(0.5), job(**{METRIC: 0.4}), worse="fail")
    assert caught.value.name == "WorseModel" and "is 0.4" in caught.value.cause


def test_a_worse_model_goes_wherever_one_says():
    found = through(serving(0.5), job(**{METRIC: 0.4}), otherwise=Pass("Tell", result="told"))
    assert found == "told"


@pytest.mark.parametrize(
    ("new", "more", "passed"),
    [
        (0.5, {}, True),
        (0.49999999, {}, True),  # 32 bits, printed with more digits
        (0.4999, {}, False),
        (0.50000001, {"maximize": False}, True),
        (0.52, {"margin": 0.05}, False),
        (0.56, {"margin": 0.05}, True),
        (0.6, {"floor": 0.7}, False),
        (0.7, {"floor": 0.7}, True),
        (0.4, {"maximize": False}, True),
        (0.6, {"maximize": False}, False),
        (0.48, {"maximize": False, "margin": 0.05}, False),
        (0.6, {"maximize": False, "floor": 0.55}, False),
        (0.45, {"maximize": False, "floor": 0.4}, False),
        (0, {}, False),
    ],
)
def test_what_is_better(new: float, more: dict[str, Any], passed: bool):
    found = through(serving(0.5), job(**{METRIC: new}), **more)
    assert ("Gate" in found) is passed, found


def test_the_first_model_goes_on_if_it_is_good_enough():
    found = through(SageMaker(), job(**{METRIC: 0.1}))
    assert found["Gate"]["Reason"] == "There is no endpoint cells yet."
    assert found["Gate"]["Current"] is None
    held = through(SageMaker(), job(**{METRIC: 0.1}), floor=0.2)
    assert held == {"Deployed": False, "Reason": "The metric is 0.1, and the limit is 0.2."}


def test_a_job_without_the_metric_goes_nowhere():
    with pytest.raises(StateError) as caught:
        through(serving(), job(loss=0.3, other=1))
    assert caught.value.cause == (
        f"The training job reports no metric {METRIC}; it reports: loss, other."
    )
    with pytest.raises(StateError, match="it reports: none"):
        through(serving(), {"TrainingJobName": "new-1"})


def without_model() -> SageMaker:
    """An endpoint of inference components: its variant has no model."""
    found = serving()
    found.configs = {"config": {"ProductionVariants": [{"VariantName": "AllTraffic"}]}}
    return found


def test_the_last_model_of_a_pipeline_is_the_one_that_is_compared():
    sagemaker = serving(0.5)
    before = {"ModelDataUrl": "s3://bucket/out/scaler-1/output/model.tar.gz"}
    sagemaker.models = {"byoa-1": {"Containers": [before, ADDRESSES["archive"]]}}
    assert through(sagemaker, job(**{METRIC: 0.4}))["Deployed"] is False


UNKNOWN = [
    serving(None), serving(address="neither"), serving(address="nothing"), without_model(),
]  # fmt: skip


@pytest.mark.parametrize("place", range(len(UNKNOWN)))
def test_a_model_of_unknown_quality_gives_way_unless_said_otherwise(place: int):
    new = job(**{METRIC: 0.4})
    assert "Gate" in through(UNKNOWN[place], new)
    assert through(UNKNOWN[place], new, unknown="stop")["Deployed"] is False
    with pytest.raises(StateError, match="serves"):
        through(UNKNOWN[place], new, unknown="fail")


def test_what_cannot_be_asked_is_not_waved_through():
    sagemaker = serving(0.5)
    sagemaker.errors = {"describeModel": ["User is not authorized to perform that"]}
    with pytest.raises(StateError, match="not authorized"):
        through(sagemaker, job(**{METRIC: 0.4}))
    throttled = serving(0.5)
    throttled.errors = {"describeTrainingJob": ["Rate exceeded"] * 3}
    assert through(throttled, job(**{METRIC: 0.4}))["Deployed"] is False


@pytest.mark.parametrize("said", [{"unknown": "maybe"}, {"worse": "cry"}])
def test_a_word_that_it_does_not_know_is_refused(said: dict[str, str]):
    with pytest.raises(UsageError, match="take one of"):
        gate(**said)
