"""CodeBuild: the project is kept as wanted, a build is followed to its end and its failure told."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError
from botocore.stub import Stubber

from byoa.aws.codebuild import build, ensure_project
from byoa.plan.codebuild import BuildProject, build_project_request
from byoa.plan.errors import JobFailedError

PROJECT = BuildProject(
    name="byoa-cells", role="arn:aws:iam::123456789012:role/byoa-cells-build",
    source="s3://b/cells/build/1.zip", tags={"byoa:project": "cells"},
)  # fmt: skip
SOURCE = "s3://b/cells/build/2.zip"
ID = "byoa-cells:7dda2b52"
GROUP, STREAM = "/aws/codebuild/byoa-cells", "7dda2b52"


@pytest.fixture
def stub(session):
    with Stubber(session.client("codebuild")) as stub:
        yield stub
        stub.assert_no_pending_responses()


def there(stub, found=()):
    stub.add_response("batch_get_projects", {"projects": list(found)}, {"names": ["byoa-cells"]})


def test_made_when_missing(session, stub):
    there(stub)
    stub.add_response("create_project", {}, build_project_request(PROJECT))
    ensure_project(session, PROJECT)


def test_left_alone_when_it_is_as_wanted(session, stub):
    found = build_project_request(PROJECT)
    there(stub, [{**found, "arn": "arn:x", "encryptionKey": "alias/aws/s3"}])
    ensure_project(session, PROJECT)


def test_brought_up_to_date_when_it_differs(session, stub):
    there(stub, [{**build_project_request(PROJECT), "timeoutInMinutes": 5}])
    stub.add_response("update_project", {}, build_project_request(PROJECT))
    ensure_project(session, PROJECT)


def test_raced_by_a_second_driver(session, stub):
    there(stub)
    stub.add_client_error("create_project", "ResourceAlreadyExistsException", "", 400)
    ensure_project(session, PROJECT)


class Builds:
    """CodeBuild and Logs as one: a build that goes on with each look at it."""

    def __init__(self, looks, lines=()):
        self.looks, self.lines, self.started = iter(looks), list(lines), []
        self.last: dict[str, object] = {}

    def client(self, name):
        return self

    def start_build(self, **request):
        self.started.append(request)
        return {"build": {"id": ID}}

    def batch_get_builds(self, ids):
        self.last = next(self.looks, self.last)
        return {"builds": [{"id": ID, **self.last}]}

    def describe_log_streams(self, **_):
        return {"logStreams": [{"logStreamName": STREAM}]}

    def get_log_events(self, nextToken=None, **_):
        new = [] if nextToken else [{"timestamp": 1, "message": line} for line in self.lines]
        return {"events": new, "nextForwardToken": "end"}


LOGS = {"logs": {"groupName": GROUP, "streamName": STREAM}}


def phase(kind, status, said=""):
    contexts = [{"message": said}] if said else []
    return {"phaseType": kind, "phaseStatus": status, "contexts": contexts}


def run(builds):
    said: list[str] = []
    build(builds, "byoa-cells", SOURCE, {"IMAGE": "cells:v1"}, said.append, sleep=lambda _: None)
    return said


def test_phases_and_lines_are_told():
    done = [phase("SUBMITTED", "SUCCEEDED"), phase("BUILD", "SUCCEEDED")]
    builds = Builds(
        [
            {"buildStatus": "IN_PROGRESS", "phases": done[:1]},
            {"buildStatus": "IN_PROGRESS", "phases": done[:1], **LOGS},
            {"buildStatus": "SUCCEEDED", "phases": done, **LOGS},
        ],
        ["Step 1/9", "Step 9/9"],
    )
    said = run(builds)
    assert said.count("SUBMITTED: SUCCEEDED") == 1
    assert "Step 9/9" in said and "BUILD: SUCCEEDED" in said
    started = builds.started[0]
    assert started["sourceLocationOverride"] == "b/cells/build/2.zip"
    assert {"name": "IMAGE", "value": "cells:v1", "type": "PLAINTEXT"} in started[
        "environmentVariablesOverride"
    ]


def test_a_build_that_fails_tells_its_phase():
    phases = [phase("INSTALL", "SUCCEEDED"), phase("BUILD", "FAILED", "exit status 3")]
    state = {"buildStatus": "FAILED", "phases": phases, **LOGS}
    with pytest.raises(JobFailedError) as caught:
        run(Builds([state], ["a line"]))
    assert f"The build {ID} ended in its phase BUILD (FAILED): exit status 3." in str(caught.value)


def test_ctrl_c_stops_the_build():
    class Stopped(Builds):
        def stop_build(self, **request):
            self.started.append(request)

        def get_log_events(self, nextToken="", **_):
            raise KeyboardInterrupt

    builds = Stopped([{"buildStatus": "IN_PROGRESS", **LOGS}])
    with pytest.raises(KeyboardInterrupt):
        run(builds)
    assert builds.started[-1] == {"id": ID}


def test_a_build_that_never_had_a_log_is_told():
    with pytest.raises(JobFailedError, match="TIMED_OUT"):
        run(Builds([{"buildStatus": "TIMED_OUT", "phases": []}]))


def test_no_right_to_start_one(session, stub):
    stub.add_client_error("start_build", "AccountLimitExceededException", "too many", 400)
    with pytest.raises(ClientError):
        build(session, "byoa-cells", SOURCE, {}, print)
