"""Training as real processes: it learns, it resumes to the bit, its ranks agree."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from safetensors.numpy import load_file

TRAIN = Path(__file__).parents[2] / "mask_r_cnn" / "train.py"
SMALL = {
    "backbone": "mobilenet_v2_fpn",
    "pretrained": "none",
    "min_size": "64",
    "max_size": "64",
    "rois_per_image": "16",
    "num_epochs": "2",
    "learning_rate": "0.01",
    "warmup_steps": "2",
    "checkpoint_every": "1",
    "precision": "fp32",
    "validation_fraction": "0",
}


def write_discs(folder: Path, count: int, size: int = 64) -> Path:
    """Pictures with one bright disc each, as mask pairs."""
    rng = np.random.default_rng(len(folder.name) + count)
    grid = np.mgrid[:size, :size]
    for name in ("images", "masks"):
        (folder / name).mkdir(parents=True)
    for index in range(count):
        centre, radius = rng.integers(20, size - 20, 2), rng.integers(10, 18)
        disc = (grid[0] - centre[0]) ** 2 + (grid[1] - centre[1]) ** 2 < radius**2
        picture = rng.integers(0, 80, (size, size, 3)).astype(np.uint8)
        picture[disc] = (250, 200, 30)
        Image.fromarray(picture).save(folder / "images" / f"{index}.png")
        Image.fromarray(disc.astype(np.uint8)).save(folder / "masks" / f"{index}.png")
    return folder


def environment(root: Path, channel: Path, **more: str) -> dict[str, str]:
    return {
        **os.environ,
        "SM_CHANNEL_TRAINING": str(channel),
        "SM_MODEL_DIR": str(root / "model"),
        "SM_OUTPUT_DATA_DIR": str(root / "output" / "data"),
        "SM_CHECKPOINT_DIR": str(root / "checkpoints"),
        "OMP_NUM_THREADS": "1",
        "PYTHONWARNINGS": "error",
        **more,
    }


def command(**changes: str) -> list[str]:
    chosen = {**SMALL, **changes}
    return [sys.executable, str(TRAIN), *(w for k, v in chosen.items() for w in (f"--{k}", v))]


def train(root: Path, channel: Path, **changes: str) -> str:
    done = subprocess.run(
        command(**changes), env=environment(root, channel), capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def free_port() -> str:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return str(listener.getsockname()[1])


def weights_digest(root: Path) -> str:
    return hashlib.sha256((root / "model" / "model.safetensors").read_bytes()).hexdigest()


@pytest.fixture(scope="module")
def memory() -> Iterator[Path]:
    """A folder in memory where there is one: a checkpoint a step is a lot of disk."""
    shm = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=shm if shm.is_dir() else None) as folder:
        yield Path(folder)


@pytest.fixture
def root(memory: Path) -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(dir=memory))
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def discs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_discs(tmp_path_factory.mktemp("discs"), 6)


@pytest.fixture(scope="module")
def uninterrupted(memory: Path, discs: Path) -> Path:
    root = memory / "uninterrupted"
    train(root, discs)
    return root


def test_what_a_job_leaves(uninterrupted: Path) -> None:
    model, data = uninterrupted / "model", uninterrupted / "output" / "data"
    assert sorted(p.name for p in model.iterdir()) == ["model.json", "model.safetensors"]
    assert json.loads((model / "model.json").read_text())["class_names"] == ["object"]
    assert len((data / "metrics.jsonl").read_text().splitlines()) == 2
    assert (data / "report.html").stat().st_size > 1000


def _stop_after_checkpoint(root: Path, discs: Path, step: int, number: int) -> str:
    process = subprocess.Popen(
        command(), env=environment(root, discs), stdout=subprocess.PIPE, text=True
    )
    wanted = f"checkpoint-{step:09d}-"
    try:
        for _ in range(1200):
            folder = root / "checkpoints"
            if folder.is_dir() and any(p.name.startswith(wanted) for p in folder.iterdir()):
                break
            time.sleep(0.05)
            assert process.poll() is None
        process.send_signal(number)
        output, _ = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == (0 if number == signal.SIGTERM else -number)
    return output


def test_a_stopped_job_resumes_to_the_same_bits(
    root: Path, discs: Path, uninterrupted: Path
) -> None:
    output = _stop_after_checkpoint(root, discs, 2, signal.SIGTERM)
    assert "stopped by SIGTERM after step" in output
    assert (root / "model" / "model.safetensors").is_file()
    assert "resumed from checkpoint-" in train(root, discs)
    assert weights_digest(root) == weights_digest(uninterrupted)


@pytest.fixture(scope="module")
def killed(memory: Path, discs: Path) -> Path:
    """What a job leaves that was killed in its second epoch."""
    root = memory / "killed"
    _stop_after_checkpoint(root, discs, 4, signal.SIGKILL)
    return root


def test_a_killed_job_resumes_to_the_same_bits(
    root: Path, discs: Path, uninterrupted: Path, killed: Path
) -> None:
    shutil.copytree(killed, root, dirs_exist_ok=True)
    assert "resumed from checkpoint-" in train(root, discs)
    assert weights_digest(root) == weights_digest(uninterrupted)


def test_a_damaged_newest_checkpoint_falls_back_to_the_same_bits(
    root: Path, discs: Path, uninterrupted: Path, killed: Path
) -> None:
    shutil.copytree(killed, root, dirs_exist_ok=True)
    newest = max((root / "checkpoints").glob("checkpoint-*"))
    data = bytearray(newest.read_bytes())
    data[len(data) // 2] ^= 1
    newest.write_bytes(data)
    done = subprocess.run(command(), env=environment(root, discs), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert f"{newest.name} is damaged" in done.stderr
    assert weights_digest(root) == weights_digest(uninterrupted)


def _losses(root: Path) -> list[float]:
    lines = (root / "output" / "data" / "metrics.jsonl").read_text().splitlines()
    rows = [json.loads(line) for line in lines]
    # Without the mask loss: it is a mean over each rank's own positive regions.
    return [row["train_loss"] - row["loss_mask"] for row in rows]


def test_two_ranks_learn_as_one_process_with_the_summed_batch(root: Path, discs: Path) -> None:
    calm = {"learning_rate": "0.001", "checkpoint_every": "0"}
    train(root / "one", discs, batch_size="4", **calm)
    env = environment(root / "two", discs, BYOA_RANKS_PER_HOST="2", MASTER_PORT=free_port())
    done = subprocess.run(
        command(batch_size="2", **calm), env=env, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    one, two = _losses(root / "one"), _losses(root / "two")
    # Its gradients differ, though: after the first step the roads part slowly.
    assert two[0] == pytest.approx(one[0], rel=0.02)
    assert two[1] == pytest.approx(one[1], rel=0.05)


def test_one_rank_that_fails_ends_all_with_its_reason(root: Path, discs: Path) -> None:
    env = environment(root, discs, BYOA_RANKS_PER_HOST="2", MASTER_PORT=free_port())
    began = time.monotonic()
    done = subprocess.run(
        command(learning_rate="10", warmup_steps="0", gradient_clip="0"),
        env=env,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 1
    assert "stopped being a finite number" in done.stderr
    assert "TrainingError: loss_" in done.stderr
    assert time.monotonic() - began < 60


def test_the_held_out_ap_rises(root: Path) -> None:
    channel = write_discs(root / "channel", 24)
    output = train(
        root,
        channel,
        num_epochs="8",
        evaluate_every="4",
        batch_size="4",
        precision="auto",
        learning_rate="0.02",
        validation_fraction="0.25",
        checkpoint_every="0",
    )
    found = [float(ap) for ap in re.findall(r"validation_segm_map50=([0-9][0-9.e-]*);", output)]
    assert len(found) == 2
    assert found[-1] > 0.5


def test_weights_are_plain_tensors(uninterrupted: Path) -> None:
    tensors = load_file(uninterrupted / "model" / "model.safetensors")
    assert all(np.isfinite(value).all() for value in tensors.values())
