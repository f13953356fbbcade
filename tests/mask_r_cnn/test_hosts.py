"""Several hosts, each a process with SM_HOSTS of its own, over gloo on loopback."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.mask_r_cnn.test_training import (
    command,
    discs,
    environment,
    free_port,
    memory,
    root,
    write_discs,
)

__all__ = ["discs", "memory", "root"]

# Two loopback addresses are two hosts that need no name server.
HOSTS = ["127.0.0.1", "127.0.0.2"]


class Hosts:
    """A job on two hosts: one process each, every host with folders of its own."""

    def __init__(self, root: Path, channels: list[Path], **hyperparameters: str) -> None:
        self.root = root
        port = free_port()
        self.processes = [
            subprocess.Popen(
                command(**hyperparameters),
                env=environment(
                    root / host,
                    channel,
                    SM_HOSTS=json.dumps(HOSTS),
                    SM_CURRENT_HOST=host,
                    SM_INPUT_DATA_CONFIG=json.dumps(
                        {"training": {"S3DistributionType": "ShardedByS3Key"}}
                        if channels[0] != channels[1]
                        else {}
                    ),
                    MASTER_PORT=port,
                ),
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
            for host, channel in zip(HOSTS, channels)
        ]

    def wait_for_checkpoint(self) -> None:
        folder = self.root / HOSTS[0] / "checkpoints"
        while not any(folder.glob("checkpoint-*")):
            time.sleep(0.1)
            assert self.processes[0].poll() is None, self.processes[0].communicate()[1]

    def finish(self) -> list[tuple[int, str, str]]:
        """(exit code, stdout, stderr) of each host."""
        ended = []
        for process in self.processes:
            out, err = process.communicate(timeout=150)
            ended.append((process.returncode, out, err))
        return ended

    def kill(self) -> None:
        for process in self.processes:
            process.kill()
            process.wait()


@pytest.fixture
def started() -> Iterator[list[Hosts]]:
    jobs: list[Hosts] = []
    yield jobs
    for job in jobs:
        job.kill()


def test_unequal_shards_do_not_hang_and_only_the_first_host_writes(
    root: Path, started: list[Hosts]
) -> None:
    shards = [write_discs(root / "five", 5), write_discs(root / "two", 2)]
    job = Hosts(root, shards, batch_size="1", num_epochs="1", checkpoint_every="0")
    started.append(job)
    ended = job.finish()
    assert [code for code, _, _ in ended] == [0, 0], ended[0][2] + ended[1][2]
    assert "epoch=1;" in ended[0][1]
    assert "epoch=1;" not in ended[1][1]
    assert (root / HOSTS[0] / "model" / "model.safetensors").is_file()
    assert not list((root / HOSTS[1] / "model").iterdir())
    row = json.loads((root / HOSTS[0] / "output" / "data" / "metrics.jsonl").read_text())
    assert row["step"] == 5


def test_a_host_without_pictures_is_told(root: Path, started: list[Hosts]) -> None:
    (root / "none" / "images").mkdir(parents=True)
    (root / "none" / "masks").mkdir()
    shards = [write_discs(root / "two", 2), root / "none"]
    job = Hosts(root, shards, batch_size="1", num_epochs="1")
    started.append(job)
    for code, _, err in job.finish():
        assert code == 1
        assert "DataError: " in err


def test_bad_data_on_one_host_is_told_on_both(root: Path, started: list[Hosts]) -> None:
    good, bad = write_discs(root / "good", 2), write_discs(root / "bad", 2)
    (bad / "images" / "0.png").write_bytes(b"no picture")
    job = Hosts(root, [good, bad], batch_size="1", num_epochs="1")
    started.append(job)
    first, second = job.finish()
    assert first[0] == second[0] == 1
    assert "DataError: " in second[2]
    assert "TrainingError: another rank of the job ended: rank 1 said: " in first[2]
    assert "0.png" in first[2]


def test_a_stop_on_one_host_stops_both_at_the_same_step(
    root: Path, discs: Path, started: list[Hosts]
) -> None:
    job = Hosts(root, [discs, discs], batch_size="1", num_epochs="50", checkpoint_every="1")
    started.append(job)
    job.wait_for_checkpoint()
    job.processes[1].send_signal(signal.SIGTERM)
    ended = job.finish()
    assert [code for code, _, _ in ended] == [0, 0], ended[0][2] + ended[1][2]
    assert "stopped by SIGTERM after step" in ended[0][1]


def test_a_host_that_dies_ends_the_other_quickly_with_a_sentence(
    root: Path, discs: Path, started: list[Hosts]
) -> None:
    job = Hosts(root, [discs, discs], batch_size="1", num_epochs="50", checkpoint_every="1")
    started.append(job)
    job.wait_for_checkpoint()
    job.processes[1].kill()
    began = time.monotonic()
    code, _, err = job.finish()[0]
    assert code == 1
    assert time.monotonic() - began < 30
    assert "TrainingError: another rank of the job ended" in err
