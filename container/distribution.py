"""Starts the program once on each host, or by torchrun on each GPU when the job asks for it."""

from __future__ import annotations

import sys

from container.command import Command
from container.devices import Machine
from container.errors import ProgramError
from container.hosts import MASTER_PORT
from container.hyperparameters import is_true
from container.job import Job

TORCHRUN = ("sagemaker_torch_distributed_enabled", "sagemaker_pytorch_ddp_enabled")
UNSUPPORTED = (
    "sagemaker_mpi_enabled",
    "sagemaker_parameter_server_enabled",
    "sagemaker_distributed_dataparallel_enabled",
    "sagemaker_pytorch_xla_multi_worker_enabled",
    "sagemaker_multi_worker_mirrored_strategy_enabled",
)


def launcher(job: Job, machine: Machine, program: Command) -> Command:
    """The program's own command, or torchrun's around it."""
    framework = job.hyperparameters.framework
    for name in UNSUPPORTED:
        if is_true(framework.get(name)):
            raise ProgramError(
                f"Hyperparameter {name} asks for a launcher that this image does not have."
                " Leave it out, or use sagemaker_torch_distributed_enabled (torchrun)."
            )
    asked = next((name for name in TORCHRUN if is_true(framework.get(name))), None)
    if asked is None or job.cluster.current_host not in job.distribution_hosts:
        return program
    if not program.is_python:
        raise ProgramError(
            f"Hyperparameter {asked} starts Python programs only, and {program.words[-1]} is none."
            " Leave it out, and call torchrun in the script."
        )
    return Command((*_torchrun(job, machine), *program.words[1:]), True)


def _torchrun(job: Job, machine: Machine) -> list[str]:
    hosts = job.distribution_hosts
    words = [sys.executable, "-m", "torch.distributed.run"]
    words += ["--nnodes", str(len(hosts))]
    words += ["--nproc_per_node", str(machine.gpus or machine.neurons or 1)]
    if len(hosts) == 1:
        return [*words, "--standalone"]
    words += ["--master_addr", job.master, "--master_port", str(MASTER_PORT)]
    return [*words, "--node_rank", str(hosts.index(job.cluster.current_host))]
