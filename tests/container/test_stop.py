"""Signals reach the program, its exit code is told, and nothing outlives `train`."""

from __future__ import annotations

import os
import pty
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def is_alive(pid: int) -> bool:
    """Whether a process exists and is no zombie."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] not in "ZX"


def pids(place) -> list[int]:
    return [int(line) for line in (place.base / "output/data/pids").read_text().split()]


def living(place) -> list[int]:
    return [pid for pid in pids(place) if is_alive(pid)]


def stop_when_ready(place, algorithm="stops", number=signal.SIGTERM, **environ) -> int:
    process = place.start(algorithm, **environ)
    place.wait_for("ready")
    process.send_signal(number)
    code: int = process.wait(timeout=30)
    return code


def test_a_handler_saves_and_the_job_succeeds(place):
    place.hyperparameters(how="handles")
    assert stop_when_ready(place) == 0, place.log
    assert place.wait_for("checkpoint") == "saved on SIGTERM"
    assert place.failure is None
    assert "train: SIGTERM: stopping, within 110 s" in place.log
    assert not living(place)


def test_without_a_handler_the_code_is_143_and_it_is_no_failure(place):
    place.hyperparameters(how="plain")
    assert stop_when_ready(place) == 143
    assert "train.py ended on SIGTERM after" in place.log
    assert place.failure is None
    assert not living(place)


def test_a_code_of_its_own_is_no_failure_either(place):
    place.hyperparameters(how="exits_with_4")
    assert stop_when_ready(place) == 4
    assert "train.py ended on SIGTERM after" in place.log
    assert place.failure is None


@pytest.mark.parametrize(
    ("how", "code", "headline"),
    [
        ("fails_to_save", 1, "OSError: [Errno 28] No space left on device: 'checkpoint'"),
        ("crashes", 139, "ProgramKilled: train.py was ended by signal 11 (SIGSEGV)."),
    ],
)
def test_a_failure_while_stopping_is_told(place, how, code, headline):
    place.hyperparameters(how=how)
    assert stop_when_ready(place) == code
    assert place.headline == headline


def test_control_c_on_a_laptop_is_130(place):
    place.hyperparameters(how="plain")
    assert stop_when_ready(place, number=signal.SIGINT) == 130
    assert "KeyboardInterrupt" in place.log
    assert "run_python" not in place.log
    assert place.failure is None


def test_who_ignores_sigterm_is_killed_after_the_grace(place):
    place.hyperparameters(how="ignores")
    began = time.monotonic()
    assert stop_when_ready(place, BYOA_STOP_GRACE="1") == 137
    assert 1 <= time.monotonic() - began < 8
    assert place.headline == "ProgramKilled: train.py did not stop in time and was killed."
    assert "still running 1 s after SIGTERM: killed" in place.log
    assert not living(place)


def test_three_stops_in_a_row_do_not_wait_for_the_grace(place):
    place.hyperparameters(how="ignores")
    process = place.start("stops")
    place.wait_for("ready")
    for _ in range(3):
        process.send_signal(signal.SIGTERM)
        time.sleep(0.2)
    assert process.wait(timeout=10) == 137
    assert not living(place)


def test_the_whole_family_ends_even_those_that_left_it(place):
    """Children of the program: one plain, one that ignores SIGTERM, one in its own session."""
    place.hyperparameters(how="handles_with_family")
    assert stop_when_ready(place) == 0, place.log
    assert place.wait_for("checkpoint") == "saved on SIGTERM"
    assert len(pids(place)) == 4
    assert not living(place)


def test_a_double_fork_does_not_escape(place):
    place.hyperparameters(how="double_fork")
    assert stop_when_ready(place) == 143
    assert len(pids(place)) == 2
    assert not living(place)


@pytest.mark.parametrize(("how", "code"), [("leaves_a_daemon", 0), ("leaves_and_fails", 9)])
def test_what_a_finished_program_left_behind_is_ended(place, how, code):
    place.hyperparameters(how=how)
    began = time.monotonic()
    assert place.train("stops") == code
    assert time.monotonic() - began < 10
    assert "the program left processes behind, ended now: python" in place.log
    assert not living(place)


def test_a_killed_train_takes_its_program_along(place):
    """On a laptop nobody else would end it, and it would write into the next run's folders."""
    place.hyperparameters(how="plain")
    process = place.start("stops")
    place.wait_for("ready")
    process.kill()
    process.wait()
    end = time.monotonic() + 5
    while living(place) and time.monotonic() < end:
        time.sleep(0.05)
    assert not living(place)


