"""The image's whole road in the sandbox: built here and by CodeBuild, looked at, all removed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

pytestmark = [pytest.mark.docker, pytest.mark.slow]

Byoa = Callable[..., str]
DOCKERFILE = """\
FROM debian:bookworm-slim
COPY train.sh /usr/local/bin/train
RUN chmod +x /usr/local/bin/train
"""


@pytest.fixture
def byoa(tmp_path: Path) -> Iterator[Byoa]:
    """Runs `byoa …` in a project's folder, whose place is a sandbox of its own."""
    folder = tmp_path / "cells"
    folder.mkdir()
    (folder / "Dockerfile").write_text(DOCKERFILE)
    (folder / "train.sh").write_text("#!/bin/sh\necho hello\n")
    (folder / "byoa.toml").write_text('[project]\nname = "cells"\non = "sandbox"\n')
    environ = {**os.environ, "BYOA_HOME": str(tmp_path / "home")}

    def run(*words: str, code: int = 0) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "byoa.cli", *words], cwd=folder, env=environ,
            capture_output=True, text=True, check=False, timeout=240,
        )  # fmt: skip
        assert done.returncode == code, done.stdout[-2000:] + done.stderr[-4000:]
        return done.stdout + (done.stderr if code else "")

    run("sandbox", "up")
    try:
        yield run
    finally:
        run("sandbox", "down")
        subprocess.run(["docker", "image", "rm", "--force", "byoa-e2e:v1"], check=False)


def test_from_a_folder_to_ecr_and_away_again(byoa: Byoa, tmp_path: Path):
    image = ("--image", "byoa-e2e:v1")
    first = byoa("build", "--push", *image).strip()
    assert "/byoa-e2e@sha256:" in first
    assert byoa("build", "--push", *image).strip() == first
    (tmp_path / "cells" / "train.sh").write_text("#!/bin/sh\necho changed\n")
    second = byoa("build", "--on", "codebuild", *image).strip()
    assert "/byoa-e2e@sha256:" in second and second != first
    assert byoa("build", "--on", "codebuild", *image).strip() == second

    repository = first.partition("@")[0]
    told = json.loads(byoa("doctor", "--json", "--image", f"{repository}:v1"))
    states = {one["name"]: one["state"] for one in told}
    assert (states["image"], states["role"], states["image programs"]) == ("ok", "ok", "warn")

    kinds = {one["kind"] for one in json.loads(byoa("teardown", "--dry-run", "--json"))}
    assert {"build project", "stored", "repository", "role", "bucket"} <= kinds
    byoa("clean", "--yes")
    byoa("teardown", "--yes")
    assert json.loads(byoa("teardown", "--dry-run", "--json")) == []


def test_a_build_that_fails_there_is_told(byoa: Byoa, tmp_path: Path):
    (tmp_path / "cells" / "Dockerfile").write_text("FROM debian:bookworm-slim\nRUN exit 3\n")
    said = byoa("build", "--on", "codebuild", "--image", "byoa-e2e:v1", code=1)
    assert "BUILD: FAILED" in said and "ended in its phase BUILD (FAILED)" in said
    byoa("teardown", "--yes")
