"""What goes wrong in a workflow ends right: the cause in a sentence, nothing left to pay for.

Everything runs in one sandbox, jobs and endpoints as plain processes: no docker.
"""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from byoa.sandbox import lifecycle, sweep
from byoa.sandbox.state import State

FILE = Path(__file__).parent / "fixtures" / "drill" / "drill.py"
SERVICES = ("sagemaker", "codebuild", "lambda")
SLOW = "import time\ndef handler(event, context):\n    time.sleep(60)\n"
BUILDS = {"good": "true", "bad": "echo 'cc: no such file' && exit 3"}
#: What costs, or lies about: by service, operation, the answer's list, the name of each.
THINGS = (
    ("sagemaker", "list_endpoints", "Endpoints", "EndpointName"),
    ("sagemaker", "list_endpoint_configs", "EndpointConfigs", "EndpointConfigName"),
    ("sagemaker", "list_models", "Models", "ModelName"),
)


@dataclass(frozen=True)
class Ended:
    """A command that has ended."""

    code: int
    out: str
    err: str

    @property
    def rows(self) -> dict[str, Any]:
        return dict(json.loads(self.out))

    @property
    def output(self) -> dict[str, Any]:
        """What the execution answered."""
        output = self.rows["output"]
        return dict(json.loads(output) if isinstance(output, str) else output)

    @property
    def reason(self) -> str:
        """The last thing that the user is told, without the hint of what to do next."""
        return self.err.rpartition("byoa: ")[2]


@dataclass(frozen=True)
class Place:
    """The sandbox, by the command and by boto3."""

    state: State

    def byoa(self, *words: str) -> Ended:
        done = subprocess.run(
            [sys.executable, "-m", "byoa.cli", *words, "-p", "drill", "--on", "sandbox"],
            env={**os.environ, "BYOA_HOME": str(Path(self.state.folder).parent)},
            capture_output=True, text=True, timeout=250,
        )  # fmt: skip
        return Ended(done.returncode, done.stdout, done.stderr)

    def client(self, service: str) -> Any:
        import boto3

        return boto3.client(
            service,
            region_name=self.state.region,
            endpoint_url=self.state.url,
            aws_access_key_id=self.state.access_key,
            aws_secret_access_key=self.state.secret_key,
        )

    def run(self, endpoint: str, **inputs: str) -> Ended:
        """An execution of the road, watched to its end."""
        return self.byoa(*self.words(endpoint, **inputs), "--wait", "--json")

    def words(self, endpoint: str, **inputs: str) -> list[str]:
        said = {"Build": "good", "How": "learn", "Score": "0.5", "Health": "good", **inputs}
        words = [f"-i{key}={value}" for key, value in {**said, "Endpoint": endpoint}.items()]
        return ["workflow", "run", "road", *words]

    def start(self, endpoint: str, **inputs: str) -> str:
        """An execution that nobody waits for, by its name."""
        return str(self.byoa(*self.words(endpoint, **inputs), "--json").rows["execution"])

    def stop(self, name: str) -> None:
        """Stops an execution; whoever watches it is told."""
        assert self.byoa("workflow", "stop", "road", name).code == 0
        watched = self.byoa("workflow", "watch", "road", name, "--json")
        assert (watched.code, watched.rows["status"]) == (1, "ABORTED")
        assert "The workflow road was stopped" in watched.reason

    def redrive(self, name: str) -> Ended:
        return self.byoa("workflow", "redrive", "road", name, "--wait", "--json")

    def builds(self) -> int:
        found = self.client("codebuild").list_builds_for_project(projectName="good")
        return len(found["ids"])

    def things(self) -> set[str]:
        """Every endpoint, configuration and model, and every job that runs."""
        found = {
            f"{label}/{one[label]}"
            for service, operation, key, label in THINGS
            for one in getattr(self.client(service), operation)()[key]
        }
        jobs = self.client("sagemaker").list_training_jobs(StatusEquals="InProgress")
        return found | {f"job/{job['TrainingJobName']}" for job in jobs["TrainingJobSummaries"]}

    def score(self, endpoint: str) -> float:
        """What the endpoint answers."""
        answer = self.client("sagemaker-runtime").invoke_endpoint(
            EndpointName=endpoint, Body=b"0", ContentType="text/csv"
        )
        return float(json.load(answer["Body"])["score"])


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    state, _ = lifecycle.up(tmp_path_factory.mktemp("home") / "sandbox")
    place = Place(state)
    try:
        furnish(place)
        for name in ("road", "slow"):
            done = place.byoa("workflow", "create", str(FILE), "--name", name)
            assert done.code == 0, done.err
        yield place
    finally:
        lifecycle.down(Path(state.folder))
    assert sweep.processes(f"{sweep.MARK}={state.token}") == {}


def furnish(place: Place) -> None:
    """A role for all jobs, a bucket, two builds and a function that never ends in time."""
    principals = {"Service": [f"{name}.amazonaws.com" for name in SERVICES]}
    trust = {"Effect": "Allow", "Principal": principals, "Action": "sts:AssumeRole"}
    role = place.client("iam").create_role(
        RoleName="drill",
        AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]}),
    )["Role"]["Arn"]
    place.client("s3").create_bucket(Bucket="drill")
    for name, command in BUILDS.items():
        spec = {"version": 0.2, "phases": {"build": {"commands": [command]}}}
        place.client("codebuild").create_project(
            name=name,
            source={"type": "NO_SOURCE", "buildspec": json.dumps(spec)},
            artifacts={"type": "NO_ARTIFACTS"},
            environment={
                "type": "LINUX_CONTAINER",
                "image": "aws/codebuild/amazonlinux-x86_64-standard:5.0",
                "computeType": "BUILD_GENERAL1_SMALL",
            },
            serviceRole=role,
        )
    zipped = io.BytesIO()
    with zipfile.ZipFile(zipped, "w") as archive:
        archive.writestr("slow.py", SLOW)
    place.client("lambda").create_function(
        FunctionName="slow", Runtime="python3.13", Role=role, Handler="slow.handler",
        Code={"ZipFile": zipped.getvalue()}, Timeout=1,
    )  # fmt: skip


