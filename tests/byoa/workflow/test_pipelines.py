"""TrainingPipeline and InferencePipeline: their states, and what an execution is given."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from byoa.plan.errors import UsageError
from byoa.plan.workflow.check import problems
from byoa.plan.workflow.road import Pace
from byoa.workflow import Estimator, InferencePipeline, Retry, TrainingInput, TrainingPipeline
from tests.byoa.plan.workflow.fake_sagemaker import SageMaker, run
from tests.byoa.workflow.conftest import PROJECT, Here

ROLE = "arn:aws:iam::123456789012:role/jobs"
IMAGE = "123456789012.dkr.ecr.us-east-1.amazonaws.com/cells:1"
ALGORITHM = f"process://{Path(__file__).parents[3]}/tests/small_algorithm"
GIVEN = {"JobName": "cells-1", "Hyperparameters": {"epochs": "3"}}


class Jobs(SageMaker):
    """Jobs end at once; a trained model lies where SageMaker puts it."""

    def __call__(self, action: str, given: Any) -> Any:
        if not action.endswith(".sync"):
            return super().__call__(action, given)
        self.called.append(action)
        self.requests.append((action, given))
        name = given.get("TrainingJobName") or given["TransformJobName"]
        self.jobs[name] = given
        folder = given.get("OutputDataConfig", {}).get("S3OutputPath")
        artifacts = {"S3ModelArtifacts": f"{folder}/{name}/output/model.tar.gz"}
        return {**given, "ModelArtifacts": artifacts} if folder else given


def estimator(image: str = IMAGE, **hyperparameters: Any) -> Estimator:
    made = Estimator(image, ROLE, 1, "ml.m5.large")
    made.set_hyperparameters(**hyperparameters)
    return made


def test_a_training_pipeline_trains_and_serves():
    pipeline = TrainingPipeline(
        estimator(epochs=1), ROLE, "s3://bucket/data", "bucket", pipeline_name="cells"
    )
    definition = pipeline.get_workflow().definition
    assert problems(definition) == []
    assert list(definition["States"]) == [
        "Training", "Create Model", "Configure Endpoint", "Deploy", "Deploy: InService",
    ]  # fmt: skip
    sagemaker = Jobs()
    assert run(definition, GIVEN, sagemaker)["EndpointStatus"] == "InService"
    job = sagemaker.jobs["estimator-cells-1"]
    assert job["HyperParameters"] == {"epochs": "3"}
    assert sagemaker.models["cells-1"]["PrimaryContainer"]["ModelDataUrl"] == (
        "s3://bucket/cells/models/estimator-cells-1/output/model.tar.gz"
    )
    assert [*sagemaker.configs] == [*sagemaker.models] == ["cells-1"]
    assert sagemaker.endpoints["cells-1"]["EndpointConfigName"] == "cells-1"


@pytest.mark.parametrize("train", ["s3://bucket/train", TrainingInput("s3://bucket/train")])
def test_an_inference_pipeline_prepares_trains_and_serves_both(train: Any):
    pipeline = InferencePipeline(
        estimator(f"{IMAGE}-prepare", rows=7), estimator(), {"train": train}, "bucket", ROLE,
        compression_type="Gzip", content_type="text/csv", pipeline_name="cells",
        retry=Retry(error_equals=["States.Timeout"], interval_seconds=1),
    )  # fmt: skip
    definition = pipeline.get_workflow().definition
    assert problems(definition) == []
    assert list(definition["States"])[:7] == [
        "Train Preprocessor", "Create Preprocessor Model", "Transform Input", "Training",
        "Create Pipeline Model", "Configure Endpoint", "Deploy",
    ]  # fmt: skip
    states = list(definition["States"].items())[:7]
    assert all(state["Retry"] for _, state in states)
    sagemaker = Jobs()
    run(definition, GIVEN, sagemaker)
    first, transform, second = (
        given for action, given in sagemaker.requests if action.endswith("sync")
    )
    assert first["TrainingJobName"] == transform["ModelName"] == "preprocessor-cells-1"
    assert first["HyperParameters"] == {"rows": "7"}
    assert transform["TransformInput"]["DataSource"]["S3DataSource"]["S3Uri"] == "s3://bucket/train"
    prepared = second["InputDataConfig"][0]["DataSource"]["S3DataSource"]["S3Uri"]
    assert prepared == transform["TransformOutput"]["S3OutputPath"]
    containers = sagemaker.models["cells-1"]["Containers"]
    assert [one["ModelDataUrl"] for one in containers] == [
        f"s3://bucket/cells/models/{name}-cells-1/output/model.tar.gz"
        for name in ("preprocessor", "estimator")
    ]


def test_the_channel_to_prepare_has_to_be_named():
    with pytest.raises(UsageError, match="the one to prepare as train"):
        InferencePipeline(estimator(), estimator(), {"data": "s3://b/x"}, "bucket", ROLE)


def test_two_pipelines_without_a_name_differ():
    first, second = (
        TrainingPipeline(estimator(), ROLE, "s3://bucket/data", "bucket") for _ in range(2)
    )
    assert first.pipeline_name.startswith("training-pipeline-")
    assert first.pipeline_name != second.pipeline_name


def test_a_training_pipeline_runs(here: Here):
    trust = {"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}}
    document = {"Version": "2012-10-17", "Statement": [{**trust, "Action": "sts:AssumeRole"}]}
    role = here.client("iam").create_role(
        RoleName="pipeline-jobs", AssumeRolePolicyDocument=json.dumps(document)
    )["Role"]["Arn"]
    here.client("s3").create_bucket(Bucket="pipelines")
    here.client("s3").put_object(Bucket="pipelines", Key="data/a.txt", Body=b"1\n2\n")
    trained = Estimator(ALGORITHM, role, 1, "ml.m5.large")
    trained.set_hyperparameters(steps=1)
    pipeline = TrainingPipeline(
        trained, None, "s3://pipelines/data", "pipelines", pipeline_name="small",
        pace=Pace(pause=1), on="sandbox", project=PROJECT,
    )  # fmt: skip
    pipeline.create()
    execution = pipeline.execute("small-1", {"factor": 3})
    found = execution.get_output(wait=True)
    assert found["EndpointName"] == "small-1" and found["EndpointStatus"] == "InService"
    answer = here.client("sagemaker-runtime").invoke_endpoint(
        EndpointName="small-1", Body=b"7", ContentType="text/plain"
    )
    assert json.loads(answer["Body"].read())["answer"] == 21
    here.client("sagemaker").delete_endpoint(EndpointName="small-1")
    pipeline.get_workflow().delete()
