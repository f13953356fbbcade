from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from byoa.plan.iam import (
    Access,
    build_policy,
    role_policy,
    role_policy_request,
    role_request,
    trust_policy,
    user_policy,
)
from byoa.plan.tables import table
from tests.byoa.plan.policy_evaluator import allows, allows_in
from tests.byoa.plan.service_model import accepted

HERE: dict[str, Any] = {"account": "123456789012", "region": "us-east-1"}
HOST = ".".join(["123456789012", "dkr", "ecr", "us-east-1", "amazonaws", "com"])
ACCESS = Access(
    **HERE,
    write=["s3://mine/proj/"],
    read=["s3://public/data/train/"],
    images=[f"{HOST}/demo:latest"],
)
POLICY = role_policy(ACCESS)
OBJECT = "arn:aws:s3:::"
GROUP = "arn:aws:logs:us-east-1:123456789012:log-group:"
OURS = "arn:aws:ecr:us-east-1:123456789012:repository/demo"

ALLOWED = [
    ("s3:GetObject", OBJECT + "mine/proj/task/input/a"),
    ("s3:PutObject", OBJECT + "mine/proj/task/job/output/model.tar.gz"),
    ("s3:DeleteObject", OBJECT + "mine/proj/task/state/checkpoint"),
    ("s3:GetObject", OBJECT + "public/data/train/x"),
    ("s3:GetBucketLocation", OBJECT + "mine"),
    ("ecr:BatchGetImage", OURS),
    ("ecr:GetAuthorizationToken", "*"),
    ("logs:PutLogEvents", GROUP + "/aws/sagemaker/TrainingJobs:log-stream:x"),
    ("logs:CreateLogGroup", GROUP + "/aws/sagemaker/Endpoints/e"),
]  # fmt: skip
REFUSED = [
    ("s3:GetObject", OBJECT + "mine/proj2/secret"),
    ("s3:PutObject", OBJECT + "mine/proj2/x"),
    ("s3:GetObject", OBJECT + "mine/other"),
    ("s3:GetObject", OBJECT + "mine2/proj/x"),
    ("s3:PutObject", OBJECT + "public/data/train/x"),
    ("s3:GetObject", OBJECT + "public/data/test/x"),
    ("s3:DeleteBucket", OBJECT + "mine"),
    ("s3:PutBucketPolicy", OBJECT + "mine"),
    ("s3:ListAllMyBuckets", "*"),
    ("ecr:BatchGetImage", OURS + "2"),
    ("ecr:PutImage", OURS),
    ("ecr:BatchGetImage", "arn:aws:ecr:us-east-1:210987654321:repository/demo"),
    ("iam:PassRole", "arn:aws:iam::123456789012:role/admin"),
    ("iam:CreateRole", "arn:aws:iam::123456789012:role/x"),
    ("sts:AssumeRole", "arn:aws:iam::123456789012:role/x"),
    ("sagemaker:CreateTrainingJob", "arn:aws:sagemaker:us-east-1:123456789012:training-job/x"),
    ("logs:PutLogEvents", GROUP + "/aws/lambda/x:*"),
    ("logs:DeleteLogGroup", GROUP + "/aws/sagemaker/TrainingJobs"),
    ("logs:PutLogEvents", GROUP + "/aws/sagemaker/TrainingJobsX"),
    ("ec2:CreateNetworkInterface", "arn:aws:ec2:us-east-1:123456789012:subnet/subnet-1"),
    ("ec2:DescribeVpcs", "*"),
    ("kms:Decrypt", "arn:aws:kms:us-east-1:123456789012:key/1"),
    ("ssmmessages:OpenDataChannel", "*"),
    ("secretsmanager:GetSecretValue", "*"),
]  # fmt: skip


@pytest.mark.parametrize(("action", "resource"), ALLOWED)
def test_a_job_may_what_it_needs(action: str, resource: str):
    assert allows(POLICY, action, resource)


@pytest.mark.parametrize(("action", "resource"), REFUSED)
def test_a_job_may_nothing_else(action: str, resource: str):
    assert not allows(POLICY, action, resource)


@pytest.mark.parametrize(
    ("bucket", "prefix", "right"),
    [
        ("mine", "proj/", True),
        ("mine", "proj/task/input/", True),
        ("mine", "proj", False),
        ("mine", "proj2/", False),
        ("mine", "", False),
        ("public", "data/train/", True),
        ("public", "data/", False),
        ("other", "proj/", False),
    ],
)
def test_listing_goes_as_far_as_reading(bucket: str, prefix: str, right: bool):
    found = allows_in(POLICY, "s3:ListBucket", OBJECT + bucket, {"s3:prefix": prefix})
    assert found is right


