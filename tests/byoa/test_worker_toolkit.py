from __future__ import annotations

import json
import os
import subprocess
import sys
from argparse import Namespace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from byoa.code import HERE

FIELDS = [
    "job_name", "channels", "channel_data", "channel_model", "channel_persons", "hps", "state",
    "instance_state", "output_data_dir", "output_dir", "model_dir", "tensorboard_dir",
    "input_dir", "input_config_dir", "input_data_config", "num_cpus", "num_gpus", "current_host",
    "hosts", "network_interface_name", "num_nodes", "host_rank", "resource_config",
]  # fmt: skip


@pytest.fixture
def worker_lib(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(HERE))
    for name, value in {
        "SM_HPS": '{"task_type": 1, "arg": "hello"}',
        "SM_CHANNELS": '["data", "persons"]',
        "SM_CHANNEL_DATA": "/in/data",
        "SM_CHANNEL_PERSONS": "/in/persons",
        "SM_HOSTS": '["algo-1", "algo-2"]',
        "SM_CURRENT_HOST": "algo-2",
        "SM_NUM_GPUS": "0",
        "SM_NUM_CPUS": "4",
        "SM_MODEL_DIR": "/out/model",
        "SSM_STATE": str(tmp_path / "state"),
        "SSM_TENSORBOARD_DIR": "/out/tensorboard",
        "SSM_INSTANCE_STATE": "",
        "SSM_NUM_NODES": "",  # WorkerConfig sets them: named here to be gone afterwards
        "SSM_HOST_RANK": "",
        "TRAINING_JOB_NAME": "the-job",
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "argv", ["train.py"])
    from worker_toolkit import worker_lib  # type: ignore[import-not-found]

    found: ModuleType = worker_lib
    return found


def test_every_field_is_there(worker_lib: Any, tmp_path: Path):
    config = worker_lib.WorkerConfig()
    assert {name: getattr(config, name) for name in FIELDS}["hps"] == {
        "task_type": 1, "arg": "hello"
    }  # fmt: skip
    assert (config.channels, config.channel_persons) == (["data", "persons"], "/in/persons")
    assert (config.num_nodes, config.host_rank, config.current_host) == (2, 1, "algo-2")
    assert (config.num_cpus, config.num_gpus, config.job_name) == (4, 0, "the-job")
    assert config.instance_state == str(tmp_path / "state" / "algo-2")
    assert os.environ["SSM_INSTANCE_STATE"] == config.instance_state
    assert os.environ["SSM_NUM_NODES"] == "2"


def test_a_missing_field_is_told_with_those_that_are_there(worker_lib: Any):
    with pytest.raises(AttributeError, match=r"no 'channel_other'.*channel_persons"):
        _ = worker_lib.WorkerConfig().channel_other


def test_each_host_keeps_its_own_state_and_removes_the_copies_of_the_others(
    worker_lib: Any, tmp_path: Path
):
    for name in ("algo-1", "algo-2", "shared"):
        (tmp_path / "state" / name).mkdir(parents=True)
    config = worker_lib.WorkerConfig(per_instance_state=False)
    assert (tmp_path / "state" / "algo-1").is_dir()
    assert config.instance_state == config.state
    config.initMultiWorkersState()
    assert sorted(path.name for path in (tmp_path / "state").iterdir()) == ["algo-2", "shared"]


def test_a_namespace_is_filled(worker_lib: Any):
    namespace = Namespace()
    worker_lib.WorkerConfig().updateNamespace(namespace, {"num_cpus": "workers"})
    assert namespace.workers == 4


def test_an_argument_of_the_script_wins(worker_lib: Any, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sys, "argv", ["train.py", "--model-dir", "/else", "--num_gpus=2"])
    config = worker_lib.WorkerConfig()
    assert (config.model_dir, config.num_gpus) == ("/else", 2)


def test_outside_of_a_job_it_says_so_instead_of_failing(tmp_path: Path):
    script = (
        "from worker_toolkit import worker_lib as w; c = w.WorkerConfig();"
        "import json; print(json.dumps([c.num_nodes, c.host_rank, c.hps, c.channels, c.job_name]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, cwd=HERE,
        env={"PATH": os.environ["PATH"], "SSM_STATE": str(tmp_path)},
    )  # fmt: skip
    assert json.loads(done.stdout) == [-1, -1, {}, [], ""], done.stderr
