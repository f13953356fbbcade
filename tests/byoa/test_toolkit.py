"""What docker is given where an algorithm brings no Dockerfile, and byoa.toml's part in it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from byoa.plan.errors import UsageError
from byoa.settings import read
from byoa.toolkit import staged
from tests.byoa.conftest import Byoa

SETTINGS = """\
[project]
name = "p"
algorithm = "mine"
[data]
training = "rows"
far = "s3://bucket/far/"
[build]
packages = "harness"
base = "python:3.12-slim"
"""


@pytest.fixture
def mine(home: Path) -> Path:
    """An algorithm in a project with its data."""
    Path("byoa.toml").write_text(SETTINGS)
    for name, text in {"train.sh": "echo", ".env": "KEY=1", "sub/part.py": ""}.items():
        path = Path("mine", name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    Path("rows").mkdir()
    Path("rows", "one.csv").write_text("1,2\n")
    return Path("mine")


def test_all_that_the_dockerfile_copies_is_there_and_nothing_hidden(mine: Path):
    with staged(mine) as folder:
        said = (folder / "Dockerfile").read_text().replace("${ALGORITHM}", "mine")
        for packages in ("image", "serve", "harness"):
            lines = re.findall(r"^COPY (?!--from)(.+)$", said, re.M)
            for source in " ".join(lines).replace("${PACKAGES}", packages).split():
                if not source.startswith("/") and "[" not in source:
                    assert (folder / source).exists(), source
        assert (folder / "mine" / "sub" / "part.py").is_file()
        assert not (folder / "mine" / ".env").exists()
        assert not (folder / "rows").exists()
    assert not folder.exists()


@pytest.mark.parametrize("name", ["container", "requirements"])
def test_an_algorithm_is_not_called_as_the_toolkit_is(tmp_path: Path, name: str):
    (tmp_path / name).mkdir()
    with pytest.raises(UsageError, match=f"cannot be called {name}"), staged(tmp_path / name):
        pass


def test_byoa_toml_says_what_is_built(byoa: Byoa, mine: Path):
    told = byoa("build", "--dry-run").json
    named = told["variables"]
    assert (named["ALGORITHM"], named["PACKAGES"]) == ("mine", "harness")
    assert named["BASE_IMAGE"] == "python:3.12-slim"
    assert (
        byoa("build", "--dry-run", "--packages", "image").json["variables"]["PACKAGES"] == "image"
    )


def test_a_dockerfile_of_the_folder_comes_first(byoa: Byoa, mine: Path):
    Path("Dockerfile").write_text("FROM debian:bookworm-slim\n")
    told = byoa("build", "--dry-run").json
    assert told["dockerfile"] == "FROM debian:bookworm-slim\n"


def test_the_context_is_the_same_thing_twice(byoa: Byoa, mine: Path):
    first = byoa("build", "--dry-run").json["context"]
    assert byoa("build", "--dry-run").json["context"] == first
    (mine / "train.sh").write_text("echo more")
    assert byoa("build", "--dry-run").json["context"] != first


def test_data_are_channels_until_the_command_names_its_own(byoa: Byoa, mine: Path):
    words = ("train", "-t", "t", "--on", "process", "--dry-run")
    said = byoa(*words)
    assert said.code == 0, said.err
    assert sorted(channels(said.out)) == ["far", "training"]
    assert channels(byoa(*words, "--data", "own=rows").out) == ["own"]


def channels(text: str) -> list[str]:
    request = json.loads(text)["create_training_job"]
    return [one["ChannelName"] for one in request["InputDataConfig"]]


def test_a_key_of_build_that_is_none(tmp_path: Path):
    path = tmp_path / "byoa.toml"
    path.write_text('[build]\npackage = "harness"\n')
    with pytest.raises(UsageError, match="Did you mean 'packages'"):
        read(path)
    path.write_text("[data]\ntraining = 3\n")
    with pytest.raises(UsageError, match="training = 3 is not text"):
        read(path)


def test_what_looks_like_a_secret_stays_out_and_it_is_said(
    mine: Path, capsys: pytest.CaptureFixture[str]
):
    for name in ("server.pem", "sub/credentials.json"):
        (mine / name).write_text("x")
    with staged(mine) as folder:
        assert sorted(path.name for path in (folder / "mine").rglob("*")) == [
            "part.py", "sub", "train.sh"
        ]  # fmt: skip
    said = capsys.readouterr().err
    assert "server.pem looks like" in said and "stays out of the image" in said


def test_a_link_out_of_the_algorithm_is_not_followed(mine: Path, tmp_path: Path):
    (tmp_path / "elsewhere").write_text("x")
    (mine / "link").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(UsageError, match="link"), staged(mine):
        pass


def test_another_folder_is_built_by_its_own_byoa_toml(byoa: Byoa, mine: Path):
    Path("flowers", "roses").mkdir(parents=True)
    Path("flowers", "roses", "train.py").write_text("")
    Path("flowers", "byoa.toml").write_text('[project]\nname = "f"\nimage = "flowers:v1"\n')
    told = byoa("build", "flowers", "--dry-run").json
    assert (told["variables"]["ALGORITHM"], told["image"]) == ("roses", "flowers:v1")


def test_an_algorithm_beside_byoa_toml_is_found(byoa: Byoa, home: Path):
    Path("flat").mkdir()
    Path("flat", "train.py").write_text("")
    Path("flat", "byoa.toml").write_text('[project]\nname = "f"\nimage = "flat:latest"\n')
    assert byoa("build", "flat", "--dry-run").json["variables"]["ALGORITHM"] == "flat"


def test_the_small_image_does_not_take_the_training_ones_name(byoa: Byoa, mine: Path):
    Path("byoa.toml").write_text(SETTINGS.replace('name = "p"', 'name = "p"\nimage = "p:latest"'))
    assert byoa("build", "--dry-run", "--packages", "serve").json["image"] == "p:serve"


def test_another_base_in_the_environment_is_another_image(
    byoa: Byoa, mine: Path, monkeypatch: pytest.MonkeyPatch
):
    Path("byoa.toml").write_text(SETTINGS.replace('base = "python:3.12-slim"', ""))
    marks = set()
    for base in ("a:1", "b:2"):
        monkeypatch.setenv("BASE_IMAGE", base)
        marks.add(byoa("build", "--dry-run").json["context"])
    assert len(marks) == 2


def test_an_argument_that_our_dockerfile_has_not_is_told(byoa: Byoa, mine: Path):
    said = byoa("build", "--dry-run", "--build-arg", "FOO=1")
    assert said.code == 2
    assert "has no argument FOO" in said.err
