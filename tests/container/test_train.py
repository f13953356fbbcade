"""`train` runs a program as SageMaker's own toolkit would, and keeps its manners."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from container.devices import count_gpus
from container.train import main

ROOT = Path(__file__).resolve().parents[2]


def test_a_program_gets_arguments_variables_and_its_own_folder(place):
    place.hyperparameters(num_epochs="3", name='"abc"', b="1", empty="", items="[1, 2]")
    place.config("inputdataconfig", {"training": {"TrainingInputMode": "File"}})
    place.channel("training")
    assert place.train("echo") == 0, place.log
    seen, folder = place.seen, str(Path(__file__).parent / "fixtures/echo")
    assert seen["argv"] == [
        "train.py",
        *["-b", "1", "--empty", "", "--items", "[1, 2]", "--name", "abc", "--num_epochs", "3"],
    ]
    assert (seen["name"], seen["cwd"], seen["path"][0]) == ("__main__", folder, folder)
    assert seen["file"] == f"{folder}/train.py"
    assert seen["environ"]["SM_CHANNEL_TRAINING"] == str(place.base / "input/data/training")
    assert seen["environ"]["SM_MODEL_DIR"] == str(place.base / "model")
    assert seen["environ"]["SM_CHECKPOINT_DIR"] == str(place.base / "checkpoints")
    assert seen["environ"]["SM_HP_NUM_EPOCHS"] == "3"
    assert seen["environ"]["SM_MODULE_DIR"] == seen["environ"]["SM_SOURCE_DIR"] == folder
    assert seen["environ"]["SM_USER_ENTRY_POINT"] == "train.py"
    assert seen["environ"]["PYTHONUNBUFFERED"] == "1"
    assert seen["unbuffered"]
    assert seen["modules"] == []  # a user's own module called container is not shadowed
    assert place.failure is None


def test_a_safe_path_is_kept_safe(place):
    """PYTHONSAFEPATH (Python 3.11) keeps the program's folder off sys.path; what is on it stays."""
    assert place.train("echo", PYTHONSAFEPATH="1") == 0, place.log
    if sys.version_info >= (3, 11):
        folder = str(Path(__file__).parent / "fixtures/echo")
        assert place.seen["path"].count(folder) == 1  # from PYTHONPATH, where train puts it


def test_what_sagemaker_says_beats_what_the_image_says(place):
    assert place.train("echo", SM_MODEL_DIR="/elsewhere", PYTHONUNBUFFERED="", LANG="C") == 0
    assert place.seen["environ"]["SM_MODEL_DIR"] == str(place.base / "model")
    assert place.seen["environ"]["PYTHONUNBUFFERED"] == ""  # the rest is the user's to set
    assert place.seen["environ"]["LANG"] == "C"


def test_an_image_that_only_serves_says_so(place):
    assert place.train("echo", BYOA_ONLY="serve") == 1
    assert place.failure.startswith("ProgramError: This image only serves, it has no torch: train")


def test_nothing_mounted_is_an_empty_job(place):
    assert place.train("echo") == 0, place.log
    assert place.seen["argv"] == ["train.py"]
    assert place.seen["environ"]["SM_HOSTS"] == '["algo-1"]'
    assert place.seen["environ"]["SM_CHANNELS"] == "[]"
    assert (place.base / "model").is_dir()


def test_more_arguments_follow_the_hyperparameters(place):
    place.hyperparameters(num_epochs="3")
    assert place.train("echo", "--num_epochs", "1") == 0
    assert place.seen["argv"] == ["train.py", "--num_epochs", "3", "--num_epochs", "1"]


def test_the_word_train_is_not_an_argument(place):
    """ENTRYPOINT ["train"] gets SageMaker's own argument `train`."""
    assert place.train("echo", "train") == 0
    assert place.seen["argv"] == ["train.py"]


def test_the_log_begins_with_what_runs_where_and_hides_secrets(place):
    place.hyperparameters(num_epochs="3", api_key="abcdef123456", login='{"password": "geheim99"}')
    place.config("inputdataconfig", {"training": {}, "validation": {}})
    place.config("resourceconfig", {"current_host": "algo-2", "hosts": ["algo-1", "algo-2"]})
    place.channel("training")
    assert place.train("echo", TRAINING_JOB_NAME="job-7", BYOA_HOST_WAIT="0") == 0
    lines = place.log.splitlines()
    assert lines[0].startswith("train: byoa ") and lines[0].endswith(", job job-7")
    assert lines[1].startswith("train: algo-2 (host 2 of 2, local), ")
    assert lines[2] == "train: channels: training, validation (no folder here)"
    assert lines[3] == "train: hyperparameters: api_key=***, login=***, num_epochs=3"
    assert "the program ran" in lines
    assert "abcdef123456" not in place.log and "geheim99" not in place.log


