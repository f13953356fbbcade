"""Environments, queues, definitions, tags: kept and refused as on AWS."""

from __future__ import annotations

import concurrent.futures
import time
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.byoa.sandbox.batch.conftest import PYTHON, Submit, Wait
from tests.byoa.sandbox.conftest import refused

Network = dict[str, Any]
EXECUTION = "arn:aws:iam::123456789012:role/execution"


def test_a_queue_and_its_environment_from_beginning_to_end(
    batch: Any, network: Network, instance_profile: str
):
    resources = {
        "type": "EC2", "minvCpus": 0, "maxvCpus": 4, "instanceTypes": ["optimal"],
        "instanceRole": instance_profile, **network,
    }  # fmt: skip
    batch.create_compute_environment(
        computeEnvironmentName="life", type="MANAGED", computeResources=resources, tags={"a": "b"}
    )
    (found,) = batch.describe_compute_environments(computeEnvironments=["life"])[
        "computeEnvironments"
    ]
    assert (found["status"], found["state"], found["tags"]) == ("VALID", "ENABLED", {"a": "b"})
    assert found["computeResources"] == resources
    order = [{"order": 1, "computeEnvironment": "life"}]
    made = batch.create_job_queue(jobQueueName="life", priority=2, computeEnvironmentOrder=order)
    (queue,) = batch.describe_job_queues(jobQueues=[made["jobQueueArn"]])["jobQueues"]
    assert queue["computeEnvironmentOrder"][0]["computeEnvironment"].endswith("/life")
    in_use = [
        (batch.delete_compute_environment, {"computeEnvironment": "life"}, "DISABLED"),
        (batch.delete_job_queue, {"jobQueue": "life"}, "DISABLED"),
    ]
    for call, request, said in in_use:
        assert said in refused(call, **request)[1]
    batch.update_compute_environment(computeEnvironment="life", state="DISABLED")
    text = refused(batch.delete_compute_environment, computeEnvironment="life")[1]
    assert "JobQueue relationship" in text
    batch.update_job_queue(jobQueue="life", state="DISABLED")
    batch.delete_job_queue(jobQueue="life")
    batch.delete_compute_environment(computeEnvironment="life")
    batch.delete_compute_environment(computeEnvironment="life")  # again is no error
    assert batch.describe_job_queues(jobQueues=["life"])["jobQueues"] == []
    assert (
        batch.describe_compute_environments(computeEnvironments=["life"])["computeEnvironments"]
        == []
    )


def test_the_jobs_of_a_queue_end_with_it(batch: Any, submit: Submit, wait: Wait):
    batch.create_compute_environment(computeEnvironmentName="gone", type="UNMANAGED")
    order = [{"order": 1, "computeEnvironment": "gone"}]
    batch.create_job_queue(jobQueueName="gone", priority=1, computeEnvironmentOrder=order)
    name = submit("import time; time.sleep(60)", jobQueue="gone")
    wait(name, {"RUNNING"})
    batch.update_job_queue(jobQueue="gone", state="DISABLED")
    assert "valid state" in refused(lambda **_: submit("", jobQueue="gone"))[1]
    batch.delete_job_queue(jobQueue="gone")
    assert wait(name)["statusReason"] == "Job Queue was deleted"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"subnets": ["subnet-0"]}, "subnet ID 'subnet-0' does not exist"),
        ({"securityGroupIds": ["sg-0"]}, "security group 'sg-0' does not exist"),
        ({"instanceRole": None}, "instanceRole is required"),
        ({"minvCpus": 5}, "minvCpus"),
        ({"type": "FARGATE"}, "not applicable for Fargate"),
    ],
)
def test_resources_that_cannot_be_are_refused(
    batch: Any, network: Network, instance_profile: str, change: dict[str, Any], said: str
):
    resources = {
        "type": "EC2", "minvCpus": 0, "maxvCpus": 4, "instanceTypes": ["optimal"],
        "instanceRole": instance_profile, **network, **change,
    }  # fmt: skip
    given = {key: value for key, value in resources.items() if value is not None}
    code, text = refused(
        batch.create_compute_environment,
        computeEnvironmentName="refused",
        type="MANAGED",
        computeResources=given,
    )
    assert code == "ClientException" and said in text


