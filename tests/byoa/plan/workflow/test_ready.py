"""The stack's workflow: the file in infrastructure/ is what the builder makes, and runs."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from byoa.plan.workflow.check import problems
from byoa.plan.workflow.ready import SUBSTITUTIONS, stack_definition
from tests.byoa.plan.workflow.fake_sagemaker import SageMaker, run

FILE = Path(__file__).parents[4] / "infrastructure" / "build-train-deploy.asl.json"
#: What the stack puts in.
STACK = {
    "BuildImageArn": "arn:aws:lambda:us-east-1:123456789012:function:byoa-cells_build-image",
    "BuildProject": "byoa-cells_image",
    "JobRoleArn": "arn:aws:iam::123456789012:role/byoa-cells_jobs-us-east-1",
    "Bucket": "byoa-cells-123456789012-us-east-1",
    "Name": "byoa-cells",
    "Metric": "validation_segm_map",
    "Margin": "0.01",
    "TrainInstanceType": "ml.g5.xlarge",
    "ServeInstanceType": "ml.m5.xlarge",
    "PauseSeconds": "30",
    "Partition": "aws",
    "Project": "cells",
}
GIVEN = {"Image": "123456789012.dkr.ecr.us-east-1.amazonaws.com/byoa-cells:1", "Data": "s3://b/d/"}


def as_deployed() -> dict[str, Any]:
    text = stack_definition()
    for name, value in STACK.items():
        text = text.replace(f"${{{name}}}", value)
    assert "${" not in text
    made: dict[str, Any] = json.loads(text)
    return made


def test_the_file_is_what_the_builder_makes():
    assert FILE.read_text(encoding="utf-8") == stack_definition(), (
        "write byoa.plan.workflow.ready.stack_definition() into it"
    )


def test_every_name_of_the_stack_is_used_and_no_standin_is_left():
    text = stack_definition()
    used = set(re.findall(r"\$\{(\w+)\}", text))
    assert used == set(STACK)
    assert [standin for standin in SUBSTITUTIONS if standin in text] == []


def test_the_endpoint_is_waited_for_as_long_whatever_the_pause_is():
    text = stack_definition()
    looks = re.findall(r"\$byoa_looks [^)%]*", text)
    counted = [one for one in looks if "<" in one]
    assert counted and all(
        one.strip() == "$byoa_looks * ${PauseSeconds} < 14400 and $byoa_looks < 2000"
        for one in counted
    )


def test_it_is_a_right_definition():
    assert problems(as_deployed()) == []


class Trainer(SageMaker):
    """Training jobs end at once, with the metric that a test wants."""

    score = 0.5

    def __call__(self, action: str, given: Any) -> Any:
        if action == "createTrainingJob.sync":
            name = given["TrainingJobName"]
            address = f"{given['OutputDataConfig']['S3OutputPath']}/{name}/output/model.tar.gz"
            self.jobs[name] = {
                **given,
                "ModelArtifacts": {"S3ModelArtifacts": address},
                "FinalMetricDataList": [{"MetricName": STACK["Metric"], "Value": self.score}],
            }
            return self.jobs[name]
        return super().__call__(action, given)


def test_it_trains_and_deploys_what_is_no_worse():
    sagemaker = Trainer()
    first = run(as_deployed(), GIVEN, sagemaker, name="one")
    assert first["Deployed"] and first["EndpointName"] == "byoa-cells"
    sagemaker.score = 0.505  # the margin is 0.01
    second = run(as_deployed(), GIVEN, sagemaker, name="two")
    assert second["Deployed"] is False and "is 0.505" in second["Reason"]
    sagemaker.score = 0.6
    third = run(as_deployed(), {**GIVEN, "Hyperparameters": {"epochs": 1}}, sagemaker, name="three")
    assert third["Deployed"] and third["ModelName"] != first["ModelName"]
    assert sagemaker.jobs[third["ModelName"]]["HyperParameters"] == {"epochs": "1"}
    assert sagemaker.endpoints["byoa-cells"]["EndpointConfigName"] == third["EndpointConfigName"]
    assert len(sagemaker.jobs) == 3, "no name was taken twice"


@pytest.mark.parametrize("name", ["one", "a" * 80, "e_" * 36 + "x"])
def test_a_jobs_name_fits_whatever_the_execution_is_called(name: str):
    sagemaker = Trainer()
    run(as_deployed(), GIVEN, sagemaker, redrives=99, name=name)
    (job,) = sagemaker.jobs
    assert re.fullmatch(r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}", job), job
