"""The SM_* variables: sagemaker-training's and the SDK's, from one job, and SM_CHECKPOINT_DIR.

tests/container/test_parity.py holds every variable against the installed sagemaker-training.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from container.devices import Machine
from container.hosts import MASTER_PORT
from container.hyperparameters import to_arguments
from container.job import Job

DEFAULT_LOG_LEVEL = 20
# The kernel refuses a longer variable, and with it the whole program (MAX_ARG_STRLEN).
LONGEST_VARIABLE = 128 * 1024 - 1


def variables(
    job: Job, machine: Machine, environ: Mapping[str, str], entry_point: str | None, source: Path
) -> dict[str, str]:
    """Every SM_* variable of the job, for a program `entry_point` in the folder `source`."""
    facts = _toolkit_facts(job, machine, environ, entry_point, source)
    values: dict[str, Any] = {
        **_sdk_values(job, entry_point, source),
        **_aliases(job),
        **{f"CHANNEL_{name}": path for name, path in job.channels.items()},
        **{f"HP_{name}": value for name, value in job.hyperparameters.own.items()},
        **{name: facts[key] for name, key in _NAMES.items()},
        "TRAINING_ENV": facts | _sdk_facts(job),
        "USER_ARGS": to_arguments(job.hyperparameters.own),
        "CHANNELS": sorted(job.channels),
        "CHECKPOINT_DIR": str(job.checkpoints),
    }
    if facts["topology"]:
        values["TOPOLOGY"] = facts["topology"]
    return {f"SM_{name.upper()}": _text(value) for name, value in values.items()}


# SM_ name -> the key of _toolkit_facts.
_NAMES = {
    "HPS": "hyperparameters",
    "FRAMEWORK_PARAMS": "additional_framework_parameters",
    "HOSTS": "hosts",
    "NETWORK_INTERFACE_NAME": "network_interface_name",
    "USER_ENTRY_POINT": "user_entry_point",
    "RESOURCE_CONFIG": "resource_config",
    "INPUT_DATA_CONFIG": "input_data_config",
    "OUTPUT_DATA_DIR": "output_data_dir",
    "CURRENT_HOST": "current_host",
    "CURRENT_INSTANCE_TYPE": "current_instance_type",
    "CURRENT_INSTANCE_GROUP": "current_instance_group",
    "CURRENT_INSTANCE_GROUP_HOSTS": "current_instance_group_hosts",
    "INSTANCE_GROUPS": "instance_groups",
    "INSTANCE_GROUPS_DICT": "instance_groups_dict",
    "DISTRIBUTION_INSTANCE_GROUPS": "distribution_instance_groups",
    "IS_HETERO": "is_hetero",
    "MODULE_NAME": "module_name",
    "MODULE_DIR": "module_dir",
    "LOG_LEVEL": "log_level",
    "FRAMEWORK_MODULE": "framework_module",
    "INPUT_DIR": "input_dir",
    "INPUT_CONFIG_DIR": "input_config_dir",
    "OUTPUT_DIR": "output_dir",
    "OUTPUT_INTERMEDIATE_DIR": "output_intermediate_dir",
    "MODEL_DIR": "model_dir",
    "NUM_CPUS": "num_cpus",
    "NUM_GPUS": "num_gpus",
    "NUM_NEURONS": "num_neurons",
}


def _toolkit_facts(
    job: Job, machine: Machine, environ: Mapping[str, str], entry_point: str | None, source: Path
) -> dict[str, Any]:
    """The properties of sagemaker-training's Environment, by its names."""
    root, cluster, hyperparameters = job.root, job.cluster, job.hyperparameters
    groups = {group["instance_group_name"]: group for group in cluster.groups}
    own_group = groups.get(cluster.group, {})
    parallel = environ.get("SM_HP_MP_PARAMETERS")
    return {
        "additional_framework_parameters": hyperparameters.framework,
        "channel_input_dirs": job.channels,
        "current_host": cluster.current_host,
        "current_instance_group": cluster.group,
        "current_instance_group_hosts": own_group.get("hosts", []),
        "current_instance_type": cluster.instance_type,
        "distribution_hosts": job.distribution_hosts,
        "distribution_instance_groups": job.distribution_groups,
        "framework_module": environ.get("SAGEMAKER_TRAINING_MODULE"),
        "hosts": list(cluster.hosts),
        "hyperparameters": hyperparameters.own,
        "input_config_dir": str(root.input_config),
        "input_data_config": job.input_data_config,
        "input_dir": str(root.input),
        "instance_groups": [group["instance_group_name"] for group in cluster.groups],
        "instance_groups_dict": groups,
        "is_hetero": len(cluster.groups) > 1,
        "is_master": cluster.current_host == job.master,
        "is_modelparallel_enabled": parallel and parallel != "{}",
        "is_smddpmprun_installed": machine.smddpmprun,
        "is_smddprun_installed": machine.smddprun,
        "job_name": environ.get("TRAINING_JOB_NAME"),
        "log_level": hyperparameters.reserved.get(
            "sagemaker_container_log_level", DEFAULT_LOG_LEVEL
        ),
        "master_hostname": job.master,
        "model_dir": str(root.model),
        "module_dir": str(hyperparameters.reserved.get("sagemaker_submit_directory", source)),
        "module_name": str(entry_point).removesuffix(".py"),
        "network_interface_name": cluster.interface,
        "num_cpus": machine.cpus,
        "num_gpus": machine.gpus,
        "num_neurons": machine.neurons,
        "output_data_dir": str(root.output_data),
        "output_dir": str(root.output),
        "output_intermediate_dir": str(root.output_intermediate),
        "resource_config": job.resource_config,
        "topology": job.resource_config.get("topology", []),
        "user_entry_point": entry_point,
    }


def _sdk_facts(job: Job) -> dict[str, Any]:
    """What the SDK's SM_TRAINING_ENV has beside the toolkit's."""
    return {
        "input_data_dir": str(job.root.input_data),
        "master_addr": job.master,
        "master_port": MASTER_PORT,
    }


def _sdk_values(job: Job, entry_point: str | None, source: Path) -> dict[str, Any]:
    """The variables that only the SDK's ModelTrainer sets."""
    return {
        "INPUT_DATA_DIR": str(job.root.input_data),
        "OUTPUT_FAILURE": str(job.root.failure),
        "HOST_COUNT": len(job.cluster.hosts),
        "CURRENT_HOST_RANK": job.cluster.rank,
        "MASTER_ADDR": job.master,
        "MASTER_PORT": MASTER_PORT,
        "SOURCE_DIR": str(source),
        "ENTRY_SCRIPT": entry_point,
    }


def _aliases(job: Job) -> dict[str, Any]:
    """Names that a shell can read: a dash or a dot in a name becomes an underscore."""
    channels = {f"CHANNEL_{_identifier(name)}": path for name, path in job.channels.items()}
    own = job.hyperparameters.own.items()
    return channels | {f"HP_{_identifier(name)}": value for name, value in own}


def _identifier(name: str) -> str:
    return name.replace("-", "_").replace(".", "_")


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True)


def passable(variables: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
    """The variables that the kernel accepts, and the names of those that it would refuse."""
    refused = [name for name, value in variables.items() if not _is_passable(name, value)]
    kept = {name: value for name, value in variables.items() if name not in refused}
    return kept, refused


def _is_passable(name: str, value: str) -> bool:
    try:
        size = len(name.encode()) + len(value.encode()) + 1
    except UnicodeEncodeError:
        return False
    return "=" not in name and "\0" not in name + value and size <= LONGEST_VARIABLE
