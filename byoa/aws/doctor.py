"""What of AWS a project needs, looked at one by one: nothing is made or changed."""

from __future__ import annotations

import functools
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
from byoa.plan.image import MULTI_MODEL_LABEL, ImageFacts, takes_many

if TYPE_CHECKING:
    from byoa.aws.session import Session

OK, WARN, FAIL = "ok", "warn", "FAIL"
#: Serverless inference takes no larger image.
SERVERLESS = 10 << 30
#: How an image comes to serve many models.
FOR_CPUS = "For many: `byoa build --packages serve`, or harness."
OWN_LABEL = "In a Dockerfile of your own: LABEL it, if its `serve` answers POST /models."
#: What a job of a kind counts against, in Service Quotas' own words.
USAGES = ("training job usage", "spot training job usage", "endpoint usage")


class Finding(NamedTuple):
    """What one check found, and what to do about it."""

    name: str
    state: str
    text: str
    fix: str = ""


def look(check: Callable[..., Iterator[Finding]]) -> Callable[..., list[Finding]]:
    """A check that never ends the others: what AWS refuses is a finding, too."""

    @functools.wraps(check)
    def looked(*arguments: Any) -> list[Finding]:
        try:
            return list(check(*arguments))
        except Exception as error:
            if (told := explain(error)) is None:
                raise
            return [problem(check.__name__, str(told))]

    return looked


def problem(name: str, sentence: str) -> Finding:
    """What is wrong, then what to do: byoa's errors are written so."""
    text, _, fix = sentence.partition(". ")
    return Finding(name, FAIL, text.rstrip(".") + ".", fix)


def utc() -> datetime:
    return datetime.now(timezone.utc)


@look
def credentials(session: Session, now: Callable[[], datetime] = utc) -> Iterator[Finding]:
    """Who calls, from where, and whether the clock fits."""
    region, who = session.region, session.identity
    yield Finding("credentials", OK, f"{who['Arn']} in {region}")
    said: Any = who.get("ResponseMetadata", {})
    if date := said.get("HTTPHeaders", {}).get("date"):
        ahead = (now() - parsedate_to_datetime(date)).total_seconds()
        state = OK if abs(ahead) < 60 else WARN if abs(ahead) < 300 else FAIL
        fix = "AWS refuses from 5 minutes on: `timedatectl set-ntp true`, or restart the WSL."
        yield Finding("clock", state, f"{ahead:+.0f} s to AWS's", fix if state != OK else "")


@look
def sagemaker(session: Session) -> Iterator[Finding]:
    """SageMaker answers here, and lets us in."""
    session.client("sagemaker").list_endpoints(MaxResults=1)
    yield Finding("sagemaker", OK, f"answers in {session.region}")


@look
def bucket(session: Session, name: str) -> Iterator[Finding]:
    where = find_bucket(session.client("s3"), name, session.account)
    if where not in (None, session.region):
        fix = f"Say --region {where}, or name another --bucket."
        yield Finding("bucket", FAIL, f"{name} is in {where}, SageMaker is not.", fix)
    else:
        said = f"is ours, in {where}" if where else "is not there yet; the first job makes it"
        yield Finding("bucket", OK, f"{name} {said}")


@look
def role(session: Session, name: str, wanted: Mapping[str, Any]) -> Iterator[Finding]:
    """Whether SageMaker may take the role on, and the role may do what jobs need."""
    name, iam = name.rpartition("/")[2], session.client("iam")
    here = find_role(iam, name)
    if here is None:
        yield Finding("role", OK, f"{name} is not there yet; the first job makes it")
        return
    if not trusts(here["AssumeRolePolicyDocument"], SAGEMAKER):
        trust = json.dumps(trust_policy(account=session.account))
        fix = f"aws iam update-assume-role-policy --role-name {name} --policy-document '{trust}'"
        yield Finding("role trust", FAIL, f"{name} does not trust {SAGEMAKER}.", fix)
    if missing := "; ".join(gaps(policies(iam, name), wanted)):
        fix = "byoa widens a role of its own at the next job; to your own add what is missing."
        yield Finding("role policy", FAIL, f"{name} may not: {missing}.", fix)
    else:
        yield Finding("role", OK, f"{name} may all that the project's jobs need")


