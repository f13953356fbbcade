"""Build, train, compare, deploy: the workflow of the project's stack, and what `init` begins with.

`stack_definition` is infrastructure/build-train-deploy.asl.json, whose ${…} CloudFormation fills in
(DefinitionSubstitutions); a test compares the two.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from byoa.plan.workflow.blocks import Retry
from byoa.plan.workflow.chain import Chain, definition
from byoa.plan.workflow.deploy import CALM, DeployStep
from byoa.plan.workflow.estimator import Estimator
from byoa.plan.workflow.functions import BuildImageStep
from byoa.plan.workflow.gate import GateStep
from byoa.plan.workflow.road import Pace
from byoa.plan.workflow.sagemaker import TrainingStep
from byoa.plan.workflow.tagging import tagged

#: How a job of this project's images prints a figure: `validation_segm_map=0.41;`
NUMBER = r"([0-9.]+(?:e[-+]?[0-9]+)?)"


@dataclass(frozen=True, kw_only=True)
class BuildTrainDeploy:
    """What the workflow works with; the names are those of the project's stack."""

    build_function: str
    build_project: str
    role: str
    bucket: str
    endpoint: str
    metric: str = "validation_segm_map"
    margin: float = 0
    train_type: str = "ml.g5.xlarge"
    serve_type: str = "ml.m5.xlarge"
    pace: Pace = CALM


def metric_definition(name: str) -> dict[str, str]:
    """How SageMaker finds a figure in a job's lines."""
    return {"Name": name, "Regex": rf"\b{name}={NUMBER};"}


def build_train_deploy(wanted: BuildTrainDeploy) -> Chain:
    """Input: Context (a zip in S3) or Image; Data (a folder in S3); Hyperparameters if any.

    Data has training/ and validation/: models are compared on the same pictures.
    """
    build = BuildImageStep("Build", wanted.build_function, wanted.build_project)
    estimator = Estimator(
        build.output()["Image"], wanted.role, 1, wanted.train_type,
        output_path=f"s3://{wanted.bucket}/models",
        metric_definitions=[metric_definition(wanted.metric)],
    )  # fmt: skip
    data = build.output()["Data"]
    train = TrainingStep(
        "Train",
        estimator,
        data={"training": f"{data}training/", "validation": f"{data}validation/"},
        hyperparameters=build.output()["Hyperparameters"],
        retry=throttled(),
    )
    gate = GateStep(
        "Gate", metric=wanted.metric, endpoint_name=wanted.endpoint, margin=wanted.margin
    )
    deploy = DeployStep(
        "Deploy",
        endpoint_name=wanted.endpoint,
        model=train.get_expected_model(),
        instance_type=wanted.serve_type,
        pace=wanted.pace,
    )
    return Chain([build, train, gate, deploy])


def throttled() -> Retry:
    """SageMaker's busy moments, and no machine of the type for now; not a job that failed."""
    errors = ["SageMaker.AmazonSageMakerException", "SageMaker.ResourceLimitExceededException"]
    return Retry(error_equals=errors, interval_seconds=10, max_attempts=3, backoff_rate=3.0)


#: What stands in the definition until CloudFormation puts the stack's own in its place. Numbers and
#: addresses have to be such as AWS takes, so they are ones that nobody has.
STANDINS = BuildTrainDeploy(
    build_function="__BuildImageArn__",
    build_project="__BuildProject__",
    role="arn:aws:iam::000000000000:role/JobRoleArn",
    bucket="bucket-of-the-stack",
    endpoint="endpoint-of-the-stack",
    metric="__Metric__",
    margin=0.0625,
    train_type="ml.g5.48xlarge",
    serve_type="ml.g5.24xlarge",
    pace=Pace(pause=29),
)
SUBSTITUTIONS = {
    "__BuildImageArn__": "${BuildImageArn}",
    "__BuildProject__": "${BuildProject}",
    "arn:aws:iam::000000000000:role/JobRoleArn": "${JobRoleArn}",
    "bucket-of-the-stack": "${Bucket}",
    "endpoint-of-the-stack": "${Name}",
    "__Metric__": "${Metric}",
    "0.0625": "${Margin}",
    "ml.g5.48xlarge": "${TrainInstanceType}",
    "ml.g5.24xlarge": "${ServeInstanceType}",
    '"Seconds": 29': '"Seconds": "{% ${PauseSeconds} %}"',
    "$byoa_looks * 29 <": "$byoa_looks * ${PauseSeconds} <",
    "arn:aws:states:::": "arn:${Partition}:states:::",
}


def stack_definition() -> str:
    """infrastructure/build-train-deploy.asl.json, whole."""
    comment = "Builds the image if its code changed, trains, and deploys a model that is no worse."
    made: dict[str, Any] = definition(build_train_deploy(STANDINS), comment=comment)
    made = tagged(made, {"byoa:project": "${Project}"})
    text = json.dumps(made, indent=2, ensure_ascii=False)
    for standin, name in SUBSTITUTIONS.items():
        text = text.replace(standin, name)
    return f"{text}\n"
