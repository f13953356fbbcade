"""CodeBuild builds: started in threads, listed, stopped."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from byoa.plan.errors import ServiceError
from byoa.sandbox.codebuild.build import BuildRecord
from byoa.sandbox.codebuild.course import Course
from byoa.sandbox.codebuild.projects import Projects, arn, invalid

#: StartBuild's overrides, and where in a project each of them belongs.
OVERRIDES = {
    "sourceTypeOverride": ("source", "type"),
    "sourceLocationOverride": ("source", "location"),
    "buildspecOverride": ("source", "buildspec"),
    "imageOverride": ("environment", "image"),
    "environmentTypeOverride": ("environment", "type"),
    "computeTypeOverride": ("environment", "computeType"),
    "privilegedModeOverride": ("environment", "privilegedMode"),
    "artifactsOverride": ("artifacts",),
    "cacheOverride": ("cache",),
    "logsConfigOverride": ("logsConfig",),
    "serviceRoleOverride": ("serviceRole",),
    "timeoutInMinutesOverride": ("timeoutInMinutes",),
    "queuedTimeoutInMinutesOverride": ("queuedTimeoutInMinutes",),
    "encryptionKeyOverride": ("encryptionKey",),
}
#: What StartBuild takes and nothing here acts on, but which changes no build's outcome either.
WITHOUT_EFFECT = {
    "idempotencyToken", "reportBuildStatusOverride", "gitCloneDepthOverride", "insecureSslOverride",
    "buildStatusConfigOverride", "imagePullCredentialsTypeOverride", "hostKernelOverride",
}  # fmt: skip
SHOWN = (
    "source", "environment", "serviceRole", "timeoutInMinutes", "queuedTimeoutInMinutes", "cache",
    "encryptionKey", "vpcConfig", "fileSystemLocations",
)  # fmt: skip


@dataclass
class Builds:
    """The builds of one region, by id, the oldest first."""

    projects: Projects
    make_course: Callable[[BuildRecord], Course]
    courses: dict[str, Course] = field(default_factory=dict)
    tokens: dict[str, str] = field(default_factory=dict)  #: idempotency token -> id
    lock: threading.Lock = field(default_factory=threading.Lock)

    def start(self, request: dict[str, Any]) -> dict[str, Any]:
        name = request["projectName"].rpartition("/")[2]
        project = overridden(self.projects.get(name, "StartBuild"), request)
        with self.lock:
            known = self.tokens.get(request.get("idempotencyToken", ""))
            if known is not None:
                return {"build": self.courses[known].record.shown()}
            self.check_limit(project)
            record = self.new_record(project, request)
            course = self.make_course(record)
            self.courses[record.fields["id"]] = course
            if request.get("idempotencyToken"):
                self.tokens[request["idempotencyToken"]] = record.fields["id"]
        shown = record.shown()
        threading.Thread(target=course.run, daemon=True).start()
        return {"build": shown}

    def check_limit(self, project: dict[str, Any]) -> None:
        limit = project.get("concurrentBuildLimit")
        on = [build for build in self.of(project["name"]) if not build.done]
        if limit and len(on) >= limit:
            text = f"Cannot have more than {limit} builds in queue for the project"
            raise ServiceError("AccountLimitExceededException", text, "StartBuild")

    def new_record(self, project: dict[str, Any], request: dict[str, Any]) -> BuildRecord:
        name = project["name"]
        word = str(uuid.uuid4())
        version = request.get("sourceVersion") or project.get("sourceVersion")
        return BuildRecord(
            {
                **{key: project[key] for key in SHOWN if key in project},
                **({"sourceVersion": version} if version else {}),
                "id": f"{name}:{word}",
                "arn": arn(self.projects.region, "build", f"{name}:{word}"),
                "buildNumber": len(list(self.of(name))) + 1,
                "projectName": name,
                "initiator": "sandbox",
                "logs": log_location(project, name, word, self.projects.region),
                "artifacts": {"location": ""},
                "artifactsOf": project["artifacts"],
            }
        )

    def of(self, project: str) -> list[BuildRecord]:
        found = [course.record for course in list(self.courses.values())]
        return [record for record in found if record.fields["projectName"] == project]

    def find(self, name: str) -> Course | None:
        return self.courses.get(name.rpartition(":build/")[2] if "build/" in name else name)

    def batch_get(self, request: dict[str, Any]) -> dict[str, Any]:
        wanted = {name: self.find(name) for name in request["ids"]}
        return {
            "builds": [course.record.shown() for course in wanted.values() if course],
            "buildsNotFound": [name for name, course in wanted.items() if course is None],
        }

    def stop(self, request: dict[str, Any]) -> dict[str, Any]:
        """Asks the build to stop; a build that is over is no error."""
        course = self.find(request["id"])
        if course is None:
            text = f"Build cannot be found: {request['id']}"
            raise ServiceError("ResourceNotFoundException", text, "StopBuild")
        if not course.record.done:
            course.stop()
        return {"build": course.record.shown()}

    def list(self, request: dict[str, Any]) -> dict[str, Any]:
        return {"ids": ordered(list(self.courses), request)}

    def list_of_project(self, request: dict[str, Any]) -> dict[str, Any]:
        self.projects.get(request["projectName"], "ListBuildsForProject")
        records = self.of(request["projectName"])
        return {"ids": ordered([record.fields["id"] for record in records], request)}

    def delete(self, request: dict[str, Any]) -> dict[str, Any]:
        deleted, kept = [], []
        for name in request["ids"]:
            course = self.find(name)
            if course is None:
                kept.append({"id": name, "statusCode": "BUILD_NOT_FOUND"})
            elif not course.record.done:
                kept.append({"id": name, "statusCode": "BUILD_IN_PROGRESS"})
            else:
                deleted.append(self.courses.pop(course.record.fields["id"]).record.fields["arn"])
        return {"buildsDeleted": deleted, "buildsNotDeleted": kept}


def ordered(ids: list[str], request: dict[str, Any]) -> list[str]:
    """The newest first, unless asked otherwise."""
    return ids if request.get("sortOrder") == "ASCENDING" else ids[::-1]


def overridden(project: dict[str, Any], request: dict[str, Any]) -> dict[str, Any]:
    """The project as this build sees it. What cannot be overridden here is refused."""
    found = {
        key: dict(value) if isinstance(value, dict) else value for key, value in project.items()
    }
    for name, value in request.items():
        if name in OVERRIDES:
            *outer, last = OVERRIDES[name]
            (found[outer[0]] if outer else found)[last] = value
        elif name.endswith("Override") and name not in {*WITHOUT_EFFECT, VARIABLES}:
            raise invalid("StartBuild", f"{name} is not carried out in the sandbox")
    wanted = {item["name"]: item for item in found["environment"].get("environmentVariables", [])}
    wanted.update({item["name"]: item for item in request.get(VARIABLES, [])})
    found["environment"]["environmentVariables"] = list(wanted.values())
    return found


VARIABLES = "environmentVariablesOverride"


def log_location(project: dict[str, Any], name: str, word: str, region: str) -> dict[str, Any]:
    """Group and stream of a build's lines; neither where the project switches the logs off."""
    config = project.get("logsConfig", {}).get("cloudWatchLogs", {"status": "ENABLED"})
    if config["status"] != "ENABLED":
        return {"cloudWatchLogs": config}
    group = config.get("groupName") or f"/aws/codebuild/{name}"
    stream = f"{config['streamName']}/{word}" if config.get("streamName") else word
    return {
        "groupName": group,
        "streamName": stream,
        "cloudWatchLogs": config,
        "cloudWatchLogsArn": f"{arn(region, 'x', 'x').split(':codebuild:')[0]}:logs:{region}:"
        f"123456789012:log-group:{group}:log-stream:{stream}",
    }
