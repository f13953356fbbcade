"""Whatever a user gets wrong ends the job early, with one line that says what to change.

The real `train` runs on each of the mistakes. A stand-in for torch on its path proves that most
of them are told before torch is imported: in well under a second, not after half a minute.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.mask_r_cnn.late_mistakes import LATE_MISTAKES, tiny
from tests.mask_r_cnn.mistakes import MISTAKES, Job, Mistake

ROOT = Path(__file__).resolve().parents[2]


def train(root: Path, *, torch: bool) -> subprocess.CompletedProcess[str]:
    """Runs `train` on a root folder; without torch an import of it fails the job otherwise."""
    environ = {**os.environ, "SAGEMAKER_BASE_DIR": str(root), "OMP_NUM_THREADS": "1"}
    if not torch:
        stand_in = root / "no_torch"
        stand_in.mkdir(exist_ok=True)
        (stand_in / "torch.py").write_text("raise SystemError('torch was imported')\n")
        environ["PYTHONPATH"] = str(stand_in)
    return subprocess.run(
        [sys.executable, str(ROOT / "container" / "bin" / "train")],
        env=environ,
        capture_output=True,
        text=True,
        timeout=240,
    )


def failure(root: Path, run: subprocess.CompletedProcess[str]) -> str:
    """Returns the first line of the failure file, after checking what holds for every failure."""
    assert run.returncode != 0, run.stderr
    text = (root / "output" / "failure").read_text(encoding="utf-8")
    assert 0 < len(text) <= 1024
    model = root / "model"
    assert not model.is_dir() or not list(model.iterdir()), "half a model was left"
    return text.splitlines()[0]


@pytest.mark.parametrize("mistake", MISTAKES, ids=str)
def test_a_mistake_is_told_before_torch_is_imported(tmp_path: Path, mistake: Mistake) -> None:
    mistake.make(Job(tmp_path))
    run = train(tmp_path, torch=False)
    assert failure(tmp_path, run).startswith(mistake.failure)


def test_there_are_enough_of_them() -> None:
    assert len({mistake.name for mistake in MISTAKES}) == len(MISTAKES) >= 30


def test_the_stand_in_is_found_first(tmp_path: Path) -> None:
    """Without this the table would prove nothing about torch: a job with no mistake meets it."""
    tiny(Job(tmp_path))
    assert "torch was imported" in failure(tmp_path, train(tmp_path, torch=False))


@pytest.mark.slow
@pytest.mark.parametrize("mistake", LATE_MISTAKES, ids=str)
def test_a_mistake_that_shows_later_is_told_as_well(tmp_path: Path, mistake: Mistake) -> None:
    mistake.make(Job(tmp_path))
    run = train(tmp_path, torch=True)
    assert failure(tmp_path, run).startswith(mistake.failure)
    assert not (tmp_path / "code-was-run").exists()


@contextmanager
def mounted(folder: Path, options: str) -> Iterator[None]:
    """Mounts a small file system there; skips where that is not allowed."""
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", options, "none", str(folder)]
    if not shutil.which("mount") or subprocess.run(command, capture_output=True).returncode:
        pytest.skip("mounting a file system needs root")
    try:
        yield
    finally:
        subprocess.run(["umount", str(folder)], check=True)


@pytest.mark.parametrize(
    ("options", "reason"),
    [("size=4k,nr_inodes=1", "No space left on device"), ("ro,size=1m", "Read-only file system")],
    ids=["full", "read-only"],
)
def test_a_model_folder_that_takes_nothing(tmp_path: Path, options: str, reason: str) -> None:
    tiny(Job(tmp_path))
    with mounted(tmp_path / "model", options):
        text = failure(tmp_path, train(tmp_path, torch=False))
    assert text == (
        f"TrainingError: nothing can be written to {tmp_path / 'model'} ({reason}) - "
        "mount a writable folder with free space there"
    )


@pytest.mark.slow
def test_a_disk_that_is_full_before_the_model_is_whole(tmp_path: Path) -> None:
    tiny(Job(tmp_path))
    with mounted(tmp_path / "model", "size=1m"):
        text = failure(tmp_path, train(tmp_path, torch=True))
    assert text.startswith("TrainingError: the disk is full: ")


@pytest.mark.slow
def test_the_job_that_the_late_mistakes_are_made_in_succeeds(tmp_path: Path) -> None:
    """Without this the tables would prove nothing about the mistakes."""
    tiny(Job(tmp_path))
    run = train(tmp_path, torch=True)
    assert run.returncode == 0, run.stderr
    assert {path.name for path in (tmp_path / "model").iterdir()} == {
        "model.json",
        "model.safetensors",
    }
