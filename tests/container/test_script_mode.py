"""Script mode: a user's own program from the places where SageMaker's launchers put it."""

from __future__ import annotations

import sys
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import pytest

FIXTURES = Path(__file__).parent / "fixtures"


def sourcedir(target: Path, *folders: Path, mode: Any = "w:gz") -> Path:
    """A sourcedir.tar.gz as the SDK makes it: the folder's contents at its root."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(target, mode) as tar:
        for folder in folders:
            for path in sorted(folder.iterdir()):
                tar.add(path, arcname=path.name)
    return target


def wheel(folder: Path, name: str = "tinydep", version: str = "1.0") -> Path:
    """The smallest package that pip installs, so that no index is needed."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}-{version}-py3-none-any.whl"
    info = f"{name}-{version}.dist-info"
    files = {
        f"{name}.py": f"VERSION = {version!r}\n",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\n"
        "Tag: py3-none-any\n",
    }
    record = "".join(f"{file},,\n" for file in [*files, f"{info}/RECORD"])
    with zipfile.ZipFile(path, "w") as archive:
        for file, text in {**files, f"{info}/RECORD": record}.items():
            archive.writestr(file, text)
    return path


@pytest.mark.parametrize("value", ["train.py", '"train.py"'])
def test_a_users_program_in_code(place, value):
    place.code("echo")
    place.hyperparameters(sagemaker_program=value, lr="0.1")
    assert place.train("nowhere") == 0, place.log
    assert place.seen["argv"] == ["train.py", "--lr", "0.1"]
    assert place.seen["cwd"] == str(place.base / "code")
    assert "program: train.py in" in place.log and "(hyperparameter sagemaker_program)" in place.log


def test_the_variable_names_a_program_in_code(place):
    place.code("echo")
    assert place.train("nowhere", SAGEMAKER_PROGRAM="train.py") == 0, place.log
    assert place.seen["environ"]["SM_USER_ENTRY_POINT"] == "train.py"
    assert place.seen["environ"]["SM_MODULE_NAME"] == "train"
    assert place.seen["environ"]["SM_SOURCE_DIR"] == str(place.base / "code")


def test_the_jobs_word_beats_the_images(place):
    place.code("echo")
    (place.base / "code/other.py").write_text("raise SystemExit('the wrong one')")
    place.hyperparameters(sagemaker_program="train.py")
    assert place.train("nowhere", SAGEMAKER_PROGRAM="other.py") == 0, place.log


@pytest.mark.parametrize("mode", ["w:gz", "w", "w:xz"])
def test_a_submitted_archive(place, tmp_path, mode):
    archive = sourcedir(tmp_path / "sourcedir.tar.gz", FIXTURES / "echo", mode=mode)
    place.hyperparameters(sagemaker_program="train.py", sagemaker_submit_directory=str(archive))
    assert place.train("nowhere") == 0, place.log
    assert place.seen["cwd"] == str(place.base / "code")
    assert place.seen["environ"]["SM_MODULE_DIR"] == str(archive)


def test_a_submitted_folder_runs_in_place(place):
    folder = FIXTURES / "echo"
    place.hyperparameters(sagemaker_program="train.py", sagemaker_submit_directory=str(folder))
    assert place.train("nowhere") == 0, place.log
    assert place.seen["cwd"] == str(folder)


def test_code_in_use_is_left_alone(place, tmp_path):
    """sagemaker-training would run what lies in code/ and ignore what the job sends."""
    (place.base / "code").mkdir()
    (place.base / "code/train.py").write_text("raise SystemExit('the old one')")
    archive = sourcedir(tmp_path / "s.tar.gz", FIXTURES / "echo")
    place.hyperparameters(sagemaker_program="train.py", sagemaker_submit_directory=str(archive))
    assert place.train("nowhere", TMPDIR=str(tmp_path)) == 0, place.log
    assert place.seen["cwd"].startswith(str(tmp_path / "byoa-code-"))
    assert "the old one" in (place.base / "code/train.py").read_text()
    assert not list(tmp_path.glob("byoa-code-*")), "the copy was not removed"


def test_the_channel_code_of_an_isolated_job(place):
    sourcedir(place.base / "input/data/code/sourcedir.tar.gz", FIXTURES / "echo")
    place.hyperparameters(sagemaker_program="train.py")
    assert place.train("nowhere") == 0, place.log


