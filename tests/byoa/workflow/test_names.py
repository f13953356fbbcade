"""byoa.workflow has the SDK's names, so that a notebook changes its import lines only."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

import byoa.workflow

#: What stepfunctions 2.3.0 exports, less what draws in a notebook's HTML.
SDK = re.findall(
    r"\w+",
    """
Pass Succeed Fail Wait Choice Parallel Map Task Chain Retry Catch ChoiceRule Graph
ExecutionInput StepInput Workflow Execution TrainingPipeline InferencePipeline
TrainingStep TransformStep ModelStep EndpointConfigStep EndpointStep TuningStep ProcessingStep
LambdaStep BatchSubmitJobStep GlueStartJobRunStep EcsRunTaskStep
DynamoDBGetItemStep DynamoDBPutItemStep DynamoDBUpdateItemStep DynamoDBDeleteItemStep
EksCallStep EksCreateClusterStep EksCreateFargateProfileStep EksCreateNodegroupStep
EksDeleteClusterStep EksDeleteFargateProfileStep EksDeleteNodegroupStep EksRunJobStep
EmrCreateClusterStep EmrTerminateClusterStep EmrAddStepStep EmrCancelStepStep
EmrSetClusterTerminationProtectionStep EmrModifyInstanceFleetByNameStep
EmrModifyInstanceGroupByNameStep EventBridgePutEventsStep GlueDataBrewStartJobRunStep
SnsPublishStep SqsSendMessageStep StepFunctionsStartExecutionStep IntegrationPattern
""",
)


@pytest.mark.parametrize("name", SDK)
def test_the_sdks_names_are_here(name):
    assert name in byoa.workflow.__all__


@pytest.mark.parametrize("name", byoa.workflow.__all__)
def test_every_name_can_be_had(name):
    assert getattr(byoa.workflow, name) is not None


def test_another_name_is_none():
    with pytest.raises(AttributeError, match=r"byoa\.workflow has no 'Nothing'"):
        byoa.workflow.Nothing  # noqa: B018


def test_the_builders_load_neither_boto3_nor_the_driver():
    script = (
        "import sys, byoa.workflow; "
        "sys.exit(str({'boto3', 'botocore', 'moto', 'yaml'} & set(sys.modules) or '') or 0)"
    )
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60)


def test_all_that_is_imported_is_named():
    imported = {
        name
        for name, one in vars(byoa.workflow).items()
        if getattr(one, "__module__", "").startswith("byoa.plan.workflow")
    }
    assert imported - set(byoa.workflow.__all__) == set()
    assert byoa.workflow.__all__ == sorted(byoa.workflow.__all__)
