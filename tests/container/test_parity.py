"""Every SM_* variable and every argument, against AWS's own sagemaker-training.

Its sdist needs a compiler, so it is an extra of its own: `make parity`, or BYOA_PARITY_PYTHON=the
Python of an environment that has it. Ours may say more than it does, never anything else.
"""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from container.devices import this_machine
from container.environment import variables
from container.hyperparameters import to_arguments
from container.job import read_job
from container.root import Root

FIXTURES = Path(__file__).parent / "fixtures"
pytestmark = [pytest.mark.parity]


def oracle_python() -> str | None:
    named = os.environ.get("BYOA_PARITY_PYTHON")
    if named:
        return named
    return sys.executable if importlib.util.find_spec("sagemaker_training") else None


@dataclass
class Oracle:
    """sagemaker-training in a process of its own, and the folder tree that both read."""

    base: Path
    process: subprocess.Popen[str]

    def ask(self, files: dict[str, str], environ: dict[str, str]) -> dict[str, Any]:
        assert self.process.stdin and self.process.stdout
        question = {"files": files, "environ": environ}
        self.process.stdin.write(json.dumps(question) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        assert line, "sagemaker-training failed; its traceback is above"
        answer: dict[str, Any] = json.loads(line)
        return answer


@pytest.fixture(scope="module")
def oracle(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Oracle]:
    python = oracle_python()
    if python is None:
        pytest.skip("sagemaker-training is not installed: `make parity`, or BYOA_PARITY_PYTHON=")
    base = tmp_path_factory.mktemp("parity")
    (base / "input/config").mkdir(parents=True)
    process = subprocess.Popen(
        [python, str(FIXTURES / "parity/oracle.py")],
        env={**os.environ, "SAGEMAKER_BASE_DIR": str(base), "AWS_DEFAULT_REGION": "eu-west-1"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    yield Oracle(base, process)
    assert process.stdin and process.stdout
    process.stdin.close()
    process.wait(timeout=10)
    process.stdout.close()


def compare(oracle: Oracle, files: dict[str, str], environ: dict[str, str]) -> None:
    """Asks both, and compares every name and argument that the toolkit has."""
    theirs = oracle.ask(files, environ)
    job = read_job(Root(oracle.base))
    entry = job.hyperparameters.text("sagemaker_program") or environ.get("SAGEMAKER_PROGRAM")
    ours = variables(job, this_machine(environ), environ, entry, job.root.code)
    assert to_arguments(job.hyperparameters.own) == theirs["arguments"]
    expected = theirs["variables"]
    training = json.loads(expected.pop("SM_TRAINING_ENV"))
    told = json.loads(ours["SM_TRAINING_ENV"])
    assert {name: ours.get(name) for name in expected} == expected
    assert json.dumps({name: told.get(name) for name in training}, sort_keys=True) == json.dumps(
        training, sort_keys=True
    )


PRODUCTION = {
    "current_host": "algo-2",
    "current_instance_type": "ml.g5.xlarge",
    "current_group_name": "homogeneousCluster",
    "hosts": ["algo-1", "algo-10", "algo-2"],
    "instance_groups": [
        {
            "instance_group_name": "homogeneousCluster",
            "instance_type": "ml.g5.xlarge",
            "hosts": ["algo-1", "algo-10", "algo-2"],
        }
    ],
    "network_interface_name": "eth0",
    "topology": None,
}
LOCAL = {
    "current_host": "algo-1-x7k2p",
    "hosts": ["algo-1-x7k2p"],
    "network_interface_name": "ethwe",
}
HETERO = {
    "current_host": "algo-3",
    "current_instance_type": "ml.c5.large",
    "current_group_name": "cpu",
    "hosts": ["algo-1", "algo-2", "algo-3"],
    "instance_groups": [
        {"instance_group_name": "gpu", "instance_type": "ml.p4d.24xlarge", "hosts": ["algo-1"]},
        {
            "instance_group_name": "cpu",
            "instance_type": "ml.c5.large",
            "hosts": ["algo-2", "algo-3"],
        },
    ],
    "network_interface_name": "eth0",
    "topology": [{"hostName": "algo-1", "capacityUnitId": "u1"}],
}
RESOURCES = {"production": PRODUCTION, "local mode": LOCAL, "groups": HETERO}
CHANNEL = {"TrainingInputMode": "File", "S3DistributionType": "FullyReplicated"}
INPUTS: dict[str, dict[str, Any]] = {
    "none": {},
    "two": {"training": {**CHANNEL, "RecordWrapperType": "None"}, "validation": {}},
    "odd names": {"my-channel": CHANNEL, "a.b": CHANNEL, "UPPER": CHANNEL, "code": {}},
}
HYPERPARAMETERS: dict[str, dict[str, Any]] = {
    "none": {},
    "raw, as boto3 sends": {"lr": "0.01", "name": "abc", "flag": "true", "n": "10", "e": ""},
    "JSON, as script mode sends": {
        "sagemaker_program": '"train.py"',
        "sagemaker_submit_directory": '"s3://bucket/sourcedir.tar.gz"',
        "sagemaker_container_log_level": "20",
        "sagemaker_job_name": '"job-1"',
        "sagemaker_region": '"eu-west-1"',
        "name": '"abc"',
        "lr": "0.01",
        "layers": "[1, 2]",
        "nested": '{"a": {"b": 1}, "c": null}',
        "nothing": "null",
        "sagemaker_instance_type": '"ml.m5.large"',
        "_tuning_objective_metric": "loss",
    },
    "str(), as Estimator sends": {
        "flag": "True",
        "nothing": "None",
        "list": "[1, 2]",
        "dict": "{'a': 1}",
        "number": "1e-05",
        "text": 'it\'s "quoted"',
    },
    "no strings at all": {
        "lr": 0.01,
        "n": 3,
        "flag": True,
        "none": None,
        "list": [1],
        "d": {"a": 1},
    },
    "odd names": {"a": "1", "learning-rate": "1", "a.b": "2", "LR": "3", "ünïcode": "é", "": "x"},
    "odd numbers": {"a1": "NaN", "b1": "-Infinity", "c1": "1E5", "d1": "007", "e1": "1_000"},
    "spaces": {"a b": " c  d ", "line": "one\ntwo", "tab": "\t"},
    "torchrun": {"sagemaker_program": "train.py", "sagemaker_torch_distributed_enabled": "true"},
    "smddp": {"sagemaker_distributed_dataparallel_enabled": "true", "x": "1"},
    "one group": {"sagemaker_distribution_instance_groups": '["gpu"]', "x": "1"},
    "sub folder": {"sagemaker_program": "src/main.sh", "sagemaker_s3_output": "s3://b/x"},
}
ENVIRONS = {
    "none": {},
    "platform": {"TRAINING_JOB_NAME": "job-1", "TRAINING_JOB_ARN": "arn:aws:sagemaker:eu:1:j"},
    "toolkit": {"SAGEMAKER_TRAINING_MODULE": "m:main", "SM_HP_MP_PARAMETERS": '{"a":1}'},
    "program": {"SAGEMAKER_PROGRAM": "train.py"},
}


def files(hyperparameters: Any, resource: Any, inputs: Any) -> dict[str, str]:
    return {
        "hyperparameters.json": json.dumps(hyperparameters),
        "resourceconfig.json": json.dumps(resource),
        "inputdataconfig.json": json.dumps(inputs),
    }


@pytest.mark.parametrize("hyperparameters", HYPERPARAMETERS)
@pytest.mark.parametrize("resource", RESOURCES)
def test_every_variable_and_argument(oracle, hyperparameters, resource):
    for inputs in INPUTS.values():
        for environ in ENVIRONS.values():
            chosen = HYPERPARAMETERS[hyperparameters]
            if "SAGEMAKER_PROGRAM" in environ and "sagemaker_program" in chosen:
                continue  # on purpose, the job's own word wins here: see docs/training.md
            compare(oracle, files(chosen, RESOURCES[resource], inputs), environ)


# An = or a zero byte cannot be in a variable's name; half a surrogate pair in no argument.
NAMES = st.text(
    st.characters(exclude_characters="=\0", exclude_categories=["Cs"]), min_size=1, max_size=12
)
TEXTS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=40)
PLAIN = st.none() | st.booleans() | st.integers() | st.floats() | TEXTS
NESTED = st.recursive(
    PLAIN, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3)
)
VALUES = st.one_of(TEXTS, NESTED.map(json.dumps), NESTED.map(str), NESTED)


@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.dictionaries(NAMES, VALUES, max_size=6))
def test_any_hyperparameters(oracle, hyperparameters):
    compare(oracle, files(hyperparameters, PRODUCTION, INPUTS["two"]), {})


