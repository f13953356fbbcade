"""torchrun, when the job asks for it: one process a GPU, all hosts."""

from __future__ import annotations

import signal
import sys
from pathlib import Path

import pytest

from container.command import Command
from container.devices import Machine
from container.distribution import launcher
from container.errors import ProgramError
from container.job import read_job
from container.root import Root

PROGRAM = Command((sys.executable, "wrapper.py", "train.py"), True)


def launched(place, machine: Machine, program: Command = PROGRAM) -> list[str]:
    return list(launcher(read_job(Root(place.base)), machine, program).words)


@pytest.mark.parametrize("sent", ["false", "False", '"false"', ""])
def test_without_being_asked_a_program_runs_once(place, sent):
    place.hyperparameters(sagemaker_torch_distributed_enabled=sent)
    assert launched(place, Machine(8, 4)) == list(PROGRAM.words)


@pytest.mark.parametrize("sent", ["true", "True", '"true"'])
def test_one_host(place, sent):
    place.hyperparameters(sagemaker_torch_distributed_enabled=sent)
    words = launched(place, Machine(8, 4))
    assert words[1:] == [
        *["-m", "torch.distributed.run", "--nnodes", "1", "--nproc_per_node", "4"],
        *["--standalone", "wrapper.py", "train.py"],
    ]


def test_many_hosts(place):
    place.hyperparameters(sagemaker_torch_distributed_enabled="true")
    place.config("resourceconfig", {"current_host": "algo-2", "hosts": ["algo-10", "algo-2"]})
    words = launched(place, Machine(8, 0))
    assert words[3:-2] == [
        *["--nnodes", "2", "--nproc_per_node", "1"],
        *["--master_addr", "algo-10", "--master_port", "7777", "--node_rank", "1"],
    ]


def test_a_group_that_was_left_out_runs_its_program_alone(place):
    groups = [
        {"instance_group_name": "gpu", "hosts": ["a"]},
        {"instance_group_name": "cpu", "hosts": ["b"]},
    ]
    for host, group, count in (("a", "gpu", 8), ("b", "cpu", 3)):
        config = {"current_host": host, "current_group_name": group, "hosts": ["a", "b"]}
        place.config("resourceconfig", {**config, "instance_groups": groups})
        place.hyperparameters(
            sagemaker_torch_distributed_enabled="true",
            sagemaker_distribution_instance_groups='["gpu"]',
        )
        assert (len(launched(place, Machine(8, 1))) > count) == (group == "gpu")


def test_a_shell_script_cannot_be_a_rank(place):
    place.hyperparameters(sagemaker_torch_distributed_enabled="true")
    with pytest.raises(ProgramError, match="starts Python programs only"):
        launched(place, Machine(8, 1), Command(("/bin/bash", "./run.sh"), False))


def start_ranks(place, **hyperparameters: str) -> int:
    place.hyperparameters(sagemaker_torch_distributed_enabled="true", **hyperparameters)
    environ = {"CUDA_VISIBLE_DEVICES": "0,1", "OMP_NUM_THREADS": "1"}  # two devices: two ranks
    code: int = place.train("ranks", **environ)
    return code


@pytest.mark.slow
def test_two_ranks_find_each_other(place):
    assert start_ranks(place) == 0, place.log
    assert [place.wait_for(f"rank{rank}") for rank in (0, 1)] == ["3 of 2, train.py"] * 2


@pytest.mark.slow
def test_the_rank_that_fails_is_named(place):
    assert start_ranks(place, fail="1") == 1
    assert place.headline == "ValueError: rank 1 has no data"
    assert "on rank 1 of 2, algo-1" in (place.failure or "")
    assert not list(Path(place.base / "output/data").iterdir())


@pytest.mark.slow
def test_a_stop_reaches_every_rank(place):
    place.hyperparameters(sagemaker_torch_distributed_enabled="true", wait="300")
    process = place.start("ranks", CUDA_VISIBLE_DEVICES="0,1", OMP_NUM_THREADS="1")
    ranks = [int(place.wait_for(f"ready{rank}", 60)) for rank in (0, 1)]
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=60) != 0  # torchrun's own, though every rank ended with 0
    assert "train.py ended on SIGTERM after" in place.log
    assert place.failure is None
    assert not any(Path(f"/proc/{pid}").exists() for pid in ranks)