def test_an_environment_whose_role_is_not_there_is_invalid(batch: Any, network: Network):
    """AWS says yes first."""
    resources = {
        "type": "EC2", "maxvCpus": 4, "instanceTypes": ["optimal"], "instanceRole": "nobody",
        **network,
    }  # fmt: skip
    batch.create_compute_environment(
        computeEnvironmentName="invalid", type="MANAGED", computeResources=resources
    )
    (found,) = batch.describe_compute_environments(computeEnvironments=["invalid"])[
        "computeEnvironments"
    ]
    assert found["status"] == "INVALID" and "nobody does not exist" in found["statusReason"]
    order = [{"order": 1, "computeEnvironment": "invalid"}]
    text = refused(
        batch.create_job_queue, jobQueueName="x", priority=1, computeEnvironmentOrder=order
    )[1]
    assert "not in a VALID state" in text


@pytest.mark.parametrize("name", ["byoa.flowers", "-flowers", "f" * 129, "flo wers", "blümchen"])
def test_names_that_batch_does_not_take(batch: Any, name: str):
    order = [{"order": 1, "computeEnvironment": "x"}]
    made: list[tuple[Any, dict[str, Any]]] = [
        (batch.create_compute_environment, {"computeEnvironmentName": name, "type": "UNMANAGED"}),
        (
            batch.create_job_queue,
            {"jobQueueName": name, "priority": 1, "computeEnvironmentOrder": order},
        ),
        (batch.register_job_definition, {"jobDefinitionName": name, "type": "container"}),
    ]
    for call, request in made:
        assert "name should match valid pattern" in refused(call, **request)[1]


def test_a_definition_for_fargate_is_none_for_machines(batch: Any, submit: Submit):
    container = {
        "image": "i", "executionRoleArn": EXECUTION, "resourceRequirements": needs("1", "2048"),
    }  # fmt: skip
    batch.register_job_definition(
        jobDefinitionName="serverless", type="container", containerProperties=container, **FARGATE
    )
    code, text = refused(lambda **_: submit("", jobDefinition="serverless"))
    assert code == "ClientException" and "['FARGATE']" in text


def register(batch: Any, **container: Any) -> Callable[..., Any]:
    def call(**more: Any) -> Any:
        given = {"image": "i", "vcpus": 1, "memory": 64, **container}
        return batch.register_job_definition(
            jobDefinitionName="many", type="container", containerProperties=given, **more
        )

    return call


def needs(cpus: str, memory: str) -> list[dict[str, str]]:
    return [{"type": "VCPU", "value": cpus}, {"type": "MEMORY", "value": memory}]


FARGATE = {"platformCapabilities": ["FARGATE"]}


@pytest.mark.parametrize(
    ("container", "more", "said"),
    [
        ({"image": ""}, {}, "image should not be null"),
        ({"vcpus": 0}, {}, "VCPU must be a whole number"),
        ({"resourceRequirements": needs("0.5", "64")}, {}, "VCPU must be a whole number"),
        ({"resourceRequirements": needs("1", "3")}, {}, "4 MiB"),
        ({"privileged": True}, {}, "privileged is not carried out in the sandbox"),
        ({"environment": [{"name": "AWS_BATCH_X", "value": ""}]}, {}, "AWS_BATCH_X"),
        ({}, {"timeout": {"attemptDurationSeconds": 59}}, "at least 60"),
        ({}, {"retryStrategy": {"attempts": 11}}, "between 1 and 10"),
        (
            {},
            {"retryStrategy": {"evaluateOnExit": [{"action": "EXIT", "onReason": "*"}]}},
            "attempts must be specified",
        ),
        (
            {},
            {
                "retryStrategy": {
                    "attempts": 2,
                    "evaluateOnExit": [{"action": "EXIT", "onReason": "*x"}],
                }
            },
            "at its end only",
        ),
        ({}, FARGATE, "EXECUTION ROLE"),
        (
            {"executionRoleArn": EXECUTION, "resourceRequirements": needs("0.25", "4096")},
            FARGATE,
            "(0.25 vCPU, 4096 MiB) not valid",
        ),
    ],
)
def test_definitions_that_cannot_be_are_refused(
    batch: Any, container: dict[str, Any], more: dict[str, Any], said: str
):
    code, text = refused(register(batch, **container), **more)
    assert code == "ClientException" and said in text


def test_revisions_count_up_and_the_newest_active_one_is_meant(
    batch: Any, submit: Submit, wait: Wait, folder: Any
):
    made = [register(batch, image=f"process://{folder}")()["revision"] for _ in range(3)]
    assert made == list(range(made[0], made[0] + 3))
    batch.deregister_job_definition(jobDefinition=f"many:{made[-1]}")
    name = submit("", jobDefinition="many")
    assert wait(name)["jobDefinition"].endswith(f":job-definition/many:{made[-2]}")
    text = refused(lambda **_: submit("", jobDefinition=f"many:{made[-1]}"))[1]
    assert "not ACTIVE" in text
    active = batch.describe_job_definitions(jobDefinitionName="many", status="ACTIVE")
    assert made[-1] not in [one["revision"] for one in active["jobDefinitions"]]


