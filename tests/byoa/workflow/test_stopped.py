"""A deployment that is stopped half-way goes on when it is redriven: one endpoint, one model."""

from __future__ import annotations

import io
import json
import tarfile
import time
from pathlib import Path
from typing import Any

from byoa.plan.workflow.chain import definition
from byoa.plan.workflow.deploy import DeployStep
from byoa.plan.workflow.model import Model
from byoa.plan.workflow.road import Pace
from tests.byoa.workflow.conftest import Here

ALGORITHM = f"process://{Path(__file__).parents[3]}/tests/small_algorithm"


def a_model(here: Here) -> Model:
    """One that multiplies by three, and a role that may serve it."""
    content, packed = json.dumps({"factor": 3}).encode(), io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        entry = tarfile.TarInfo("model.json")
        entry.size = len(content)
        archive.addfile(entry, io.BytesIO(content))
    here.client("s3").create_bucket(Bucket="stopped")
    here.client("s3").put_object(Bucket="stopped", Key="model.tar.gz", Body=packed.getvalue())
    trust = {"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}}
    document = {"Version": "2012-10-17", "Statement": [{**trust, "Action": "sts:AssumeRole"}]}
    role = here.client("iam").create_role(
        RoleName="stopped", AssumeRolePolicyDocument=json.dumps(document)
    )
    return Model(ALGORITHM, "s3://stopped/model.tar.gz", role["Role"]["Arn"], "stopped-1")


def endpoints(here: Here) -> list[str]:
    found: list[dict[str, Any]] = here.client("sagemaker").list_endpoints()["Endpoints"]
    return [one["EndpointName"] for one in found if one["EndpointName"] == "stopped"]


def test_it_goes_on_from_there(here: Here):
    step = DeployStep(
        "Deploy", endpoint_name="stopped", model=a_model(here), pace=Pace(pause=10, limit=120)
    )
    name = here.made(definition(step))
    assert here.byoa("run", name, "--name", "one").code == 0
    end = time.monotonic() + 60
    while not endpoints(here):
        assert time.monotonic() < end
        time.sleep(0.1)
    assert here.byoa("stop", name, "one").code == 0
    redriven = here.byoa("redrive", name, "one", "--wait", "--json")
    assert redriven.code == 0, redriven.err
    output = json.loads(redriven.out)["output"]
    found = json.loads(output) if isinstance(output, str) else output
    assert found["Deployed"] and found["ModelName"] == "stopped-1"
    assert endpoints(here) == ["stopped"]
    answer = here.client("sagemaker-runtime").invoke_endpoint(
        EndpointName="stopped", Body=b"7", ContentType="text/plain"
    )
    assert json.loads(answer["Body"].read())["answer"] == 21
    here.client("sagemaker").delete_endpoint(EndpointName="stopped")
