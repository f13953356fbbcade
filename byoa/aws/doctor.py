"""What of AWS a project needs, looked at one by one: nothing is made or changed."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from byoa.aws.bucket import find_bucket
from byoa.aws.image_facts import image_facts
from byoa.aws.role import find_role
from byoa.plan.advice import explain
from byoa.plan.ami import has_gpu, inference_ami, minimum_driver
from byoa.plan.checks import gaps, image_problems, trusts
from byoa.plan.errors import ByoaError
from byoa.plan.iam import SAGEMAKER, trust_policy
from byoa.plan.image import ImageFacts

if TYPE_CHECKING:
    from byoa.aws.session import Session

OK, WARN, FAIL = "ok", "warn", "FAIL"
#: Serverless inference takes no larger image.
SERVERLESS = 10 << 30
#: What a job of a kind counts against, in Service Quotas' own words.
USAGES = ("training job usage", "spot training job usage", "endpoint usage")


class Finding(NamedTuple):
    """What one check found, and what to do about it."""

    name: str
    state: str
    text: str
    fix: str = ""


def found(name: str, check: Callable[[], Iterator[Finding]]) -> list[Finding]:
    """A check's findings; an error of AWS is one, too."""
    try:
        return list(check())
    except Exception as error:
        told = explain(error)
        if told is None:
            raise
        text, _, fix = str(told).partition(". ")
        return [Finding(name, FAIL, text.rstrip(".") + ".", fix)]


def credentials(session: Session, now: Callable[[], datetime]) -> Iterator[Finding]:
    """Who calls, from where, and whether the clock fits."""
    region, who = session.region, session.identity
    yield Finding("credentials", OK, f"{who['Arn']} in {region}")
    said: Any = who.get("ResponseMetadata", {})
    date = said.get("HTTPHeaders", {}).get("date")
    if date:
        ahead = (now() - parsedate_to_datetime(date)).total_seconds()
        if abs(ahead) < 60:
            yield Finding("clock", OK, f"{ahead:+.0f} s to AWS's")
        else:
            yield Finding(
                "clock", FAIL if abs(ahead) >= 300 else WARN, f"{ahead:+.0f} s to AWS's.",
                "AWS refuses from 5 minutes on: `timedatectl set-ntp true`, or restart the"
                " container or WSL whose clock stood still.",
            )  # fmt: skip


def region(session: Session) -> Iterator[Finding]:
    """SageMaker answers here, and lets us in."""
    session.client("sagemaker").list_endpoints(MaxResults=1)
    yield Finding("sagemaker", OK, f"answers in {session.region}")


def bucket(session: Session, name: str) -> Iterator[Finding]:
    where = find_bucket(session.client("s3"), name, session.account)
    if where is None:
        yield Finding("bucket", OK, f"{name} is not there yet; the first job makes it")
    elif where != session.region:
        yield Finding(
            "bucket", FAIL, f"{name} is in {where}, SageMaker works in {session.region}.",
            f"Say --region {where}, or name another --bucket.",
        )  # fmt: skip
    else:
        yield Finding("bucket", OK, f"{name} is ours, in {where}")


def role(session: Session, name: str, wanted: Mapping[str, Any]) -> Iterator[Finding]:
    """Whether SageMaker may take the role on, and the role may do what jobs need."""
    name = name.rpartition("/")[2]
    iam = session.client("iam")
    here = find_role(iam, name)
    if here is None:
        yield Finding("role", OK, f"{name} is not there yet; the first job makes it")
        return
    if not trusts(here["AssumeRolePolicyDocument"], SAGEMAKER):
        trust = json.dumps(trust_policy(account=session.account))
        yield Finding(
            "role trust", FAIL, f"{name} does not trust {SAGEMAKER}: no job can use it.",
            f"aws iam update-assume-role-policy --role-name {name} --policy-document '{trust}'",
        )  # fmt: skip
    missing = list(gaps(policies(iam, name), wanted))
    if missing:
        yield Finding(
            "role policy", FAIL, f"{name} may not: {'; '.join(missing)}.",
            "byoa widens a role of its own at the next job; to your own add what is missing.",
        )  # fmt: skip
    else:
        yield Finding("role", OK, f"{name} may all that the project's jobs need")