def test_other_signals_are_passed_on_and_stop_nothing(place):
    place.hyperparameters(how="forwards_user_signal")
    process = place.start("stops")
    place.wait_for("ready")
    process.send_signal(signal.SIGUSR1)
    assert place.wait_for("checkpoint") == "usr1"
    assert process.poll() is None
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=20) == 0


def test_a_stop_while_train_itself_still_loads_is_not_lost(place):
    """The signals are held back until there are handlers; the program must not inherit that."""
    place.hyperparameters(how="plain")
    process = place.start("stops")
    end = time.monotonic() + 10
    while not held_back(process.pid):
        assert time.monotonic() < end and process.poll() is None
        time.sleep(0.001)
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=20) == 143
    assert "SIGTERM before the program started" in place.log


def held_back(pid: int) -> bool:
    """Whether a process blocks SIGTERM."""
    status = Path(f"/proc/{pid}/status").read_text()
    mask = next(line.split()[1] for line in status.splitlines() if line.startswith("SigBlk:"))
    return bool(int(mask, 16) >> (signal.SIGTERM - 1) & 1)


def test_a_program_blocks_no_signal(place):
    place.hyperparameters(how="plain")
    process = place.start("stops")
    place.wait_for("ready")
    assert not held_back(pids(place)[0])
    process.send_signal(signal.SIGTERM)
    process.wait(timeout=20)


def test_a_stop_while_waiting_for_hosts_ends_at_once(place):
    hosts = ["algo-1", "no-such-host.invalid"]
    place.config("resourceconfig", {"current_host": "algo-1", "hosts": hosts})
    process = place.start("echo", BYOA_HOST_WAIT="60")
    end = time.monotonic() + 10
    while "program: train.py" not in place.log:
        assert time.monotonic() < end
        time.sleep(0.05)
    time.sleep(0.3)
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=5) == 143
    assert "SIGTERM before the program started" in place.log
    assert place.failure is None


def test_a_stop_while_packages_are_installed_ends_pip_too(place):
    place.code("echo")
    (place.base / "code/requirements.txt").write_text("tinydep==1.0\n")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        index = f"http://127.0.0.1:{silent.getsockname()[1]}/simple"
        environ = {"PIP_INDEX_URL": index, "PIP_CONFIG_FILE": "/dev/null", "PIP_FIND_LINKS": ""}
        process = place.start("nowhere", SAGEMAKER_PROGRAM="train.py", **environ)
        silent.settimeout(20)
        with silent.accept()[0]:  # pip asks, and gets no answer
            process.send_signal(signal.SIGTERM)
            assert process.wait(timeout=10) == 143
    assert "SIGTERM before the program started" in place.log
    assert not (place.base / "output/data/seen.json").exists()
    assert place.failure is None


def test_a_shell_script_is_stopped_with_all_it_started(place):
    place.code("shell")
    assert stop_when_ready(place, SAGEMAKER_PROGRAM="trap.sh") == 0, place.log
    assert place.wait_for("checkpoint").strip() == "saved"


