"""CloudFormation's own: a handle that nothing waits for."""

from __future__ import annotations

from byoa.sandbox.cloudformation.kinds import Aws, Kind, Props


def create(aws: Aws, name: str, props: Props) -> str:
    return f"https://cloudformation-waitcondition-{aws.region}.s3.amazonaws.com/{name}"


def delete(aws: Aws, identity: str, props: Props) -> None:
    """There is nothing to take away."""


KINDS = {"AWS::CloudFormation::WaitConditionHandle": Kind(create, delete)}
