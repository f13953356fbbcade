"""Answers have the shape of boto3's: no key that AWS's model does not know, no other type."""

from __future__ import annotations

from typing import Any

import botocore.session
from botocore.validate import ParamValidator

from tests.byoa.local.test_processing import process
from tests.local_home import Home


def wrong(operation: str, answer: dict[str, Any]) -> list[str]:
    """What AWS's model says against an answer. That something is missing is no matter here."""
    model = botocore.session.get_session().get_service_model("sagemaker")
    shape = model.operation_model(operation).output_shape
    report = ParamValidator().validate(answer, shape).generate_report()
    return [line for line in report.splitlines() if line and "Missing required" not in line]


def test_training(home: Home):
    tags = [{"Key": "a", "Value": "b"}]
    made = home.sagemaker.create_training_job(
        **home.request(
            Tags=tags,
            Environment={"A": "b"},
            AlgorithmSpecification={"MetricDefinitions": [{"Name": "x", "Regex": "loss=(.*?);"}]},
        )
    )
    assert wrong("CreateTrainingJob", made) == []
    assert wrong("DescribeTrainingJob", home.describe()) == []
    assert wrong("DescribeTrainingJob", home.wait()) == []
    assert wrong("DescribeTrainingJob", home.train("bad", HyperParameters={"how": "fail"})) == []
    assert wrong("ListTrainingJobs", home.sagemaker.list_training_jobs(MaxResults=1)) == []
    arn = made["TrainingJobArn"]
    assert wrong("ListTags", home.sagemaker.list_tags(ResourceArn=arn)) == []
    assert wrong("AddTags", home.sagemaker.add_tags(ResourceArn=arn, Tags=tags)) == []
    tuning = home.sagemaker.list_hyper_parameter_tuning_jobs()
    assert wrong("ListHyperParameterTuningJobs", tuning) == []


def test_processing(home: Home):
    record = process(home, "(base / 'output/message').write_text('x')")
    assert wrong("DescribeProcessingJob", record) == []
    assert wrong("ListProcessingJobs", home.sagemaker.list_processing_jobs()) == []


def test_the_check_sees_what_is_wrong():
    assert wrong("AddTags", {"Tags": [], "Oops": 1})
    assert wrong("AddTags", {"Tags": [{"Key": 1, "Value": "x"}]})