def test_parameters_are_put_into_the_command(batch: Any, submit: Submit, wait: Wait, lines: Any):
    (one,) = batch.describe_job_definitions(jobDefinitionName="anything")["jobDefinitions"]
    batch.register_job_definition(
        jobDefinitionName="said",
        type="container",
        parameters={"first": "one", "second": "two"},
        containerProperties={
            **one["containerProperties"],
            "command": [*PYTHON, "import sys; print(sys.argv[1:])", "Ref::first", "x/Ref::second",
                        "Ref::third"],
        },
    )  # fmt: skip
    request = {"jobName": "x", "jobQueue": "tests", "jobDefinition": "said"}
    name = batch.submit_job(**request, parameters={"second": "2"})["jobId"]
    job = wait(name)
    assert lines(job["container"]["logStreamName"]) == ["['one', 'x/2', 'Ref::third']"]
    assert job["parameters"] == {"first": "one", "second": "2"}


def test_tags_of_everything(batch: Any, submit: Submit, wait: Wait):
    name = submit("", tags={"run": "7"})
    arn = wait(name)["jobArn"]
    batch.tag_resource(resourceArn=arn, tags={"more": "x"})
    assert batch.list_tags_for_resource(resourceArn=arn)["tags"] == {"run": "7", "more": "x"}
    batch.untag_resource(resourceArn=arn, tagKeys=["run"])
    assert batch.list_tags_for_resource(resourceArn=arn)["tags"] == {"more": "x"}
    assert wait(name)["tags"] == {"more": "x"}


def test_jobs_are_listed_by_status_name_and_definition(batch: Any, submit: Submit, wait: Wait):
    done = submit("", jobName="listed-one")
    running = submit("import time; time.sleep(60)", jobName="Listed-two")
    wait(done)
    wait(running, {"RUNNING"})

    def ids(**request: Any) -> list[str]:
        answer = batch.list_jobs(**{"jobQueue": "tests", **request})
        return [one["jobId"] for one in answer["jobSummaryList"]]

    assert running in ids() and done not in ids()
    assert done in ids(jobStatus="SUCCEEDED")
    named = [{"name": "JOB_NAME", "values": ["LISTED*"]}]
    assert ids(filters=named) == [running, done]
    named[0]["values"] = ["listed-TWO"]
    assert ids(filters=named) == [running]
    of_definition = [{"name": "JOB_DEFINITION", "values": ["anything"]}]
    assert {running, done} <= set(ids(filters=of_definition))
    first = batch.list_jobs(jobQueue="tests", filters=of_definition, maxResults=1)
    assert len(first["jobSummaryList"]) == 1
    assert ids(filters=of_definition, nextToken=first["nextToken"])[0] == done
    batch.terminate_job(jobId=running, reason="seen")
    wait(running)
    assert refused(batch.list_jobs)[0] == "ClientException"


def test_a_hundred_jobs_are_described_at_once_and_no_more(batch: Any):
    nobody = "11111111-1111-1111-1111-111111111111"
    assert batch.describe_jobs(jobs=[nobody] * 100)["jobs"] == []
    code, text = refused(batch.describe_jobs, jobs=[nobody] * 101)
    assert code == "ClientException" and "100 entries or less" in text


def test_submits_are_throttled_in_aws_words(batch: Any, submit: Submit):
    """A client that repeats knows the code; the job is not there."""
    head = submit("import time; time.sleep(60)")

    def one(_: int) -> str:
        try:
            return submit("", after=[head]) and ""
        except ClientError as error:
            status = error.response["ResponseMetadata"]["HTTPStatusCode"]
            return f"{error.response['Error']['Code']} {status}"

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        said = list(pool.map(one, range(160)))
    batch.terminate_job(jobId=head, reason="seen")
    time.sleep(1.1)  # so long until the next test may submit again
    assert set(said) == {"", "TooManyRequestsException 429"}
    assert said.count("") >= 50


def test_what_is_not_carried_out_is_said(batch: Any):
    code, text = refused(batch.list_service_jobs, jobQueue="tests")
    assert code == "UnknownOperationException" and "ListServiceJobs" in text
    refused_one = {"jobQueueName": "x", "priority": 1, "computeEnvironmentOrder": []}
    text = refused(batch.create_job_queue, **refused_one, schedulingPolicyArn="arn:x")[1]
    assert "schedulingPolicyArn is not carried out" in text