def test_a_program_in_a_folder_of_the_source_finds_its_neighbours_and_the_root(place):
    code = place.base / "code"
    (code / "src").mkdir(parents=True)
    (code / "src/beside.py").write_text("")
    (code / "above.py").write_text("")
    (code / "src/main.py").write_text("import above, beside, os; print(os.getcwd())")
    assert place.train("nowhere", SAGEMAKER_PROGRAM="src/main.py") == 0, place.log
    assert f"\n{code}\n" in place.log


@pytest.mark.parametrize("how", ["spawn", "fork", "forkserver"])
def test_multiprocessing_finds_the_program(place, how):
    place.hyperparameters(how=how)
    assert place.train("spawns") == 0, place.log
    assert place.wait_for("doubled") == "[2, 4]"


def test_a_failure_in_a_spawned_worker_is_told(place):
    place.hyperparameters(how="spawn")
    assert place.train("spawns", "--fail") == 1
    assert place.headline == "ValueError: in a worker"


# --- shell -----------------------------------------------------------------------------------


def test_a_shell_script_without_mode_or_first_line(place):
    place.code("shell")
    place.hyperparameters(sagemaker_program="train.sh", text="it's; $HOME `x`")
    assert place.train("nowhere") == 0, place.log
    assert place.wait_for("arguments").strip() == "--text it's; $HOME `x`"
    assert place.wait_for("host").strip() == "algo-1"
    assert "this goes to stderr" in place.log


def test_a_failing_shell_script(place):
    place.code("shell")
    place.hyperparameters(sagemaker_program="train.sh", code="5")
    assert place.train("nowhere") == 5
    assert place.headline == "ProgramFailed: train.sh ended with exit code 5: this goes to stderr"


def test_python_that_fails_below_a_shell_script_is_quoted(place):
    place.code("shell")
    assert place.train("nowhere", SAGEMAKER_PROGRAM="calls_python.sh") == 1
    assert place.headline == (
        "ValueError: the rate is 0. Set it above 0. (calls_python.sh ended with exit code 1)"
    )


@pytest.mark.parametrize(
    ("script", "code", "headline"),
    [
        ("no_such_program --x", 127, "no_such_program"),
        ("kill -9 $$", 137, "was ended by signal 9 (SIGKILL)"),
        ("python3 -c 'import os; os.kill(os.getpid(), 9)'", 137, "ended by signal 9 (SIGKILL)"),
        ("touch x; ./x", 126, "x: Permission denied"),
    ],
)
def test_the_exit_codes_of_a_shell(place, script, code, headline):
    (place.base / "code").mkdir()
    (place.base / "code/run.sh").write_text(f"{script}\nexit $?\n")
    assert place.train("nowhere", SAGEMAKER_PROGRAM="run.sh") == code
    assert headline in place.headline, place.failure


def test_a_program_with_pythons_first_line_is_python(place):
    place.code("shell")
    assert place.train("nowhere", SAGEMAKER_PROGRAM="python_program") == 1
    assert place.wait_for("ran") == "as Python"
    assert place.headline == "ValueError: and failed"


def test_a_compiled_program(place):
    (place.base / "code").mkdir()
    program = place.base / "code/program"
    program.write_bytes(Path("/bin/false").read_bytes())
    program.chmod(0o644)
    assert place.train("nowhere", SAGEMAKER_PROGRAM="program") == 1
    assert place.headline.startswith("ProgramFailed: program ended with exit code 1")


def test_windows_line_ends_in_a_shell_script_are_said(place):
    (place.base / "code").mkdir()
    (place.base / "code/run.sh").write_bytes(b"#!/bin/bash\r\necho hello\r\n")
    assert place.train("nowhere", SAGEMAKER_PROGRAM="run.sh") == 1
    assert "has Windows line ends (CRLF)" in place.headline


def test_windows_line_ends_in_python_do_no_harm(place):
    (place.base / "code").mkdir()
    (place.base / "code/run.py").write_bytes(b"#!/usr/bin/env python\r\nprint('hello')\r\n")
    assert place.train("nowhere", SAGEMAKER_PROGRAM="run.py") == 0, place.log


