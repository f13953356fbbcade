"""CodeBuild: the project that builds an image out of a source archive in S3, and one build.

https://docs.aws.amazon.com/codebuild/latest/userguide/sample-docker.html
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from byoa.plan import parts, templates
from byoa.plan.layout import bucket_and_key


@dataclass(frozen=True, kw_only=True)
class BuildProject(parts.Named):
    """A Linux machine with docker (privileged, else it has no daemon) that runs buildspec.yml."""

    role: str
    source: str  #: s3://bucket/key.zip
    environment: Mapping[str, str] = field(default_factory=dict)


def build_project_request(project: BuildProject) -> dict[str, Any]:
    """The dict for create_project; update_project takes the same one."""
    values = vars(project) | _source(project.source, project.environment)
    return templates.request("codebuild.CreateProject", values, project.extra)


def start_build_request(
    project: str,
    source: str,
    environment: Mapping[str, str],
    extra: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """The dict for start_build: this source archive, these variables."""
    values = {"project": project, **_source(source, environment)}
    return templates.request("codebuild.StartBuild", values, extra)


def _source(source: str, environment: Mapping[str, str]) -> dict[str, Any]:
    return {
        "location": "/".join(bucket_and_key(source)),
        "variables": [
            {"name": name, "value": environment[name], "type": "PLAINTEXT"}
            for name in sorted(environment)
        ],
    }
