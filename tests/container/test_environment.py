"""The variables that a job's program gets."""

from __future__ import annotations

import json
import os
from pathlib import Path

from container.devices import Machine
from container.environment import LONGEST_VARIABLE, passable, variables
from container.job import read_job, region
from container.root import Root

MACHINE = Machine(cpus=8, gpus=2)


def told(place, entry="train.py", **environ):
    job = read_job(Root(place.base))
    return variables(job, MACHINE, environ, entry, Path("/source"))


def test_the_names_that_only_the_sdk_has(place):
    place.hyperparameters(**{"learning-rate": "0.1"})
    place.config("resourceconfig", {"current_host": "b", "hosts": ["a", "b"]})
    values = told(place)
    expected = {
        "SM_INPUT_DATA_DIR": f"{place.base}/input/data",
        "SM_OUTPUT_FAILURE": f"{place.base}/output/failure",
        "SM_HOST_COUNT": "2",
        "SM_CURRENT_HOST_RANK": "1",
        "SM_MASTER_ADDR": "a",
        "SM_MASTER_PORT": "7777",
        "SM_SOURCE_DIR": "/source",
        "SM_ENTRY_SCRIPT": "train.py",
        "SM_HP_LEARNING_RATE": "0.1",
        "SM_HP_LEARNING-RATE": "0.1",
    }
    assert {name: values.get(name) for name in expected} == expected


def test_a_name_with_an_underscore_beats_an_alias(place):
    place.hyperparameters(**{"a-b": "alias", "a_b": "own"})
    assert told(place)["SM_HP_A_B"] == "own"
    assert told(place)["SM_HP_A-B"] == "alias"


def test_checkpoints_are_where_the_job_says(place):
    assert told(place)["SM_CHECKPOINT_DIR"] == f"{place.base}/checkpoints"
    place.config("checkpointconfig", {"LocalPath": "/somewhere/else"})
    assert told(place)["SM_CHECKPOINT_DIR"] == "/somewhere/else"
    place.config("checkpointconfig", {"S3Uri": "s3://bucket"})
    assert told(place)["SM_CHECKPOINT_DIR"] == f"{place.base}/checkpoints"


def test_folders_laid_out_by_hand_are_channels(place):
    place.channel("training")
    place.channel("validation")
    (place.base / "input/data/notes.txt").write_text("no channel")
    assert json.loads(told(place)["SM_CHANNELS"]) == ["training", "validation"]


def test_a_given_config_decides_alone(place):
    place.channel("old")
    place.config("inputdataconfig", {})
    assert told(place)["SM_CHANNELS"] == "[]"


def test_a_channel_without_a_folder_is_legal(place):
    """A group of hosts can be left out of a channel."""
    place.config("inputdataconfig", {"training": {}})
    assert told(place)["SM_CHANNEL_TRAINING"] == f"{place.base}/input/data/training"


def test_what_a_process_cannot_be_given():
    kept, refused = passable(
        {
            "SM_OK": "é" * 100,
            "SM_HP_A=B": "1",
            "SM_HP_NUL": "a\0b",
            "SM_HP_HALF": "\ud800",
            "SM_LONG": "x" * LONGEST_VARIABLE,
        }
    )
    assert list(kept) == ["SM_OK"]
    assert refused == ["SM_HP_A=B", "SM_HP_NUL", "SM_HP_HALF", "SM_LONG"]


def test_the_kernel_agrees_on_the_longest_variable():
    longest = "x" * (LONGEST_VARIABLE - len("NAME="))
    kept, _ = passable({"NAME": longest})
    assert kept
    pid = os.posix_spawn("/bin/true", ["true"], {"NAME": longest})
    assert os.waitpid(pid, 0)[1] == 0


def test_the_region():
    arn = "arn:aws:sagemaker:eu-west-3:123456789012:training-job/x"
    assert region({"TRAINING_JOB_ARN": arn}) == "eu-west-3"
    assert region({"TRAINING_JOB_ARN": arn, "AWS_REGION": "us-east-1"}) == "us-east-1"
    assert region({"TRAINING_JOB_ARN": "nonsense"}) is None
    assert region({}) is None


def test_the_root(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert Root.of({}).base == Path("/opt/ml")
    assert Root.of({"SAGEMAKER_BASE_DIR": ""}).base == Path("/opt/ml")
    assert Root.of({"SAGEMAKER_BASE_DIR": "here"}).base == tmp_path / "here"
