"""CodeBuild: the project that builds an image out of a source archive in S3, and one build.

https://docs.aws.amazon.com/codebuild/latest/userguide/sample-docker.html
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from byoa.plan import parts
from byoa.plan.layout import bucket_and_key
from byoa.plan.limits import finished


@dataclass(frozen=True, kw_only=True)
class BuildProject:
    """A Linux machine with docker that runs the source's own buildspec.yml."""

    name: str
    role: str
    source: str  #: s3://bucket/key.zip
    image: str = "aws/codebuild/amazonlinux-x86_64-standard:5.0"
    compute: str = "BUILD_GENERAL1_MEDIUM"
    timeout_minutes: int = 120
    environment: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    extra: Mapping[str, Any] = field(default_factory=dict)


def build_project_request(
    project: BuildProject, operation: str = "CreateProject"
) -> dict[str, Any]:
    """The dict for create_project, and for update_project under that operation's name."""
    request = {
        "name": project.name,
        "source": {"type": "S3", "location": _location(project.source)},
        "artifacts": {"type": "NO_ARTIFACTS"},
        # layers of the last build, where the same machine comes again
        "cache": {"type": "LOCAL", "modes": ["LOCAL_DOCKER_LAYER_CACHE"]},
        "environment": {
            "type": "LINUX_CONTAINER",
            "image": project.image,
            "computeType": project.compute,
            "privilegedMode": True,  # without it docker has no daemon
            "environmentVariables": _variables(project.environment),
        },
        "serviceRole": project.role,
        "timeoutInMinutes": project.timeout_minutes,
        "logsConfig": {
            "cloudWatchLogs": {
                "status": "ENABLED",
                "groupName": f"/aws/codebuild/{project.name}",
            }
        },
        "tags": parts.tag_list(project.tags, "key", "value"),
    }
    return finished(f"codebuild.{operation}", request, project.extra)


def start_build_request(
    project: str,
    source: str,
    environment: Mapping[str, str],
    extra: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """The dict for start_build: this source archive, these variables."""
    request = {
        "projectName": project,
        "sourceTypeOverride": "S3",
        "sourceLocationOverride": _location(source),
        "environmentVariablesOverride": _variables(environment),
    }
    return finished("codebuild.StartBuild", request, extra)


def _location(source: str) -> str:
    return "/".join(bucket_and_key(source))


def _variables(environment: Mapping[str, str]) -> list[dict[str, str]]:
    return [
        {"name": name, "value": environment[name], "type": "PLAINTEXT"}
        for name in sorted(environment)
    ]
