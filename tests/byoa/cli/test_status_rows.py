from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from byoa.cli.status_rows import Row, of_endpoint, of_job
from byoa.cli.status_table import fitting, lines
from byoa.place import Place
from byoa.plan import cost
from byoa.plan.errors import ServiceError
from byoa.plan.look.training import Course


def ago() -> datetime:
    """Two hours before the test, not before its file was read: others may run for minutes first."""
    return datetime.now(timezone.utc) - timedelta(hours=2)


def running() -> dict[str, Any]:
    return {
        "TrainingJobStatus": "InProgress",
        "CreationTime": ago() - timedelta(minutes=5),
        "TrainingStartTime": ago(),
        "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 3},
        "HyperParameters": {"epochs": "4"},
    }


class Logs:
    """One stream of one line; or one that may not be read."""

    def __init__(self, error: str = "") -> None:
        self.error = error

    def describe_log_streams(self, **_: Any) -> dict[str, Any]:
        if self.error:
            raise ServiceError(self.error, "no", "DescribeLogStreams")
        return {"logStreams": [{"logStreamName": "faces-1/algo-1-1700000000"}]}

    def get_log_events(self, **_: Any) -> dict[str, Any]:
        said = {"message": "Train Epoch: 2 [5/10 (50%)] Loss: 0.25", "timestamp": 1_700_000_000_000}
        return {"events": [said]}


class SageMaker:
    def describe_endpoint(self, EndpointName: str) -> dict[str, Any]:
        variants = [{"VariantName": "AllTraffic", "CurrentInstanceCount": 2}]
        return {
            "EndpointStatus": "InService", "CreationTime": ago(), "EndpointConfigName": "c",
            "ProductionVariants": variants,
        }  # fmt: skip

    def describe_endpoint_config(self, EndpointConfigName: str) -> dict[str, Any]:
        return {
            "ProductionVariants": [{"VariantName": "AllTraffic", "InstanceType": "ml.m5.large"}]
        }


def place(name: str = "sagemaker", logs: Any = None) -> Place:
    return Place(name, None, SageMaker(), None, logs or Logs())  # type: ignore[arg-type]


def hourly() -> float:
    found = cost.price("ml.m5.large")
    assert found
    return found


def test_a_job_that_goes_on_has_cost_its_time_so_far():
    row = of_job(place(), "training", "faces-1", running())
    assert row.usd == pytest.approx(hourly() * 3 * 2, rel=0.01)
    assert row.seconds == pytest.approx(2 * 3600 + 300, rel=0.01)
    assert (row.course.part, row.course.notes()[:2]) == (0.375, ("epoch 2/4", "Loss 0.25"))
    assert row.goes_on and row.is_well
    assert of_job(place("process"), "training", "faces-1", running()).usd is None, "it is free"


@pytest.mark.parametrize("code", ["AccessDeniedException", "ResourceNotFoundException"])
def test_without_its_log_a_job_has_a_row_all_the_same(code: str):
    row = of_job(place(logs=Logs(code)), "training", "faces-1", running())
    assert (row.status, row.course.part) == ("InProgress", None)


def test_an_endpoint_costs_what_all_its_instances_do():
    row = of_endpoint(place(), "faces")
    assert row and row.usd == pytest.approx(hourly() * 2 * 2, rel=0.01)
    assert lines([row])[0].split()[-1] == "USD"


def rows(count: int) -> list[Row]:
    ended = [
        Row(kind="training", name=f"t{n}-1", task=f"t{n}", status="Completed") for n in range(count)
    ]
    course = Course(epochs=2)
    course.take("epoch 1/2 step 5/10 loss 0.5", 0)
    going = Row(kind="training", name="last-1", task="last", status="InProgress", course=course)
    return [*ended, going]


def test_of_more_rows_than_the_terminal_has_those_that_go_on_are_shown(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setenv("LINES", "10")
    monkeypatch.setenv("COLUMNS", "80")
    shown = fitting(rows(20), 80)
    assert len(shown) == 9 and shown[1].startswith("last") and shown[-1] == "… 14 more"
    assert "25 %, epoch 1/2, loss 0.5" in shown[1]


@pytest.mark.parametrize("columns", range(36, 120, 6))
def test_a_table_is_as_narrow_as_the_terminal(columns: int):
    assert max(len(line) for line in lines(rows(3), columns)) < columns
    assert "last-1" in "".join(lines(rows(3)))
