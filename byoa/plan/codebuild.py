"""CodeBuild: the project that builds an image out of a source archive in S3, and one build.

https://docs.aws.amazon.com/codebuild/latest/userguide/sample-docker.html
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from byoa.plan import parts, templates
from byoa.plan.ecr import parse_image
from byoa.plan.errors import UsageError
from byoa.plan.layout import bucket_and_key

#: What a folder without a build_and_push.sh of its own gets.
BUILDSPEC = """\
version: 0.2
phases:
  build:
    commands:
      - >-
        for login in $LOGINS; do aws ecr get-login-password --region "${login%%=*}" |
        docker login --username AWS --password-stdin "${login#*=}" || exit 1; done
      - >-
        docker build --force-rm --platform linux/amd64 --label "byoa.context=$CONTEXT" $ARGUMENTS
        --tag "$REPOSITORY:$TAG" .
      - docker push "$REPOSITORY:$TAG"
"""


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


def bases(dockerfile: str) -> list[str]:
    """The images that a Dockerfile stands on, as far as they are written out."""
    found = re.findall(r"(?im)^\s*FROM\s+(?:--\S+\s+)*(\S+)(?:\s+AS\s+(\S+))?", dockerfile)
    stages = {stage.lower() for _, stage in found} | {"scratch"}
    return [name for name, _ in found if "$" not in name and name.lower() not in stages]


def build_environment(
    image: str, mark: str, region: str, bases: Iterable[str], arguments: Mapping[str, str]
) -> dict[str, str]:
    """What our buildspec reads; `image` is REGISTRY/REPOSITORY:TAG, `mark` what goes into it."""
    where = parse_image(image)
    found = [parse_image(base) for base in bases]
    logins = {f"{base.region}={base.registry}" for base in found if base.account}
    logins.add(f"{region}={where.registry}")
    for name, value in arguments.items():
        if not re.fullmatch(r"[\w.:/@=+,-]*", value):  # it meets a shell there
            raise UsageError(f"CodeBuild cannot be given --build-arg {name}={value!r}. Use ARG.")
    words = (f"--build-arg {name}={value}" for name, value in sorted(arguments.items()))
    return {
        "LOGINS": " ".join(sorted(logins)), "CONTEXT": mark, "ARGUMENTS": " ".join(words),
        "REPOSITORY": f"{where.registry}/{where.repository}", "TAG": where.tag or "latest",
        "BUILDX_NO_DEFAULT_ATTESTATIONS": "1",
    }  # fmt: skip
