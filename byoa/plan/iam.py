"""The least that a project's jobs may do, as policies: exactly the buckets, images, logs named.

https://docs.aws.amazon.com/sagemaker/latest/dg/sagemaker-roles.html
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from byoa.plan import parts
from byoa.plan.ecr import parse_image
from byoa.plan.layout import bucket_and_key
from byoa.plan.limits import finished

POLICY_NAME = "byoa"
SAGEMAKER = "sagemaker.amazonaws.com"
CODEBUILD = "codebuild.amazonaws.com"
READ = ("s3:GetObject",)
#: DeleteObject: what a job deletes among its checkpoints goes from S3, too
WRITE = (*READ, "s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload")
PULL = ("ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer")
#: build_and_push.sh looks first, makes what is missing, and reads back what it pushed
PUSH = (
    *("ecr:DescribeRepositories", "ecr:CreateRepository", "ecr:DescribeImages"),
    *("ecr:InitiateLayerUpload", "ecr:UploadLayerPart", "ecr:CompleteLayerUpload", "ecr:PutImage"),
)
LOG = (
    "logs:CreateLogGroup",
    "logs:CreateLogStream",
    "logs:DescribeLogStreams",
    "logs:PutLogEvents",
)
#: Where the resource is "*", because AWS knows none for the action; the reason, and the condition.
EVERYWHERE = {
    "ecr:GetAuthorizationToken": "a token is for the whole registry; pulling needs more than it",
    "cloudwatch:PutMetricData": "metrics have no ARN; the condition names the namespaces",
    "ec2:DescribeDhcpOptions": "descriptions of networks have no resource level",
    "ec2:DescribeNetworkInterfaces": "descriptions of networks have no resource level",
    "ec2:DescribeSecurityGroups": "descriptions of networks have no resource level",
    "ec2:DescribeSubnets": "descriptions of networks have no resource level",
    "ec2:DescribeVpcs": "descriptions of networks have no resource level",
    "ssmmessages:CreateControlChannel": "channels of a shell in a job have no ARN beforehand",
    "ssmmessages:CreateDataChannel": "channels of a shell in a job have no ARN beforehand",
    "ssmmessages:OpenControlChannel": "channels of a shell in a job have no ARN beforehand",
    "ssmmessages:OpenDataChannel": "channels of a shell in a job have no ARN beforehand",
}
NAMESPACES = ["AWS/SageMaker", "/aws/sagemaker/*"]


@dataclass(frozen=True, kw_only=True)
class Access:
    """What a role reaches. Addresses: s3://bucket/folder/ is that folder and nothing beside it."""

    account: str
    region: str
    partition: str = "aws"
    write: Sequence[str] = ()  #: addresses in S3 that are read and written
    read: Sequence[str] = ()  #: addresses in S3 that are read
    images: Sequence[str] = ()  #: images in ECR that are pulled
    push: Sequence[str] = ()  #: images in ECR that are pushed, by CodeBuild
    kms_keys: Sequence[str] = ()  #: ARNs
    subnets: Sequence[str] = ()
    security_groups: Sequence[str] = ()
    remote_debug: bool = False

    def arn(self, service: str, resource: str, region: str | None = None) -> str:
        where = self.region if region is None else region
        return f"arn:{self.partition}:{service}:{where}:{self.account}:{resource}"

    def repository(self, image: str) -> str:
        """The ARN of an image's repository; one without a registry's host is the account's own."""
        found = parse_image(image)
        where = f"{found.region or self.region}:{found.account or self.account}"
        return f"arn:{self.partition}:ecr:{where}:repository/{found.repository}"


def trust_policy(service: str = SAGEMAKER, account: str = "") -> dict[str, Any]:
    """Who may become the role: the service, and only on behalf of this account."""
    allow: dict[str, Any] = {
        "Effect": "Allow",
        "Principal": {"Service": service},
        "Action": "sts:AssumeRole",
    }
    if account:
        allow["Condition"] = {"StringEquals": {"aws:SourceAccount": account}}
    return policy([allow])


def role_request(
    name: str, tags: Mapping[str, str], service: str = SAGEMAKER, account: str = ""
) -> dict[str, Any]:
    """The dict for create_role."""
    request = {
        "RoleName": name,
        "AssumeRolePolicyDocument": json.dumps(trust_policy(service, account)),
        "Description": "Made by byoa: what the jobs of one project may do.",
        "Tags": parts.tag_list(tags),
    }
    return finished("iam.CreateRole", request)


def role_policy_request(name: str, document: Mapping[str, Any]) -> dict[str, Any]:
    """The dict for put_role_policy."""
    request = {
        "RoleName": name,
        "PolicyName": POLICY_NAME,
        "PolicyDocument": json.dumps(document),
    }
    return finished("iam.PutRolePolicy", request)


