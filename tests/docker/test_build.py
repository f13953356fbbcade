"""The Dockerfile builds the same programs whatever the checkout did to them."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.docker.conftest import ROOT

# The environment comes from the cache that `make image` left; without it this is a whole build.
pytestmark = [pytest.mark.docker, pytest.mark.slow, pytest.mark.timeout(1200)]

LABEL = '{{index .Config.Labels "byoa.hyperparameters"}}'


def windows_checkout(folder: Path) -> Path:
    """The build context with CRLF line endings and no executable bits."""
    for name in ("container", "mask_r_cnn", "requirements"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("Dockerfile", ".dockerignore", "build_and_push.sh"):
        shutil.copy(ROOT / name, folder / name)
    # requirements/ stays as it is, or the whole environment would be installed once more.
    for top in ("container", "mask_r_cnn"):
        for path in (folder / top).rglob("*"):
            if path.is_file():
                path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
                path.chmod(0o644)
    return folder


def test_a_windows_checkout_gives_a_working_image(docker, image, tmp_path):
    context = windows_checkout(tmp_path / "context")
    assert b"\r\n" in (context / "container/bin/train").read_bytes()
    tag = "byoa-test-windows:latest"
    done = subprocess.run(
        [context / "build_and_push.sh", "--no-push", "--image", tag],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    try:
        code, printed = docker.run(tag, "train", "--describe")
        assert code == 0, printed
        label = docker("image", "inspect", "--format", LABEL, tag)
        assert json.loads(label) == json.loads(printed)
        code, printed = docker.run(tag, "doctor")
        assert code == 0, printed
    finally:
        docker("image", "rm", "--force", tag)