def policies(iam: Any, name: str) -> list[Mapping[str, Any]]:
    """The documents of a role, written into it and attached to it."""
    made: list[Any] = []  # boto3 parses them; stand-ins may not
    for page in iam.get_paginator("list_role_policies").paginate(RoleName=name):
        for policy in page["PolicyNames"]:
            made.append(iam.get_role_policy(RoleName=name, PolicyName=policy)["PolicyDocument"])
    for page in iam.get_paginator("list_attached_role_policies").paginate(RoleName=name):
        for arn in (attached["PolicyArn"] for attached in page["AttachedPolicies"]):
            version = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
            found = iam.get_policy_version(PolicyArn=arn, VersionId=version)
            made.append(found["PolicyVersion"]["Document"])
    return [dict(json.loads(one)) if isinstance(one, str) else one for one in made]


@look
def image(session: Session, uri: str, instance_type: str) -> Iterator[Finding]:
    yield from image_findings(image_facts(session, uri), instance_type)


def image_findings(facts: ImageFacts, instance_type: str) -> Iterator[Finding]:
    """Manifest, architecture, size, and CUDA against the drivers that the instance can have."""
    problems = [problem("image", text) for text in image_problems(facts)]
    kind = facts.media_type or "on this machine"
    yield from problems or [Finding("image", OK, f"{facts.architecture}, {kind}")]
    size, large = f"{facts.size_bytes / 1e9:.2f} GB", facts.size_bytes > SERVERLESS
    said = f"{size}: over serverless inference's 10 GiB." if large else size
    yield Finding("image size", WARN if large else OK, said)
    if facts.labels.get("byoa.only") == "serve":
        yield Finding("image labels", OK, "It only serves: jobs train in another image.")
    elif "byoa.hyperparameters" not in facts.labels:
        text = "The image does not list its hyperparameters: none are checked."
        fix = "`build_and_push.sh` writes what `train --describe` says into a label."
        yield Finding("image labels", WARN, text, fix)
    yield many_models(facts)
    needs = minimum_driver(facts)
    if not instance_type or not needs:
        return
    try:
        ami = inference_ami(facts, instance_type)
        gpu = f"needs driver {needs}; endpoints get {ami}"
        said = gpu if has_gpu(instance_type) else f"{instance_type} has no GPU"
        yield Finding("cuda", OK, said)
    except ByoaError as error:
        yield Finding("cuda", FAIL, str(error), "Build the image with CUDA 12.")


def many_models(facts: ImageFacts) -> Finding:
    """Whether SageMaker lets the image serve many models; most images need not, so it only says."""
    if takes_many(facts):
        return Finding("image models", OK, "one or many (`byoa deploy --multi-model`)")
    text = f"one an endpoint: no label {MULTI_MODEL_LABEL}=true"
    if minimum_driver(facts):
        return Finding("image models", OK, f"{text}, which AWS takes without GPUs only.", FOR_CPUS)
    return Finding("image models", OK, f"{text}.", f"{FOR_CPUS} {OWN_LABEL}")


@look
def quotas(session: Session, instance_type: str) -> Iterator[Finding]:
    """How many instances of the type the account may have at once."""
    pages = session.client("service-quotas").get_paginator("list_service_quotas")
    found = (one for page in pages.paginate(ServiceCode="sagemaker") for one in page["Quotas"])
    wanted = [f"{instance_type} for {usage}" for usage in USAGES]
    seen = {one["QuotaName"]: one for one in found if one["QuotaName"] in wanted}
    for name in wanted:
        if name not in seen:
            yield Finding("quota", WARN, f"Service Quotas has no '{name}'.", "Is the type right?")
            continue
        state = OK if seen[name]["Value"] >= 1 else FAIL if name == wanted[0] else WARN
        fix = (
            "aws service-quotas request-service-quota-increase --service-code sagemaker"
            f" --quota-code {seen[name]['QuotaCode']} --desired-value 1"
        )
        text = f"{seen[name]['Value']:g} {name}"
        yield Finding("quota", state, text, "" if state == OK else fix)
