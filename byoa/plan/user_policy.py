"""What whoever types `byoa` needs, for one project: `byoa doctor --policy` prints it.

Jobs and endpoints are told apart by their tag, the rest by name. The role and the bucket may be
made beforehand by somebody else: then take the statements MakeRole and MakeBucket out.
"""

from __future__ import annotations

from typing import Any

from byoa.plan import iam, names
from byoa.plan.iam import Access, allowed

KINDS = (
    *("TrainingJob", "ProcessingJob", "TransformJob", "HyperParameterTuningJob"),
    *("Model", "EndpointConfig", "Endpoint"),
)
#: sagemaker's actions on what carries the project's tag
OWN = (
    *(f"Describe{kind}" for kind in KINDS),
    *(f"Delete{kind}" for kind in KINDS if kind not in ("TransformJob", "HyperParameterTuningJob")),
    *(f"Stop{kind}" for kind in KINDS[:4]),
    *("UpdateEndpoint", "InvokeEndpoint", "InvokeEndpointAsync", "AddTags", "ListTags"),
)
#: Actions without a resource level, and what they are for
LISTS = (
    *(f"sagemaker:List{kind}s" for kind in KINDS),
    *("sagemaker:Search", "tag:GetResources", "servicequotas:GetServiceQuota"),
    *("ecr:GetAuthorizationToken", "cloudwatch:DescribeAlarms"),
    *("application-autoscaling:DescribeScalableTargets", "logs:DescribeLogGroups"),
)
BUCKET = (
    *("CreateBucket", "ListBucket", "GetBucketLocation", "GetBucketTagging", "PutBucketTagging"),
    *("PutBucketVersioning", "PutEncryptionConfiguration", "PutBucketPublicAccessBlock"),
    *("PutLifecycleConfiguration", "GetEncryptionConfiguration", "GetBucketVersioning"),
)
OBJECTS = (*iam.WRITE, "s3:ListMultipartUploadParts", "s3:DeleteObjectVersion")
ROLE = (
    *("CreateRole", "GetRole", "TagRole", "DeleteRole", "UpdateAssumeRolePolicy"),
    *("PutRolePolicy", "GetRolePolicy", "DeleteRolePolicy", "ListRolePolicies", "ListRoleTags"),
)
REPOSITORY = (
    *("PutLifecyclePolicy", "TagResource", "ListImages", "DeleteRepository", "BatchDeleteImage"),
    *("SetRepositoryPolicy", "ListTagsForResource"),
)
BUILD = (
    *("CreateProject", "UpdateProject", "DeleteProject", "BatchGetProjects"),
    *("StartBuild", "StopBuild", "BatchGetBuilds"),
)
SCALE = (
    *("RegisterScalableTarget", "DeregisterScalableTarget"),
    *("PutScalingPolicy", "DeleteScalingPolicy", "TagResource"),
)
LOGS = ("DescribeLogStreams", "GetLogEvents", "FilterLogEvents", "DeleteLogStream")


def user_policy(
    account: str, region: str, partition: str, project: str, bucket: str, role: str = ""
) -> dict[str, Any]:
    """The policy of a user, a group or a CI role that drives one project."""
    here = Access(account=account, region=region, partition=partition)
    tag, name = {"byoa:project": project}, role or names.role_name(project)
    made = {f"aws:RequestTag/{key}": value for key, value in tag.items()}
    has = {f"aws:ResourceTag/{key}": value for key, value in tag.items()}
    roles = [here.arn("iam", f"role/{name}", ""), here.arn("iam", f"role/{name}-build", "")]
    services = {"StringEquals": {"iam:PassedToService": [iam.SAGEMAKER, iam.CODEBUILD]}}
    store = f"arn:{partition}:s3:::{bucket}"
    groups = ("/aws/sagemaker/*", f"/aws/codebuild/byoa-{project}*")
    logs = [here.arn("logs", f"log-group:{group}{end}") for group in groups for end in ("", ":*")]
    ours = here.arn("sagemaker", "*")
    creates = [f"sagemaker:Create{kind}" for kind in KINDS]
    return iam.policy(
        [
            allowed("Create", [*creates, "sagemaker:AddTags"], [ours], {"StringEquals": made}),
            allowed("Own", _of("sagemaker", OWN), [ours], {"StringEquals": has}),
            allowed("Lists", LISTS, "*"),
            allowed("MakeBucket", _of("s3", BUCKET), [store]),
            allowed("Objects", OBJECTS, [f"{store}/{project}/*"]),
            allowed("MakeRole", _of("iam", ROLE), roles),
            allowed("PassRole", ["iam:PassRole"], roles, services),
            allowed(
                "Images",
                [*iam.PULL, *iam.PUSH, *_of("ecr", REPOSITORY)],
                [here.arn("ecr", "repository/*")],
            ),
            allowed("Builds", _of("codebuild", BUILD), [here.arn("codebuild", "project/byoa-*")]),
            allowed("Logs", _of("logs", LOGS), logs),
            allowed(
                "Scaling",
                _of("application-autoscaling", SCALE),
                [here.arn("application-autoscaling", "scalable-target/*")],
            ),
            allowed(
                "Alarms",
                ["cloudwatch:PutMetricAlarm", "cloudwatch:DeleteAlarms", "cloudwatch:TagResource"],
                [here.arn("cloudwatch", "alarm:*")],
            ),
        ]
    )


def _of(service: str, actions: tuple[str, ...]) -> list[str]:
    return [f"{service}:{action}" for action in actions]