def test_a_flood_on_stderr_does_not_block(place):
    (place.base / "code").mkdir()
    (place.base / "code/run.sh").write_text("seq 300000 >&2; exit 3")
    assert place.train("nowhere", SAGEMAKER_PROGRAM="run.sh") == 3
    assert "\n300000\n" in place.log and "\n1\n" in place.log
    assert place.headline.endswith("exit code 3: 300000")


# --- mistakes --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("program", "said"),
    [
        ("trian.py", "There is no program 'trian.py' (hyperparameter sagemaker_program)"),
        ("/etc/passwd", "is not a path inside the source folder"),
        ("../train.py", "is not a path inside the source folder"),
        ("-c", "is not a path inside the source folder"),
    ],
)
def test_a_program_that_cannot_be(place, program, said):
    place.code("echo")
    place.hyperparameters(sagemaker_program=program)
    assert place.train("nowhere") == 1
    assert said in place.headline
    assert program != "trian.py" or "Did you mean 'train.py'?" in place.headline


def test_no_code_at_all(place):
    assert place.train("nowhere", SAGEMAKER_PROGRAM="train.py") == 1
    assert f"is looked for in {place.base / 'code'}, which does not exist" in place.headline


def test_a_source_without_a_program(place, tmp_path):
    place.hyperparameters(sagemaker_submit_directory=str(tmp_path))
    assert place.train("echo") == 1
    assert "nothing says which program in it to run. Set sagemaker_program" in place.headline


def test_a_source_that_is_not_there(place):
    place.hyperparameters(sagemaker_program="a.py", sagemaker_submit_directory="/no/such.tar.gz")
    assert place.train("nowhere") == 1
    assert "'/no/such.tar.gz', which does not exist here" in place.headline


def test_no_algorithm(place):
    assert place.train("nowhere") == 1
    assert "BYOA_ALGORITHM is " in place.headline and "no folder" in place.headline


@pytest.mark.parametrize("name", ["sagemaker_mpi_enabled", "sagemaker_parameter_server_enabled"])
def test_a_launcher_that_we_lack_is_refused(place, name):
    place.hyperparameters(**{name: "true"})
    assert place.train("echo") == 1
    assert place.headline.startswith(f"ProgramError: Hyperparameter {name} asks for a launcher")


# --- S3 --------------------------------------------------------------------------------------


def from_s3(place, tmp_path, address, **environ):
    place.hyperparameters(sagemaker_program="train.py", sagemaker_submit_directory=address)
    stub = str(FIXTURES / "stub_boto3")
    return place.train("nowhere", PYTHONPATH=stub, STUB_S3=str(tmp_path / "s3"), **environ)


def test_a_source_on_s3(place, tmp_path):
    sourcedir(tmp_path / "s3/bucket/job/source/sourcedir.tar.gz", FIXTURES / "echo")
    arn = "arn:aws:sagemaker:eu-west-3:123456789012:training-job/x"
    address = "s3://bucket/job/source/sourcedir.tar.gz"
    assert from_s3(place, tmp_path, address, TRAINING_JOB_ARN=arn) == 0, place.log
    asked = (tmp_path / "s3/asked").read_text()
    assert "'region': 'eu-west-3'" in asked and "'connect_timeout': 5" in asked
    assert place.seen["environ"]["SAGEMAKER_REGION"] == "eu-west-3"


def test_a_source_that_is_not_on_s3(place, tmp_path):
    assert from_s3(place, tmp_path, "s3://bucket/none.tar.gz") == 1
    assert "The source at s3://bucket/none.tar.gz cannot be fetched" in place.headline
    assert "404" in place.headline


def test_without_boto3(place, tmp_path):
    """Blocked, for a venv that has it."""
    block = tmp_path / "block"
    (block / "boto3").mkdir(parents=True)
    (block / "boto3/__init__.py").write_text("raise ImportError('no boto3 here')")
    place.hyperparameters(sagemaker_program="train.py", sagemaker_submit_directory="s3://b/k")
    assert place.train("nowhere", PYTHONPATH=str(block)) == 1
    assert "this image has no boto3 to fetch it" in place.headline


# --- requirements.txt ------------------------------------------------------------------------


