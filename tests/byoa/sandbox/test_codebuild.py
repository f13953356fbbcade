"""Builds run a buildspec's commands for real, by CodeBuild's rules, and can fail."""

from __future__ import annotations

import io
import json
import time
import urllib.request
import zipfile
from typing import Any

import pytest

from byoa.sandbox import sweep
from byoa.sandbox.state import State
from tests.byoa.sandbox.conftest import Clients, refused

ENVIRONMENT = {
    "type": "LINUX_CONTAINER",
    "image": "aws/codebuild/standard:7.0",
    "computeType": "BUILD_GENERAL1_SMALL",
}


def spec(**phases: Any) -> str:
    """A buildspec: commands by phase, and what is no phase at its top. JSON is YAML."""
    names = ("install", "pre_build", "build", "post_build")
    told = {
        name: value if isinstance(value, dict) else {"commands": value}
        for name, value in phases.items()
        if name in names
    }
    top = {name: value for name, value in phases.items() if name not in names}
    return json.dumps({"version": 0.2, "phases": told, **top}, indent=1)


def zipped(**files: str) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for name, text in files.items():
            archive.writestr(name.replace("__", "/").replace("_yml", ".yml"), text)
    return data.getvalue()


@pytest.fixture(scope="module")
def project(client: Clients, role: str, bucket: str) -> str:
    source = {"type": "NO_SOURCE", "buildspec": spec(build=["echo hello"])}
    client("codebuild").create_project(
        name="tests",
        source=source,
        artifacts={"type": "NO_ARTIFACTS"},
        environment={
            **ENVIRONMENT,
            "environmentVariables": [{"name": "FROM", "value": "project"}],
        },
        serviceRole=role,
    )
    return "tests"


class Built:
    """A build that is over, and its lines."""

    def __init__(self, client: Clients, name: str, **request: Any) -> None:
        codebuild, end = client("codebuild"), time.monotonic() + 40
        started = codebuild.start_build(projectName=name, **request)["build"]
        assert started["buildStatus"] == "IN_PROGRESS" and not started["buildComplete"]
        while True:
            (self.build,) = codebuild.batch_get_builds(ids=[started["id"]])["builds"]
            if self.build["buildComplete"]:
                break
            assert time.monotonic() < end, self.build
            time.sleep(0.1)
        logs = self.build["logs"]
        events = client("logs").get_log_events(
            logGroupName=logs["groupName"], logStreamName=logs["streamName"], startFromHead=True
        )
        self.lines = [event["message"] for event in events["events"]]

    @property
    def status(self) -> str:
        return str(self.build["buildStatus"])

    def phase(self, name: str) -> dict[str, Any] | None:
        found = [phase for phase in self.build["phases"] if phase["phaseType"] == name]
        assert len(found) <= 1
        return found[0] if found else None

    def said(self, name: str) -> str:
        """A phase's status and its context's message."""
        found = self.phase(name)
        if found is None:
            return "never"
        context = found.get("contexts", [{}])[0]
        return f"{found.get('phaseStatus')} {context.get('message', '')}".strip()


def test_a_build_from_a_zip_in_s3(client: Clients, role: str, bucket: str):
    told = spec(
        install=["cd inner", "A=one; export B=two"],
        build=["pwd", "cat file.txt", "echo $A $B", "false || echo went on"],
        post_build=["echo succeeding=$CODEBUILD_BUILD_SUCCEEDING"],
    )
    data = zipped(buildspec_yml=told, **{"inner__file.txt": "from the zip\n"})
    client("s3").put_object(Bucket=bucket, Key="source.zip", Body=data)
    client("codebuild").create_project(
        name="from-s3",
        source={"type": "S3", "location": f"{bucket}/source.zip"},
        artifacts={"type": "NO_ARTIFACTS"},
        environment=ENVIRONMENT,
        serviceRole=role,
    )
    built = Built(client, "from-s3")
    assert built.status == "SUCCEEDED", built.lines
    assert "from the zip" in built.lines and "one two" in built.lines
    assert "went on" in built.lines and "succeeding=1" in built.lines
    assert any(line.endswith("/src/inner") for line in built.lines)
    assert [phase["phaseType"] for phase in built.build["phases"]] == [
        "SUBMITTED", "QUEUED", "PROVISIONING", "DOWNLOAD_SOURCE", "INSTALL", "PRE_BUILD", "BUILD",
        "POST_BUILD", "UPLOAD_ARTIFACTS", "FINALIZING", "COMPLETED",
    ]  # fmt: skip
    assert built.build["currentPhase"] == "COMPLETED" and built.build["endTime"]
    assert built.build["logs"]["groupName"] == "/aws/codebuild/from-s3"


