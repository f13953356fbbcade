"""`byoa workflow init`'s files, from the stack that they use to an endpoint that answers.

The image is a folder (process://), so neither docker nor a build is needed; that the image is built
first is examples/build-train-deploy's.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from byoa.cli.main import main
from byoa.cli.workflow_init import TEMPLATES
from byoa.plan.infrastructure import Infrastructure
from byoa.plan.workflow.check import problems
from tests.byoa.workflow.conftest import PROJECT, Here

ALGORITHM = f"process://{Path(__file__).parents[3]}/tests/small_algorithm"
STACK = Infrastructure(project=PROJECT, account="123456789012", region="us-east-1")


@pytest.fixture
def stack(here: Here) -> Infrastructure:
    """Of what `byoa setup` makes (docs/workflow-deploy.md runs it) what is used without a build."""
    trust = {"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}}
    document = {"Version": "2012-10-17", "Statement": [{**trust, "Action": "sts:AssumeRole"}]}
    here.client("iam").create_role(
        RoleName=STACK.role("jobs"), AssumeRolePolicyDocument=json.dumps(document)
    )
    here.client("s3").create_bucket(Bucket=STACK.bucket)
    for name in ("training", "validation"):
        key = f"incoming/data/{name}/a.txt"
        here.client("s3").put_object(Bucket=STACK.bucket, Key=key, Body=b"1\n2\n")
    return STACK


def edited(path: Path, **changes: str) -> Path:
    """The file as its user might change it."""
    text = path.read_text()
    for old, new in changes.items():
        text, count = re.subn(old, lambda _, new=new: new, text, flags=re.S)  # type: ignore[misc]
        assert count == 1, old
    path.write_text(text)
    return path


def run(here: Here, name: str, **given: Any) -> dict[str, Any]:
    """What an execution answers."""
    words = [f"-i{key}:={json.dumps(value)}" for key, value in given.items()]
    said = here.byoa("run", name, *words, "--wait", "--json")
    assert said.code == 0, said.err
    found = json.loads(said.out)["output"]
    return dict(json.loads(found) if isinstance(found, str) else found)


def test_from_a_template_to_an_endpoint_that_only_gets_better(here: Here, stack: Infrastructure):
    assert here.byoa("init", "nightly").code == 0
    edited(
        Path("nightly.py"),
        **{
            r"METRIC = \{.*?\n\}": 'METRIC = {"Name": "loss", "Regex": "loss=([0-9.]+)"}',
            r'\{"epochs": 10\}': '{"steps": 2, "factor": 3}',
            r"margin=0\.0": "maximize=False",
            r'instance_type="ml\.m5\.xlarge"': 'instance_type="ml.m5.xlarge", pace=Pace(pause=1)',
            "    GateStep,\n": "    GateStep,\n    Pace,\n",
        },
    )
    assert here.byoa("create", "nightly.py").code == 0
    given = {"Image": ALGORITHM, "Data": f"s3://{stack.bucket}/incoming/data"}
    refused = here.byoa("run", "nightly", "-i", "Daat=x")
    assert refused.code == 2 and "did you mean Data?" in refused.err
    first = run(here, "nightly", **given)
    assert first["Deployed"] and first["EndpointName"] == "nightly"
    worse = run(here, "nightly", **given, Hyperparameters={"steps": 1, "factor": 5})
    assert worse == {
        "Deployed": False,
        "Reason": "Not better: loss is 1, and the model that serves has 0.5.",
    }
    assert answer(here) == 3 * 7
    better = run(here, "nightly", **given, Hyperparameters={"steps": 4, "factor": 5})
    assert better["Deployed"] and better["ModelName"] != first["ModelName"]
    assert answer(here) == 5 * 7
    assert main(["undeploy", "nightly", "-p", PROJECT, "--on", "sandbox"]) == 0
    models = here.client("sagemaker").list_models()["Models"]
    assert better["ModelName"] not in [model["ModelName"] for model in models]


def answer(here: Here) -> float:
    found = here.client("sagemaker-runtime").invoke_endpoint(
        EndpointName="nightly", Body=b"7", ContentType="text/plain"
    )
    return float(json.loads(found["Body"].read())["answer"])


@pytest.mark.parametrize("template", sorted(path.stem for path in TEMPLATES.glob("*.py")))
def test_every_template_can_be_created_as_it_is(here: Here, template: str):
    done = here.byoa("init", f"t-{template}", "--template", template)
    assert done.code == 0 and f"t-{template}.py" in done.err
    made = here.byoa("create", f"t-{template}.py")
    assert made.code == 0, made.err
    machine = here.client("stepfunctions").describe_state_machine(
        stateMachineArn=here.home.arn(f"t-{template}")
    )
    definition = json.loads(machine["definition"])
    assert problems(definition) == []
    assert STACK.bucket in machine["definition"] and STACK.role_arn("jobs") in machine["definition"]
    assert here.byoa("delete", f"t-{template}").code == 0


def test_nothing_is_overwritten(here: Here):
    Path("mine.py").write_text("mine")
    done = here.byoa("init", "mine")
    assert done.code == 2 and "mine.py is there already" in done.err
    assert Path("mine.py").read_text() == "mine"


@pytest.mark.parametrize("name", ["", "a b", "-x-", "..", "x/y z"])
def test_a_name_that_no_workflow_can_have_is_refused(here: Here, name: str):
    assert here.byoa("init", "--", name).code == 2