def test_a_whole_bucket_may_be_named():
    policy = role_policy(Access(**HERE, read=["s3://all/"]))
    assert allows(policy, "s3:ListBucket", OBJECT + "all")
    assert allows(policy, "s3:GetObject", OBJECT + "all/anything")
    assert not allows(policy, "s3:GetObject", OBJECT + "all2/anything")


def test_an_address_without_a_slash_is_a_prefix_as_sagemaker_reads_it():
    policy = role_policy(Access(**HERE, read=["s3://b/data"]))
    assert allows(policy, "s3:GetObject", OBJECT + "b/data2/x")
    assert allows_in(policy, "s3:ListBucket", OBJECT + "b", {"s3:prefix": "data"})


def test_metrics_go_into_sagemakers_namespaces_only():
    for namespace, right in {
        "/aws/sagemaker/TrainingJobs": True,
        "AWS/EC2": False,
        "": False,
    }.items():
        context = {"cloudwatch:namespace": namespace} if namespace else {}
        assert allows_in(POLICY, "cloudwatch:PutMetricData", "*", context) is right


def test_network_keys_and_shell_come_only_when_asked_for():
    key = "arn:aws:kms:us-east-1:123456789012:key/1"
    policy = role_policy(
        Access(
            **HERE,
            subnets=["subnet-1"],
            security_groups=["sg-1"],
            kms_keys=[key],
            remote_debug=True,
        )
    )
    ec2 = "arn:aws:ec2:us-east-1:123456789012:"
    for resource in ("subnet/subnet-1", "security-group/sg-1", "network-interface/eni-1"):
        assert allows(policy, "ec2:CreateNetworkInterface", ec2 + resource)
    assert not allows(policy, "ec2:CreateNetworkInterface", ec2 + "subnet/subnet-2")
    assert allows(policy, "ec2:DescribeVpcs")
    assert allows(policy, "kms:Decrypt", key)
    assert not allows(policy, "kms:Decrypt", key + "2")
    of_id = role_policy(Access(account="123456789012", region="us-east-1", kms_keys=["1"]))
    assert allows(of_id, "kms:Decrypt", key)
    assert not allows(policy, "kms:CreateGrant", key)
    assert allows_in(policy, "kms:CreateGrant", key, {"kms:GrantIsForAWSResource": "true"})
    assert allows(policy, "ssmmessages:CreateDataChannel")
    assert not allows(policy, "ssm:StartSession")


def test_codebuild_pushes_exactly_the_image_and_reads_exactly_the_source():
    access = Access(**HERE, read=["s3://mine/proj/builds/x.zip"], push=[f"{HOST}/demo"])
    policy = build_policy(access, "byoa-proj")
    for action in ("ecr:PutImage", "ecr:DescribeRepositories", "ecr:CreateRepository"):
        assert allows(policy, action, OURS)
    assert allows(policy, "ecr:GetAuthorizationToken")
    assert not allows(policy, "ecr:PutImage", OURS + "2")
    assert allows(policy, "s3:GetObject", OBJECT + "mine/proj/builds/x.zip")
    assert allows(policy, "s3:GetObjectVersion", OBJECT + "mine/proj/builds/x.zip")
    assert not allows(policy, "s3:PutObject", OBJECT + "mine/proj/builds/x.zip")
    group = GROUP + "/aws/codebuild/"
    assert allows(policy, "logs:PutLogEvents", group + "byoa-proj:log-stream:1")
    assert not allows(policy, "logs:PutLogEvents", group + "byoa-proj2:log-stream:1")
    assert not allows_in(
        policy, "cloudwatch:PutMetricData", "*", {"cloudwatch:namespace": "AWS/SageMaker"}
    )


def test_images_without_a_host_are_the_accounts_own_and_processes_are_none():
    policy = role_policy(Access(**HERE, images=["127.0.0.1:5000/demo:1", "process:///x/y"]))
    assert allows(policy, "ecr:BatchGetImage", OURS)
    assert "process" not in json.dumps(policy)


USER = user_policy("123456789012", "us-east-1", "aws", "proj", "mine")
SAGEMAKER = "arn:aws:sagemaker:us-east-1:123456789012:"
ROLE = "arn:aws:iam::123456789012:role/"


def test_a_user_drives_the_project_and_no_other():
    ours, theirs = {"byoa:project": "proj"}, {"byoa:project": "proj2"}
    for tags, right in ((ours, True), (theirs, False), ({}, False)):
        made = {f"aws:RequestTag/{key}": value for key, value in tags.items()}
        has = {f"aws:ResourceTag/{key}": value for key, value in tags.items()}
        job = SAGEMAKER + "training-job/x"
        assert allows_in(USER, "sagemaker:CreateTrainingJob", job, made) is right
        for action in ("StopTrainingJob", "DescribeTrainingJob", "DeleteTrainingJob"):
            assert allows_in(USER, f"sagemaker:{action}", job, has) is right
        endpoint = SAGEMAKER + "endpoint/x"
        for action in ("InvokeEndpoint", "UpdateEndpoint", "DeleteEndpoint"):
            assert allows_in(USER, f"sagemaker:{action}", endpoint, has) is right


