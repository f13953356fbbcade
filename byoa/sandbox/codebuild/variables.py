"""A build's variables: CodeBuild's own, the buildspec's, the project's, the request's."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from byoa.sandbox.codebuild.buildspec import Buildspec

#: Of this machine, what a build may see: where programs are, how to speak, and what docker needs.
KEPT = {
    "PATH", "HOME", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR", "USER", "BYOA_SANDBOX",
    "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "PIP_CERT",
    "http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY",
}  # fmt: skip


@dataclass
class Variables:
    """Names and values, and which of the values are secrets."""

    values: dict[str, str] = field(default_factory=dict)
    secrets: list[str] = field(default_factory=list)

    def add_secret(self, name: str, value: str) -> None:
        self.values[name] = value
        self.secrets.append(value)


class Resolver:
    """Reads the values that lie in Parameter Store and Secrets Manager."""

    def __init__(self, ssm: Any, secrets_manager: Any) -> None:
        self.ssm = ssm
        self.secrets_manager = secrets_manager

    def parameter(self, name: str) -> str:
        found = self.ssm.get_parameter(Name=name, WithDecryption=True)
        return str(found["Parameter"]["Value"])

    def secret(self, reference: str) -> str:
        """secret-id:json-key:version-stage:version-id, all but the first left out or empty."""
        parts = split(reference)
        request = {
            "SecretId": parts[0],
            **({"VersionStage": parts[2]} if parts[2] else {}),
            **({"VersionId": parts[3]} if parts[3] else {}),
        }
        text = str(self.secrets_manager.get_secret_value(**request)["SecretString"])
        return str(json.loads(text)[parts[1]]) if parts[1] else text


def split(reference: str) -> list[str]:
    """The four parts; an ARN holds six colons of its own."""
    words = reference.split(":")
    if reference.startswith("arn:"):
        words = [":".join(words[:7]), *words[7:]]
    return (words + [""] * 4)[:4]


def collect(
    spec: Buildspec, requested: Sequence[Mapping[str, str]], resolver: Resolver
) -> Variables:
    """The buildspec's first: the project's and the request's, which come later, win."""
    found = Variables(dict(spec.variables))
    for name, reference in spec.parameters.items():
        found.add_secret(name, resolver.parameter(reference))
    for name, reference in spec.secrets.items():
        found.add_secret(name, resolver.secret(reference))
    for item in requested:
        kind = item.get("type", "PLAINTEXT")
        if kind == "PARAMETER_STORE":
            found.add_secret(item["name"], resolver.parameter(item["value"]))
        elif kind == "SECRETS_MANAGER":
            found.add_secret(item["name"], resolver.secret(item["value"]))
        else:
            found.values[item["name"]] = item["value"]
    return found


def surroundings(
    fields: Mapping[str, Any], source: Path, docker_config: Path, sandbox: Mapping[str, str]
) -> dict[str, str]:
    """What every build finds. https://docs.aws.amazon.com/codebuild/latest/userguide/build-env-ref-env-vars.html"""
    kept = {name: os.environ[name] for name in sorted(KEPT & set(os.environ))}
    privileged = bool(fields["environment"].get("privilegedMode"))
    return {
        **kept,
        # the AWS CLI that was installed with us, before any other
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), kept.get("PATH", os.defpath)]),
        **sandbox,
        "DOCKER_CONFIG": str(docker_config),
        **docker_address(privileged),
        "CI": "true",
        "CODEBUILD_CI": "true",
        "CODEBUILD_BUILD_ARN": fields["arn"],
        "CODEBUILD_BUILD_ID": fields["id"],
        "CODEBUILD_BUILD_IMAGE": fields["environment"]["image"],
        "CODEBUILD_BUILD_NUMBER": str(fields["buildNumber"]),
        "CODEBUILD_INITIATOR": fields["initiator"],
        "CODEBUILD_LOG_PATH": fields["logs"].get("streamName", ""),
        "CODEBUILD_SOURCE_REPO_URL": fields["source"].get("location", ""),
        "CODEBUILD_SOURCE_VERSION": fields.get("sourceVersion", ""),
        "CODEBUILD_RESOLVED_SOURCE_VERSION": fields.get("resolvedSourceVersion", ""),
        "CODEBUILD_SRC_DIR": str(source),
        "CODEBUILD_START_TIME": str(int(fields["startTime"].timestamp() * 1000)),
    }


def docker_address(privileged: bool) -> dict[str, str]:
    """Without privileged mode there is no docker daemon in CodeBuild, and so none here."""
    if not privileged:
        return {"DOCKER_HOST": "unix:///var/run/no-docker-without-privileged-mode.sock"}
    given = os.environ.get("DOCKER_HOST")
    return {"DOCKER_HOST": given} if given else {}
