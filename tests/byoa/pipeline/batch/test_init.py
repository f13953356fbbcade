"""`byoa pipeline init`: a section and a Dockerfile, and nothing that is there is changed."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from byoa.plan.pipeline import context
from byoa.plan.pipeline.soopervisor import Needs, read_target
from tests.byoa.conftest import Byoa
from tests.byoa.pipeline.batch.conftest import PIPELINE, TASKS


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, home: Path) -> Path:
    made = tmp_path / "flowers"
    made.mkdir()
    (made / "pipeline.yaml").write_text(PIPELINE)
    (made / "tasks.py").write_text(TASKS)
    monkeypatch.chdir(made)
    return made


def test_a_new_target_can_be_submitted_as_it_is(folder: Path, byoa: Byoa):
    said = byoa("pipeline", "init")
    assert said.code == 0, said.err
    assert said.out.splitlines() == [
        str(folder / "soopervisor.yaml"), str(folder / "aws/Dockerfile"),
    ]  # fmt: skip
    found = read_target(yaml.safe_load((folder / "soopervisor.yaml").read_text()), "aws")
    assert found.exclude == ("output",) and found.needs == Needs(vcpus=1, memory_mb=2048)
    assert (folder / "aws/Dockerfile").read_text() == context.DOCKERFILE


def test_a_second_target_leaves_the_first_as_it_was(folder: Path, byoa: Byoa):
    (folder / "soopervisor.yaml").write_text("# mine\naws: {backend: aws-batch}  # keep this\n")
    words = ("--repository", "flowers", "--job-queue", "q", "--region-name", "eu-west-1")
    said = byoa("pipeline", "init", "big", *words, "--memory", 4096, "--vcpus", 2)
    assert said.code == 0, said.err
    text = (folder / "soopervisor.yaml").read_text()
    assert text.startswith("# mine\naws: {backend: aws-batch}  # keep this\n\nbig:\n")
    found = read_target(yaml.safe_load(text), "big")
    assert (found.repository, found.queue, found.region) == ("flowers", "q", "eu-west-1")
    assert found.needs == Needs(vcpus=2, memory_mb=4096)
    assert "byoa pipeline submit big" in said.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("aws",), "has a section aws already"),
        (("output",), "is there already"),
        (("a b",), "the target name is 'a b'"),
        (("x", "--backend", "airflow"), "backend is airflow, which byoa does not submit to"),
        (("x", "--repository", "your-repository/name"), "still says your-repository/name"),
    ],
)
def test_what_is_in_the_way_is_told(folder: Path, byoa: Byoa, words: tuple[str, ...], said: str):
    (folder / "soopervisor.yaml").write_text("aws: {backend: aws-batch}\n")
    (folder / "output").mkdir()
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    told = byoa("pipeline", "init", *words)
    assert told.code == 2 and said in told.err
    after = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert {path for path in after if "__pycache__" not in path.parts} == set(before)