def until(look: Callable[[], bool], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not look():
        assert time.monotonic() < end, "it did not come to that"
        time.sleep(0.2)


def test_a_build_that_fails_ends_it_before_anything_is_made(place: Place):
    before = place.things()
    done = place.run("no-build", Build="bad")
    assert (done.code, done.rows["status"]) == (1, "FAILED")
    assert "failed in Build: " in done.reason
    assert "BUILD" in done.reason and "exit status 3" in done.reason
    assert place.things() == before


def test_a_training_that_fails_says_its_own_reason(place: Place):
    before = place.things()
    done = place.run("no-training", How="fail")
    assert (done.code, done.rows["status"]) == (1, "FAILED")
    assert "failed in Train: " in done.reason
    assert "the data is sour" in done.reason
    assert place.things() == before


def test_an_endpoint_that_never_gets_healthy_is_taken_away(place: Place):
    before = place.things()
    done = place.run("sick", Health="bad")
    assert (done.code, done.rows["status"]) == (1, "FAILED")
    assert "failed in Deploy" in done.reason
    assert "this model is sick" in done.reason or "did not pass the ping" in done.reason
    assert place.things() == before


def test_a_function_that_takes_too_long_is_ended(place: Place):
    before = place.things()
    done = place.byoa("workflow", "run", "slow", "--wait", "--json")
    assert (done.code, done.rows["status"]) == (1, "FAILED")
    assert "failed in Fetch: " in done.reason
    assert "timed out after 1.00 seconds" in done.reason
    assert place.things() == before


def test_a_worse_or_a_sick_model_leaves_the_one_that_serves(place: Place):
    first = place.run("cells", Score="0.5")
    assert (first.code, first.rows["status"]) == (0, "SUCCEEDED"), first.err
    assert place.score("cells") == 0.5
    before = place.things()

    worse = place.run("cells", Score="0.3")
    assert (worse.code, worse.rows["status"]) == (0, "SUCCEEDED"), worse.err
    assert worse.output["Deployed"] is False
    assert worse.output["Reason"] == (
        "Not better: score is 0.3, and the model that serves has 0.5."
    )
    assert place.things() == before

    sick = place.run("cells", Score="0.9", Health="bad")
    assert (sick.code, sick.rows["status"]) == (1, "FAILED")
    assert "serves what it served before" in sick.reason
    assert place.things() == before
    assert place.score("cells") == 0.5

    better = place.run("cells", Score="0.7")
    assert (better.code, better.rows["status"]) == (0, "SUCCEEDED"), better.err
    assert better.output["Deployed"] is True
    assert place.score("cells") == 0.7


def test_it_is_stopped_half_way_and_goes_on_from_there(place: Place, tmp_path: Path):
    before = place.things()
    name = place.start("stopped", How=str(tmp_path / "how"))
    until(lambda: any("job/" in one for one in place.things()))
    place.stop(name)
    until(lambda: place.things() == before)

    (tmp_path / "how").write_text("learn")
    done = place.redrive(name)
    assert (done.code, done.rows["status"]) == (0, "SUCCEEDED"), done.err
    assert place.score("stopped") == 0.5
    built = place.builds()
    again = place.byoa("workflow", "redrive", "road", name)
    assert (again.code, place.builds()) == (2, built)
    assert "it succeeded, nothing is left to do" in again.reason


def test_what_failed_goes_on_when_it_is_mended_and_nothing_is_done_twice(
    place: Place, tmp_path: Path
):
    (tmp_path / "how").write_text("fail")
    failed = place.run("mended", How=str(tmp_path / "how"))
    assert failed.rows["status"] == "FAILED"
    built = place.builds()
    (tmp_path / "how").write_text("learn")
    done = place.redrive(failed.rows["execution"])
    assert (done.code, done.rows["status"]) == (0, "SUCCEEDED"), done.err
    assert done.output["ModelName"].endswith("-1-0")  # a job's name is taken for good
    assert (place.builds(), place.score("mended")) == (built, 0.5)


def test_a_stop_while_the_endpoint_starts_leaves_it_to_the_redrive(place: Place, tmp_path: Path):
    name = place.start("slow-start", Health=str(tmp_path / "file"))
    endpoint = "EndpointName/slow-start"
    until(lambda: endpoint in place.things())
    place.stop(name)
    assert endpoint in place.things()
    (tmp_path / "file").touch()
    done = place.redrive(name)
    assert (done.code, done.rows["status"]) == (0, "SUCCEEDED"), done.err
    assert place.score("slow-start") == 0.5


def test_teardown_takes_all_of_it_away(place: Place):
    assert place.run("last").code == 0
    assert place.byoa("teardown", "--yes").code == 0
    until(lambda: place.things() == set())
    assert place.client("stepfunctions").list_state_machines()["stateMachines"] == []