def test_a_failed_build_phase_still_runs_post_build(client: Clients, project: str):
    told = spec(
        build=["echo before", "exit 7", "echo after"],
        post_build=["echo succeeding=$CODEBUILD_BUILD_SUCCEEDING"],
    )
    built = Built(client, project, buildspecOverride=told)
    assert built.status == "FAILED"
    assert built.said("BUILD") == (
        "FAILED Error while executing command: exit 7. Reason: exit status 7"
    )
    context = built.phase("BUILD")["contexts"][0]  # type: ignore[index]
    assert context["statusCode"] == "COMMAND_EXECUTION_ERROR"
    assert "after" not in built.lines and "succeeding=0" in built.lines
    assert built.said("POST_BUILD") == "SUCCEEDED"


@pytest.mark.parametrize("phase", ["install", "pre_build"])
def test_an_early_failure_ends_the_build_after_its_finally(
    client: Clients, project: str, phase: str
):
    early = {"commands": ["exit 3"], "finally": ["echo cleaned up"]}
    told = spec(**{phase: early, "build": ["echo built"], "post_build": ["echo posted"]})
    built = Built(client, project, buildspecOverride=told)
    assert built.status == "FAILED"
    assert built.said(phase.upper()).endswith("exit status 3")
    assert "cleaned up" in built.lines
    assert "built" not in built.lines and "posted" not in built.lines
    assert built.phase("BUILD") is None


def test_on_failure_continue_goes_on(client: Clients, project: str):
    told = spec(install={"commands": ["exit 1"], "on-failure": "CONTINUE"}, build=["echo built"])
    built = Built(client, project, buildspecOverride=told)
    assert "built" in built.lines
    assert built.said("INSTALL").startswith("FAILED")


def test_variables_and_who_wins(client: Clients, project: str):
    told = spec(env={"variables": {"FROM": "buildspec", "OTHER": "buildspec"}}, build=[
        "echo $FROM $OTHER $CODEBUILD_BUILD_ID $CODEBUILD_CI",
        "echo region=$AWS_REGION $AWS_DEFAULT_REGION",
    ])  # fmt: skip
    built = Built(client, project, buildspecOverride=told)
    assert f"project buildspec {built.build['id']} true" in built.lines
    assert "region=us-east-1 us-east-1" in built.lines
    override = [{"name": "FROM", "value": "request $x 'y'"}]
    built = Built(client, project, buildspecOverride=told, environmentVariablesOverride=override)
    assert f"request $x 'y' buildspec {built.build['id']} true" in built.lines


def test_secrets_are_read_and_not_shown(client: Clients, project: str):
    client("ssm").put_parameter(Name="/tests/word", Value="open-sesame", Type="SecureString")
    client("secretsmanager").create_secret(Name="tests", SecretString='{"key": "deep-secret"}')
    told = spec(
        env={
            "parameter-store": {"WORD": "/tests/word"},
            "secrets-manager": {"KEY": "tests:key"},
            "exported-variables": ["LENGTH", "WORD"],
        },
        build=["echo word=$WORD key=$KEY", "LENGTH=${#WORD}", "exit-$WORD"],
    )
    built = Built(client, project, buildspecOverride=told)
    assert "word=*** key=***" in built.lines
    shown = json.dumps([built.lines, built.build], default=str)
    assert "open-sesame" not in shown and "deep-secret" not in shown
    assert built.build["exportedEnvironmentVariables"] == [
        {"name": "LENGTH", "value": "11"},
        {"name": "WORD", "value": "***"},
    ]
    missing = spec(env={"parameter-store": {"X": "/nobody"}}, build=["echo built"])
    built = Built(client, project, buildspecOverride=missing)
    assert built.status == "FAILED" and "cannot be read" in built.said("DOWNLOAD_SOURCE")


