"""Where jobs of AWS Batch run: machines, their network and role, a queue; found, or made."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from byoa.aws.batch import queue_of, usable
from byoa.aws.role import ensure_role, retry_until_assumable
from byoa.plan import templates
from byoa.plan.batch import (
    ComputeEnvironment,
    compute_environment_request,
    job_queue_request,
    update_job_queue_request,
)
from byoa.plan.errors import ByoaError
from byoa.plan.iam import EC2, machines_policy
from byoa.plan.names import MACHINES, fitted, role_name
from byoa.plan.pipeline.soopervisor import Machines, Target

if TYPE_CHECKING:
    from byoa.aws.session import Session

#: Families with GPUs of ordinary price, where the target names no types.
GPU_TYPES = ("g4dn", "g5", "g6")
#: Making or changing an environment takes AWS so long at most; mostly it is seconds.
LIMIT = 300.0
DEFAULT = [{"Name": "is-default", "Values": ["true"]}]
Say = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class Maker:
    """Who makes things for a project, and how AWS is waited for."""

    session: Session
    project: str
    tags: Mapping[str, str]
    say: Say
    sleep: Callable[[float], None] = field(default=time.sleep)
    clock: Callable[[], float] = field(default=time.monotonic)

    @property
    def batch(self) -> Any:
        return self.session.client("batch")


def wanted(
    target: Target, project: str, gpus: bool, tags: Mapping[str, str]
) -> list[ComputeEnvironment]:
    """The environments in the order in which the queue tries them, named by what they are."""
    machines = target.machines
    types = machines.types or ("optimal",)
    both = [(types, gpus and bool(machines.types))]
    if gpus and not machines.types and not machines.fargate:
        both.append((GPU_TYPES, True))  # "optimal" has none
    return [named(environment(machines, kinds, gpu, tags), project) for kinds, gpu in both]


def environment(
    machines: Machines, types: Sequence[str], gpu: bool, tags: Mapping[str, str]
) -> ComputeEnvironment:
    return ComputeEnvironment(
        name="",
        tags=tags,
        subnets=machines.subnets,
        security_groups=machines.security_groups,
        instance_role=machines.role,
        instance_types=types,
        max_vcpus=machines.most_vcpus,
        spot="spot" in machines.market,
        gpu=gpu,
        fargate=machines.fargate,
    )


def named(found: ComputeEnvironment, project: str) -> ComputeEnvironment:
    """With a name made of its content: what is equal is found again, what changed is another."""
    said = json.dumps({**vars(found), "tags": None, "extra": None}, sort_keys=True)
    mark = hashlib.sha256(said.encode()).hexdigest()[:8]
    return replace(found, name=f"{fitted(f'byoa-{project}', 100)}-{mark}")


def queue_name(project: str) -> str:
    return fitted(f"byoa-{project}", 120)


def ensure_queue(maker: Maker, target: Target, gpus: bool) -> str:
    """The queue's ARN: the target's own, or byoa's with machines as the target wants them."""
    batch, name = maker.batch, queue_name(maker.project)
    if target.queue:
        return usable(batch, queue_of(batch, target.queue), target.machines.fargate)
    machines = wanted(completed(maker, target), maker.project, gpus, maker.tags)
    order = [ensure_environment(maker, one) for one in machines]
    found = batch.describe_job_queues(jobQueues=[name])["jobQueues"]
    if not found:
        maker.say(f"making the job queue {name}")
        batch.create_job_queue(**job_queue_request(name, order, maker.tags))
    elif [one["computeEnvironment"] for one in found[0]["computeEnvironmentOrder"]] != order:
        maker.say(f"the job queue {name} gets other machines")
        batch.update_job_queue(**update_job_queue_request(name, order))
    elif found[0].get("state") == "DISABLED":  # a `clean` that was cut off
        maker.say(f"enabling the job queue {name}")
        batch.update_job_queue(**update_job_queue_request(name, order))

    def look() -> dict[str, Any]:
        return next(iter(batch.describe_job_queues(jobQueues=[name])["jobQueues"]), {})

    return str(settled(look, f"the job queue {name}", maker)["jobQueueArn"])


