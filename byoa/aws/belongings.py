"""What a project leaves on AWS besides SageMaker's own things: found by tag, removed one by one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from byoa.aws.bucket import MADE, find_bucket
from byoa.aws.endpoints import GROUP
from byoa.aws.logs import streams
from byoa.aws.registry import repositories
from byoa.aws.role import find_role
from byoa.plan.errors import error_code
from byoa.plan.layout import bucket_and_key
from byoa.plan.names import fitted, role_name

if TYPE_CHECKING:
    from byoa.aws.session import Session

TAG = "byoa:project"
JOB_GROUPS = ("TrainingJobs", "ProcessingJobs", "TransformJobs")


class Thing(NamedTuple):
    """Something that can be removed, and how."""

    kind: str
    name: str
    remove: Callable[[], object]


def beside_endpoint(session: Session, endpoint: str) -> Iterator[Thing]:
    """What stays behind when only the endpoint is deleted: scaling, alarms, its log group."""
    scaling = session.client("application-autoscaling")
    pages = scaling.get_paginator("describe_scalable_targets").paginate(
        ServiceNamespace="sagemaker"
    )
    for target in (one for page in pages for one in page["ScalableTargets"]):
        if target["ResourceId"].startswith(f"endpoint/{endpoint}/"):
            words = {
                key: target[key] for key in ("ServiceNamespace", "ResourceId", "ScalableDimension")
            }
            yield Thing(
                "scaling",
                target["ResourceId"],
                partial(scaling.deregister_scalable_target, **words),
            )
    watch = session.client("cloudwatch")
    own = {"Name": "EndpointName", "Value": endpoint}
    for alarm in watch.describe_alarms(AlarmNamePrefix=f"{endpoint}-")["MetricAlarms"]:
        if own in alarm["Dimensions"]:
            name = alarm["AlarmName"]
            yield Thing("alarm", name, partial(watch.delete_alarms, AlarmNames=[name]))
    yield from group(session, GROUP + endpoint)


def group(session: Session, name: str) -> Iterator[Thing]:
    """A log group that is the project's alone."""
    logs = session.client("logs")
    for one in logs.describe_log_groups(logGroupNamePrefix=name)["logGroups"]:
        if one["logGroupName"] == name:
            yield Thing("log group", name, partial(logs.delete_log_group, logGroupName=name))


def job_logs(logs: Any, jobs: Iterable[str]) -> Iterator[Thing]:
    """The jobs' streams in the groups that all jobs of an account share."""
    for job in jobs:
        for name in (f"/aws/sagemaker/{group}" for group in JOB_GROUPS):
            for stream in streams(logs, name, f"{job}/"):
                words = {"logGroupName": name, "logStreamName": stream}
                yield Thing("log stream", stream, partial(logs.delete_log_stream, **words))


def build_project(session: Session, project: str) -> Iterator[Thing]:
    codebuild, name = session.client("codebuild"), fitted(f"byoa-{project}")
    for found in codebuild.batch_get_projects(names=[name])["projects"]:
        if {"key": TAG, "value": project} in found.get("tags", ()):
            yield Thing("build project", name, partial(codebuild.delete_project, name=name))
            yield from group(session, f"/aws/codebuild/{name}")


def image_repositories(session: Session, project: str) -> Iterator[Thing]:
    ecr = session.client("ecr")
    for name, arn in repositories(session):
        if {"Key": TAG, "Value": project} in ecr.list_tags_for_resource(resourceArn=arn)["tags"]:
            remove = partial(ecr.delete_repository, repositoryName=name, force=True)
            yield Thing("repository", name, remove)


def roles(session: Session, project: str) -> Iterator[Thing]:
    """The jobs' and the builds' role, if they are byoa's and this project's."""
    iam = session.client("iam")
    for name in (role_name(project), role_name(f"{project}-build")):
        role = find_role(iam, name)
        if role and {"Key": TAG, "Value": project} in role.get("Tags", ()):
            yield Thing("role", name, partial(delete_role, iam, name))


def delete_role(iam: Any, name: str) -> None:
    """IAM deletes only a role without policies."""
    for page in iam.get_paginator("list_role_policies").paginate(RoleName=name):
        for policy in page["PolicyNames"]:
            iam.delete_role_policy(RoleName=name, PolicyName=policy)
    for page in iam.get_paginator("list_attached_role_policies").paginate(RoleName=name):
        for attached in page["AttachedPolicies"]:
            iam.detach_role_policy(RoleName=name, PolicyArn=attached["PolicyArn"])
    iam.delete_role(RoleName=name)


def bucket(session: Session, project_uri: str) -> Iterator[Thing]:
    """Old versions below the project, and the bucket if byoa made it and nobody else uses it."""
    name, prefix = bucket_and_key(project_uri)
    s3, owner = session.client("s3"), {"ExpectedBucketOwner": session.account}
    if find_bucket(s3, name, session.account) is None:
        return
    if any(versions(s3, name, prefix, owner)):
        remove = partial(delete_versions, s3, name, prefix, owner)
        yield Thing("old versions", project_uri, remove)
    tags = _tags(s3, name, owner)
    alone = all(one["Key"].startswith(prefix) for one in first_outside(s3, name, prefix, owner))
    if MADE.items() <= tags.items() and alone:
        yield Thing("bucket", name, partial(s3.delete_bucket, Bucket=name, **owner))


def first_outside(
    s3: Any, name: str, prefix: str, owner: dict[str, str]
) -> Iterator[dict[str, Any]]:
    """One object before and one after the project's, if there are any, old versions counted."""
    before = s3.list_object_versions(Bucket=name, MaxKeys=1, **owner)
    after = s3.list_object_versions(
        Bucket=name, MaxKeys=1, KeyMarker=f"{prefix}\U0010ffff", **owner
    )
    for page in (before, after):
        yield from (*page.get("Versions", ()), *page.get("DeleteMarkers", ()))


def _tags(s3: Any, name: str, owner: dict[str, str]) -> dict[str, str]:
    try:
        found = s3.get_bucket_tagging(Bucket=name, **owner)["TagSet"]
    except s3.exceptions.ClientError as error:
        if error_code(error) == "NoSuchTagSet":
            return {}
        raise
    return {tag["Key"]: tag["Value"] for tag in found}


def versions(s3: Any, name: str, prefix: str, owner: dict[str, str]) -> Iterator[dict[str, str]]:
    pages = s3.get_paginator("list_object_versions").paginate(Bucket=name, Prefix=prefix, **owner)
    for page in pages:
        for one in (*page.get("Versions", ()), *page.get("DeleteMarkers", ())):
            yield {"Key": one["Key"], "VersionId": one["VersionId"]}


def delete_versions(s3: Any, name: str, prefix: str, owner: dict[str, str]) -> None:
    """For good, by the 1,000."""
    found = list(versions(s3, name, prefix, owner))
    for at in range(0, len(found), 1000):
        some = {"Objects": found[at : at + 1000], "Quiet": True}
        failed = s3.delete_objects(Bucket=name, Delete=some, **owner).get("Errors", ())
        for one in failed:
            raise OSError(f"{one.get('Key')}: {one.get('Message')}")
