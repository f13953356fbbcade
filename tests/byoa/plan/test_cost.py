from __future__ import annotations

import datetime
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from byoa.plan.cost import after, check_limit, price, worst_case
from byoa.plan.errors import UsageError
from byoa.plan.processing import ProcessingJob, processing_request
from byoa.plan.tables import table
from byoa.plan.training import TrainingJob, training_request
from byoa.plan.tuning import Tuning, tuning_request
from tests.byoa.plan import made_up
from tests.byoa.plan.service_model import model
from tests.byoa.plan.test_training import JOB

HOUR = 3600


def test_the_table_says_its_day_its_source_and_real_types():
    prices = table("prices.json")
    datetime.date.fromisoformat(prices["date"])
    assert "AWS Price List" in prices["source"]
    known = {
        name
        for kind in ("Training", "Processing", "ProductionVariant")
        for name in model("sagemaker").shape_for(f"{kind}InstanceType").enum
    }
    assert set(prices["hourly"]) <= known
    assert all(0.01 < value < 200 for value in prices["hourly"].values())


def test_a_larger_instance_of_a_family_is_dearer():
    """g5.16xlarge is cheaper than g5.12xlarge: one GPU, not four. So are g4dn's and p5's own."""
    for family in ("t3", "m5", "c5", "r5", "p3", "g6"):
        of = [v for k, v in table("prices.json")["hourly"].items() if k.split(".")[1] == family]
        assert of == sorted(of)


def test_a_price_is_known_or_none_is_made_up():
    assert price("ml.m5.large") == 0.115
    assert price("ml.m5.large", "eu-west-1") is None
    assert price("ml.z9.large") is None


def test_the_worst_case_is_time_out_times_price_times_count():
    job = replace(JOB, max_run=2 * HOUR, instance_count=3)
    bill = worst_case(training_request(job))
    assert bill.usd == pytest.approx(2 * 3 * 0.115)
    assert (bill.seconds, bill.instances, bill.spot) == (2 * HOUR, "3 x ml.m5.large", True)


def test_retries_a_warm_pool_and_the_dearest_candidate_count():
    job = replace(
        JOB,
        max_run=HOUR,
        spot=False,
        keep_alive=HOUR,
        instance_candidates=["ml.g5.xlarge"],
        extra={"RetryStrategy": {"MaximumRetryAttempts": 2}},
    )
    bill = worst_case(training_request(job))
    assert bill.usd == pytest.approx((3 + 1) * 1.408)
    assert bill.instances == "1 x ml.m5.large or 1 x ml.g5.xlarge"


def test_groups_searches_and_processing_have_a_worst_case_too():
    groups = [
        {"InstanceType": "ml.m5.large", "InstanceCount": 2, "InstanceGroupName": "a"},
        {"InstanceType": "ml.g5.xlarge", "InstanceCount": 1, "InstanceGroupName": "b"},
    ]
    resources = {"InstanceType": None, "InstanceCount": None, "InstanceGroups": groups}
    job = replace(JOB, max_run=HOUR, extra={"ResourceConfig": resources})
    assert worst_case(training_request(job)).usd == pytest.approx(2 * 0.115 + 1.408)
    tuning = Tuning(
        name="t", job=replace(JOB, max_run=HOUR), metric="loss", jobs=7,
        ranges={"epochs": ("1", "3")},
        schema={"hyperparameters": [{"name": "epochs", "kind": "integer"}]},
    )  # fmt: skip
    assert worst_case(tuning_request(tuning)).usd == pytest.approx(7 * 0.115)
    processing = ProcessingJob(name="p", image="i", role=made_up.ROLE, max_run=HOUR)
    assert worst_case(processing_request(processing)).usd == pytest.approx(0.05)


def test_an_unknown_price_among_the_candidates_is_no_bound():
    job = replace(JOB, spot=False, instance_candidates=["ml.c6i.xlarge"])
    assert worst_case(training_request(job)).usd is None


def test_a_limit_is_held():
    request = training_request(replace(JOB, max_run=10 * HOUR))
    assert check_limit(request, 1.15).usd == pytest.approx(1.15)
    with pytest.raises(UsageError, match=r"1 x ml.m5.large for up to 10 h can cost \$1.15, over"):
        check_limit(request, 1.0)
    with pytest.raises(UsageError, match="no price is known for 1 x "):
        check_limit(request, 1.0, "eu-west-1")


DESCRIPTION: dict[str, Any] = {
    "TrainingTimeInSeconds": 1000,
    "BillableTimeInSeconds": 300,
    "EnableManagedSpotTraining": True,
    "ResourceConfig": {"InstanceType": "ml.g5.xlarge", "InstanceCount": 2},
    "SecondaryStatusTransitions": [
        {"Status": "Starting"},
        {"Status": "Training"},
        {"Status": "Interrupted"},
        {"Status": "Training"},
        {"Status": "Completed"},
    ],
}


def test_what_a_job_did_cost_and_what_spot_saved():
    bill = after(DESCRIPTION)
    assert bill.saving == pytest.approx(70)
    assert bill.usd == pytest.approx(2 * 1.408 * 300 / HOUR)
    assert bill.saved_usd == pytest.approx(2 * 1.408 * 700 / HOUR)
    assert (bill.interruptions, bill.instances) == (1, "2 x ml.g5.xlarge")


def test_the_type_that_aws_took_is_billed():
    resources = {
        "InstancePreferences": [{"InstanceType": "ml.g5.xlarge"}, {"InstanceType": "ml.m5.large"}],
        "SelectedInstanceType": "ml.m5.large",
        "SelectedInstanceCount": 4,
    }
    bill = after({**DESCRIPTION, "ResourceConfig": resources})
    assert bill.usd == pytest.approx(4 * 0.115 * 300 / HOUR)


def test_a_processing_job_is_billed_from_start_to_end():
    start = datetime.datetime(2026, 11, 22, 8, tzinfo=datetime.timezone.utc)
    bill = after(
        {
            "ProcessingStartTime": start,
            "ProcessingEndTime": start + datetime.timedelta(minutes=30),
            "ProcessingResources": {
                "ClusterConfig": {"InstanceType": "ml.t3.medium", "InstanceCount": 1}
            },
        }
    )
    assert bill.usd == pytest.approx(0.025)
    assert (bill.seconds, bill.saving) == (1800, 0.0)


@pytest.mark.parametrize("description", [{}, {"TrainingJobStatus": "InProgress"}])
def test_a_job_that_has_not_run_costs_nothing_known(description: dict[str, Any]):
    bill = after(description)
    assert (bill.seconds, bill.usd, bill.saved_usd, bill.saving) == (0, None, None, 0.0)


JOBS = st.builds(
    TrainingJob,
    name=st.just("j"),
    image=st.just("i"),
    role=st.just(made_up.ROLE),
    output=st.just("s3://b/o"),
    instance_type=made_up.TYPES,
    instance_count=st.integers(1, 9),
    max_run=st.integers(1, 10**6),
    spot=st.booleans(),
)


@given(JOBS, st.integers(0, 10**6), st.integers(0, 10**6))
def test_no_job_costs_more_than_its_worst_case(job: TrainingJob, run: int, paid: int):
    request = training_request(job)
    run = min(run, job.max_run)
    description = {
        "TrainingTimeInSeconds": run,
        "BillableTimeInSeconds": min(paid, run),
        "ResourceConfig": request["ResourceConfig"],
    }
    cost, bound = after(description).usd, worst_case(request).usd
    assert cost is not None and bound is not None
    assert cost <= bound + 1e-9
    assert 0 <= after(description).saving <= 100