def test_a_build_reaches_the_sandbox_by_the_aws_cli(client: Clients, project: str, bucket: str):
    told = spec(build=[f"echo from-a-build | aws s3 cp - s3://{bucket}/from-a-build"])
    built = Built(client, project, buildspecOverride=told)
    assert built.status == "SUCCEEDED", built.lines
    body = client("s3").get_object(Bucket=bucket, Key="from-a-build")["Body"].read()
    assert body == b"from-a-build\n"


def test_without_privileged_mode_there_is_no_docker(client: Clients, project: str):
    told = spec(build=['echo "docker: $DOCKER_HOST"', 'echo "config: $DOCKER_CONFIG"'])
    built = Built(client, project, buildspecOverride=told)
    assert any("no-docker-without-privileged-mode" in line for line in built.lines)
    built = Built(client, project, buildspecOverride=told, privilegedModeOverride=True)
    assert not any("no-docker-without" in line for line in built.lines)


def test_artifacts_go_to_s3(client: Clients, project: str, bucket: str):
    told = spec(
        build=["mkdir -p out/deep", "echo 1 > out/a.txt", "echo 2 > out/deep/b.txt", "echo 3 > c"],
        artifacts={"files": ["**/*"], "base-directory": "out"},
    )
    target = {"type": "S3", "location": bucket, "path": "made", "name": "x.zip", "packaging": "ZIP"}
    built = Built(client, project, buildspecOverride=told, artifactsOverride=target)
    assert built.status == "SUCCEEDED", built.build
    assert built.build["artifacts"]["location"] == f"arn:aws:s3:::{bucket}/made/x.zip"
    data = client("s3").get_object(Bucket=bucket, Key="made/x.zip")["Body"].read()
    assert zipfile.ZipFile(io.BytesIO(data)).namelist() == ["a.txt", "deep/b.txt"]
    nothing = spec(build=["true"], artifacts={"files": ["nothing/*"]})
    built = Built(client, project, buildspecOverride=nothing, artifactsOverride=target)
    assert built.said("UPLOAD_ARTIFACTS") == "FAILED no matching artifact paths found"
    assert built.status == "FAILED"


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ("version: 0.2\nphases: {", "it is not YAML"),
        ("version: 7\nphases: {}", "version is 7"),
        ("version: 0.2\nphases: {deploy: {commands: [x]}}", "phases are install"),
        ("version: 0.2\nphases: {build: {commands: [{a: b}]}}", "no list of texts"),
        ("version: 0.2\nrun-as: me\nphases: {build: {}}", "run-as is not carried out"),
        ("not-there.yml", "stat not-there.yml"),
        ("../../state.json", "outside of the source"),
    ],
)
def test_a_bad_buildspec_fails_the_build(client: Clients, project: str, told: str, said: str):
    built = Built(client, project, buildspecOverride=told)
    assert built.status == "FAILED" and said in built.said("DOWNLOAD_SOURCE")


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ({"sourceTypeOverride": "S3", "sourceLocationOverride": "tests-bucket/no.zip"}, "no.zip"),
        ({"sourceTypeOverride": "GITHUB", "sourceLocationOverride": "x"}, "not carried out"),
    ],
)
def test_a_source_that_cannot_be_had(
    client: Clients, project: str, source: dict[str, str], said: str
):
    built = Built(client, project, **source)
    assert built.status == "FAILED" and said in built.said("DOWNLOAD_SOURCE")


def test_stop_ends_all_that_the_build_started(sandbox: State, client: Clients, project: str):
    codebuild = client("codebuild")
    told = spec(build=["sleep 600 & sleep 601"], post_build=["echo posted"])
    started = codebuild.start_build(projectName=project, buildspecOverride=told)["build"]
    mark, end = f"BYOA_BUILD={started['id']}", time.monotonic() + 20
    while len([name for name in sweep.processes(mark).values() if "sleep" in name]) < 2:
        assert time.monotonic() < end
        time.sleep(0.05)
    codebuild.stop_build(id=started["id"])
    while True:
        (build,) = codebuild.batch_get_builds(ids=[started["id"]])["builds"]
        if build["buildComplete"]:
            break
        assert time.monotonic() < end
        time.sleep(0.05)
    assert build["buildStatus"] == "STOPPED"
    assert sweep.processes(mark) == {}
    assert "POST_BUILD" not in [phase["phaseType"] for phase in build["phases"]]
    codebuild.stop_build(id=started["id"])