def test_requirements_are_installed_first(place, tmp_path):
    """From wheels in the source, so without a network; into a folder of its own, not our venv."""
    source = tmp_path / "source"
    wheel(source / "wheels")
    (source / "requirements.txt").write_text("--no-index\n--find-links ./wheels\ntinydep==1.0\n")
    (source / "train.py").write_text("import tinydep; print('tinydep', tinydep.VERSION)")
    archive = sourcedir(tmp_path / "sourcedir.tar.gz", source)
    place.hyperparameters(sagemaker_program="train.py", sagemaker_submit_directory=str(archive))
    site = str(tmp_path / "site")
    assert place.train("nowhere", PIP_TARGET=site, PYTHONPATH=site) == 0, place.log
    assert "tinydep 1.0" in place.log
    assert f"train: installing {place.base / 'code/requirements.txt'}" in place.log


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("nothing-like-this==1", "No matching distribution found for nothing-like-this==1"),
        ("not a requirement!", "Invalid requirement: 'not a requirement!'"),
    ],
)
def test_requirements_that_cannot_be_installed_end_the_job(place, tmp_path, line, said):
    place.code("echo")
    (place.base / "code/requirements.txt").write_text(f"--no-index\n{line}\n")
    site = str(tmp_path / "site")
    assert place.train("nowhere", SAGEMAKER_PROGRAM="train.py", PIP_TARGET=site) == 1
    assert place.headline.startswith("RequirementsError: ")
    assert said in place.failure
    assert not (place.base / "output/data/seen.json").exists()


def test_requirements_without_a_network_are_told_so(place, tmp_path):
    place.code("echo")
    (place.base / "code/requirements.txt").write_text("tinydep==1.0\n")
    environ = {
        "PIP_TARGET": str(tmp_path / "site"),
        "PIP_INDEX_URL": "http://127.0.0.1:9/simple",  # the discard port: nobody listens
        "PIP_RETRIES": "1",
        "PIP_CONFIG_FILE": "/dev/null",
        "PIP_FIND_LINKS": "",
        "PIP_EXTRA_INDEX_URL": "",
    }
    assert place.train("nowhere", SAGEMAKER_PROGRAM="train.py", **environ) == 1
    assert "No package index can be reached (network isolation?)" in place.failure


BACKEND = """
import os, shutil

def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    name = "tinydep-1.0-py3-none-any.whl"
    shutil.copy(os.path.join("wheels", name), wheel_directory)
    return name
"""
PYPROJECT = """
[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]
"""


def test_a_source_that_is_a_package_is_installed(place, tmp_path):
    """With a build back end of its own, so that no index is asked for setuptools."""
    code = place.base / "code"
    wheel(code / "wheels")
    (code / "setup.py").write_text("")
    (code / "backend.py").write_text(BACKEND)
    (code / "pyproject.toml").write_text(PYPROJECT)
    (code / "train.py").write_text("import tinydep; print('tinydep', tinydep.VERSION)")
    site = str(tmp_path / "site")
    environ = {"SAGEMAKER_PROGRAM": "train.py", "PIP_TARGET": site, "PYTHONPATH": site}
    assert place.train("nowhere", **environ) == 0, place.log
    assert "tinydep 1.0" in place.log
    assert f"train: installing {code / 'setup.py'}" in place.log


def test_the_images_own_algorithm_installs_nothing(place, tmp_path):
    algorithm = tmp_path / "algorithm"
    algorithm.mkdir()
    (algorithm / "train.py").write_text("print('ran')")
    (algorithm / "requirements.txt").write_text("--no-index\nnothing-like-this==1\n")
    assert place.train(algorithm) == 0, place.log
    assert "installing" not in place.log


def test_an_archive_that_is_none(place, tmp_path):
    path = tmp_path / "code.tar.gz"
    path.write_text("not a tar")
    place.hyperparameters(sagemaker_program="a.py", sagemaker_submit_directory=str(path))
    assert place.train("nowhere") == 1
    assert place.headline.startswith(f"ProgramError: {path} is not a tar archive")


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_no_scratch_is_left(place, tmp_path):
    sourcedir(tmp_path / "s3/bucket/a.tar.gz", FIXTURES / "echo")
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    assert from_s3(place, tmp_path, "s3://bucket/a.tar.gz", TMPDIR=str(scratch)) == 0
    assert list(scratch.iterdir()) == []
