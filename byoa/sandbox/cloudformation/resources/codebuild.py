"""CodeBuild: projects."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from byoa.sandbox.cloudformation.kinds import Aws, Kind, Props, small, words

#: The API's word for what CloudFormation calls otherwise.
RENAMED = {"buildSpec": "buildspec", "visibility": "projectVisibility"}


def request(name: str, props: Props) -> dict[str, Any]:
    """create_project's arguments."""
    made = small({key: value for key, value in props.items() if key != "Name"})
    for old, new in RENAMED.items():
        for part in (made, made.get("source", {}), *made.get("secondarySources", [])):
            if old in part:
                part[new] = part.pop(old)
    return {"name": name, **made}


def create(aws: Aws, name: str, props: Props) -> str:
    aws.client("codebuild").create_project(**request(name, props))
    return name


def update(aws: Aws, name: str, before: Props, after: Props) -> None:
    aws.client("codebuild").update_project(**request(name, after))


def delete(aws: Aws, name: str, props: Props) -> None:
    aws.client("codebuild").delete_project(name=name)


def attributes(aws: Aws, name: str, props: Props) -> Mapping[str, Any]:
    arn = f"arn:aws:codebuild:{aws.region}:{aws.account}:project/{name}"
    return {"Arn": arn, "Id": arn}


def live(aws: Aws, name: str, props: Props) -> Props | None:
    found = aws.client("codebuild").batch_get_projects(names=[name])["projects"]
    if not found:
        return None
    wanted, project = request(name, props), found[0]

    def now(key: str) -> Any:
        small_key = key[:1].lower() + key[1:]
        same = key == "Tags" or project.get(small_key) == wanted.get(small_key)
        return props[key] if same else project.get(small_key)

    return {key: now(key) for key in props}


KINDS = {
    "AWS::CodeBuild::Project": Kind(
        create,
        delete,
        update,
        attributes,
        live,
        words(
            "Name Description Source SecondarySources SourceVersion Artifacts SecondaryArtifacts "
            "Environment ServiceRole TimeoutInMinutes QueuedTimeoutInMinutes EncryptionKey Cache "
            "LogsConfig ConcurrentBuildLimit Tags VpcConfig Visibility BadgeEnabled"
        ),
        name="Name",
        longest=150,
    ),
}
