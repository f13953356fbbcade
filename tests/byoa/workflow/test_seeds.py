"""The state machines of the two posts that byoa comes from: built, read, taken by AWS's rules."""

from __future__ import annotations

import json
import runpy
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from byoa.plan.workflow.check import problems
from byoa.workflow import Chain, Task, definition, from_json

NOTEBOOK = Path(__file__).parent / "fixtures" / "notebook.py"
IMAGE = "123456789012.dkr.ecr.us-east-1.amazonaws.com/mask-rcnn:latest"
ROLE = "arn:aws:iam::123456789012:role/jobs"
JOB, MODEL, ENDPOINT = (
    f"$$.Execution.Input['{name}']" for name in ("JobName", "ModelName", "EndpointName")
)
#: What the notebook's variables held before its cells.
BEFORE = {
    "image": IMAGE,
    "role": ROLE,
    "key": "mask-rcnn",
    "data_location": "s3://bucket/data/train.zip",
    "sess": SimpleNamespace(default_bucket=lambda: "bucket"),
    "workflow_execution_role": "arn:aws:iam::123456789012:role/workflow",
}
#: As stepfunctions 2.3.0 writes it, with the defaults that our requests say aloud; behind its last
#: state there is ours, which waits until the endpoint serves.
EXPECTED: dict[str, Any] = {
    "Calls CodeBuild to Build Container": {
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke",
        "Parameters": {"FunctionName": "Docker_Lambda", "Payload": {"input": "HelloWorld"}},
        "Retry": [
            {
                "ErrorEquals": ["States.TaskFailed"],
                "IntervalSeconds": 15,
                "MaxAttempts": 2,
                "BackoffRate": 4.0,
            }
        ],
        "Catch": [{"ErrorEquals": ["States.TaskFailed"], "Next": "LambdaTaskFailed"}],
        "Next": "Train Step",
    },
    "Train Step": {
        "Type": "Task",
        "Resource": "arn:aws:states:::sagemaker:createTrainingJob.sync",
        "Parameters": {
            "TrainingJobName.$": JOB,
            "AlgorithmSpecification": {"TrainingImage": IMAGE, "TrainingInputMode": "File"},
            "HyperParameters": {"num_epochs": "1", "num_classes": "2"},
            "InputDataConfig": [
                {
                    "ChannelName": "training",
                    "DataSource": {
                        "S3DataSource": {
                            "S3DataType": "S3Prefix",
                            "S3Uri": "s3://bucket/data",
                            "S3DataDistributionType": "FullyReplicated",
                        }
                    },
                    "InputMode": "File",
                }
            ],
            "OutputDataConfig": {"S3OutputPath": "s3://bucket/mask-rcnn/output"},
            "ResourceConfig": {
                "InstanceType": "ml.p2.xlarge",
                "InstanceCount": 1,
                "VolumeSizeInGB": 30,
            },
            "RoleArn": ROLE,
            "StoppingCondition": {"MaxRuntimeInSeconds": 86400},
            "EnableManagedSpotTraining": False,
            "EnableNetworkIsolation": False,
        },
        "Next": "Save model",
    },
    "Save model": {
        "Type": "Task",
        "Resource": "arn:aws:states:::sagemaker:createModel",
        "Parameters": {
            "ModelName.$": MODEL,
            "PrimaryContainer": {
                "Image": IMAGE,
                "Mode": "SingleModel",
                "ModelDataUrl.$": "$['ModelArtifacts']['S3ModelArtifacts']",
            },
            "ExecutionRoleArn": ROLE,
            "EnableNetworkIsolation": False,
        },
        "Next": "Create Endpoint Config",
    },
    "Create Endpoint Config": {
        "Type": "Task",
        "Resource": "arn:aws:states:::sagemaker:createEndpointConfig",
        "Parameters": {
            "EndpointConfigName.$": MODEL,
            "ProductionVariants": [
                {
                    "VariantName": "AllTraffic",
                    "ModelName.$": MODEL,
                    "InitialInstanceCount": 1,
                    "InstanceType": "ml.m5.large",
                    "InitialVariantWeight": 1.0,
                }
            ],
        },
        "Next": "Create Endpoint",
    },
    "Create Endpoint": {
        "Type": "Task",
        "Resource": "arn:aws:states:::sagemaker:createEndpoint",
        "Parameters": {"EndpointName.$": ENDPOINT, "EndpointConfigName.$": MODEL},
        "Next": "Create Endpoint: InService",
    },
    "LambdaTaskFailed": {"Type": "Fail"},
}


@pytest.fixture(scope="module")
def cells() -> dict[str, Any]:
    """What the notebook's names are after all of its cells ran."""
    return runpy.run_path(str(NOTEBOOK), init_globals=BEFORE)


def test_the_notebook_yields_its_state_machine(cells):
    made = definition(cells["workflow_definition"])
    assert problems(made) == []
    assert made["StartAt"] == "Calls CodeBuild to Build Container"
    serves = made["States"].pop("Create Endpoint: InService")
    assert made["States"] == EXPECTED
    assert serves["Type"] == "Parallel" and serves["End"] is True
    assert serves["Parameters"] == EXPECTED["Create Endpoint"]["Parameters"]


def test_the_notebooks_workflow_has_a_picture_and_knows_its_input(cells):
    workflow = cells["workflow"]
    assert problems(workflow.definition) == []
    assert "Train Step" in workflow.render_graph()._repr_svg_()
    assert cells["execution_input"].problems({"JobName": "a", "ModelName": 1}) == [
        "the input ModelName is 1, but the workflow takes text there - write one",
        "the input has no EndpointName - give text",
    ]


def test_the_notebooks_machine_is_read_back_and_edited(cells):
    graph = from_json(json.dumps(definition(cells["workflow_definition"])))
    assert graph.to_dict() == definition(cells["workflow_definition"])
    graph.states["Train Step"].set(timeout_seconds=3600)
    assert graph.to_dict()["States"]["Train Step"]["TimeoutSeconds"] == 3600


#: Printed in the post on the iris pipeline, as pipeline.json.
PIPELINE = """
{
  "Comment": "A simple AWS Step Functions state machine that orchestrates 3 Lambda functions.",
  "StartAt": "DataIngestion",
  "States": {
    "DataIngestion": {
      "Type": "Task",
      "Resource": "arn:aws:lambda:REGION:ACCOUNT_ID:function:data-ingestion-lambda",
      "Next": "Preprocessing"
    },
    "Preprocessing": {
      "Type": "Task",
      "Resource": "arn:aws:lambda:REGION:ACCOUNT_ID:function:preprocessing-lambda",
      "Next": "Training"
    },
    "Training": {
      "Type": "Task",
      "Resource": "arn:aws:lambda:REGION:ACCOUNT_ID:function:training-lambda",
      "End": true
    }
  }
}
"""


def test_three_lambdas_are_built_and_read():
    names = {
        "DataIngestion": "data-ingestion-lambda",
        "Preprocessing": "preprocessing-lambda",
        "Training": "training-lambda",
    }
    made = definition(
        Chain(
            Task(name, resource=f"arn:aws:lambda:REGION:ACCOUNT_ID:function:{function}")
            for name, function in names.items()
        ),
        comment="A simple AWS Step Functions state machine that orchestrates 3 Lambda functions.",
    )
    assert made == json.loads(PIPELINE) == from_json(PIPELINE).to_dict()
    for real in (made, from_json(PIPELINE).to_dict()):
        text = json.dumps(real).replace("REGION", "us-east-1").replace("ACCOUNT_ID", "1" * 12)
        assert problems(text) == []