def test_a_failure_of_an_earlier_run_is_forgotten(place):
    (place.base / "output").mkdir()
    (place.base / "output/failure").write_text("old")
    assert place.train("echo") == 0
    assert place.failure is None


def test_a_local_job_opens_its_outputs_to_everyone(place):
    if os.geteuid() != 0:
        pytest.skip("only root leaves files that others cannot remove")
    place.train("echo")
    modes = {path: stat.S_IMODE(path.stat().st_mode) for path in (place.base / "output").rglob("*")}
    assert modes
    assert all(mode & 0o006 == 0o006 for mode in modes.values()), modes
    assert stat.S_IMODE((place.base / "model").stat().st_mode) == 0o777


def test_a_job_on_an_instance_leaves_modes_alone(place):
    place.config("resourceconfig", {"hosts": ["a"], "current_instance_type": "ml.g5.xlarge"})
    (place.base / "model").mkdir(mode=0o700)
    assert place.train("echo") == 0
    assert stat.S_IMODE((place.base / "model").stat().st_mode) == 0o700


def test_a_folder_that_cannot_be_made_is_said(place):
    (place.base / "model").write_text("a file where the folder belongs")
    assert place.train("echo") == 1
    assert place.headline.startswith(f"ConfigurationError: {place.base / 'model'} cannot be made")


def test_a_processing_job_without_an_entry_point_is_told_what_to_do(place):
    (place.base / "config").mkdir()
    (place.base / "config/processingjobconfig.json").write_text("{}")
    assert place.train("echo") == 1
    assert "ContainerEntrypoint" in (place.base / "output/message").read_text()
    assert "Processing job" in place.headline


def test_a_large_job_runs_without_the_variables_that_are_too_large(place):
    place.hyperparameters(**{f"name_{number:02}": "x" * 2500 for number in range(99)})
    assert place.train("echo") == 0, place.log
    assert len(place.seen["argv"]) == 199
    assert "SM_TRAINING_ENV" not in place.seen["environ"]
    assert "left out, as no process can be given them: " in place.log


def test_a_character_that_cannot_be_passed_is_named(place):
    place.config("hyperparameters", '{"name": "a\\u0000b"}')
    assert place.train("echo") == 1
    assert place.headline.startswith("ConfigurationError: Hyperparameter 'name' holds a character")


def test_help_version_and_describe(capsys, tmp_path):
    assert main(["--help"], {}) == 0
    assert "usage: train" in capsys.readouterr().out
    assert main(["--version"], {}) == 0
    assert capsys.readouterr().out.startswith("byoa train ")
    assert main(["--describe"], {"BYOA_ALGORITHM": str(tmp_path)}) == 1
    assert "does not describe its hyperparameters" in capsys.readouterr().err


def test_describe_prints_the_schema_of_the_algorithm(place):
    assert place.train(ROOT / "mask_r_cnn", "--describe") == 0, place.log
    assert "num_epochs" in json.dumps(json.loads(place.log))
    assert not (place.base / "output").exists()


def test_train_starts_in_well_under_a_second(place):
    place.train("echo")
    took = []
    for _ in range(3):  # the best of three: other tests run beside this one
        began = time.monotonic()
        subprocess.run([sys.executable, str(ROOT / "container/bin/train"), "--version"], check=True)
        took.append(time.monotonic() - began)
    assert min(took) < 1


def test_train_imports_only_the_standard_library():
    script = (
        "import sys; before = set(sys.modules); import container.train, container.doctor;"
        "names = {name.split('.')[0] for name in set(sys.modules) - before};"
        "print(*names - set(sys.stdlib_module_names))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["container"]


@pytest.mark.skipif(count_gpus({}) > 0, reason="this machine has a GPU")
def test_a_gpu_instance_that_shows_no_gpu(place):
    place.config("resourceconfig", {"hosts": ["a"], "current_instance_type": "ml.g5.xlarge"})
    assert place.train("echo") == 0
    assert "train: ml.g5.xlarge has GPUs, but none is seen in this container" in place.log
    arn = "arn:aws:sagemaker:eu-west-3:123456789012:training-job/x"
    assert place.train("echo", TRAINING_JOB_ARN=arn) == 1
    assert place.headline.startswith("ConfigurationError: ml.g5.xlarge has GPUs, but none is seen")
    assert place.train("echo", TRAINING_JOB_ARN=arn, BYOA_ALLOW_CPU="1") == 0


@pytest.mark.parametrize("value", ["soon", "1e", "--"])
def test_a_bad_setting_is_named(place, value):
    assert place.train("echo", BYOA_STOP_GRACE=value) == 1
    assert place.headline.startswith(f"ConfigurationError: BYOA_STOP_GRACE is '{value}'")


def test_it_is_found_on_path_from_anywhere(place, tmp_path):
    path = f"{ROOT / 'container/bin'}:{Path(sys.executable).parent}:{os.environ['PATH']}"
    environ = place.environ("echo", {"PATH": path})
    done = subprocess.run(["train"], env=environ, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
