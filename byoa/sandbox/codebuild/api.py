"""CodeBuild's API, all of it answered here: moto's builds always succeed."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from werkzeug.wrappers import Response

from byoa.aws.session import Session
from byoa.aws.storage import S3Storage
from byoa.local.logs import LogWriter
from byoa.sandbox import answers, docker_login, environment, shapes
from byoa.sandbox.codebuild.build import BuildRecord
from byoa.sandbox.codebuild.builds import Builds
from byoa.sandbox.codebuild.course import Around, Course
from byoa.sandbox.codebuild.log import BuildLog
from byoa.sandbox.codebuild.projects import Projects
from byoa.sandbox.codebuild.variables import Resolver
from byoa.sandbox.hooks import Sandbox, not_implemented
from byoa.sandbox.sagemaker import root
from byoa.sandbox.state import State
from byoa.sandbox.wire import Call

#: Projects and builds live as long as the server does, as all that moto keeps.
REGIONS: dict[str, Builds] = {}
LOCK = threading.Lock()

OPERATIONS: dict[str, Callable[[Builds, dict[str, Any]], dict[str, Any]]] = {
    "CreateProject": lambda builds, request: builds.projects.create(request),
    "UpdateProject": lambda builds, request: builds.projects.update(request),
    "DeleteProject": lambda builds, request: builds.projects.delete(request),
    "BatchGetProjects": lambda builds, request: builds.projects.batch_get(request),
    "ListProjects": lambda builds, request: builds.projects.names(request),
    "StartBuild": Builds.start,
    "StopBuild": Builds.stop,
    "BatchGetBuilds": Builds.batch_get,
    "BatchDeleteBuilds": Builds.delete,
    "ListBuilds": Builds.list,
    "ListBuildsForProject": Builds.list_of_project,
}


def codebuild(sandbox: Sandbox, call: Call) -> Response:
    act = OPERATIONS.get(call.operation)
    if act is None:
        raise not_implemented(call)
    shapes.check(call, "InvalidInputException")
    region = call.region or sandbox.state.region
    with LOCK:
        if region not in REGIONS:
            REGIONS[region] = Builds(Projects(region), partial(course_of, sandbox.state, region))
    return answers.answer(call, act(REGIONS[region], call.parameters))


def course_of(state: State, region: str, record: BuildRecord) -> Course:
    """A build with the sandbox's S3, SSM and Secrets Manager around it."""
    session = Session(region=region, endpoint=state.url)
    folder = Path(state.folder) / "builds" / record.fields["id"].rpartition(":")[2]
    folder.mkdir(parents=True)
    around = Around(
        storage=S3Storage(session.client("s3"), "s3://"),
        resolver=Resolver(session.client("ssm"), session.client("secretsmanager")),
        environment={
            **environment.variables(state),
            "AWS_REGION": region,
            "AWS_DEFAULT_REGION": region,
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        },
        folder=folder,
        docker_config=docker_login.write(folder / "docker", {}),
    )
    logs = record.fields["logs"]
    writer = LogWriter(root(state, region))
    return Course(
        record, BuildLog(writer, logs.get("groupName", ""), logs.get("streamName", "")), around
    )
