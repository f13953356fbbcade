"""ECR: repositories."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from byoa.sandbox.cloudformation.kinds import (
    Aws,
    Kind,
    Props,
    as_json,
    forgiving,
    gone,
    or_else,
    present,
    small,
    words,
)


def create(aws: Aws, name: str, props: Props) -> str:
    aws.client("ecr").create_repository(
        repositoryName=name,
        **present(
            imageTagMutability=props.get("ImageTagMutability"),
            imageScanningConfiguration=small_or_none(props.get("ImageScanningConfiguration")),
            encryptionConfiguration=small_or_none(props.get("EncryptionConfiguration")),
            tags=props.get("Tags"),
        ),
    )
    with or_else(delete, aws, name, props):
        settings(aws, name, {}, props)
    return name


def small_or_none(value: Any) -> Any:
    return None if value is None else small(value)


def settings(aws: Aws, name: str, before: Props, after: Props) -> None:
    """What has calls of its own."""
    ecr = aws.client("ecr")
    text = (after.get("LifecyclePolicy") or {}).get("LifecyclePolicyText")
    if text and before.get("LifecyclePolicy") != after.get("LifecyclePolicy"):
        ecr.put_lifecycle_policy(repositoryName=name, lifecyclePolicyText=text)
    elif not text and before.get("LifecyclePolicy"):
        forgiving(ecr.delete_lifecycle_policy, repositoryName=name)
    if after.get("RepositoryPolicyText") != before.get("RepositoryPolicyText"):
        if after.get("RepositoryPolicyText"):
            policy = as_json(after["RepositoryPolicyText"])
            ecr.set_repository_policy(repositoryName=name, policyText=policy)
        else:
            forgiving(ecr.delete_repository_policy, repositoryName=name)


def update(aws: Aws, name: str, before: Props, after: Props) -> None:
    ecr = aws.client("ecr")
    if before.get("ImageTagMutability") != after.get("ImageTagMutability"):
        wanted = after.get("ImageTagMutability", "MUTABLE")
        ecr.put_image_tag_mutability(repositoryName=name, imageTagMutability=wanted)
    if before.get("ImageScanningConfiguration") != after.get("ImageScanningConfiguration"):
        scanning = small(after.get("ImageScanningConfiguration") or {"ScanOnPush": False})
        ecr.put_image_scanning_configuration(
            repositoryName=name, imageScanningConfiguration=scanning
        )
    if after.get("Tags"):
        arn = attributes(aws, name, after)["Arn"]
        ecr.tag_resource(resourceArn=arn, tags=after["Tags"])
    settings(aws, name, before, after)


def delete(aws: Aws, name: str, props: Props) -> None:
    """A repository that holds images stays, unless the template says EmptyOnDelete."""
    force = bool(props.get("EmptyOnDelete"))
    forgiving(aws.client("ecr").delete_repository, repositoryName=name, force=force)


def attributes(aws: Aws, name: str, props: Props) -> Mapping[str, Any]:
    found = aws.client("ecr").describe_repositories(repositoryNames=[name])["repositories"][0]
    return {"Arn": found["repositoryArn"], "RepositoryUri": found["repositoryUri"]}


def live(aws: Aws, name: str, props: Props) -> Props | None:
    try:
        found = aws.client("ecr").describe_repositories(repositoryNames=[name])["repositories"][0]
    except Exception as error:
        if gone(error):
            return None
        raise
    return {"RepositoryName": name, "ImageTagMutability": found["imageTagMutability"]}


KINDS = {
    "AWS::ECR::Repository": Kind(
        create,
        delete,
        update,
        attributes,
        live,
        words(
            "RepositoryName ImageTagMutability ImageScanningConfiguration EncryptionConfiguration "
            "Tags LifecyclePolicy RepositoryPolicyText EmptyOnDelete"
        ),
        name="RepositoryName",
        longest=256,
        lower=True,
    ),
}
