"""The requests of a run, against AWS's own model."""

from __future__ import annotations

from dataclasses import replace

import pytest

from byoa.plan.pipeline.batch_jobs import Job, Wait, jobs_of
from byoa.plan.pipeline.batch_requests import (
    client_address,
    definition_request,
    levels,
    requests,
    submit_request,
)
from byoa.plan.pipeline.manifest import Round, RunTask
from byoa.plan.pipeline.model import Dotted, Pipeline
from byoa.plan.pipeline.needs import Size
from byoa.plan.pipeline.soopervisor import Machines, Target
from tests.byoa.plan.pipeline.test_manifest import RUN
from tests.byoa.plan.service_model import accepted

ROLES = {"job": "arn:aws:iam::123456789012:role/byoa-flowers+batch"}
TASKS = {
    "get": RunTask(image="i", definition="d:1"),
    **{
        f"fit-{n}": RunTask(
            needs=("get",),
            family="fit",
            definition="d:1",
            vcpus=2,
            gpus=1,
            seconds=7200,
            attempts=3,
        )
        for n in range(3)
    },
    "odd [1]": RunTask(needs=("fit-0", "fit-1", "fit-2"), definition="d:1"),
}
WHOLE = replace(RUN, tasks=TASKS, tags={"byoa:project": "flowers"})


def test_a_definition_is_named_by_its_content():
    target = Target(name="aws", container={"ulimits": []}, tags={"team": "a"})
    request = definition_request(
        "i@sha256:1", Size(2, 4096, 1), target, "flowers", ROLES, "eu-west-1"
    )
    accepted("batch", "RegisterJobDefinition", request)
    assert request["containerProperties"]["environment"] == [
        {"name": "AWS_DEFAULT_REGION", "value": "eu-west-1"}
    ]
    assert request["retryStrategy"]["attempts"] == 3
    again = definition_request(
        "i@sha256:1", Size(2, 4096, 1), target, "flowers", ROLES, "eu-west-1"
    )
    other = definition_request(
        "i@sha256:2", Size(2, 4096, 1), target, "flowers", ROLES, "eu-west-1"
    )
    assert again == request
    assert other["jobDefinitionName"] != request["jobDefinitionName"]


def test_the_targets_variables_come_to_the_region_and_do_not_take_its_place():
    own = [{"name": "COLOUR", "value": "blue"}, {"name": "DEEP", "value": 3}]
    target = Target(name="aws", container={"environment": own, "privileged": True})
    request = definition_request("i", Size(1, 2048), target, "flowers", ROLES, "eu-west-1")
    accepted("batch", "RegisterJobDefinition", request)
    assert request["containerProperties"]["environment"] == [
        {"name": "AWS_DEFAULT_REGION", "value": "eu-west-1"},
        {"name": "COLOUR", "value": "blue"},
        {"name": "DEEP", "value": "3"},
    ]
    assert request["containerProperties"]["privileged"] is True


def test_fargates_definition_has_a_role_that_pulls():
    target = Target(name="aws", machines=Machines(market="fargate-spot"))
    request = definition_request("i", Size(1, 2048), target, "flowers", ROLES, "eu-west-1")
    accepted("batch", "RegisterJobDefinition", request)
    assert request["platformCapabilities"] == ["FARGATE"]
    assert request["containerProperties"]["executionRoleArn"] == ROLES["job"]


def test_every_job_of_a_run_is_a_request_that_batch_takes():
    jobs = tuple(jobs_of(WHOLE.works(TASKS), "r-1-"))
    sent = requests(WHOLE, Round(number=1, jobs=jobs))
    for request in sent:
        accepted("batch", "SubmitJob", request)
    get, fit, odd = sent
    assert get["containerOverrides"]["command"] == [
        *("python3", "-m", "byoa.pipeline.remote"),
        *("--run", "s3://bucket/flowers/pipelines/pipeline/runs/20261122-141500-a1b2/"),
        *("--task", "get"),
    ]
    assert get["tags"] == {
        "byoa:project": "flowers", "byoa:run": RUN.run, "byoa:task": "get",
    }  # fmt: skip
    assert "retryStrategy" not in get and "timeout" not in get
    assert fit["arrayProperties"] == {"size": 3}
    assert fit["containerOverrides"]["command"][-4:] == ["--job", "r-1-fit", "--round", "1"]
    assert fit["containerOverrides"]["resourceRequirements"] == [
        {"type": "VCPU", "value": "2"},
        {"type": "MEMORY", "value": "2048"},
        {"type": "GPU", "value": "1"},
    ]
    assert fit["timeout"] == {"attemptDurationSeconds": 7200}
    assert fit["retryStrategy"]["attempts"] == 3
    assert fit["dependsOn"] == [{"jobId": "<id of r-1-get>"}]
    assert odd["dependsOn"] == [{"jobId": "<id of r-1-fit>"}]
    assert odd["tags"]["byoa:task"] == "odd _1_"


@pytest.mark.parametrize(
    ("smallest", "size"),
    [
        ((1, 2000), ("1", "128")),  # no size of Fargate: machines give what is asked for
        ((1, 64), ("1", "64")),
        ((0.25, 512), ("0.25", "512")),
        ((1, 2048), ("1", "2048")),  # Fargate has no 1 vCPU with 128 MiB
        ((4, 8192), ("4", "8192")),
    ],
)
def test_a_join_runs_nothing_and_has_a_size_that_its_place_has(
    smallest: tuple[float, int], size: tuple[str, str]
):
    join = Job("r-1-join-a", (), (Wait("r-1-get"),))
    one = RunTask(definition="d:1", vcpus=smallest[0], memory_mb=smallest[1])
    big = RunTask(definition="d:1", vcpus=16, memory_mb=32768)
    run = replace(WHOLE, tasks={"big": big, "get": one})
    request = submit_request(run, 1, join, {"r-1-get": "id"})
    accepted("batch", "SubmitJob", request)
    assert request["containerOverrides"]["command"] == ["true"]
    assert request["containerOverrides"]["resourceRequirements"] == [
        {"type": "VCPU", "value": size[0]},
        {"type": "MEMORY", "value": size[1]},
    ]


def test_processes_work_in_a_copy_of_the_folder():
    here = {"get": RunTask(image="process:///project", definition="d:1")}
    request = submit_request(replace(WHOLE, tasks=here), 1, Job("r-1-get", ("get",)), {})
    assert request["containerOverrides"]["command"][-1] == "--own-copy"


def test_the_file_clients_bucket_is_where_pipeline_yaml_says():
    def pipeline(**said: str) -> Pipeline:
        clients = {"File": Dotted("ploomber.clients.S3Client", said)}
        return Pipeline(name="p", root="/p", tasks={}, clients=clients)

    assert client_address(pipeline(bucket_name="my-b", parent="a/c/")) == ["s3://my-b/a/c/"]
    assert client_address(pipeline(bucket_name="my-b")) == ["s3://my-b/"]
    for wide in ({"bucket_name": "*"}, {"bucket_name": "my-b", "parent": "../*"}):
        assert client_address(pipeline(**wide)) == []
    for name in ("${aws:username}", "b/../other", "my?b"):
        assert client_address(pipeline(bucket_name=name)) == []
    assert client_address(pipeline()) == []
    assert client_address(Pipeline(name="p", root="/p", tasks={})) == []


def test_jobs_of_a_level_wait_for_none_of_it():
    jobs = jobs_of(WHOLE.works(TASKS), "r-")
    assert [[job.name for job in level] for level in levels(jobs)] == [
        ["r-get"], ["r-fit"], [jobs[2].name],
    ]  # fmt: skip