def run_train(python: list[str], base: Path) -> dict[str, Any]:
    """What the fixture `echo` sees under a `train`, from a fresh tree."""
    config = base / "input/config"
    config.mkdir(parents=True)
    shutil.copytree(FIXTURES / "echo", base / "code")
    hyperparameters = {"sagemaker_program": "train.py", "lr": "0.1", "a": "x y", "on": "True"}
    for name, text in files(hyperparameters, {"current_host": "a", "hosts": ["a"]}, {}).items():
        (config / name).write_text(text)
    (base / "output/data").mkdir(parents=True)
    environ = {**os.environ, "SAGEMAKER_BASE_DIR": str(base), "SM_STUDIO_LOCAL_MODE": "true"}
    done = subprocess.run(python, env=environ, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    seen: dict[str, Any] = json.loads((base / "output/data/seen.json").read_text())
    return seen


def test_a_program_sees_the_same_under_both(oracle, tmp_path):
    root = Path(__file__).resolve().parents[2]
    theirs = run_train(
        [str(oracle_python()), "-c", "from sagemaker_training.cli.train import main; main()"],
        tmp_path / "theirs/ml",
    )
    ours = run_train([sys.executable, str(root / "container/bin/train")], tmp_path / "ours/ml")

    def text(seen: dict[str, Any], name: str) -> str:
        value = str(seen["environ"].get(name))
        for place in ("theirs", "ours"):
            value = value.replace(str(tmp_path / place), "")
        return value

    names = {name for name in theirs["environ"] if name.startswith("SM_")} - {"SM_TRAINING_ENV"}
    assert len(names) > 30
    assert {name: text(ours, name) for name in names} == {
        name: text(theirs, name) for name in names
    }
    assert ours["argv"] == theirs["argv"]
    for name in ("name", "spec", "loader"):
        assert ours[name] == theirs[name]
    for name in ("file", "cwd"):
        assert ours[name].replace("/ours/", "/theirs/") == theirs[name]
    for name in ("CURRENT_HOST", "SAGEMAKER_JOB_NAME"):
        assert text(ours, name) == text(theirs, name)
    assert ours["path"][0].replace("/ours/", "/theirs/") == theirs["path"][0]
