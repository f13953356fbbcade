"""No test reaches AWS or another machine, and none leaves a process behind."""

from __future__ import annotations

import functools
import ipaddress
import os
import signal
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

# A busy machine is no failure; where CI is set, Hypothesis says so itself.
settings.register_profile(
    "patient", settings(), deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("patient")

#: Of the surroundings, what could reach an account or change what our programs do.
LEAKS = ("AWS_", "SM_", "SAGEMAKER_", "BYOA_", "TRAINING_JOB_", "MLFLOW_")
#: What the person who runs the tests may say (see CONTRIBUTING.md).
KEPT = {"BYOA_TEST_DATA", "BYOA_TEST_IMAGE", "BYOA_PARITY_PYTHON"}


#: Files of half a minute and more, longest first. Workers that take whole files begin with these:
#: one that comes last would be waited for by all.
LONG = (
    *("docker/test_example_build_train_deploy.py", "docker/test_templates.py"),
    *("docker/test_pipeline_batch.py", "docker/test_sandbox.py", "docs/test_pages.py"),
    *("byoa/test_templates.py", "byoa/pipeline/batch/test_story.py"),
    *("byoa/pipeline/batch/test_other_services.py", "container/serving/test_life.py"),
    *("byoa/test_run.py", "byoa/pipeline/batch/test_going_on.py", "byoa/local/test_endpoints.py"),
    *("byoa/workflow/test_drills.py", "byoa/local/test_transform.py", "byoa/test_deploy.py"),
    *("byoa/test_defects.py", "container/serving/test_limits.py", "container/test_stop.py"),
    *("container/serving/test_fuzz.py", "container/serving/test_handlers.py"),
    *("byoa/local/test_training_ends.py", "byoa/sandbox/test_codebuild.py"),
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Every worker sorts them alike; within a file the order stays."""
    rank = {Path(__file__).parent / name: at for at, name in enumerate(LONG)}
    items.sort(key=lambda item: rank.get(item.path, len(LONG)))


@pytest.fixture(autouse=True)
def no_aws_account(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: Any) -> None:
    """Removes credentials and endpoints; a client made by mistake finds nothing to sign with."""
    for name in list(os.environ):
        if name.startswith(LEAKS) and name not in KEPT:
            monkeypatch.delenv(name)
    nowhere = str(tmp_path_factory.getbasetemp() / "no-aws")
    monkeypatch.setenv("AWS_CONFIG_FILE", nowhere)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", nowhere)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


@pytest.fixture(autouse=True)
def loopback_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection to anything but this machine is an error that names the address."""
    connect, connect_ex = socket.socket.connect, socket.socket.connect_ex

    def check(address: Any) -> None:
        if not isinstance(address, tuple):
            return
        host = str(address[0])
        if host == "localhost":
            return
        try:
            if ipaddress.ip_address(host.partition("%")[0]).is_loopback:
                return
        except ValueError:
            pass
        raise AssertionError(f"a test tried to connect to {address}: only loopback is allowed")

    def checked_connect(self: socket.socket, address: Any) -> None:
        check(address)
        connect(self, address)

    def checked_connect_ex(self: socket.socket, address: Any) -> int:
        check(address)
        return connect_ex(self, address)

    monkeypatch.setattr(socket.socket, "connect", checked_connect)
    monkeypatch.setattr(socket.socket, "connect_ex", checked_connect_ex)


@pytest.fixture(scope="session", autouse=True)
def ctrl_c_is_heard() -> None:
    """A shell starts what it runs in the background deaf to SIGINT, and children inherit that."""
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session", autouse=True)
def models_of_services_are_read_once() -> Iterator[None]:
    """botocore reads some MB of JSON for every client of a new session: here once a process."""
    from botocore.loaders import JSONFileLoader

    read = functools.cache(JSONFileLoader().load_file)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(JSONFileLoader, "load_file", lambda _, path: read(path))
        yield


@pytest.fixture(scope="session", autouse=True)
def nothing_left_behind() -> Iterator[None]:
    """At the end of the session no process that carries this session's mark is alive.

    The mark is an environment variable, so that a child that left its process group or was
    adopted by PID 1 is found all the same.
    """
    mark = f"BYOA_PYTEST_SESSION={os.getpid()}-{time.time_ns()}"
    name, _, value = mark.partition("=")
    os.environ[name] = value
    KEPT.add(name)
    yield
    left = wait_for_none(mark.encode(), seconds=5.0)
    assert not left, f"processes left behind: {left}"


def wait_for_none(mark: bytes, seconds: float) -> list[str]:
    """The command lines of marked processes that are still there when the time is over."""
    end = time.monotonic() + seconds
    while True:
        left = marked_processes(mark)
        if not left or time.monotonic() > end:
            return left
        time.sleep(0.1)


def marked_processes(mark: bytes) -> list[str]:
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        if int(process.name) == os.getpid():
            continue
        try:
            if mark in (process / "environ").read_bytes().split(b"\0"):
                command = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode()
                found.append(f"{process.name} {command}")
        except OSError:  # gone, or not ours to read
            continue
    return found
