"""WorkerConfig: a job's folders, hosts and hyperparameters as attributes.

The names are simple-sagemaker's, so that scripts written for it run as they are. Python 3.6.
"""

import json
import logging
import multiprocessing
import os
import shutil
import sys
from pathlib import Path
from typing import Any

#: attribute, variable, how it is read, what it is without one
FIELDS = (
    ("model_dir", "SM_MODEL_DIR", str, ""),
    ("output_data_dir", "SM_OUTPUT_DATA_DIR", str, ""),
    ("output_dir", "SM_OUTPUT_DIR", str, ""),
    ("input_dir", "SM_INPUT_DIR", str, ""),
    ("input_config_dir", "SM_INPUT_CONFIG_DIR", str, ""),
    ("input_data_config", "SM_INPUT_DATA_CONFIG", str, ""),
    ("hps", "SM_HPS", json.loads, "{}"),
    ("channels", "SM_CHANNELS", json.loads, "[]"),
    ("channel_data", "SM_CHANNEL_DATA", str, ""),
    ("channel_model", "SM_CHANNEL_MODEL", str, ""),
    ("current_host", "SM_CURRENT_HOST", str, ""),
    ("hosts", "SM_HOSTS", json.loads, "[]"),
    ("num_gpus", "SM_NUM_GPUS", int, "-1"),
    ("num_cpus", "SM_NUM_CPUS", int, str(multiprocessing.cpu_count())),
    ("network_interface_name", "SM_NETWORK_INTERFACE_NAME", str, ""),
    ("job_name", "SAGEMAKER_JOB_NAME", str, ""),
    ("resource_config", "SM_RESOURCE_CONFIG", str, ""),
    ("state", "SSM_STATE", str, "/opt/ml/checkpoints"),
    ("tensorboard_dir", "SSM_TENSORBOARD_DIR", str, "/opt/ml/output/tensorboard"),
)


class WorkerConfig:
    """The job that this process is a part of; channel_NAME is the folder of the channel NAME."""

    def __init__(
        self,
        per_instance_state: bool = True,
        set_debug_level: bool = True,
        update_argv: bool = True,
    ) -> None:
        if set_debug_level:
            self.setDebugLevel()
        self.config = read(os.environ)
        self._instance_state_is_made = False
        if per_instance_state:
            self.initMultiWorkersState()
        if update_argv:
            self._updateArgv()
        for name in ("num_nodes", "host_rank", "state", "tensorboard_dir"):
            os.environ["SSM_" + name.upper()] = str(self.config[name])

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or name == "config":
            raise AttributeError(name)
        try:
            return self.config[name]
        except KeyError:
            raise AttributeError(
                f"a job's configuration has no {name!r}; it has {sorted(self.config)}"
            ) from None

    def setDebugLevel(self) -> None:  # noqa: N802
        """Sets the root logger's level to the job's."""
        logging.getLogger().setLevel(int(os.environ.get("SM_LOG_LEVEL", logging.INFO)))

    def initMultiWorkersState(self) -> None:  # noqa: N802
        """Makes this host's folder of the state; removes the copies of the other hosts' here."""
        if self._instance_state_is_made:
            return
        self._instance_state_is_made = True
        state = Path(self.config["state"])
        for host in self.config["hosts"]:
            if host != self.config["current_host"]:
                shutil.rmtree(str(state / host), ignore_errors=True)
        folder = state / self.config["current_host"]
        folder.mkdir(parents=True, exist_ok=True)
        self.config["instance_state"] = os.environ["SSM_INSTANCE_STATE"] = str(folder)

    def updateNamespace(self, namespace: object, fields_mapping: "dict[str, str]") -> None:  # noqa: N802
        """Sets attributes of `namespace` from ours: {our field: its attribute}."""
        for field, attribute in fields_mapping.items():
            setattr(namespace, attribute, getattr(self, field))

    def _updateArgv(self) -> bool:  # noqa: N802
        """Whether sys.argv had to change: byoa's launcher has done it before the script began."""
        return False


def read(environ: "os._Environ[str]") -> "dict[str, Any]":
    """Every field, from the variables; an argument --field VALUE of the script wins."""
    found = {}  # type: dict[str, Any]
    for name, variable, kind, default in FIELDS:
        text = argument(name, sys.argv[1:])
        found[name] = kind(environ.get(variable) or default if text is None else text)
    found["job_name"] = found["job_name"] or environ.get("TRAINING_JOB_NAME", "")
    for channel in found["channels"]:
        folder = environ.get("SM_CHANNEL_" + channel.upper())
        if folder:
            found["channel_" + channel] = folder
    hosts = found["hosts"]
    found["num_nodes"] = len(hosts) or -1
    found["host_rank"] = hosts.index(found["current_host"]) if hosts else -1
    found["instance_state"] = found["state"]
    return found


def argument(name: str, words: "list[str]") -> "str | None":
    """The value of --name VALUE or --name=VALUE, with - for _ too; None when it is not there."""
    flags = ("--" + name, "--" + name.replace("_", "-"))
    for at, word in enumerate(words):
        flag, equals, value = word.partition("=")
        if flag in flags:
            return value if equals else (words[at + 1] if at + 1 < len(words) else None)
    return None
