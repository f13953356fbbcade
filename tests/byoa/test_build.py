"""`byoa build`: what is built of what, once; pushed without leaving a password; CodeBuild's way."""

from __future__ import annotations

import io
import json
import os
import re
import zipfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from byoa import images
from byoa.build import LABEL, Build, context, docker_command, dockerfile, logged_in, make
from byoa.cli.main import main
from byoa.local.folder_storage import FolderStorage
from byoa.on_codebuild import archive, variables
from byoa.place import Place
from byoa.plan.errors import ByoaError, UsageError
from byoa.task import Image, Task

ROOT = Path(__file__).resolve().parents[2]
REPOSITORY = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/cells"


@pytest.fixture
def folder(tmp_path):
    """A folder with a Dockerfile, code, a secret and things that docker must not get."""
    made = tmp_path / "cells"
    files = {
        "Dockerfile": "FROM debian:12\nCOPY train.py /\n", "train.py": "print(1)\n",
        "deep/a.txt": "a", "data/large.bin": "x" * 99, ".env": "KEY=1", ".git/HEAD": "x",
        ".dockerignore": "# what stays here\ndata\n",
    }  # fmt: skip
    for name, text in files.items():
        path = made / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return made


@pytest.fixture
def docker(tmp_path, monkeypatch):
    """A program `docker` without buildx that writes down calls, stdin and login's folder."""
    calls = tmp_path / "calls"
    program = tmp_path / "bin" / "docker"
    program.parent.mkdir()
    program.write_text(
        f"""#!/bin/sh
echo "docker $*" >> {calls}
case "$*" in
    "buildx version") exit ${{NO_BUILDX:-0}} ;;
    "context inspect"*) echo unix:///var/run/docker.sock ;;
    "image inspect"*) [ -e {tmp_path}/label ] || {{ echo "No such image: x" >&2; exit 1; }}
        printf '[{{"Config": {{"Labels": {{"byoa.context": "%s"}}}}}}]' "$(cat {tmp_path}/label)" ;;
    login*) printf 'stdin %s config %s\\n' "$(cat)" "$DOCKER_CONFIG" >> {calls} ;;
    push*|pull*) [ -z "$PUSH_SAYS" ] || {{ echo "$PUSH_SAYS" >&2; exit 1; }} ;;
    *build*) exit ${{BUILD_CODE:-0}} ;;
esac
"""
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
    return calls


def built(folder):
    return Build(image="cells:v1", folder=folder)


def test_the_context_is_what_docker_sends(folder):
    assert {name for name, _ in context(folder)} == {
        ".dockerignore", "Dockerfile", "train.py", "deep/a.txt",
    }  # fmt: skip


@pytest.mark.parametrize(("rules", "names"), [
    ("*\n!deep", {"deep/a.txt"}),
    ("*\n!deep/a.txt\n", {"deep/a.txt"}),
    ("**/*.txt\n*.py\nDockerfile\n.dockerignore\ndata", set()),
    ("a.txt\n./train.py\n/data/", {".dockerignore", "Dockerfile", "deep/a.txt"}),
])  # fmt: skip
def test_dockerignore_begins_at_the_folder(folder, rules, names):
    (folder / ".dockerignore").write_text(rules)
    assert {name for name, _ in context(folder)} == names


def test_this_project_s_own_context_is_small():
    names = [name for name, _ in context(ROOT)]
    assert "mask_r_cnn/train.py" in names and "container/train.py" in names
    assert not [name for name in names if name.startswith(("tests/", ".venv", "byoa/"))]


def test_the_same_things_have_the_same_mark(folder):
    mark = built(folder).mark
    os.utime(folder / "train.py", (1, 1))
    (folder / "data" / "more.bin").write_text("ignored")
    assert built(folder).mark == mark


@pytest.mark.parametrize("change", [
    lambda folder: (folder / "train.py").write_text("print(2)\n"),
    lambda folder: (folder / "train.py").rename(folder / "learn.py"),
    lambda folder: (folder / "train.py").chmod(0o755),
    lambda folder: (folder / "Dockerfile").write_text("FROM debian:13\n"),
    lambda folder: (folder / "deep" / "a.txt").unlink(),
])  # fmt: skip
def test_whatever_changed_changes_the_mark(folder, change):
    mark = built(folder).mark
    change(folder)
    assert built(folder).mark != mark


def test_variables_count_too(folder):
    other = Build(image="cells:v1", folder=folder, variables={"A": "1"})
    assert other.mark != built(folder).mark


def test_built_once(folder, docker, tmp_path):
    said: list[str] = []
    assert make(built(folder), said.append) is True
    assert "docker buildx build --load --provenance=false --sbom=false" in docker.read_text()
    (tmp_path / "label").write_text(built(folder).mark)
    assert make(built(folder), said.append) is False
    assert said[-1] == "cells:v1 is up to date"
    assert make(built(folder), said.append, force=True) is True


def test_a_secret_that_docker_is_sent_is_told(folder, docker):
    told = ".env looks like environment variables, and docker is sent it: name it in .dockerignore"
    said: list[str] = []
    make(built(folder), said.append)
    assert told in said
    with (folder / ".dockerignore").open("a") as file:
        file.write("\n.env\n")
    said.clear()
    make(built(folder), said.append, force=True)
    assert told not in said


@pytest.mark.parametrize(("project", "task"), [("my__cells", "t"), ("a.-b", "T_.x"), ("a", "b")])
def test_an_image_without_a_name_gets_one_that_ecr_takes(tmp_path, project, task):
    place = Place("process", FolderStorage(tmp_path), None, None, None)
    wanted = Task(project=project, name=task, image=Image(dockerfile="FROM debian:12\n"))
    name, _, tag = images.built(wanted, place, str, dry=True).partition(":")
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", name) and tag == "latest"


def test_without_buildx_the_classic_builder_is_asked(folder, docker, monkeypatch):
    monkeypatch.setenv("NO_BUILDX", "1")
    command = docker_command(Build(image="x:1", folder=folder, variables={"A": "b c"}), "mark")
    assert command[:2] == ["docker", "build"]
    assert "--provenance=false" not in command
    assert command[command.index("--build-arg") + 1] == "A=b c"
    assert command[command.index("--label") + 1] == f"{LABEL}=mark"
    assert command[-3:] == ["--file", "-", "."]


def test_a_build_that_fails_is_told(folder, docker, monkeypatch):
    monkeypatch.setenv("BUILD_CODE", "3")
    with pytest.raises(ByoaError, match=r"The build of cells:v1 failed \(exit code 3\)"):
        make(built(folder), print)


def test_build_and_push_sh_is_the_one_place_that_knows(folder, docker, capfd):
    script = folder / "build_and_push.sh"
    script.write_text('#!/bin/sh\necho "$* $ALGORITHM $CONTEXT"\n')
    script.chmod(0o755)
    build = Build(image="cells:v1", folder=folder, variables={"ALGORITHM": "cells"})
    assert build.by_script
    make(build, lambda _: None)
    assert f"--no-push --image cells:v1 cells {build.mark}" in capfd.readouterr().err
    assert "docker build" not in docker.read_text()


def test_no_daemon_is_told(folder, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ByoaError, match=r"docker is not on PATH.*--on codebuild"):
        make(built(folder), print)


def test_text_as_simple_sagemaker_takes_it():
    base = "python:3.12"
    assert dockerfile("RUN pip install x", base) == (None, f"FROM {base}\nRUN pip install x")
    text = "# my image\nFROM __BASE_IMAGE__\nRUN x"
    assert dockerfile(text, base) == (None, f"# my image\nFROM {base}\nRUN x")
    assert dockerfile("FROM debian:12", base) == (None, "FROM debian:12")


def test_a_folder_and_a_file_are_true_contexts(folder):
    text = (folder / "Dockerfile").read_text()
    assert dockerfile(str(folder), "") == (folder, text)
    assert dockerfile(str(folder / "Dockerfile"), "") == (folder, text)


@pytest.mark.parametrize("said", ["nowhere/Dockerfile", "pip install x", ""])
def test_what_is_no_dockerfile_is_told(said):
    with pytest.raises(UsageError, match="is no Dockerfile"):
        dockerfile(said, "base:1")


@pytest.mark.parametrize("said", ["RUN x", "FROM __BASE_IMAGE__\nRUN x"])
def test_a_blank_without_a_base_is_told(said):
    with pytest.raises(UsageError, match="--base-image IMAGE"):
        dockerfile(said, "")


def test_a_folder_without_a_dockerfile_is_told(tmp_path):
    with pytest.raises(UsageError, match="There is no Dockerfile"):
        _ = built(tmp_path).mark


def test_the_images_that_it_stands_on():
    text = (
        "ARG B=x\nFROM --platform=linux/amd64 a.b/c:1 AS builder\nfrom builder as next\n"
        "FROM ${B}\nFROM scratch\nFROM d@sha256:0\n"
    )
    assert Build(image="x:1", dockerfile=text).bases == ["a.b/c:1", "d@sha256:0"]


@given(st.text(max_size=200))
def test_any_text_is_taken_or_told(text):
    try:
        _, made = dockerfile(text, "base:1")
    except UsageError:
        return
    assert "FROM" in made.upper()


class Account:
    """ECR's word: user and password."""

    def client(self, name):
        return self

    def get_authorization_token(self, **_):
        return {"authorizationData": [{"authorizationToken": "QVdTOnMzY3IzdA=="}]}  # AWS:s3cr3t


def account() -> Any:
    return Account()


def test_the_password_goes_by_stdin_into_a_folder_that_is_gone(docker, monkeypatch):
    logged_in(account(), "push", f"{REPOSITORY}:v1")
    said = docker.read_text().splitlines()
    host = REPOSITORY.partition("/")[0]
    assert f"docker login --username AWS --password-stdin {host}" in said
    (login,) = [line for line in said if line.startswith("stdin ")]
    assert login.startswith("stdin s3cr3t config ")
    assert "s3cr3t" not in "".join(line for line in said if line.startswith("docker"))
    config = Path(login.rpartition(" ")[2])
    assert "byoa-docker-" in config.name and not config.exists()
    assert said[-1] == f"docker push --quiet {REPOSITORY}:v1"  # nobody looks at its layers here


def test_a_push_that_fails_says_what_docker_said(docker, monkeypatch):
    monkeypatch.setenv("PUSH_SAYS", "denied: the tag is immutable")
    with pytest.raises(ByoaError, match=r"docker push of .*cells:v1 failed: denied: the tag"):
        logged_in(account(), "push", f"{REPOSITORY}:v1")


def test_the_source_archive_is_the_same_every_time(folder):
    first = archive(built(folder))
    for path in folder.rglob("*"):
        os.utime(path, (1, 1))
    assert archive(built(folder)) == first
    with zipfile.ZipFile(io.BytesIO(first)) as file:
        assert file.namelist() == [
            ".dockerignore", "Dockerfile", "buildspec.yml", "deep/a.txt", "train.py",
        ]  # fmt: skip
        assert b"docker push" in file.read("buildspec.yml")


def test_a_project_with_its_own_buildspec_keeps_it():
    build = Build(image="mask-r-cnn:latest", folder=ROOT, variables={"ALGORITHM": "mask_r_cnn"})
    with zipfile.ZipFile(io.BytesIO(archive(build))) as file:
        assert {"build_and_push.sh", "buildspec.yml", "Dockerfile"} <= set(file.namelist())
        assert b"bash build_and_push.sh" in file.read("buildspec.yml")
        assert file.getinfo("build_and_push.sh").external_attr >> 16 == 0o755
    said = variables(build, REPOSITORY, "latest", "eu-west-1")
    assert said == {"ALGORITHM": "mask_r_cnn", "IMAGE": "mask-r-cnn:latest", "CONTEXT": build.mark}


def test_codebuild_logs_in_to_the_base_s_registry_too(folder):
    other = "763104351884.dkr.ecr.eu-west-1.amazonaws.com"
    build = Build(image="cells:v1", folder=folder, dockerfile=f"FROM {other}/pytorch:2\n")
    said = variables(build, REPOSITORY, "v1", "eu-west-1")
    own = REPOSITORY.partition("/")[0]
    assert said["LOGINS"].split() == [f"eu-west-1={own}", f"eu-west-1={other}"]
    assert (said["REPOSITORY"], said["TAG"]) == (REPOSITORY, "v1")


@pytest.mark.parametrize("value", ["a b", "$(id)", "*", "a;b", "`id`"])
def test_no_text_of_a_user_meets_codebuild_s_shell(value):
    build = Build(image="x:1", dockerfile="FROM debian:12", variables={"A": value})
    with pytest.raises(UsageError, match="CodeBuild cannot be given --build-arg A="):
        variables(build, REPOSITORY, "v1", "eu-west-1")


def run(capsys, *words):
    code = main(["build", *words])
    said = capsys.readouterr()
    return code, said.out, said.err


def test_the_command_shows_what_it_would_do(folder, docker, capsys, monkeypatch):
    monkeypatch.chdir(folder)
    code, out, _ = run(capsys, "--dry-run", "--on", "codebuild", "--build-arg", "A=1")
    told = json.loads(out)
    assert code == 0 and told["builder"] == "codebuild" and told["push"] is True
    assert (told["image"], told["variables"]) == ("cells:latest", {"A": "1"})
    assert not docker.exists()


def test_the_command_builds_and_prints_the_name(folder, docker, capsys, monkeypatch):
    monkeypatch.chdir(folder)
    assert run(capsys, "--image", "cells:v2")[:2] == (0, "cells:v2\n")
    assert json.loads(run(capsys, "--json")[1]) == {"image": "cells:latest"}


@pytest.mark.parametrize(("words", "said"), [
    (["--build-arg", "A"], "is not NAME=VALUE"),
    (["--push"], "No project is named"),
    (["--df", "RUN x"], "--base-image"),
    (["nowhere"], "There is no Dockerfile"),
])  # fmt: skip
def test_what_cannot_be_is_told(folder, docker, capsys, monkeypatch, words, said):
    monkeypatch.chdir(folder)
    code, _, err = run(capsys, *words)
    assert code == 2 and said in err


def test_the_image_that_only_serves_has_its_own_name(docker, capsys, monkeypatch):
    monkeypatch.chdir(ROOT)
    told = json.loads(run(capsys, "--packages", "serve", "--dry-run")[1])
    assert (told["image"], told["variables"]["PACKAGES"]) == ("mask-r-cnn:serve", "serve")
    assert json.loads(run(capsys, "--dry-run")[1])["image"] == "mask-r-cnn:latest"


def test_a_small_torch_needs_an_index(docker, capsys, monkeypatch):
    monkeypatch.chdir(ROOT)
    assert run(capsys, "--cpu", "--dry-run")[0] == 2
    _, out, _ = run(capsys, "--cpu", "--torch-index", "https://wheels.example", "--dry-run")
    assert json.loads(out)["variables"]["TORCH_INDEX"] == "https://wheels.example"
    monkeypatch.setenv("TORCH_INDEX", "https://wheels.example")
    said = json.loads(run(capsys, "--gpu", "--dry-run")[1])["variables"]
    assert said["TORCH_INDEX"] == ""  # else the script would take the environment's
