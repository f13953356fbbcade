"""A user who is not root, as on a laptop: these tests become one, so they need to be root."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.local_home import ROOT, SMALL, Home

OTHER = 12345
PYTHON = "/usr/bin/python3"
JOB = """
import json, pathlib, sys, time
from byoa.local import Logs, SageMaker
root, request = pathlib.Path(sys.argv[1]), json.loads(sys.argv[2])
sagemaker = SageMaker(root)
sagemaker.create_training_job(**request)
while True:
    record = sagemaker.describe_training_job(TrainingJobName="job")
    if record["TrainingJobStatus"] not in ("InProgress", "Stopping"): break
    time.sleep(0.05)
print(json.dumps(record, default=str))
"""
RunAs = Callable[[dict[str, Any]], dict[str, Any]]


@pytest.fixture
def open_path() -> Iterator[Path]:
    """A temporary folder that others may enter: any pytest that starts closes its own to them."""
    with tempfile.TemporaryDirectory(prefix="byoa-other-user-") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@pytest.fixture
def as_other_user(open_path: Path) -> RunAs:
    """Runs a job below open_path/home as a user who is in docker's group; what describe says."""
    if os.geteuid() or not shutil.which("setpriv"):
        pytest.skip("only root can become somebody else, with setpriv")
    socket = Path("/var/run/docker.sock")
    groups = str(socket.stat().st_gid) if socket.exists() else str(OTHER)
    user = ["setpriv", f"--reuid={OTHER}", f"--regid={OTHER}", f"--groups={groups}"]
    environ = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
    environ |= {"HOME": str(open_path), "BYOA_LOCAL_STOP_SECONDS": "3"}
    probe = [*user, PYTHON, "-c", "import byoa.local.sagemaker"]
    if subprocess.run(probe, env=environ, cwd="/", capture_output=True).returncode:
        pytest.skip(f"{PYTHON}, or this checkout, cannot be read by others")

    def run(request: dict[str, Any]) -> dict[str, Any]:
        for path in [open_path, *open_path.rglob("*")]:
            os.chown(path, OTHER, OTHER)
        command = [*user, PYTHON, "-c", JOB, str(open_path / "home"), json.dumps(request)]
        done = subprocess.run(command, env=environ, cwd="/", capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return dict(json.loads(done.stdout))

    return run


WRITE = (
    "import errno, os, pathlib\n"
    "folder = pathlib.Path(os.environ['SM_CHANNEL_WORDS'])\n"
    "print('read', (folder / 'a.csv').read_text())\n"
    "for name in ('a.csv', 'new.csv'):\n"
    "    try: (folder / name).write_text('no')\n"
    "    except OSError as error: print(name, errno.errorcode[error.errno])\n"
)


def test_a_fast_file_channel_cannot_be_written_by_a_process(as_other_user: RunAs, open_path: Path):
    home = Home(open_path / "home", SMALL)
    uri = home.put("words/a.csv", "kept").removesuffix("a.csv")
    channels = [home.channel("words", uri, "FastFile"), home.channel("code", home.uri("source/"))]
    parameters = home.code(WRITE)
    record = as_other_user(home.request(HyperParameters=parameters, InputDataConfig=channels))
    assert record["TrainingJobStatus"] == "Completed", home.log()
    assert "read kept\na.csv EACCES\nnew.csv EACCES" in home.log()
    assert not list((open_path / "home/jobs/training/job/hosts").iterdir())
