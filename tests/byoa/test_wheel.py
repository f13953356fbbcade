"""What pip installs is whole: what a job runs and what images are built of is in it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.wheel import NOT_PACKED, ROOT, Installed, installed

__all__ = ["installed"]
#: In the clone, and below byoa/ in the wheel.
CARRIED = {
    "byoa": "",
    "container": "_harness/container",
    "mask_r_cnn": "_harness/mask_r_cnn",
    "infrastructure": "_infrastructure",
}
FILES = ("Dockerfile", "build_and_push.sh", "buildspec.yml", "LICENSE")
REQUIREMENTS = ("image.txt", "serve.txt", "harness.txt", "harness.in", "install.sh", "strip.sh")


@pytest.fixture(scope="module")
def package(installed: Installed) -> Path:
    """Where byoa lies when it is installed."""
    said = installed.sh("python -c 'import byoa; print(byoa.__path__[0])'", installed.folder)
    assert said.returncode == 0, said.stderr
    return Path(said.stdout.strip())


def test_no_file_is_left_out(package: Path):
    missing: list[Path] = []
    for room, place in CARRIED.items():
        folder = ROOT / room
        left_out = NOT_PACKED(str(folder), [])
        for path in folder.rglob("*"):
            if path.is_file() and "__pycache__" not in path.parts and path.name not in left_out:
                target = package / place / path.relative_to(folder)
                missing += [] if target.is_file() else [target]
    names = [*FILES, *(f"requirements/{name}" for name in REQUIREMENTS)]
    missing += [
        path for path in (package / "_harness" / name for name in names) if not path.exists()
    ]
    assert missing == []


def test_no_clone_is_seen(installed: Installed, package: Path):
    assert ROOT not in package.parents
    for module in ("tests.wheel", "container", "mask_r_cnn"):
        said = installed.sh(f"python -c 'import {module}'", installed.folder)
        assert "ModuleNotFoundError" in said.stderr, module


def test_a_job_runs_from_a_wheel_alone(installed: Installed, package: Path, tmp_path: Path):
    words = "byoa shell -p p -t t --cmd_line 'echo from a wheel' --on process"
    ran = installed.sh(words, tmp_path)
    assert ran.returncode == 0, ran.stderr
    assert "from a wheel" in ran.stderr
    where = "from byoa.local.harness import harness; print(harness())"
    said = installed.sh(f"python -c '{where}'", tmp_path)
    assert said.stdout.strip() == str(package / "_harness" / "container")


@pytest.mark.parametrize(("template", "packages"), [("shell", "harness"), ("pytorch", "image")])
def test_an_image_is_planned_from_a_wheel_alone(
    installed: Installed, tmp_path: Path, template: str, packages: str
):
    made = installed.sh(f"byoa init my_algo --template {template}", tmp_path)
    assert made.returncode == 0, made.stderr
    said = installed.sh("byoa build --dry-run", tmp_path / "my_algo")
    assert said.returncode == 0, said.stderr
    told = json.loads(said.stdout)
    assert told["image"] == "my-algo:latest"
    assert told["variables"]["ALGORITHM"] == "algorithm"
    assert told["variables"]["PACKAGES"] == packages