def ensure_environment(maker: Maker, found: ComputeEnvironment) -> str:
    """The environment's ARN; made when there is none of that content."""
    batch = maker.batch

    def look() -> dict[str, Any]:
        some = batch.describe_compute_environments(computeEnvironments=[found.name])
        return next(iter(some["computeEnvironments"]), {})

    there = look()
    if there.get("state") == "DISABLED" and there.get("status") == "VALID":
        maker.say(f"enabling the compute environment {found.name}")
        batch.update_compute_environment(computeEnvironment=found.name, state="ENABLED")
    if not there:
        maker.say(f"making the compute environment {found.name} ({market(found)})")
        request = compute_environment_request(found)
        retry_until_assumable(
            lambda: batch.create_compute_environment(**request),
            maker.say, sleep=maker.sleep, clock=maker.clock,
        )  # fmt: skip
    what = f"the compute environment {found.name}"
    return str(settled(look, what, maker)["computeEnvironmentArn"])


def market(found: ComputeEnvironment) -> str:
    kind = "Fargate" if found.fargate else ", ".join(found.instance_types)
    return f"{kind}, {'spot' if found.spot else 'on demand'}, up to {found.max_vcpus} vCPUs"


def settled(look: Callable[[], dict[str, Any]], what: str, maker: Maker) -> dict[str, Any]:
    """What `look` finds once it is VALID; INVALID is AWS's reason."""
    end = maker.clock() + LIMIT
    while True:
        found = look()
        status = found.get("status", "")
        if status == "VALID":
            return found
        if status in {"INVALID", "DELETED", "DELETING"} or maker.clock() > end:
            why = found.get("statusReason") or "without a reason"
            raise ByoaError(f"{what[0].upper()}{what[1:]} is {status or 'gone'}: {why}")
        maker.sleep(1)


def completed(maker: Maker, target: Target) -> Target:
    """The target with the network and the role that it leaves open."""
    machines, session = target.machines, maker.session
    subnets, groups = machines.subnets, machines.security_groups
    if not subnets or not groups:
        vpc = network_of(session, subnets)
        subnets = subnets or subnets_of(session, vpc)
        groups = groups or default_group(session, vpc)
    role = machines.role or ("" if machines.fargate else ensure_profile(maker))
    filled = replace(machines, subnets=subnets, security_groups=groups, role=role)
    return replace(target, machines=filled)


def network_of(session: Session, subnets: Sequence[str]) -> str:
    """The network of the named subnets, else the account's default one, made if it was deleted."""
    ec2 = session.client("ec2")
    if subnets:
        return str(ec2.describe_subnets(SubnetIds=[subnets[0]])["Subnets"][0]["VpcId"])
    for vpc in ec2.describe_vpcs(Filters=DEFAULT)["Vpcs"]:
        return str(vpc["VpcId"])
    return str(ec2.create_default_vpc()["Vpc"]["VpcId"])


def subnets_of(session: Session, vpc: str) -> tuple[str, ...]:
    """Those that AWS made, one a zone: others that were added may have no way out.

    A machine that reaches neither ECS nor the registry never gets a job.
    """
    found = session.client("ec2").describe_subnets(Filters=[{"Name": "vpc-id", "Values": [vpc]}])
    own = [one for one in found["Subnets"] if one.get("DefaultForAz")]
    names = sorted(one["SubnetId"] for one in own or found["Subnets"])
    if not names:
        raise ByoaError(
            f"The network {vpc} has no subnet. Name some as machines.subnets in soopervisor.yaml."
        )
    return tuple(names)


def default_group(session: Session, vpc: str) -> tuple[str, ...]:
    wanted = [{"Name": "vpc-id", "Values": [vpc]}, {"Name": "group-name", "Values": ["default"]}]
    found = session.client("ec2").describe_security_groups(Filters=wanted)["SecurityGroups"]
    return tuple(one["GroupId"] for one in found)


def ensure_profile(maker: Maker) -> str:
    """The instance profile of the machines: it lets them join the cluster, pull and log."""
    name, session = role_name(maker.project, MACHINES), maker.session
    ensure_role(session, name, machines_policy(session.partition), maker.tags, EC2)
    iam = session.client("iam")
    try:
        found = iam.get_instance_profile(InstanceProfileName=name)["InstanceProfile"]
    except iam.exceptions.NoSuchEntityException:
        made = templates.request("iam.CreateInstanceProfile", {"name": name, "tags": maker.tags})
        found = iam.create_instance_profile(**made)["InstanceProfile"]
    if not found.get("Roles"):
        values = {"name": name, "role": name}
        iam.add_role_to_instance_profile(
            **templates.request("iam.AddRoleToInstanceProfile", values)
        )
    return str(found["Arn"])
