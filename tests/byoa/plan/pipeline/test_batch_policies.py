"""What jobs, machines and users of a pipeline on Batch may do: nothing beside it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from byoa.plan.iam import (
    TASKS,
    Access,
    batch_policy,
    batch_user_policy,
    machines_policy,
    role_request,
)

HERE = Access(
    account="123456789012", region="eu-west-1",
    write=["s3://b/flowers/pipelines/p/"], read=["s3://data/iris/"],
)  # fmt: skip


def of(policy: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {one.get("Sid", ""): one for one in policy["Statement"]}


def test_tasks_reach_their_pipelines_folder_and_what_is_named():
    found = of(batch_policy(HERE))
    assert set(found) == {"Read", "Write", "Where", "List0", "List1"}
    assert found["Write"]["Resource"] == ["arn:aws:s3:::b/flowers/pipelines/p/*"]
    assert found["Read"]["Resource"] == ["arn:aws:s3:::data/iris/*"]
    assert found["List0"]["Condition"] == {"StringLike": {"s3:prefix": ["flowers/pipelines/p/*"]}}


def test_on_fargate_they_pull_their_images_and_write_their_log():
    image = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/byoa-flowers-pipelines@sha256:1"
    found = of(batch_policy(replace(HERE, images=[image])))
    assert found["Pull"]["Resource"] == [
        "arn:aws:ecr:eu-west-1:123456789012:repository/byoa-flowers-pipelines"
    ]
    assert found["Logs"]["Resource"][0].endswith(":log-group:/aws/batch/job")
    assert not any("codebuild" in str(one) or "sagemaker" in str(one) for one in found.values())


def test_machines_join_pull_and_log_and_read_no_data():
    actions = {action for one in of(machines_policy("aws")).values() for action in one["Action"]}
    assert {action.split(":")[0] for action in actions} == {"ec2", "ecs", "ecr", "logs"}
    assert not any(action.startswith("ecr:Put") for action in actions)


def test_users_make_and_remove_what_is_named_after_their_project():
    found = of(batch_user_policy("123456789012", "eu-west-1", "aws", "flowers"))
    assert all("byoa-flowers" in arn for arn in found["Remove"]["Resource"])
    assert found["PassRole"]["Resource"] == [
        "arn:aws:iam::123456789012:role/byoa-flowers+batch",
        "arn:aws:iam::123456789012:role/byoa-flowers+machines",
    ]
    dotted = of(batch_user_policy("123456789012", "eu-west-1", "aws", "my.flowers"))
    assert all("byoa-my-flowers" in arn for arn in dotted["Remove"]["Resource"])
    assert dotted["PassRole"]["Resource"][0].endswith("role/byoa-my.flowers+batch")
    passed = found["PassRole"]["Condition"]["StringEquals"]["iam:PassedToService"]
    assert TASKS in passed
    assert (
        TASKS
        in role_request("byoa-flowers+batch", {}, TASKS, "123456789012")["AssumeRolePolicyDocument"]
    )
