"""What a project leaves on AWS besides SageMaker's own things: found by tag, removed one by one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from byoa.aws.bucket import MADE, find_bucket, tags_of
from byoa.aws.endpoints import GROUP
from byoa.aws.logs import streams
from byoa.aws.role import find_role
from byoa.plan.infrastructure import short
from byoa.plan.layout import bucket_and_key
from byoa.plan.names import BUILD, fitted, role_name

if TYPE_CHECKING:
    from byoa.aws.session import Session

TAG = "byoa:project"
SCALED = ("ServiceNamespace", "ResourceId", "ScalableDimension")
JOB_GROUPS = ("TrainingJobs", "ProcessingJobs", "TransformJobs")


class Thing(NamedTuple):
    """Something that can be removed, and how."""

    kind: str
    name: str
    remove: Callable[[], object]


def beside_endpoint(session: Session, endpoint: str) -> Iterator[Thing]:
    """What stays behind when only the endpoint is deleted: scaling, alarms, its log group."""
    scaling, watch = session.client("application-autoscaling"), session.client("cloudwatch")
    pages = scaling.get_paginator("describe_scalable_targets").paginate(
        ServiceNamespace="sagemaker"
    )
    for target in (one for page in pages for one in page["ScalableTargets"]):
        if (name := target["ResourceId"]).startswith(f"endpoint/{endpoint}/"):
            words = {key: target[key] for key in SCALED}
            yield Thing("scaling", name, partial(scaling.deregister_scalable_target, **words))
    own = {"Name": "EndpointName", "Value": endpoint}
    pages = watch.get_paginator("describe_alarms").paginate(AlarmNamePrefix=f"{endpoint}-")
    for alarm in (one for page in pages for one in page["MetricAlarms"]):
        if own in alarm.get("Dimensions", ()):  # one of several metrics has none
            names = [alarm["AlarmName"]]
            yield Thing("alarm", names[0], partial(watch.delete_alarms, AlarmNames=names))
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
    """Those of `byoa build`; the stack's own is byoa.aws.infrastructure's."""
    ecr, of_stack = session.client("ecr"), f"byoa-{short(project)}"
    for page in ecr.get_paginator("describe_repositories").paginate():
        for one in page["repositories"]:
            name, arn = one["repositoryName"], one["repositoryArn"]
            if name == of_stack:
                continue
            tags = ecr.list_tags_for_resource(resourceArn=arn)["tags"]
            if {"Key": TAG, "Value": project} in tags:
                words = {"repositoryName": name, "force": True}
                yield Thing("repository", name, partial(ecr.delete_repository, **words))


def roles(session: Session, project: str) -> Iterator[Thing]:
    """The jobs' and the builds' role, if they are byoa's and this project's."""
    iam = session.client("iam")
    for name in (role_name(project), role_name(project, BUILD)):
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


def uploads(session: Session, project_uri: str) -> Iterator[Thing]:
    """Uploads that were cut and never gone on with: no list shows them, the bill does."""
    name, prefix = bucket_and_key(project_uri)
    s3, where = session.client("s3"), {"Bucket": name, "ExpectedBucketOwner": session.account}
    if find_bucket(s3, name, session.account) is None:
        return
    for page in s3.get_paginator("list_multipart_uploads").paginate(**where, Prefix=prefix):
        for one in page.get("Uploads", ()):
            words = {**where, "Key": one["Key"], "UploadId": one["UploadId"]}
            yield Thing(
                "unfinished upload", one["Key"], partial(s3.abort_multipart_upload, **words)
            )


def bucket(session: Session, project_uri: str) -> Iterator[Thing]:
    """Old versions below the project, and the bucket if byoa made it and nobody else uses it."""
    name, prefix = bucket_and_key(project_uri)
    s3 = session.client("s3")
    if find_bucket(s3, name, session.account) is None:
        return
    where = {"Bucket": name, "ExpectedBucketOwner": session.account}
    if _versions(s3.list_object_versions(**where, Prefix=prefix, MaxKeys=1)):
        yield Thing("old versions", project_uri, partial(delete_versions, s3, where, prefix))
    after = s3.list_object_versions(**where, MaxKeys=1, KeyMarker=f"{prefix}\U0010ffff")
    first = _versions(s3.list_object_versions(**where, MaxKeys=1))
    alone = not _versions(after) and all(one["Key"].startswith(prefix) for one in first)
    if alone and MADE.items() <= tags_of(s3, name, session.account).items():
        yield Thing("bucket", name, partial(s3.delete_bucket, **where))


def _versions(page: Any) -> list[dict[str, str]]:
    found = (*page.get("Versions", ()), *page.get("DeleteMarkers", ()))
    return [{"Key": one["Key"], "VersionId": one["VersionId"]} for one in found]


def delete_versions(s3: Any, where: dict[str, str], prefix: str) -> None:
    """For good, page by page."""
    for page in s3.get_paginator("list_object_versions").paginate(**where, Prefix=prefix):
        if some := _versions(page):
            done = s3.delete_objects(**where, Delete={"Objects": some, "Quiet": True})
            for one in done.get("Errors", ()):
                raise OSError(f"{one.get('Key')}: {one.get('Message')}")
