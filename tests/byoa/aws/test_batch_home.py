"""Machines, network, roles and queue of Batch: made once, found again, told when they are not."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from byoa.aws import batch_home
from byoa.aws.batch import definition_arn, usable
from byoa.aws.batch_home import Maker, ensure_queue
from byoa.aws.session import Session
from byoa.plan.batch import BatchJob, job_definition_request
from byoa.plan.errors import ByoaError, NotFoundError
from byoa.plan.pipeline.soopervisor import Machines, Target

TAGS = {"byoa:project": "flowers"}
SPOT = Target(name="aws")


@pytest.fixture
def maker(session: Session) -> Maker:
    def linked_role(params: dict[str, Any], **_: Any) -> None:
        """What AWS does by itself: its service-linked role, which moto does not know."""
        params["serviceRole"] = "arn:aws:iam::123456789012:role/AWSServiceRoleForBatch"

    session.client("iam").create_role(
        RoleName="AWSServiceRoleForBatch", AssumeRolePolicyDocument="{}"
    )
    event = "provide-client-params.batch.CreateComputeEnvironment"
    session.client("batch").meta.events.register(event, linked_role)
    said: list[str] = []
    return Maker(session=session, project="flowers", tags=TAGS, say=said.append)


def environments(maker: Maker) -> list[dict[str, Any]]:
    found = maker.batch.describe_compute_environments()["computeEnvironments"]
    return sorted(found, key=lambda one: str(one["computeResources"]["instanceTypes"]))


def test_all_is_made_in_the_default_network_and_found_the_second_time(maker: Maker):
    queue = ensure_queue(maker, SPOT, gpus=False)
    assert queue.endswith(":job-queue/byoa-flowers")
    (made,) = environments(maker)
    resources = made["computeResources"]
    assert (resources["type"], resources["minvCpus"]) == ("SPOT", 0)
    assert len(resources["subnets"]) == 3 and len(resources["securityGroupIds"]) == 1
    assert resources["instanceRole"].endswith("instance-profile/byoa-flowers+machines")
    assert ensure_queue(maker, SPOT, gpus=False) == queue
    assert len(environments(maker)) == 1


def test_what_a_clean_that_was_cut_off_disabled_is_enabled_again(maker: Maker):
    queue = ensure_queue(maker, SPOT, gpus=False)
    (made,) = environments(maker)
    name = made["computeEnvironmentName"]
    maker.batch.update_job_queue(jobQueue="byoa-flowers", state="DISABLED")
    maker.batch.update_compute_environment(computeEnvironment=name, state="DISABLED")
    assert ensure_queue(maker, SPOT, gpus=False) == queue
    (found,) = maker.batch.describe_job_queues()["jobQueues"]
    assert [one["state"] for one in (found, *environments(maker))] == ["ENABLED", "ENABLED"]


def test_subnets_that_were_added_to_the_default_network_are_left_alone(maker: Maker):
    ec2 = maker.session.client("ec2")
    vpc = batch_home.network_of(maker.session, ())
    usual = batch_home.subnets_of(maker.session, vpc)
    made = ec2.create_subnet(VpcId=vpc, CidrBlock="172.31.200.0/24")
    private = made["Subnet"]["SubnetId"]
    assert private not in usual and batch_home.subnets_of(maker.session, vpc) == usual
    for subnet in usual:
        ec2.delete_subnet(SubnetId=subnet)
    assert batch_home.subnets_of(maker.session, vpc) == (private,)


def test_gpus_get_machines_of_their_own_behind_the_others(maker: Maker):
    ensure_queue(maker, SPOT, gpus=True)
    types = [one["computeResources"]["instanceTypes"] for one in environments(maker)]
    assert types == [["g4dn", "g5", "g6"], ["optimal"]]
    (queue,) = maker.batch.describe_job_queues()["jobQueues"]
    order = [one["computeEnvironment"] for one in queue["computeEnvironmentOrder"]]
    of = {one["computeEnvironmentArn"]: one for one in environments(maker)}
    assert of[order[0]]["computeResources"]["instanceTypes"] == ["optimal"]


def test_other_machines_are_another_environment_of_the_same_queue(maker: Maker):
    ensure_queue(maker, SPOT, gpus=False)
    dear = replace(SPOT, machines=Machines(market="ec2", types=("c7i",), most_vcpus=8))
    ensure_queue(maker, dear, gpus=False)
    assert len(environments(maker)) == 2
    (queue,) = maker.batch.describe_job_queues()["jobQueues"]
    (first,) = queue["computeEnvironmentOrder"]
    of = {one["computeEnvironmentArn"]: one for one in environments(maker)}
    assert of[first["computeEnvironment"]]["computeResources"]["type"] == "EC2"


def test_a_named_queue_is_used_as_it_is(maker: Maker):
    with pytest.raises(NotFoundError) as caught:
        ensure_queue(maker, replace(SPOT, queue="theirs"), gpus=False)
    assert "no job queue theirs" in str(caught.value)
    own = ensure_queue(maker, SPOT, gpus=False)
    assert ensure_queue(maker, replace(SPOT, queue="byoa-flowers"), gpus=False) == own
    maker.batch.update_job_queue(jobQueue="byoa-flowers", state="DISABLED")
    with pytest.raises(ByoaError) as refused:
        ensure_queue(maker, replace(SPOT, queue="byoa-flowers"), gpus=False)
    assert "is DISABLED" in str(refused.value)


def test_a_named_queue_must_take_such_jobs(maker: Maker):
    ensure_queue(maker, SPOT, gpus=False)
    (own,) = maker.batch.describe_job_queues()["jobQueues"]
    with pytest.raises(ByoaError, match=r"byoa-flowers has SPOT.* with spot or ec2 in"):
        usable(maker.batch, own, fargate=True)
    with pytest.raises(ByoaError, match="has a scheduling policy"):
        usable(maker.batch, {**own, "schedulingPolicyArn": "arn:x"}, fargate=False)
    assert usable(maker.batch, own, fargate=False) == own["jobQueueArn"]


def test_what_does_not_become_valid_is_told(maker: Maker):
    seen = iter([{"status": "CREATING"}, {"status": "INVALID", "statusReason": "no such role"}])
    slept: list[float] = []
    quick = replace(maker, sleep=slept.append)
    with pytest.raises(ByoaError) as caught:
        batch_home.settled(lambda: next(seen), "the compute environment x", quick)
    assert str(caught.value) == "The compute environment x is INVALID: no such role"
    assert slept == [1]


def test_a_deleted_default_network_is_made_again(maker: Maker):
    ec2 = maker.session.client("ec2")
    (vpc,) = ec2.describe_vpcs()["Vpcs"]
    for subnet in ec2.describe_subnets()["Subnets"]:
        ec2.delete_subnet(SubnetId=subnet["SubnetId"])
    ec2.delete_vpc(VpcId=vpc["VpcId"])
    assert batch_home.network_of(maker.session, ()) != vpc["VpcId"]


def test_an_equal_job_definition_is_not_registered_twice(maker: Maker):
    request = job_definition_request(BatchJob(name="byoa-flowers-0a1b", image="a", command=["b"]))
    first = definition_arn(maker.batch, request)
    assert definition_arn(maker.batch, request) == first
    assert first.endswith(":1")
