"""The least that jobs, builds and users of a project may do (policies.json), and their roles.

https://docs.aws.amazon.com/sagemaker/latest/dg/sagemaker-roles.html
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from byoa.plan import names, templates
from byoa.plan.ecr import parse_image
from byoa.plan.infrastructure import Infrastructure
from byoa.plan.layout import bucket_and_key
from byoa.plan.tables import table

POLICY_NAME = "byoa"
SAGEMAKER = "sagemaker.amazonaws.com"
CODEBUILD = "codebuild.amazonaws.com"
TASKS = "ecs-tasks.amazonaws.com"  #: AWS Batch's jobs
EC2 = "ec2.amazonaws.com"
JOB_LOGS = tuple(
    f"/aws/sagemaker/{kind}"
    for kind in ("TrainingJobs", "ProcessingJobs", "TransformJobs", "Endpoints/*")
)


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
    kms_keys: Sequence[str] = ()  #: ARNs, or ids of the account's own
    subnets: Sequence[str] = ()
    security_groups: Sequence[str] = ()
    remote_debug: bool = False

    def arns(self, service: str, kind: str, found: Iterable[str]) -> list[str]:
        start = f"arn:{self.partition}:{service}:{self.region}:{self.account}:{kind}"
        return [start + name for name in found]

    def repository(self, image: str) -> str:
        """The ARN of an image's repository; one without a registry's host is the account's own."""
        found = parse_image(image)
        where = f"{found.region or self.region}:{found.account or self.account}"
        return f"arn:{self.partition}:ecr:{where}:repository/{found.repository}"


def trust_policy(service: str = SAGEMAKER, account: str = "") -> dict[str, Any]:
    """Who may become the role: the service, and on behalf of no other account."""
    return policy(["trust"], {"service": service, "account": account or None})


def role_request(
    name: str, tags: Mapping[str, str], service: str = SAGEMAKER, account: str = ""
) -> dict[str, Any]:
    """The dict for create_role."""
    trust = json.dumps(trust_policy(service, account))
    return templates.request("iam.CreateRole", {"name": name, "trust": trust, "tags": tags})


def role_policy_request(name: str, document: Mapping[str, Any]) -> dict[str, Any]:
    """The dict for put_role_policy."""
    values = {"name": name, "document": json.dumps(document)}
    return templates.request("iam.PutRolePolicy", values)


def role_policy(access: Access) -> dict[str, Any]:
    """What the jobs and endpoints of a project may do."""
    return policy(["storage", "images", "logs", "job", "keys"], values(access, JOB_LOGS))


def build_policy(access: Access, project: str) -> dict[str, Any]:
    """What CodeBuild may do: read the source, write its log, push exactly these images."""
    groups = [f"/aws/codebuild/{project}"]
    return policy(["storage", "source", "images", "logs", "keys"], values(access, groups))


def batch_policy(access: Access) -> dict[str, Any]:
    """What the tasks of a pipeline on AWS Batch may do; on Fargate they pull their images."""
    groups = ["/aws/batch/job"] if access.images else []
    return policy(["storage", "images", "logs", "keys"], values(access, groups))


def machines_policy(partition: str) -> dict[str, Any]:
    """What the machines of a compute environment may do: join its cluster, pull, log.

    AWS's own AmazonEC2ContainerServiceforEC2Role allows the same.
    """
    return policy(["machines"], {"partition": partition})


def batch_user_policy(account: str, region: str, partition: str, project: str) -> dict[str, Any]:
    """What `byoa pipeline --on batch` needs besides: `byoa doctor --policy pipelines` prints it."""
    start = f"arn:{partition}:iam::{account}"
    both = (names.role_name(project, names.BATCH), names.role_name(project, names.MACHINES))
    words = {
        "account": account, "region": region, "partition": partition,
        # as Batch's own names are
        "project": names.fitted(f"byoa-{project}", 100).removeprefix("byoa-"),
        "roles": [f"{start}:role/{name}" for name in both],
        "profiles": [f"{start}:instance-profile/{both[1]}"],
    }  # fmt: skip
    return policy(["batch"], words)


