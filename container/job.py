"""All that SageMaker says about a job, read once from the files below input/config."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from container.configuration import read_object
from container.hosts import Cluster, read_cluster
from container.hyperparameters import Hyperparameters, is_true
from container.hyperparameters import read as read_hyperparameters
from container.root import Root

DISTRIBUTIONS = (
    "sagemaker_mpi_enabled",
    "sagemaker_parameter_server_enabled",
    "sagemaker_distributed_dataparallel_enabled",
    "sagemaker_pytorch_ddp_enabled",
    "sagemaker_pytorch_xla_multi_worker_enabled",
    "sagemaker_multi_worker_mirrored_strategy_enabled",
    "sagemaker_torch_distributed_enabled",
)


@dataclass(frozen=True, slots=True)
class Job:
    """All that SageMaker says about a job, read once."""

    root: Root
    hyperparameters: Hyperparameters
    cluster: Cluster
    resource_config: dict[str, Any]
    input_data_config: dict[str, Any]
    checkpoints: Path

    @property
    def channels(self) -> dict[str, str]:
        """Each channel's folder. It may be missing: a group of hosts can be left out."""
        return {name: str(self.root.input_data / name) for name in self.input_data_config}

    @property
    def distribution_groups(self) -> list[str]:
        """The groups of hosts that a distribution was asked for."""
        framework = self.hyperparameters.framework
        given = framework.get("sagemaker_distribution_instance_groups")
        if given is not None:
            return list(given) if isinstance(given, list) else [str(given)]
        asked = any(is_true(framework.get(name)) for name in DISTRIBUTIONS)
        return [self.cluster.group] if asked else []

    @property
    def distribution_hosts(self) -> list[str]:
        """The hosts of those groups; all hosts where there are no groups."""
        if not self.cluster.groups:
            return list(self.cluster.hosts)
        wanted = self.distribution_groups
        return [
            host
            for group in self.cluster.groups
            if group["instance_group_name"] in wanted
            for host in group["hosts"]
        ]

    @property
    def master(self) -> str:
        return (self.distribution_hosts or list(self.cluster.hosts))[0]


def read_job(root: Root) -> Job:
    """The job below a root; a missing file is what a laptop has, and fine."""
    config = root.input_config
    resource_config = read_object(config / "resourceconfig.json")
    checkpoints = read_object(config / "checkpointconfig.json").get("LocalPath")
    return Job(
        root=root,
        hyperparameters=read_hyperparameters(config / "hyperparameters.json"),
        cluster=read_cluster(resource_config),
        resource_config=resource_config,
        input_data_config=_read_channels(root),
        checkpoints=Path(checkpoints) if isinstance(checkpoints, str) else root.checkpoints,
    )


def _read_channels(root: Root) -> dict[str, Any]:
    """inputdataconfig.json; where there is none, the folders that somebody laid out by hand."""
    path = root.input_config / "inputdataconfig.json"
    if path.exists() or not root.input_data.is_dir():
        return read_object(path)
    names = sorted(child.name for child in root.input_data.iterdir() if child.is_dir())
    return {name: {"TrainingInputMode": "File"} for name in names}


def region(environ: Mapping[str, str]) -> str | None:
    """The region, from the variables or the job's own name (arn:aws:sagemaker:REGION:...)."""
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "SAGEMAKER_REGION"):
        if environ.get(name):
            return environ[name]
    parts = environ.get("TRAINING_JOB_ARN", "").split(":")
    return parts[3] if len(parts) > 3 and parts[3] else None