def test_a_user_deletes_the_projects_images_only():
    for tag, right in (("proj", True), ("proj2", False)):
        for key, action in (("Resource", "DeleteRepository"), ("Request", "TagResource")):
            told = {f"aws:{key}Tag/byoa:project": tag}
            assert allows_in(USER, f"ecr:{action}", OURS, told) is right


def test_a_user_passes_the_projects_role_to_sagemaker_only():
    def passes(role: str, service: str) -> bool:
        return allows_in(USER, "iam:PassRole", ROLE + role, {"iam:PassedToService": service})

    assert passes("byoa-proj", "sagemaker.amazonaws.com")
    assert passes("byoa-proj+build", "codebuild.amazonaws.com")
    assert not passes("byoa-proj", "ec2.amazonaws.com")
    assert not passes("byoa-proj2", "sagemaker.amazonaws.com")
    assert not passes("admin", "sagemaker.amazonaws.com")
    assert not allows(USER, "iam:CreateRole", ROLE + "admin")
    assert not allows(USER, "iam:AttachRolePolicy", ROLE + "byoa-proj")


def test_a_users_objects_are_below_the_project():
    assert allows(USER, "s3:PutObject", OBJECT + "mine/proj/x")
    assert not allows(USER, "s3:PutObject", OBJECT + "mine/proj2/x")
    assert not allows(USER, "s3:PutBucketPolicy", OBJECT + "mine")
    assert allows(USER, "s3:CreateBucket", OBJECT + "mine")
    assert not allows(USER, "s3:CreateBucket", OBJECT + "other")


def statements() -> list[dict[str, Any]]:
    return [
        one
        for name, part in table("policies.json").items()
        if isinstance(part, list) and name != "trust"
        for one in part
    ]


def test_a_star_is_a_resource_only_with_a_reason():
    for statement in statements():
        starred = (
            "*" in statement["Resource"]
            if isinstance(statement["Resource"], list)
            else statement["Resource"] == "*"
        )
        assert starred is ("Why" in statement), statement["Sid"]  # fmt: skip
        for action in statement["Action"]:
            assert not action.endswith(":*"), action
            assert action.partition(":")[2][0].isupper()


def test_reasons_and_holes_do_not_reach_aws():
    everything = Access(
        **HERE,
        write=["s3://a/b/"],
        read=["s3://c/d/"],
        images=["x"],
        push=["y"],
        kms_keys=["k"],
        subnets=["s"],
        security_groups=["g"],
        remote_debug=True,
    )
    for policy in (role_policy(everything), build_policy(everything, "p"), USER, POLICY):
        text = json.dumps(policy)
        assert "{project}" not in text
        for statement in policy["Statement"]:
            assert statement.keys() <= {"Sid", "Effect", "Action", "Resource", "Condition"}
            assert statement["Resource"]
            assert "{" not in json.dumps(statement["Resource"])
        names = [statement["Sid"] for statement in policy["Statement"]]
        assert len(names) == len(set(names))
        assert len(text) < 10_240, "IAM's limit of all inline policies of a role"


def test_the_user_policy_fits_a_managed_one():
    assert len(json.dumps(USER, separators=(",", ":"))) <= 6_144


def test_the_requests_of_a_role():
    request = role_request("byoa-proj", {"byoa:project": "proj"}, account="123456789012")
    accepted("iam", "CreateRole", request)
    assert json.loads(request["AssumeRolePolicyDocument"]) == {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": "sagemaker.amazonaws.com"},
                "Action": "sts:AssumeRole",
                "Condition": {"StringEqualsIfExists": {"aws:SourceAccount": "123456789012"}},
            }
        ],
    }
    assert "Condition" not in trust_policy("codebuild.amazonaws.com")["Statement"][0]
    accepted("iam", "PutRolePolicy", role_policy_request("byoa-proj", POLICY))


KEYS = st.from_regex(r"[a-z0-9]{1,4}(/[a-z0-9]{1,3}){0,2}/", fullmatch=True)


@given(KEYS, KEYS)
def test_no_folder_reaches_another(ours: str, theirs: str):
    policy = role_policy(Access(**HERE, write=[f"s3://b/{ours}"]))
    inside = theirs.startswith(ours)
    for action in ("s3:GetObject", "s3:PutObject", "s3:DeleteObject"):
        assert allows(policy, action, f"{OBJECT}b/{theirs}x") is inside
    assert allows_in(policy, "s3:ListBucket", f"{OBJECT}b", {"s3:prefix": theirs}) is inside
