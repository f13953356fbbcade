"""The stack's builds for real: a context uploaded, built by docker, pushed, built once."""

from __future__ import annotations

import io
import subprocess
import time
import zipfile
from collections.abc import Iterator

import pytest

from tests.byoa.sandbox.conftest import Clients
from tests.infrastructure.conftest import Stack
from tests.infrastructure.conftest import client as client  # noqa: PLC0414 - pytest looks here
from tests.infrastructure.conftest import place as place  # noqa: PLC0414
from tests.infrastructure.conftest import sandbox as sandbox  # noqa: PLC0414
from tests.infrastructure.conftest import stack as stack  # noqa: PLC0414

pytestmark = pytest.mark.docker
DOCKERFILE = """\
FROM debian:bookworm-slim
COPY said /said
"""


@pytest.fixture
def context(stack: Stack) -> Iterator[dict[str, str]]:
    """A zip in S3 as a CI would upload it; its images are gone afterwards."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        archive.writestr("repo/Dockerfile", DOCKERFILE)
        archive.writestr("repo/said", f"{time.time()}\n")
    yield {"Context": stack.put("incoming/context.zip", data.getvalue())}
    images = subprocess.run(
        ["docker", "image", "ls", "--quiet", stack.outputs["Repository"]],
        capture_output=True, text=True, check=True,
    ).stdout.split()  # fmt: skip
    if images:
        subprocess.run(["docker", "image", "rm", "--force", *set(images)], check=False)


def test_a_context_becomes_an_image_once(stack: Stack, client: Clients, context: dict[str, str]):
    told = stack.invoke("build-image", {**context, "Start": False})
    assert told["Status"] == "ToBuild"
    built = stack.invoke("build-image", {**context, "Wait": True, "Tag": "release"})
    assert (built["Status"], built["Image"]) == ("Built", told["Image"])
    repository = stack.names.repository
    tags = [{"imageTag": tag} for tag in ("release", told["Image"].rpartition(":")[2])]
    found = client("ecr").batch_get_image(repositoryName=repository, imageIds=tags)["images"]
    assert len({one["imageId"]["imageDigest"] for one in found}) == 1
    again = stack.invoke("build-image", {**context, "Wait": True})
    assert again["Status"] == "UpToDate"
    builds = client("codebuild").list_builds_for_project(projectName=told["Project"])["ids"]
    assert len(builds) == 1
    said = subprocess.run(
        ["docker", "run", "--rm", "--network", "none", told["Image"], "cat", "/said"],
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    assert float(said) > 1e9
