"""Whatever way a program fails, its exit code is told and the failure file says what to change."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from container import failure

FIXTURES = Path(__file__).parent / "fixtures"

# How it fails, its exit code, the first line of the failure file.
CASES = [
    ("value_error", 1, r"ValueError: learning_rate is 0\. Set it above 0\."),
    ("sentence", 1, r"DataError: Channel training has 200 problems\. Correct them\."),
    ("exit_3", 3, r"ProgramFailed: train\.py ended with exit code 3 and said no more; .*"),
    ("exit_message", 1, r"SystemExit: there is no picture in channel training\. Add some\."),
    ("exit_while_handling", 7, r"ValueError: learning_rate is 0\. Set it above 0\."),
    ("hard_exit_5", 5, r"ProgramFailed: train\.py ended with exit code 5 .*"),
    ("bad_argument", 2, r"ArgumentError: unrecognized arguments: --typo 1"),
    ("crash", 139, r"ProgramKilled: train\.py was ended by signal 11 \(SIGSEGV\)\."),
    ("killed", 137, r"ProgramKilled: train\.py was ended by signal 9 \(SIGKILL\)\."),
    ("bus_error", 135, r"ProgramKilled: train\.py was ended by signal 7 \(SIGBUS\)\."),
    ("own_file", 1, r"my own words"),
    ("no_message", 1, r"AssertionError: no message, at `assert 1 > 2`"),
    ("chained", 1, r"RuntimeError: the lookup failed"),
    ("endless", 1, r"ValueError: é+ \.\.\."),
    ("surrogate", 1, r"ValueError: file \\udce9\.jpg cannot be read"),
    ("colours", 1, r"ValueError: red and loud"),
    ("missing_channel", 1, r"KeyError: 'SM_CHANNEL_VALIDATION'"),
    ("missing_module", 1, r"ModuleNotFoundError: No module named 'a_module_that_nobody_has'"),
    ("gpu_memory", 1, r"OutOfMemoryError: CUDA out of memory\..*"),
    ("disk_full", 1, r"OSError: \[Errno 28\] No space left on device: '/opt/ml/model/x'"),
    ("recursion", 1, r"RecursionError: maximum recursion depth exceeded.*"),
    ("secret", 1, r"ValueError: cannot log in with \*\*\*"),
    ("own_hook", 1, r"ValueError: learning_rate is 0\. Set it above 0\."),
    ("broken_message", 1, r"Broken: its message cannot be shown"),
    ("unlucky_modules", 1, r"ValueError: learning_rate is 0\. Set it above 0\."),
    ("loader", 1, r"KeyError: 'label'"),
    ("spawned", 1, r"BadError: no labels"),
    ("group", 1, r"Group: 2 tasks failed"),
    ("library", 1, r"JSONDecodeError: Expecting property name .*"),
]


@pytest.mark.parametrize(("how", "code", "headline"), CASES, ids=[case[0] for case in CASES])
def test_the_exit_code_is_true_and_the_cause_comes_first(place, how, code, headline):
    place.hyperparameters(how=how, api_token="s3cr3t-value", batch_size="16")
    place.config("inputdataconfig", {"training": {}})
    arguments = ["--typo", "1"] if how == "bad_argument" else []
    if how == "bad_argument":
        place.hyperparameters(how=how)
    assert place.train("fails", *arguments) == code, place.log
    assert re.fullmatch(headline, place.headline), place.failure
    assert 0 < len(place.failure) <= 1024
    assert "s3cr3t-value" not in place.failure
    assert f"train: failed with exit code {code}: {place.headline}" in place.log


@pytest.mark.parametrize(
    ("how", "advice"),
    [
        ("killed", "ran out of memory: lower the batch size (now 16)"),
        ("bus_error", "--shm-size"),
        ("missing_channel", "The job has only: training. Add a channel 'validation'"),
        ("missing_module", "Add a_module_that_nobody_has to requirements.txt"),
        ("gpu_memory", "Lower the batch size (now 16)"),
        ("disk_full", "raise VolumeSizeInGB"),
        ("crash", "the log shows the Python frames"),
    ],
)
def test_the_second_line_says_what_to_do(place, how, advice):
    place.hyperparameters(how=how, batch_size="16")
    place.config("inputdataconfig", {"training": {}})
    place.train("fails")
    assert advice in place.failure.splitlines()[1], place.failure


def test_the_rest_shows_the_users_own_frames(place):
    place.hyperparameters(how="library")
    place.train("fails")
    lines = place.failure.splitlines()
    assert f"at {FIXTURES}/fails/train.py" in place.failure and 'json.loads("{")' in place.failure
    assert len(lines) <= 4


def test_a_cause_is_told(place):
    place.hyperparameters(how="chained")
    place.train("fails")
    assert "Caused by KeyError: 'missing'" in place.failure


def test_the_members_of_a_group_are_told(place):
    place.hyperparameters(how="group")
    place.train("fails")
    assert place.failure.splitlines()[1:3] == [
        "Caused by ValueError: first",
        "Caused by KeyError: 'second'",
    ]


def test_the_traceback_in_the_log_is_pythons_own(place):
    place.hyperparameters(how="value_error")
    place.train("fails")
    assert "Traceback (most recent call last):\n" in place.log
    frames = [line for line in place.log.splitlines() if line.startswith('  File "')]
    assert frames
    assert all("/fixtures/fails/train.py" in frame for frame in frames)


def test_a_program_that_does_not_parse_is_shown_without_us(place):
    folder = place.base / "algorithm"
    folder.mkdir()
    (folder / "train.py").write_text("def f(:\n    pass\n")
    assert place.train(folder) == 1
    assert re.match(r"SyntaxError: .*train\.py, line 1", place.headline)
    assert "run_python" not in place.log


def test_a_crash_shows_the_python_frames_in_the_log(place):
    place.hyperparameters(how="crash")
    place.train("fails")
    assert "Fatal Python error: Segmentation fault" in place.log
    assert "in crash" in place.log


@pytest.mark.parametrize("how", ["in_a_fork", "in_a_thread"])
def test_a_failure_that_the_program_survives_is_none(place, how):
    place.hyperparameters(how=how)
    assert place.train("fails") == 0, place.log
    assert place.failure is None


def test_the_programs_own_hook_prints(place):
    place.hyperparameters(how="own_hook")
    place.train("fails")
    assert "my hook saw ValueError" in place.log


def test_the_file_appears_whole_and_the_first_writer_wins(tmp_path):
    path = tmp_path / "output/failure"
    assert failure.write(path, "first")
    assert not failure.write(path, "second")
    assert path.read_text() == "first"
    assert list(path.parent.iterdir()) == [path]


def test_a_file_that_cannot_be_written_is_no_second_failure(tmp_path):
    (tmp_path / "output").write_text("a file")
    assert not failure.write(tmp_path / "output/failure", "text")
    assert failure.read(tmp_path / "output/failure") == ""


def test_advice_and_place_survive_a_long_message():
    text = failure.compose(
        "OutOfMemoryError: CUDA out of memory. " + "x" * 5000, {"SM_HP_BATCH_SIZE": "4"}, "at a.py"
    )
    assert len(text) <= 1024
    assert "(now 4)" in text and text.endswith("at a.py")
