"""A project as it goes into its image: git's files, no secrets, the same bytes the same image."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from byoa.pipeline.image import Builder, Laid, lay, listed, process_image, requirements
from byoa.place import Place
from byoa.plan.errors import UsageError
from byoa.plan.pipeline import context
from byoa.plan.pipeline.soopervisor import Target

AWS = Target(name="aws")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "flowers"
    (folder / "tasks").mkdir(parents=True)
    (folder / "pipeline.yaml").write_text("tasks: []\n")
    (folder / "tasks/raw.py").write_text("x = 1\n")
    (folder / "run.sh").write_text("#!/bin/sh\n")
    (folder / "run.sh").chmod(0o755)
    (folder / "env.yaml").write_text("sample: true\n")
    git(folder, "init", "-q")
    git(folder, "add", "-A")
    return folder


def git(folder: Path, *words: str) -> None:
    subprocess.run(["git", "-C", str(folder), *words], check=True, capture_output=True)


def laid(root: Path, tmp_path: Path, target: Target = AWS, **more: bool) -> tuple[Laid, list[str]]:
    said: list[str] = []
    folder = tmp_path / f"laid-{len(list(tmp_path.iterdir()))}"
    folder.mkdir()
    return lay(root, folder, target, said.append, **more), said


def names(found: Laid) -> set[str]:
    return {
        path.relative_to(found.project).as_posix()
        for path in found.project.rglob("*")
        if path.is_file()
    }


def test_what_git_tracks_travels_with_its_changes_and_modes(root: Path, tmp_path: Path):
    (root / "tasks/raw.py").write_text("x = 2  # changed, not committed\n")
    (root / "tasks/new.py").write_text("")
    (root / "notes.txt").write_text("")
    (root / ".env").write_text("KEY=mine")
    git(root, "add", "-f", ".env")
    found, said = laid(root, tmp_path)
    assert names(found) == {"pipeline.yaml", "tasks/raw.py", "run.sh", "env.yaml"}
    assert "x = 2" in (found.project / "tasks/raw.py").read_text()
    assert (found.project / "run.sh").stat().st_mode & 0o777 == 0o755
    assert any("git does not track tasks/new.py" in line for line in said)
    assert not any("notes.txt" in line for line in said)
    assert any(".env looks like" in line for line in said)


def test_the_same_files_have_the_same_mark_wherever_they_lie(root: Path, tmp_path: Path):
    first, _ = laid(root, tmp_path)
    (root / "pipeline.yaml").touch()
    (root / "notes.txt").write_text("untracked")
    assert laid(root, tmp_path)[0].mark == first.mark
    (root / "run.sh").chmod(0o644)
    assert laid(root, tmp_path)[0].mark != first.mark


def test_include_exclude_and_no_git(root: Path, tmp_path: Path):
    (root / "data").mkdir()
    (root / "data/a.csv").write_text("1")
    (root / "big.bin").write_bytes(b"0" * (context.BIG + 1))
    target = Target(name="aws", include=("data", "big.bin"), exclude=("run.sh",))
    found, said = laid(root, tmp_path, target)
    assert names(found) == {"pipeline.yaml", "tasks/raw.py", "env.yaml", "data/a.csv", "big.bin"}
    assert any(line.startswith("big.bin is 10 MB: every job pulls it") for line in said)
    whole, _ = laid(root, tmp_path, ignore_git=True)
    assert "data/a.csv" in names(whole) and "run.sh" in names(whole)


def test_links_lead_to_no_secret_and_out_of_no_project(root: Path, tmp_path: Path):
    (root / "data").mkdir()
    (root / "data/a.csv").write_text("1")
    (root / ".env").write_text("KEY=mine")
    for name, to in {"notes.txt": ".env", "config": ".git/config", "more": "data"}.items():
        (root / name).symlink_to(to)
    git(root, "add", "notes.txt", "config", "more")
    found, said = laid(root, tmp_path)
    usual = {"pipeline.yaml", "tasks/raw.py", "run.sh", "env.yaml", "more/a.csv"}
    assert names(found) == usual
    assert "notes.txt is a link to .env, which looks like environment variables" in " ".join(said)
    assert any(line.startswith("config is a link to .git/config") for line in said)
    (tmp_path / "key").write_text("mine")
    (root / "plain.txt").symlink_to(tmp_path / "key")
    for ignore_git in (False, True):
        with pytest.raises(UsageError, match=r"plain\.txt .a link out of the folder"):
            laid(root, tmp_path, ignore_git=ignore_git)
    assert names(laid(root, tmp_path, Target(name="aws", exclude=("plain.txt",)))[0]) == usual


def test_what_is_excluded_is_not_even_looked_at(root: Path, tmp_path: Path):
    """A big disk that is linked into the project, say."""
    (root / "disk").symlink_to("/")
    found, _ = laid(root, tmp_path, Target(name="aws", exclude=("disk/",)))
    assert "pipeline.yaml" in names(found)


def test_a_submodules_files_travel(root: Path, tmp_path: Path):
    inner = tmp_path / "library"
    inner.mkdir()
    (inner / "shared.py").write_text("y = 1\n")
    git(inner, "init", "-q")
    git(inner, "add", "-A")
    words = ("-c", "user.name=a", "-c", "user.email=a@b")
    git(inner, *words, "commit", "-qm", "a")
    git(root, "-c", "protocol.file.allow=always", "submodule", "add", "-q", str(inner), "library")
    found, _ = laid(root, tmp_path)
    assert "library/shared.py" in names(found) and "library/.git" not in names(found)


def test_the_targets_env_is_the_images(root: Path, tmp_path: Path):
    (root / "env.aws.yaml").write_text("sample: false\n")
    git(root, "add", "-A")
    found, _ = laid(root, tmp_path)
    assert (found.project / "env.yaml").read_text() == "sample: false\n"
    other, _ = laid(root, tmp_path, Target(name="other"))
    assert (other.project / "env.yaml").read_text() == "sample: true\n"


def test_a_repository_that_tracks_nothing_and_a_folder_without_one(tmp_path: Path):
    folder = tmp_path / "plain"
    folder.mkdir()
    (folder / "pipeline.yaml").write_text("")
    said: list[str] = []
    tracked, others = listed(folder, False, said.append)
    assert tracked == ["pipeline.yaml"] and others == [] and "in no git repository" in said[0]
    git(folder, "init", "-q")
    with pytest.raises(UsageError, match="git tracks nothing below"):
        listed(folder, False, said.append)


def test_locks_and_dockerfiles(root: Path, tmp_path: Path):
    assert laid(root, tmp_path)[0].locks == {"": ""}
    (root / "requirements.txt").write_text("numpy\n")
    found, said = laid(root, tmp_path)
    assert found.locks == {"": "numpy\n"} and any("not pinned" in line for line in said)
    (root / "requirements.lock.txt").write_text("numpy==2\n")
    (root / "requirements.fit-__.lock.txt").write_text("torch==2\n")
    (root / "aws").mkdir()
    (root / "aws/Dockerfile").write_text("FROM mine\n")
    found, _ = laid(root, tmp_path)
    assert found.locks == {"": "numpy==2\n", "fit-*": "torch==2\n"}
    assert found.dockerfile == "FROM mine\n"
    assert "aws/Dockerfile" not in names(found)


@pytest.mark.parametrize(
    ("line", "refused"),
    [
        ("--index-url https://me:hunter2@packages.corp/simple", True),
        ("flowers @ git+https://ghp_0123456789abcdefghij@git.corp/a.git", True),
        ("--index-url https://me:${TOKEN}@packages.corp/simple", False),
        ("flowers @ git+ssh://git@git.corp/a.git", False),
        ("flowers @ https://packages.corp/a@2/flowers.whl", False),
    ],
)
def test_a_lock_file_tells_no_password(root: Path, tmp_path: Path, line: str, refused: bool):
    (root / "requirements.lock.txt").write_text(f"numpy==2\n{line}\n")
    if not refused:
        assert line in laid(root, tmp_path)[0].locks[""]
        return
    with pytest.raises(UsageError, match=r"with a password or token \(line 2\)") as caught:
        laid(root, tmp_path)
    assert "hunter2" not in str(caught.value) and "ghp_" not in str(caught.value)


def test_conda_is_told(root: Path, tmp_path: Path):
    (root / "environment.lock.yml").write_text("")
    with pytest.raises(UsageError, match=r"environment\.lock\.yml is conda's"):
        laid(root, tmp_path)


def builder(target: Target) -> Builder:
    place = Place(name="sandbox", storage=None, sagemaker=None, runtime=None, logs=None)  # type: ignore[arg-type]
    return Builder(place=place, project="flowers", target=target, say=lambda text: None)


def test_a_context_has_the_project_byoa_and_two_lists(root: Path, tmp_path: Path):
    found, _ = laid(root, tmp_path)
    build = builder(AWS).build(found, "")
    assert build.image == "byoa-flowers-pipelines:latest"
    parts = {path.name for path in found.folder.iterdir()}
    assert parts == {"project", "byoa", "requirements.lock.txt", "byoa-requirements.txt"}
    assert (found.folder / "byoa/pipeline/remote.py").is_file()
    assert not (found.folder / "byoa/sandbox").exists()
    assert not list(found.folder.rglob("__pycache__"))
    mark = build.mark
    assert builder(AWS).build(laid(root, tmp_path)[0], "").mark == mark


def test_what_byoa_needs_is_its_own_distributions_word():
    wanted = {line.split(">")[0] for line in requirements()}
    assert {"boto3", "pathspec", "pyyaml", "nbconvert", "sqlalchemy"} <= wanted
    assert not {"moto", "flask"} & wanted
    assert all("extra" not in line for line in requirements())


def test_environments_are_told_without_a_build(root: Path, tmp_path: Path):
    (root / "requirements.lock.txt").write_text("numpy==2\n")
    (root / "requirements.fit-__.lock.txt").write_text("torch==2\n")
    found, _ = laid(root, tmp_path)
    of = builder(AWS).environments(found, ["get", "fit-1", "fit-2"])
    assert of["fit-1"] == of["fit-2"] != of["get"]
    based = builder(Target(name="aws", base_image="python:3.13")).environments(
        found, ["get", "fit-1"]
    )
    assert based["get"] != of["get"]
    made = builder(Target(name="aws", image="mine@sha256:1")).environments(found, ["get", "fit-1"])
    assert made["get"] == "image-mine@sha256:1"


def test_processes_get_a_folder_that_stays(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("BYOA_HOME", str(tmp_path / "home"))
    target = Target(name="aws", repository="process://")
    first = process_image(laid(root, tmp_path, target)[0], target)
    folder = Path(first.removeprefix("process://"))
    assert (folder / "pipeline.yaml").is_file()
    assert process_image(laid(root, tmp_path, target)[0], target) == first
    (root / "tasks/raw.py").write_text("x = 3\n")
    assert process_image(laid(root, tmp_path, target)[0], target) != first
    assert len(list((tmp_path / "home/pipelines").iterdir())) == 2
