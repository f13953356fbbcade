"""The image of this repository through byoa.local: its algorithm, and a script of the user's."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.byoa.local.test_mask_r_cnn import test_it_trains_and_leaves_a_model
from tests.local_home import Home
from tests.local_home import docker_home as home

__all__ = ["home", "test_it_trains_and_leaves_a_model"]

pytestmark = [pytest.mark.docker, pytest.mark.slow]


@pytest.fixture(scope="session")
def small_image(image: str) -> str:
    """Here the home's image is the big one."""
    return image


def test_a_wrong_hyperparameter_is_its_failure_reason(home: Home):
    home.put("pictures/x", "")
    record = home.train(
        HyperParameters={"num_epoch": "1"},
        InputDataConfig=[home.channel("training", home.uri("pictures/"))],
    )
    assert record["TrainingJobStatus"] == "Failed"
    assert "num_epochs" in record["FailureReason"]


def test_script_mode_on_two_hosts(home: Home):
    """torch.distributed over the hosts' names, from a script of the user's."""
    record = home.script(
        Path(__file__).with_name("all_reduce.py").read_text(),
        HyperParameters={"sagemaker_torch_distributed_enabled": "true"},
        ResourceConfig={"InstanceCount": 2},
        Environment={"OMP_NUM_THREADS": "1"},
        EnableNetworkIsolation=True,
    )
    assert record["TrainingJobStatus"] == "Completed", (record, home.log())
    assert json.loads(home.unpacked()["sum.json"]) == {"hosts": 2, "sum": 3.0}