def policies(iam: Any, name: str) -> list[Mapping[str, Any]]:
    """The documents of a role, written into it and attached to it."""
    made: list[Any] = []  # boto3 parses them; stand-ins may not
    for page in iam.get_paginator("list_role_policies").paginate(RoleName=name):
        for policy in page["PolicyNames"]:
            made.append(iam.get_role_policy(RoleName=name, PolicyName=policy)["PolicyDocument"])
    for page in iam.get_paginator("list_attached_role_policies").paginate(RoleName=name):
        for attached in page["AttachedPolicies"]:
            arn = attached["PolicyArn"]
            version = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
            found = iam.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"]
            made.append(found["Document"])
    return [dict(json.loads(one)) if isinstance(one, str) else one for one in made]


def image(session: Session, uri: str, instance_type: str) -> Iterator[Finding]:
    yield from image_findings(image_facts(session, uri), instance_type)


def image_findings(facts: ImageFacts, instance_type: str) -> Iterator[Finding]:
    """Manifest, architecture, size, and CUDA against the drivers that the instance can have."""
    problems = list(image_problems(facts))
    for problem in problems:
        text, _, fix = problem.partition(". ")
        yield Finding("image", FAIL, f"{text}.", fix)
    if not problems:
        yield Finding("image", OK, f"{facts.architecture}, {facts.media_type or 'on this machine'}")
    size = f"{facts.size_bytes / 1e9:.2f} GB"
    if facts.size_bytes > SERVERLESS:
        yield Finding("image size", WARN, f"{size}: over serverless inference's 10 GiB.")
    elif facts.size_bytes:
        yield Finding("image size", OK, size)
    if "byoa.hyperparameters" not in facts.labels:
        yield Finding(
            "image labels", WARN, "The image does not list its hyperparameters: none are checked.",
            "`byoa build` writes the list of an image that has `train --describe` into it.",
        )  # fmt: skip
    yield from cuda(facts, instance_type)


def cuda(facts: ImageFacts, instance_type: str) -> Iterator[Finding]:
    needs = minimum_driver(facts)
    if not instance_type or not needs:
        return
    if not has_gpu(instance_type):
        yield Finding("cuda", OK, f"{instance_type} has no GPU; the image's CUDA rests")
        return
    try:
        ami = inference_ami(facts, instance_type)
    except ByoaError as error:
        yield Finding("cuda", FAIL, str(error), "Build the image with CUDA 12.")
        return
    yield Finding("cuda", OK, f"needs driver {needs}; endpoints get {ami}")


def quotas(session: Session, instance_type: str) -> Iterator[Finding]:
    """How many instances of the type the account may have at once."""
    client = session.client("service-quotas")
    wanted = {f"{instance_type} for {usage}": usage for usage in USAGES}
    pages = client.get_paginator("list_service_quotas").paginate(ServiceCode="sagemaker")
    seen = {
        one["QuotaName"]: one
        for page in pages
        for one in page["Quotas"]
        if one["QuotaName"] in wanted
    }
    for name, usage in wanted.items():
        if name not in seen:
            yield Finding("quota", WARN, f"Service Quotas has no '{name}'.", "Is the type right?")
        elif seen[name]["Value"] >= 1:
            yield Finding("quota", OK, f"{seen[name]['Value']:g} {name}")
        else:
            yield Finding(
                "quota", FAIL if usage == USAGES[0] else WARN, f"0 {name}.",
                "aws service-quotas request-service-quota-increase --service-code sagemaker"
                f" --quota-code {seen[name]['QuotaCode']} --desired-value 1",
            )  # fmt: skip


def utc() -> datetime:
    return datetime.now(timezone.utc)
