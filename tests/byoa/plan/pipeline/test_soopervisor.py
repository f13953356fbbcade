"""soopervisor.yaml as Soopervisor's users have it, and what it cannot say."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from byoa.plan.errors import UsageError
from byoa.plan.pipeline.soopervisor import Machines, Needs, Target, read_target

#: What the seed's `soopervisor add` wrote, filled in.
SEED: dict[str, Any] = {
    "aws-env": {
        "backend": "aws-batch",
        "container_properties": {"memory": 16384, "vcpus": 8},
        "exclude": ["output"],
        "job_queue": "your-job-queue-1",
        "region_name": "us-east-1",
        "repository": "123456789012.dkr.ecr.us-east-1.amazonaws.com/ds-platform",
        "task_resources": {"fit-*": {"memory": 8192, "vcpus": 4, "gpu": 1}},
    }
}


def test_the_seeds_file():
    assert read_target(SEED, "aws-env") == Target(
        name="aws-env",
        repository="123456789012.dkr.ecr.us-east-1.amazonaws.com/ds-platform",
        queue="your-job-queue-1",
        region="us-east-1",
        exclude=("output",),
        needs=Needs(vcpus=8, memory_mb=16384),
        task_needs={"fit-*": Needs(vcpus=4, memory_mb=8192, gpus=1)},
    )


def test_all_that_is_ours_and_what_goes_to_the_job_definition():
    section = {
        "backend": "aws-batch",
        "preset": None,
        "include": "data/iris.csv",
        "container_properties": {
            "resourceRequirements": [{"type": "VCPU", "value": "2"}, {"type": "GPU", "value": "1"}],
            "ulimits": [],
        },
        "machines": {"market": "fargate", "most_vcpus": 16, "subnets": ["subnet-1"]},
        "read": ["s3://data/iris/"],
        "attempts": 5,
        "tags": {"team": 7},
    }
    found = read_target({"x": section}, "x")
    assert found.include == ("data/iris.csv",)
    assert found.container == {"ulimits": []}
    assert found.needs == Needs(vcpus=2, gpus=1)
    assert found.machines == Machines(market="fargate", most_vcpus=16, subnets=("subnet-1",))
    assert (found.attempts, found.tags, found.read) == (5, {"team": "7"}, ("s3://data/iris/",))


def test_everything_that_is_wrong_is_told_at_once():
    section = {
        "backend": "aws-batch",
        "preset": "spot",
        "job_que": "q",
        "repository": "your-repository/name",
        "container_properties": {"vcpus": "many", "image": "x"},
        "task_resources": {"fit-*": {"memroy": 1, "gpu": -1}},
        "machines": {"market": "cheap"},
        "include": ["a", "b"],
        "exclude": ["b"],
        "read": ["s3://bucket"],
        "attempts": True,
    }
    with pytest.raises(UsageError) as caught:
        read_target({"aws": section}, "aws")
    said = str(caught.value).splitlines()
    assert all(line.startswith("soopervisor.yaml, section aws: ") for line in said)
    for words in (
        "preset is 'spot', but aws-batch has none",
        "job_que is no key - did you mean job_queue?",
        "repository still says your-repository/name",
        "container_properties.image is byoa's to say",
        "container_properties.vcpus is 'many'",
        "task_resources.fit-*.memroy is no key - did you mean memory?",
        "task_resources.fit-*.gpu is -1",
        "machines.market is 'cheap' - write one of spot, ec2, fargate, fargate-spot",
        "include and exclude name both: b",
        "read has 's3://bucket' - write s3://BUCKET/FOLDER/",
        "attempts is True",
    ):
        assert any(words in line for line in said), words
    assert len(said) == 11


@pytest.mark.parametrize(
    ("section", "said"),
    [
        ({"container_properties": {"environment": {"A": "b"}}}, "environment is no list"),
        ({"container_properties": {"environment": [{"name": "A"}]}}, "environment is no list"),
        ({"container_properties": {"resourceRequirements": "2"}}, "resourceRequirements is no"),
        (
            {"container_properties": {"resourceRequirements": [{"type": "VCPU", "value": "x"}]}},
            "resourceRequirements is no list of {type: VCPU or MEMORY or GPU, value: a number}",
        ),
        (
            {"container_properties": {"resourceRequirements": [{"type": [], "value": "1"}]}},
            "resourceRequirements is no list",
        ),
        ({"read": ["s3://*/"]}, "read has 's3://*/' - write s3://BUCKET/FOLDER/, without"),
        ({"write": ["s3://bucket/a*/"]}, "write has 's3://bucket/a*/'"),
        ({"write": ["s3://bucket/${aws:username}/"]}, "write has"),
        ({"tags": {"aws:x": "1"}}, "tags.aws:x is no tag's name"),
        ({"tags": {"a" * 129: "1"}}, "is no tag's name"),
        ({"tags": {"team": "a#b"}}, "tags.team is 'a#b'"),
        ({"tags": {f"t{n}": "" for n in range(41)}}, "tags are 41, and with byoa's own"),
    ],
)
def test_what_aws_would_refuse_is_told_before(section: dict[str, object], said: str):
    with pytest.raises(UsageError) as caught:
        read_target({"x": section}, "x")
    assert said in str(caught.value)


@pytest.mark.parametrize("backend", ["airflow", "slurm", "argo-workflows", "kubeflow"])
def test_other_backends_are_refused_by_name(backend: str):
    with pytest.raises(UsageError, match=f"backend is {backend}, which byoa does not submit to"):
        read_target({"x": {"backend": backend}}, "x")


def test_a_section_that_is_not_there():
    with pytest.raises(UsageError, match=r"no section 'y' \(it has: x\).*pipeline init y"):
        read_target({"x": {}}, "y")
    with pytest.raises(UsageError, match="it has: nothing"):
        read_target([], "y")


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)
KEYS = st.sampled_from(
    ["backend", "repository", "container_properties", "task_resources", "machines", "include"]
) | st.text(max_size=8)


@given(st.dictionaries(KEYS, VALUES) | VALUES)
def test_no_section_makes_it_stumble(section: Any):
    try:
        assert read_target({"x": section}, "x").name == "x"
    except UsageError as error:
        assert str(error)
