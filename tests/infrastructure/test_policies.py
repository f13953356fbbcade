"""What each role of the template may do, and what it may not."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from byoa.plan.infrastructure import Infrastructure
from byoa.plan.workflow.permissions import execution_policy
from tests.byoa.plan.policy_evaluator import allows_in, like, listed
from tests.infrastructure.resolved import ACCOUNT, REGION, ROOT, Resolved

PLAIN = Resolved()
OTHER = f"arn:aws:ecr:{REGION}:210987654321:repository/base"
WIDER = Resolved(SourceArns="arn:aws:s3:::other,arn:aws:s3:::other/*", OtherRepositories=OTHER)
NAMES = Infrastructure(project="cells", account=ACCOUNT, region=REGION)
BUCKET = f"arn:aws:s3:::{NAMES.bucket}"
IMAGES = f"arn:aws:ecr:{REGION}:{ACCOUNT}:repository/byoa-cells"
LOGS = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:"
BUILDS = f"arn:aws:codebuild:{REGION}:{ACCOUNT}:project/"
SAGEMAKER = f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:"
LAMBDA = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:"
OURS = {"aws:RequestTag/byoa:project": "cells"}
THEIRS = {"aws:RequestTag/byoa:project": "cells2"}
HAS_OURS = {"aws:ResourceTag/byoa:project": "cells"}
HAS_THEIRS = {"aws:ResourceTag/byoa:project": "cells2"}
TO_SAGEMAKER = {"iam:PassedToService": "sagemaker.amazonaws.com"}
TO_CODEBUILD = {"iam:PassedToService": "codebuild.amazonaws.com"}
TO_LAMBDA = {"iam:PassedToService": "lambda.amazonaws.com"}

#: role, action, resource, context: allowed
ALLOWED: list[tuple[str, str, str, dict[str, str]]] = [
    ("JobRole", "s3:GetObject", f"{BUCKET}/incoming/data/a", {}),
    ("JobRole", "s3:PutObject", f"{BUCKET}/models/job/output/model.tar.gz", {}),
    ("JobRole", "s3:PutObject", f"{BUCKET}/data/train/x", {}),
    ("JobRole", "s3:ListBucket", BUCKET, {}),
    ("JobRole", "ecr:BatchGetImage", IMAGES, {}),
    ("JobRole", "ecr:GetAuthorizationToken", "*", {}),
    ("JobRole", "logs:PutLogEvents", f"{LOGS}/aws/sagemaker/TrainingJobs:log-stream:x", {}),
    ("JobRole", "cloudwatch:PutMetricData", "*", {"cloudwatch:namespace": "/aws/sagemaker/x"}),
    ("BuildRole", "s3:GetObject", f"{BUCKET}/builds/x.zip", {}),
    ("BuildRole", "ecr:PutImage", IMAGES, {}),
    ("BuildRole", "ecr:PutImage", f"{IMAGES}/small", {}),
    ("BuildRole", "logs:PutLogEvents", f"{LOGS}/aws/codebuild/byoa-cells_image:log-stream:x", {}),
    ("BuildImageRole", "s3:GetObject", f"{BUCKET}/incoming/context.zip", {}),
    ("BuildImageRole", "s3:PutObject", f"{BUCKET}/builds/x.zip", {}),
    ("BuildImageRole", "s3:ListBucket", BUCKET, {}),
    ("BuildImageRole", "ecr:CreateRepository", f"{IMAGES}/small", {}),
    ("BuildImageRole", "ecr:TagResource", f"{IMAGES}/small", OURS),
    ("BuildImageRole", "ecr:DescribeImages", IMAGES, {}),
    ("BuildImageRole", "ecr:PutImage", IMAGES, {}),
    ("BuildImageRole", "codebuild:StartBuild", f"{BUILDS}byoa-cells_image", {}),
    ("BuildImageRole", "codebuild:ListBuildsForProject", f"{BUILDS}byoa-cells_image", {}),
    ("BuildImageRole", "iam:PassRole", NAMES.role_arn("build"), TO_CODEBUILD),
    ("IngestDataRole", "s3:PutObject", f"{BUCKET}/data/a.csv", {}),
    ("IngestDataRole", "s3:PutObject", f"{BUCKET}/.byoa-ingest/1/state.json", {}),
    ("IngestDataRole", "s3:DeleteObject", f"{BUCKET}/.byoa-ingest/1/state.json", {}),
    ("IngestDataRole", "s3:ListMultipartUploadParts", f"{BUCKET}/.byoa-ingest/1/data", {}),
    ("IngestDataRole", "s3:GetObject", f"{BUCKET}/incoming/a", {}),
    ("IngestDataRole", "logs:PutLogEvents", f"{LOGS}/aws/lambda/byoa-cells_ingest-data:*", {}),
    ("PreprocessDataRole", "sagemaker:CreateProcessingJob", f"{SAGEMAKER}processing-job/x", OURS),
    ("PreprocessDataRole", "sagemaker:DescribeProcessingJob", f"{SAGEMAKER}processing-job/x", {}),
    ("PreprocessDataRole", "iam:PassRole", NAMES.role_arn("jobs"), TO_SAGEMAKER),
    ("TrainModelRole", "sagemaker:CreateTrainingJob", f"{SAGEMAKER}training-job/x", OURS),
    ("TrainModelRole", "sagemaker:DescribeTrainingJob", f"{SAGEMAKER}training-job/x", {}),
    ("TrainModelRole", "iam:PassRole", NAMES.role_arn("jobs"), TO_SAGEMAKER),
    ("MachineRole", "lambda:InvokeFunction", f"{LAMBDA}byoa-cells_build-image", {}),
    ("MachineRole", "codebuild:StartBuild", f"{BUILDS}byoa-cells_image", {}),
    ("MachineRole", "iam:PassRole", NAMES.role_arn("jobs"), TO_SAGEMAKER),
    ("MachineRole", "sagemaker:CreateTrainingJob", f"{SAGEMAKER}training-job/train-x", OURS),
    ("MachineRole", "sagemaker:CreateEndpoint", f"{SAGEMAKER}endpoint/byoa-cells", OURS),
    ("MachineRole", "sagemaker:UpdateEndpoint", f"{SAGEMAKER}endpoint/byoa-cells", HAS_OURS),
    ("MachineRole", "sagemaker:ListTags", f"{SAGEMAKER}training-job/train-x", {}),
    ("MachineRole", "sagemaker:DeleteModel", f"{SAGEMAKER}model/train-x", HAS_OURS),
    ("MachineRole", "sagemaker:DescribeTrainingJob", f"{SAGEMAKER}training-job/older", {}),
    ("EventsRole", "states:StartExecution", NAMES.machine_arn, {}),
]
REFUSED: list[tuple[str, str, str, dict[str, str]]] = [
    ("JobRole", "s3:PutObject", f"{BUCKET}/builds/x.zip", {}),
    ("JobRole", "s3:GetObject", "arn:aws:s3:::other/x", {}),
    ("JobRole", "s3:DeleteBucket", BUCKET, {}),
    ("JobRole", "s3:PutBucketPolicy", BUCKET, {}),
    ("JobRole", "ecr:PutImage", IMAGES, {}),
    ("JobRole", "ecr:BatchGetImage", f"{IMAGES}2", {}),
    ("JobRole", "cloudwatch:PutMetricData", "*", {"cloudwatch:namespace": "AWS/EC2"}),
    ("JobRole", "iam:PassRole", NAMES.role_arn("jobs"), TO_SAGEMAKER),
    ("JobRole", "sagemaker:CreateTrainingJob", f"{SAGEMAKER}training-job/x", OURS),
    ("BuildRole", "s3:GetObject", f"{BUCKET}/models/x", {}),
    ("BuildRole", "s3:PutObject", f"{BUCKET}/builds/x.zip", {}),
    ("BuildRole", "ecr:PutImage", f"{IMAGES}2", {}),
    ("BuildRole", "ecr:DeleteRepository", IMAGES, {}),
    ("BuildRole", "logs:PutLogEvents", f"{LOGS}/aws/codebuild/byoa-cells_image2:log-stream:x", {}),
    ("BuildImageRole", "s3:PutObject", f"{BUCKET}/models/x", {}),
    ("BuildImageRole", "ecr:CreateRepository", f"{IMAGES}2", {}),
    ("BuildImageRole", "ecr:TagResource", IMAGES, THEIRS),
    ("BuildImageRole", "codebuild:StartBuild", f"{BUILDS}byoa-cells", {}),
    ("BuildImageRole", "codebuild:DeleteProject", f"{BUILDS}byoa-cells_image", {}),
    ("BuildImageRole", "iam:PassRole", NAMES.role_arn("build"), TO_LAMBDA),
    ("BuildImageRole", "iam:PassRole", NAMES.role_arn("jobs"), TO_CODEBUILD),
    ("IngestDataRole", "s3:PutObject", f"{BUCKET}/models/x", {}),
    ("IngestDataRole", "s3:DeleteObject", f"{BUCKET}/data/x", {}),
    ("IngestDataRole", "s3:GetObject", "arn:aws:s3:::other/x", {}),
    ("IngestDataRole", "lambda:InvokeFunction", f"{LAMBDA}byoa-cells_ingest-data", {}),
    ("PreprocessDataRole", "sagemaker:CreateProcessingJob", f"{SAGEMAKER}processing-job/x", {}),
    ("PreprocessDataRole", "sagemaker:CreateProcessingJob", f"{SAGEMAKER}processing-job/x", THEIRS),
    ("PreprocessDataRole", "sagemaker:CreateTrainingJob", f"{SAGEMAKER}training-job/x", OURS),
    ("PreprocessDataRole", "iam:PassRole", NAMES.role_arn("jobs"), TO_LAMBDA),
    ("TrainModelRole", "sagemaker:StopTrainingJob", f"{SAGEMAKER}training-job/x", {}),
    ("TrainModelRole", "sagemaker:CreateEndpoint", f"{SAGEMAKER}endpoint/x", OURS),
    ("TrainModelRole", "iam:PassRole", f"arn:aws:iam::{ACCOUNT}:role/admin", TO_SAGEMAKER),
    ("MachineRole", "lambda:InvokeFunction", f"{LAMBDA}other", {}),
    ("MachineRole", "iam:PassRole", NAMES.role_arn("build"), TO_SAGEMAKER),
    ("MachineRole", "iam:PassRole", NAMES.role_arn("jobs"), TO_LAMBDA),
    ("MachineRole", "sagemaker:CreateTrainingJob", f"{SAGEMAKER}training-job/train-x", THEIRS),
    ("MachineRole", "sagemaker:CreateTrainingJob", f"{SAGEMAKER}training-job/x", OURS),
    ("MachineRole", "sagemaker:DeleteEndpoint", f"{SAGEMAKER}endpoint/other", HAS_OURS),
    ("MachineRole", "sagemaker:DeleteEndpoint", f"{SAGEMAKER}endpoint/byoa-cells", HAS_THEIRS),
    ("MachineRole", "sagemaker:DeleteModel", f"{SAGEMAKER}model/train-x", HAS_THEIRS),
    ("MachineRole", "sagemaker:CreateProcessingJob", f"{SAGEMAKER}processing-job/x", OURS),
    ("EventsRole", "states:StartExecution", f"{NAMES.machine_arn}2", {}),
    ("EventsRole", "states:StopExecution", NAMES.machine_arn, {}),
]
ROLES = sorted(PLAIN.of_type("AWS::IAM::Role"))


@pytest.mark.parametrize(("role", "action", "resource", "context"), ALLOWED)
def test_a_role_may_what_it_needs(role: str, action: str, resource: str, context: dict[str, str]):
    assert allows_in(PLAIN.policy(role), action, resource, context)


@pytest.mark.parametrize(("role", "action", "resource", "context"), REFUSED)
def test_a_role_may_nothing_else(role: str, action: str, resource: str, context: dict[str, str]):
    assert not allows_in(PLAIN.policy(role), action, resource, context)


@pytest.mark.parametrize("role", ROLES)
def test_nothing_can_write_where_uploads_start_the_workflow(role: str):
    """What keeps a run from starting the next one: permissions, not good intentions."""
    for statement in WIDER.policy(role)["Statement"]:
        writes = [one for one in listed(statement["Action"]) if one.startswith("s3:Put")]
        if writes:
            assert not any(
                like(f"{BUCKET}/incoming/x", one) for one in listed(statement["Resource"])
            )
    for action in ("s3:PutObject", "s3:DeleteObject", "s3:PutBucketNotification"):
        for path in ("", "/incoming/x", "/incoming/data/_READY"):
            assert not allows_in(WIDER.policy(role), action, BUCKET + path, {})


@pytest.mark.parametrize("role", ROLES)
def test_only_the_machine_and_its_rules_start_anything(role: str):
    may = allows_in(PLAIN.policy(role), "states:StartExecution", NAMES.machine_arn, {})
    assert may is (role == "EventsRole")


@pytest.mark.parametrize("role", ROLES)
def test_only_what_has_no_resources_is_allowed_on_all(role: str):
    known = {
        "cloudwatch:PutMetricData", "ecr:GetAuthorizationToken", "logs:CreateLogDelivery",
        "logs:DeleteLogDelivery", "logs:DescribeLogGroups", "logs:DescribeResourcePolicies",
        "logs:GetLogDelivery", "logs:ListLogDeliveries", "logs:PutResourcePolicy",
        "logs:UpdateLogDelivery", "xray:GetSamplingRules", "xray:GetSamplingTargets",
        "xray:PutTelemetryRecords", "xray:PutTraceSegments",
    }  # fmt: skip
    policy = WIDER.policy(role)
    for statement in policy["Statement"]:
        assert not any(action.endswith("*") for action in listed(statement["Action"]))
        if "*" in listed(statement["Resource"]):
            assert set(listed(statement["Action"])) <= known
    sids = [statement["Sid"] for statement in policy["Statement"]]
    assert len(sids) == len(set(sids))
    assert len(json.dumps(policy)) < 10_240, "IAM's limit of all inline policies of a role"


@pytest.mark.parametrize("role", ROLES)
def test_a_role_is_taken_on_by_one_service_for_this_account(role: str):
    services = {
        "JobRole": "sagemaker", "BuildRole": "codebuild", "MachineRole": "states",
        "EventsRole": "events",
    }  # fmt: skip
    (statement,) = PLAIN.resources[role]["Properties"]["AssumeRolePolicyDocument"]["Statement"]
    assert statement["Principal"] == {"Service": f"{services.get(role, 'lambda')}.amazonaws.com"}
    assert statement["Condition"] == {"StringEqualsIfExists": {"aws:SourceAccount": ACCOUNT}}


def test_the_machine_may_what_its_states_need_and_no_more():
    """byoa.plan.workflow's own judgement of the definition, both ways."""
    filled = PLAIN.resources["Machine"]["Properties"]["DefinitionSubstitutions"]
    text = (ROOT / "infrastructure/build-train-deploy.asl.json").read_text()
    text = re.sub(r"\$\{(\w+)\}", lambda hole: str(filled[hole[1]]), text)
    place = {"account": ACCOUNT, "region": REGION}
    needed = execution_policy(json.loads(text), **place, logs=True, tracing=True)
    ours = PLAIN.policy("MachineRole")

    def pairs(policy: dict[str, Any]) -> set[tuple[str, str]]:
        return {
            (action, resource)
            for statement in policy["Statement"]
            for action in listed(statement["Action"])
            for resource in listed(statement["Resource"])
        }

    def reached(pair: tuple[str, str], policy: dict[str, Any]) -> bool:
        return any(action == pair[0] and like(pair[1], one) for action, one in pairs(policy))

    assert [pair for pair in sorted(pairs(needed)) if not reached(pair, ours)] == []
    assert [pair for pair in sorted(pairs(ours)) if not reached(pair, needed)] == []


def test_other_sources_and_images_are_read_when_they_are_named():
    for role in ("JobRole", "IngestDataRole"):
        assert allows_in(WIDER.policy(role), "s3:GetObject", "arn:aws:s3:::other/x", {})
        assert not allows_in(WIDER.policy(role), "s3:PutObject", "arn:aws:s3:::other/x", {})
    for role in ("JobRole", "BuildRole"):
        assert allows_in(WIDER.policy(role), "ecr:BatchGetImage", OTHER, {})
        assert not allows_in(PLAIN.policy(role), "ecr:BatchGetImage", OTHER, {})
        assert not allows_in(WIDER.policy(role), "ecr:PutImage", OTHER, {})


def test_environments_hold_names_and_nothing_secret():
    for one in PLAIN.of_type("AWS::Lambda::Function").values():
        variables: dict[str, Any] = one["Environment"]["Variables"]
        assert not [key for key in variables if key.startswith(("AWS_", "_", "LAMBDA_"))]