def role_policy(access: Access) -> dict[str, Any]:
    """What the jobs and endpoints of a project may do."""
    groups = ("TrainingJobs", "ProcessingJobs", "TransformJobs", "Endpoints/*")
    metrics = {"StringLike": {"cloudwatch:namespace": NAMESPACES}}
    return policy(
        [
            *storage(access),
            *images(access),
            *logs(access, [f"/aws/sagemaker/{group}" for group in groups]),
            allowed("Metrics", ["cloudwatch:PutMetricData"], "*", metrics),
            *keys(access),
            *(network(access) if access.subnets else []),
            *(remote_debug() if access.remote_debug else []),
        ]
    )


def build_policy(access: Access, project: str) -> dict[str, Any]:
    """What CodeBuild may do: read the source, write its log, push exactly these images."""
    group = f"/aws/codebuild/{project}"
    return policy([*storage(access), *images(access), *logs(access, [group]), *keys(access)])


def storage(access: Access) -> list[dict[str, Any]]:
    """Listing below the named addresses and nowhere else; reading or writing exactly there."""
    made = []
    listed: dict[str, list[str]] = {}
    for sid, actions, addresses in (("Read", READ, access.read), ("Write", WRITE, access.write)):
        places = [bucket_and_key(uri) for uri in addresses]
        for bucket, key in places:
            listed.setdefault(bucket, []).append(key)
        objects = sorted({f"arn:{access.partition}:s3:::{bucket}/{key}*" for bucket, key in places})
        made += [allowed(sid, actions, objects)] if objects else []
    for number, bucket in enumerate(sorted(listed)):
        arn = f"arn:{access.partition}:s3:::{bucket}"
        below = sorted({f"{key}*" for key in listed[bucket]})
        condition = None if "*" in below else {"StringLike": {"s3:prefix": below}}
        made.append(allowed(f"List{number}", ["s3:ListBucket"], [arn], condition))
    where = [f"arn:{access.partition}:s3:::{bucket}" for bucket in sorted(listed)]
    return [*made, allowed("Where", ["s3:GetBucketLocation"], where)] if where else made


def images(access: Access) -> list[dict[str, Any]]:
    """Pulling exactly these repositories, pushing exactly those."""
    made = []
    for sid, actions, uris in (("Pull", PULL, access.images), ("Push", PULL + PUSH, access.push)):
        arns = {access.repository(uri) for uri in uris if not uri.startswith("process://")}
        made += [allowed(sid, actions, sorted(arns))] if arns else []
    return [*made, allowed("Token", ["ecr:GetAuthorizationToken"], "*")] if made else []


def logs(access: Access, groups: Iterable[str]) -> list[dict[str, Any]]:
    """Writing into exactly these log groups."""
    arns = [access.arn("logs", f"log-group:{group}{end}") for group in groups for end in ("", ":*")]
    return [allowed("Logs", LOG, arns)]


def keys(access: Access) -> list[dict[str, Any]]:
    """The given keys for data, and grants on them for AWS's own volumes."""
    if not access.kms_keys:
        return []
    use = ("kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey*")
    own = {"Bool": {"kms:GrantIsForAWSResource": "true"}}
    arns = list(access.kms_keys)
    return [allowed("Keys", use, arns), allowed("Volumes", ["kms:CreateGrant"], arns, own)]


def network(access: Access) -> list[dict[str, Any]]:
    """Network interfaces in the given subnets and security groups."""
    cards = access.arn("ec2", "network-interface/*")
    places = [access.arn("ec2", f"subnet/{name}") for name in access.subnets]
    places += [access.arn("ec2", f"security-group/{name}") for name in access.security_groups]
    own = [
        "ec2:CreateNetworkInterfacePermission",
        "ec2:DeleteNetworkInterface",
        "ec2:DeleteNetworkInterfacePermission",
    ]
    look = [action for action in EVERYWHERE if action.startswith("ec2:")]
    return [
        allowed("Cards", ["ec2:CreateNetworkInterface"], [cards, *places]),
        allowed("OwnCards", own, [cards]),
        allowed("Networks", look, "*"),
    ]


def remote_debug() -> list[dict[str, Any]]:
    """A shell inside a running job."""
    return [allowed("Shell", [name for name in EVERYWHERE if name.startswith("ssmmessages")], "*")]


def policy(statements: Iterable[dict[str, Any]]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def allowed(
    sid: str,
    actions: Iterable[str],
    resources: str | Sequence[str],
    condition: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """One statement of a policy."""
    made: dict[str, Any] = {"Sid": sid, "Effect": "Allow", "Action": sorted(actions)}
    made["Resource"] = resources if isinstance(resources, str) else list(resources)
    return made | ({"Condition": dict(condition)} if condition else {})


def buckets_of(document: Mapping[str, Any]) -> set[str]:
    """The buckets that a policy names."""
    found = re.findall(r"arn:[a-z-]+:s3:::([a-z0-9.-]+)", json.dumps(document))
    return set(found)
