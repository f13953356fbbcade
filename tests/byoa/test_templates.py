"""Every template is what its README says: its commands run as they are written, from the wheel."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.wheel import Installed, blocks, installed

__all__ = ["installed"]
#: What the question of the README is answered with.
ANSWERS = {"shell": "bird\t0", "sklearn": "[0.6", "pytorch": "["}
COMMANDS = ("train", "deploy", "invoke", "undeploy")


@pytest.fixture(scope="module")
def where(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("where")


def made(installed: Installed, where: Path, template: str) -> Path:
    said = installed.sh(f"byoa init my-{template} --template {template}", where)
    assert said.returncode == 0, said.stderr
    return where / f"my-{template}"


@pytest.mark.parametrize("template", ["shell", "sklearn"])
def test_a_readme_is_right_here(installed: Installed, where: Path, template: str):
    folder = made(installed, where, template)
    said = installed.sh(blocks(folder / "README.md")[0], folder)
    assert said.returncode == 0, said.stdout + said.stderr
    assert ANSWERS[template] in said.stdout
    assert "1 passed" in said.stdout
    assert "Traceback" not in said.stderr


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("template", ["pytorch", "mask-r-cnn"])
def test_a_readme_with_torch_is_right_here(installed: Installed, where: Path, template: str):
    folder = made(installed, where, template)
    said = installed.sh(blocks(folder / "README.md")[0], folder, 550)
    assert said.returncode == 0, said.stdout + said.stderr
    assert "1 passed" in said.stdout
    answer = next(line for line in said.stdout.splitlines() if line.startswith(("[", "{")))
    if template == "pytorch":
        assert 1 < json.loads(answer)[1] - json.loads(answer)[0] < 2
    else:
        assert json.loads(answer)["predictions"][0]["detections"]


@pytest.mark.parametrize("template", ["shell", "sklearn", "pytorch", "mask-r-cnn"])
def test_a_readme_has_the_same_commands_here_and_in_docker(
    installed: Installed, tmp_path: Path, template: str
):
    here, docker = blocks(made(installed, tmp_path, template) / "README.md")
    for script, place in ((here, "process"), (docker, "docker")):
        lines = [line for line in script.splitlines() if line.startswith("byoa ")]
        lines = [line for line in lines if line != "byoa build"]
        assert [line.split()[1] for line in lines] == list(COMMANDS)
        assert all(line.endswith(f" --on {place}") for line in lines)
    assert docker.startswith("byoa build\n")
    assert "python -m pytest -q tests\n" in here