def user_policy(
    account: str, region: str, partition: str, project: str, bucket: str, role: str = ""
) -> dict[str, Any]:
    """What whoever types `byoa` needs for one project: `byoa doctor --policy` prints it.

    Jobs and endpoints are told apart by their tag, the rest by name. Where somebody else makes the
    role and the bucket, take the statements Role and Bucket out.
    """
    here = Access(account=account, region=region, partition=partition)
    both = (role or names.role_name(project), names.role_name(project, names.BUILD))
    roles = [f"arn:{partition}:iam::{account}:role/{name}" for name in both]
    return policy(["user"], vars(here) | {"project": project, "bucket": bucket, "roles": roles})


def setup_policy(here: Infrastructure, code_bucket: str) -> dict[str, Any]:
    """What `byoa setup` and `byoa teardown` need beside the user's own policy, for one project."""
    words = {"name": here.name, "data": here.bucket, "code": code_bucket}
    return policy(["setup"], vars(here) | words)


def workflow_user_policy(
    account: str, region: str, partition: str, project: str, bucket: str
) -> dict[str, Any]:
    """What `byoa workflow` needs besides: `byoa doctor --policy workflows` prints it.

    State machines are told apart by their tag; executions have none, so all of them may be seen.
    """
    here = {"account": account, "region": region, "partition": partition}
    roles = [f"arn:{partition}:iam::{account}:role/byoa-{project}+*"]
    return policy(["workflow"], here | {"project": project, "bucket": bucket, "roles": roles})


def values(access: Access, log_groups: Iterable[str]) -> dict[str, Any]:
    """What the statements ask for, as ARNs."""
    objects = f"arn:{access.partition}:s3:::"
    reached = [bucket_and_key(uri) for uri in (*access.read, *access.write)]
    keys = [key if ":" in key else access.arns("kms", "key/", [key])[0] for key in access.kms_keys]
    images = [
        sorted({access.repository(uri) for uri in uris if not uri.startswith("process://")})
        for uris in (access.images, access.push)
    ]
    return {
        "read": sorted({f"{objects}{uri[5:]}*" for uri in access.read}) or None,
        "write": sorted({f"{objects}{uri[5:]}*" for uri in access.write}) or None,
        "buckets": sorted({objects + bucket for bucket, _ in reached}) or None,
        "pull": images[0] or None,
        "push": images[1] or None,
        "images": images[0] + images[1],
        "groups": access.arns(
            "logs", "log-group:", [group + end for group in log_groups for end in ("", ":*")]
        ),
        "kms_keys": keys or None,
        "cards": access.arns("ec2", "network-interface/", "*"),
        "subnets": access.arns("ec2", "subnet/", access.subnets),
        "security_groups": access.arns("ec2", "security-group/", access.security_groups),
        "remote_debug": access.remote_debug,
        "listing": listing(access),
    }


def policy(names: Iterable[str], values: Mapping[str, Any]) -> dict[str, Any]:
    """The named parts' statements, filled; those whose resources came to nothing are left out."""
    parts = [one for name in names for one in table("policies.json")[name]]
    made = [templates.filled(one, values) for one in parts]
    kept = [one for one in made if one and ("Resource" in one or "Principal" in one)]
    wordless = [{key: item for key, item in one.items() if key != "Why"} for one in kept]
    statements = [{"Effect": "Allow", **one} for one in wordless]
    return {"Version": "2012-10-17", "Statement": [*statements, *values.get("listing", ())]}


def listing(access: Access) -> list[dict[str, Any]]:
    """Listing below the named addresses of each bucket and nowhere else."""
    keys: dict[str, set[str]] = {}
    for bucket, key in map(bucket_and_key, (*access.read, *access.write)):
        keys.setdefault(f"arn:{access.partition}:s3:::{bucket}", set()).add(f"{key}*")
    made = []
    for number, (bucket, below) in enumerate(sorted(keys.items())):
        limits = None if "*" in below else sorted(below)
        found = policy(["listing"], {"bucket": bucket, "below": limits, "number": number})
        made += found["Statement"]
    return made