def test_python_below_a_shell_script_gets_its_time_to_save(place):
    """The shell dies of SIGTERM at once; what it started is still writing a checkpoint."""
    place.code("shell")
    environ = {"SAGEMAKER_PROGRAM": "no_trap.sh", "SAVE_SECONDS": "6"}
    assert stop_when_ready(place, **environ) == 143, place.log  # what merely lingers has 5.5 s
    assert place.wait_for("checkpoint") == "saved"
    assert place.wait_for("terms") == "."  # told once
    assert "the program is gone; waiting for python" in place.log
    assert place.failure is None


def test_nobody_waits_for_a_child_that_ignores_the_stop(place):
    place.hyperparameters(how="plain_with_a_deaf_child")
    began = time.monotonic()
    assert stop_when_ready(place) == 143
    assert time.monotonic() - began < 20
    assert not living(place)


def test_a_program_that_only_waits_for_another_leaves_it_its_time_too(place):
    """Python without a handler dies at once; the trainer that it started needs a second to save."""
    place.hyperparameters(how="waits_for_a_child")
    assert stop_when_ready(place) == 143, place.log
    assert place.wait_for("checkpoint") == "saved"
    assert "the program is gone; waiting for python" in place.log


@pytest.mark.skipif(shutil.which("unshare") is None, reason="unshare makes a PID namespace")
@pytest.mark.parametrize("how", ["handles", "double_fork", "leaves_a_daemon"])
def test_as_process_1_it_reaps_and_stops_the_same(place, how):
    """In local mode no init process stands above us."""
    unshare = ["unshare", "--pid", "--fork", "--mount-proc", "--kill-child"]
    if subprocess.run([*unshare, "true"], capture_output=True).returncode != 0:
        pytest.skip("this machine lets us make no PID namespace")
    place.hyperparameters(how=how)
    with (place.base / "log.txt").open("w") as log:
        outer = subprocess.Popen(
            [*unshare, sys.executable, str(ROOT / "container/bin/train")],
            env=place.environ("stops", {}),
            stdout=log,
            stderr=log,
        )
    place.running.append(outer)
    if how != "leaves_a_daemon":
        place.wait_for("ready")
        # The signal must reach process 1 of the namespace, unshare's only child.
        children = Path(f"/proc/{outer.pid}/task/{outer.pid}/children").read_text().split()
        os.kill(int(children[0]), signal.SIGTERM)
    assert outer.wait(timeout=30) == {"handles": 0, "double_fork": 143, "leaves_a_daemon": 0}[how]
    assert ("stopping, within 110 s" in place.log) == (how != "leaves_a_daemon")


@pytest.mark.skipif(shutil.which("tini") is None, reason="tini is the init that SageMaker injects")
def test_below_tini_a_stop_reaches_the_program(place):
    """And tini, which adopts orphans as well, keeps none of the program's."""
    place.hyperparameters(how="double_fork")
    with (place.base / "log.txt").open("w") as log:
        tini = subprocess.Popen(
            ["tini", "-s", "--", sys.executable, str(ROOT / "container/bin/train")],
            env=place.environ("stops", {}),
            stdout=log,
            stderr=log,
        )
    place.running.append(tini)
    place.wait_for("ready")
    tini.send_signal(signal.SIGTERM)
    assert tini.wait(timeout=30) == 143
    assert len(pids(place)) == 2
    assert not living(place)


@pytest.mark.skipif(sys.platform != "linux", reason="needs a pseudo-terminal of Linux")
def test_on_a_terminal_the_program_sees_it_and_control_c_stops_it_once(place):
    """The SDK's local mode attaches one; the program is in a session of its own all the same."""
    place.hyperparameters(how="on_a_terminal")
    pid, terminal = pty.fork()
    if pid == 0:
        command = [sys.executable, str(ROOT / "container/bin/train")]
        os.execve(command[0], command, place.environ("stops", {}))
    try:
        place.wait_for("ready")
        assert place.wait_for("terminal") == "True True"
        os.write(terminal, b"\x03")
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
        assert place.wait_for("checkpoint") == "saved on SIGINT"
    finally:
        os.close(terminal)
    assert not living(place)