def test_projects_and_what_is_refused(client: Clients, role: str, project: str):
    codebuild = client("codebuild")
    request: dict[str, Any] = {
        "name": "kept",
        "source": {"type": "NO_SOURCE", "buildspec": spec(build=["true"])},
        "artifacts": {"type": "NO_ARTIFACTS"},
        "environment": ENVIRONMENT,
        "serviceRole": role,
        "tags": [{"key": "byoa:project", "value": "tests"}],
    }
    made = codebuild.create_project(**request)["project"]
    assert made["arn"].endswith(":project/kept") and made["timeoutInMinutes"] == 60
    assert made["tags"] == request["tags"]
    assert refused(codebuild.create_project, **request)[0] == "ResourceAlreadyExistsException"
    codebuild.update_project(name="kept", timeoutInMinutes=5)
    found = codebuild.batch_get_projects(names=["kept", "nobody"])
    assert found["projects"][0]["timeoutInMinutes"] == 5
    assert found["projectsNotFound"] == ["nobody"]
    assert "kept" in codebuild.list_projects()["projects"]
    assert refused(codebuild.start_build, projectName="nobody")[0] == "ResourceNotFoundException"
    code, text = refused(codebuild.start_build, projectName="kept", fleetOverride={"fleetArn": "x"})
    assert "not carried out in the sandbox" in text
    codebuild.delete_project(name="kept")
    codebuild.delete_project(name="kept")
    for change, said in (
        ({"serviceRole": "arn:aws:iam::123456789012:role/nobody"}, "not authorized to perform"),
        ({"source": {"type": "S3"}}, "location must be set"),
        ({"source": {"type": "NO_SOURCE"}}, "buildspec must be set"),
        ({"timeoutInMinutes": 9999}, "less than or equal to 2160"),
        ({"environment": {**ENVIRONMENT, "computeType": "HUGE"}}, "environment.computeType"),
    ):
        code, text = refused(codebuild.create_project, **{**request, **change})
        assert code == "InvalidInputException" and said in text
    code, text = refused(codebuild.start_build_batch, projectName="tests")
    assert code == "UnknownOperationException"


def test_builds_are_listed_the_newest_first(client: Clients, project: str):
    first, second = Built(client, project), Built(client, project)
    assert first.status == "SUCCEEDED" and "hello" in first.lines
    ids = client("codebuild").list_builds_for_project(projectName=project)["ids"]
    assert ids[:2] == [second.build["id"], first.build["id"]]
    assert second.build["buildNumber"] == first.build["buildNumber"] + 1
    found = client("codebuild").batch_get_builds(ids=["tests:nobody"])
    assert found["buildsNotFound"] == ["tests:nobody"]


def test_the_same_token_is_the_same_build(client: Clients, project: str):
    start = client("codebuild").start_build
    one = start(projectName=project, idempotencyToken="once")["build"]["id"]
    assert start(projectName=project, idempotencyToken="once")["build"]["id"] == one


def test_a_client_that_speaks_json(sandbox: State, project: str):
    """The AWS CLI's version 2 and older boto3 do; today's speaks CBOR (test_wire.py)."""
    scope = f"{sandbox.access_key}/20260101/us-east-1/codebuild/aws4_request"
    headers = {
        "X-Amz-Target": "CodeBuild_20161006.BatchGetProjects",
        "Content-Type": "application/x-amz-json-1.1",
        "Authorization": f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=h, Signature=0",
    }
    body = json.dumps({"names": [project]}).encode()
    request = urllib.request.Request(sandbox.url, body, headers)
    with urllib.request.urlopen(request, timeout=10) as answer:
        found = json.load(answer)["projects"][0]
    assert found["name"] == project and isinstance(found["created"], float)
