"""Packages that a process job asks for are the job's alone."""

from __future__ import annotations

import importlib.util
import io
import json
import zipfile

from tests.local_home import Home

WHEEL = "job_only-1.0-py3-none-any.whl"


def wheel() -> bytes:
    """A package of one line."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("job_only.py", "ANSWER = 42\n")
        info = "job_only-1.0.dist-info"
        archive.writestr(
            f"{info}/METADATA", "Metadata-Version: 2.1\nName: job-only\nVersion: 1.0\n"
        )
        tag = "Wheel-Version: 1.0\nGenerator: a test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        archive.writestr(f"{info}/WHEEL", tag)
        names = ("job_only.py", f"{info}/METADATA", f"{info}/WHEEL", f"{info}/RECORD")
        archive.writestr(f"{info}/RECORD", "".join(f"{name},,\n" for name in names))
    return content.getvalue()


def run(home: Home, files: dict[str, bytes]) -> dict[str, object]:
    parameters = home.code(
        "import importlib.util, json, os, pathlib, sys\n"
        "import pytest, numpy\n"  # of the Python below
        "there = importlib.util.find_spec('job_only') is not None\n"
        "found = {'answer': __import__('job_only').ANSWER if there else None,\n"
        "    'prefix': sys.prefix, 'pytest': pytest.__file__}\n"
        "pathlib.Path(os.environ['SM_MODEL_DIR'], 'seen.json').write_text(json.dumps(found))\n",
        files,
    )
    channels = [home.channel("code", home.uri("source/"))]
    record = home.train(HyperParameters=parameters, InputDataConfig=channels)
    assert record["TrainingJobStatus"] == "Completed", home.log()
    return dict(json.loads(home.unpacked()["seen.json"]))


def test_requirements_are_installed_for_the_job_alone(home: Home):
    asked = b"--no-index\n--find-links .\njob-only\npytest\n"
    seen = run(home, {"requirements.txt": asked, WHEEL: wheel()})
    assert seen["answer"] == 42
    assert seen["prefix"] == str(home.root / "jobs/training/job/hosts/1/algo-1/python")
    import pytest

    assert seen["pytest"] == pytest.__file__  # what is there is not installed again
    assert importlib.util.find_spec("job_only") is None


def test_a_job_that_asks_for_nothing_runs_with_the_same_python(home: Home):
    import sys

    assert run(home, {})["prefix"] == sys.prefix
