"""CodeBuild projects: kept as they were given, with what CodeBuild adds to them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from byoa.plan.errors import ServiceError
from byoa.sandbox.codebuild.build import now
from byoa.sandbox.iam import may_assume
from byoa.sandbox.state import ACCOUNT

#: What CodeBuild fills in where a request says nothing.
DEFAULTS: dict[str, Any] = {
    "timeoutInMinutes": 60,
    "queuedTimeoutInMinutes": 480,
    "cache": {"type": "NO_CACHE"},
    "badge": {"badgeEnabled": False},
    "projectVisibility": "PRIVATE",
}
NO_LOCATION = {"NO_SOURCE", "CODEPIPELINE"}


def invalid(operation: str, text: str) -> ServiceError:
    return ServiceError("InvalidInputException", text, operation)


def arn(region: str, kind: str, name: str) -> str:
    return f"arn:aws:codebuild:{region}:{ACCOUNT}:{kind}/{name}"


@dataclass
class Projects:
    """The projects of one region, by name."""

    region: str
    found: dict[str, dict[str, Any]] = field(default_factory=dict)

    def create(self, request: dict[str, Any]) -> dict[str, Any]:
        name = request["name"]
        if name in self.found:
            text = f"Project already exists: {arn(self.region, 'project', name)}"
            raise ServiceError("ResourceAlreadyExistsException", text, "CreateProject")
        check(request, "CreateProject")
        self.found[name] = {
            **DEFAULTS,
            **settings(request),
            "arn": arn(self.region, "project", name),
            "created": now(),
            "lastModified": now(),
        }
        return {"project": self.found[name]}

    def update(self, request: dict[str, Any]) -> dict[str, Any]:
        """Changes what the request names and keeps the rest."""
        project = self.get(request["name"], "UpdateProject")
        changed = {**project, **settings(request), "lastModified": now()}
        check(changed, "UpdateProject")
        self.found[request["name"]] = changed
        return {"project": changed}

    def get(self, name: str, operation: str) -> dict[str, Any]:
        if name not in self.found:
            text = f"Project cannot be found: {arn(self.region, 'project', name)}"
            raise ServiceError("ResourceNotFoundException", text, operation)
        return self.found[name]

    def batch_get(self, request: dict[str, Any]) -> dict[str, Any]:
        wanted = [name.rpartition("/")[2] for name in request["names"]]
        missing = [name for name in wanted if name not in self.found]
        return {
            "projects": [self.found[name] for name in wanted if name in self.found],
            "projectsNotFound": missing,
        }

    def delete(self, request: dict[str, Any]) -> dict[str, Any]:
        """As CodeBuild: deleting what is not there is no error."""
        self.found.pop(request["name"].rpartition("/")[2], None)
        return {}

    def names(self, request: dict[str, Any]) -> dict[str, Any]:
        keys = {"CREATED_TIME": "created", "LAST_MODIFIED_TIME": "lastModified"}
        key = keys.get(request.get("sortBy", ""), "name")
        ordered = sorted(self.found.values(), key=lambda project: project[key])
        names = [project["name"] for project in ordered]
        return {"projects": names[::-1] if request.get("sortOrder") == "DESCENDING" else names}


def settings(request: dict[str, Any]) -> dict[str, Any]:
    found = dict(request)
    if found.pop("badgeEnabled", False):
        found["badge"] = {"badgeEnabled": True}
    return found


def check(project: dict[str, Any], operation: str) -> None:
    """What CodeBuild refuses beyond its model."""
    source, artifacts = project["source"], project["artifacts"]
    if source["type"] not in NO_LOCATION and not source.get("location"):
        raise invalid(operation, "Invalid project source: location must be set")
    if source["type"] == "NO_SOURCE" and not source.get("buildspec"):
        raise invalid(operation, "Invalid project source: buildspec must be set for NO_SOURCE")
    if artifacts["type"] == "S3" and not artifacts.get("location"):
        raise invalid(operation, "Invalid artifacts: artifact location must be specified")
    role = project["serviceRole"]
    if not may_assume(role, "codebuild"):
        text = f"CodeBuild is not authorized to perform: sts:AssumeRole on service role {role}"
        raise invalid(operation, text)
    names = [item["name"] for item in project["environment"].get("environmentVariables", [])]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise invalid(operation, f"Duplicate environment variable: {twice[0]}")
