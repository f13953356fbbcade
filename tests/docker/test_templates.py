"""Every template in docker as its README says, from the wheel: build, train, deploy, invoke."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.wheel import Installed, blocks, installed

__all__ = ["installed"]
pytestmark = [pytest.mark.docker, pytest.mark.timeout(600)]
#: Without torch; what scikit-learn, scipy and numpy need is the most of it.
SMALL = 400_000_000
#: A minute of training in the container is no more than one at home: this is about the image.
QUICK = {"num_epochs = 2": "num_epochs = 1", "max_size = 160": "max_size = 96", "= 120": "= 64"}
PICTURES = "python pictures.py data/training --count 6; python pictures.py data/ask --count 1"


class Template:
    """A folder of a template, and its image, which goes in the end."""

    def __init__(self, installed: Installed, where: Path, name: str) -> None:
        self.installed, self.name = installed, name
        self.sh(f"byoa init test-{name} --template {name}", where)
        self.folder, self.image = where / f"test-{name}", f"test-{name}:latest"

    def sh(self, script: str, where: Path | None = None) -> str:
        said = self.installed.sh(script, where or self.folder, 550)
        assert said.returncode == 0, f"{script}: {said.stdout[-3000:]} {said.stderr[-3000:]}"
        return said.stdout

    def as_the_readme_says(self) -> str:
        return self.sh(blocks(self.folder / "README.md")[1])

    @property
    def size(self) -> int:
        return int(self.sh(f"docker image inspect --format '{{{{.Size}}}}' {self.image}"))

    @property
    def layers(self) -> list[str]:
        said = self.sh(f"docker image inspect --format '{{{{json .RootFS.Layers}}}}' {self.image}")
        found: list[str] = json.loads(said)
        return found

    def forget(self) -> None:
        """The name goes; layers that the next build takes up stay."""
        words = ["docker", "image", "rm", "--no-prune", "--force", self.image]
        subprocess.run(words, capture_output=True, check=False)


@pytest.fixture
def template(
    installed: Installed, tmp_path: Path, request: pytest.FixtureRequest
) -> Iterator[Template]:
    made = Template(installed, tmp_path, request.param)
    yield made
    made.forget()


@pytest.mark.parametrize("template", ["shell"], indirect=True)
def test_a_shell_script_is_an_algorithm(template: Template):
    assert "fish\t4\nand\t0\none\t1\nbird\t0\n" in template.as_the_readme_says()
    assert template.size < SMALL / 2
    again = template.installed.sh("byoa build", template.folder)
    assert "test-shell:latest is up to date" in again.stderr


@pytest.mark.parametrize("template", ["shell"], indirect=True)
def test_own_packages_replace_those_of_the_harness_in_a_layer_of_their_own(template: Template):
    template.sh("byoa build")
    before = template.layers
    (template.folder / "algorithm" / "requirements.txt").write_text("packaging==24.1\r\n")
    template.sh("byoa build")
    found = template.sh(
        f"docker run --rm {template.image} ls /opt/venv/lib/python3.11/site-packages"
    )
    assert [name for name in found.split() if name.startswith("packaging-")] == [
        "packaging-24.1.dist-info"
    ]
    template.sh(f"docker run --rm {template.image} python3 -m pip check")
    environment = 3  # the base, what apt brought, /opt/venv
    assert template.layers[:environment] == before[:environment]
    assert len(template.layers) == len(before)


@pytest.mark.parametrize("template", ["sklearn"], indirect=True)
def test_scikit_learn_comes_without_torch(template: Template):
    said = template.as_the_readme_says()
    first, second = json.loads(next(line for line in said.splitlines() if line.startswith("[")))
    assert first < second
    assert template.size < SMALL


@pytest.mark.parametrize("template", ["pytorch"], indirect=True)
def test_pytorch_learns_in_the_image(template: Template, image: str):
    said = template.as_the_readme_says()
    first, second = json.loads(next(line for line in said.splitlines() if line.startswith("[")))
    assert 1 < second - first < 2


@pytest.mark.parametrize("template", ["mask-r-cnn"], indirect=True)
def test_mask_r_cnn_answers_from_a_folder_of_its_own(template: Template, image: str):
    settings = template.folder / "byoa.toml"
    text = settings.read_text()
    for long, short in QUICK.items():
        assert long in text
        text = text.replace(long, short)
    settings.write_text(text)
    template.sh(PICTURES)
    said = template.as_the_readme_says()
    answer = json.loads(next(line for line in said.splitlines() if line.startswith("{")))
    assert "detections" in answer["predictions"][0]
