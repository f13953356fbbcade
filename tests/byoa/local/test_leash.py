"""A process on a leash ends as a container would: with everything that it started."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from byoa.local.process import LEASH


class Leash:
    """leash.py with its pipe."""

    def __init__(self, *command: str, network: str = "open", program: str = "") -> None:
        reading, self.pipe = os.pipe()
        self.process = subprocess.Popen(
            [
                *([sys.executable, "-I", "-S"] + (["-c", program] if program else [str(LEASH)])),
                *(str(reading), network, *command),
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            pass_fds=[reading],
            start_new_session=True,
        )
        os.close(reading)

    def let_go(self) -> None:
        if self.pipe >= 0:
            os.close(self.pipe)
            self.pipe = -1

    def line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def end(self) -> tuple[int, str]:
        """(exit code, the rest of its output)."""
        out, _ = self.process.communicate(timeout=20)
        return self.process.returncode, out.strip()


@pytest.fixture
def leashes() -> Iterator[list[Leash]]:
    made: list[Leash] = []
    yield made
    for leash in made:
        leash.let_go()
        leash.process.wait(timeout=10)
        if leash.process.stdout:
            leash.process.stdout.close()


#: The leash, on a machine that is so busy that a signal comes right after the command began.
BUSY = f"""
import os, runpy, signal, sys, time
fork = os.fork
def forked():
    child = fork()
    if child:
        os.kill(os.getpid(), signal.SIGTERM)
    return child
os.fork = forked
sys.argv[0] = "leash"
runpy.run_path({str(LEASH)!r}, run_name="__main__")
"""


def test_a_signal_that_comes_at_once_reaches_the_command(leashes: list[Leash]):
    leashes.append(Leash("sleep", "60", program=BUSY))
    assert leashes[-1].end() == (143, "")


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def gone(pid: int) -> bool:
    end = time.monotonic() + 5
    while is_alive(pid) and time.monotonic() < end:
        time.sleep(0.02)
    return not is_alive(pid)


@pytest.mark.parametrize(
    ("script", "code"), [("exit 0", 0), ("exit 7", 7), ("kill -9 $$", 137), ("kill -TERM $$", 143)]
)
def test_the_exit_code_is_the_commands(leashes: list[Leash], script: str, code: int):
    leashes.append(Leash("sh", "-c", script))
    assert leashes[0].end()[0] == code


def test_a_program_that_is_not_there(leashes: list[Leash], tmp_path: Path):
    leashes.append(Leash("/no/such/program"))
    assert leashes[0].end() == (127, "exec /no/such/program failed: No such file or directory")
    (tmp_path / "plain").write_text("x")
    leashes.append(Leash(str(tmp_path / "plain")))
    assert leashes[1].end()[0] == 126


def test_sigterm_reaches_the_command_alone(leashes: list[Leash]):
    """As docker's init: what the command started hears of it from the command, or not at all."""
    leashes.append(
        Leash(
            "sh", "-c", "trap 'echo told; exit 3' TERM; sleep 60 & echo $!; while :; do wait; done"
        )
    )
    child = int(leashes[0].line())
    leashes[0].process.terminate()
    assert leashes[0].end() == (3, "told")
    assert gone(child)


DAEMON = (
    "import os, sys, time\n"
    "if os.fork() == 0:\n"
    "    os.setsid()\n"
    "    if os.fork(): os._exit(0)\n"
    "    print(os.getpid(), flush=True)\n"
    "    os.close(1); os.close(2); time.sleep(600)\n"
    "os.wait(); time.sleep(float(sys.argv[1]))\n"
)


def test_a_daemon_does_not_outlive_the_command(leashes: list[Leash]):
    leashes.append(Leash(sys.executable, "-c", DAEMON, "0.2"))
    daemon = int(leashes[0].line())
    assert leashes[0].end()[0] == 0
    assert gone(daemon)


def test_when_the_supervisor_is_gone_everything_is(leashes: list[Leash]):
    leashes.append(Leash(sys.executable, "-c", DAEMON, "600"))
    daemon = int(leashes[0].line())
    leashes[0].let_go()
    assert leashes[0].end()[0] == 137
    assert gone(daemon)


def test_the_pipe_is_not_handed_down(leashes: list[Leash]):
    """A grandchild that held it would keep a dead supervisor's job alive."""
    count = (
        "import os\n"
        "print([fd for fd in range(50) if os.path.exists(f'/proc/self/fd/{fd}')"
        " and 'pipe' in os.readlink(f'/proc/self/fd/{fd}')])"
    )
    leashes.append(Leash(sys.executable, "-c", count))
    assert leashes[0].end() == (0, "[1, 2]")


def test_interrupts_are_passed_on_too(leashes: list[Leash]):
    leashes.append(Leash("sh", "-c", "trap 'exit 5' INT; echo up; while :; do sleep 0.05; done"))
    leashes[0].line()
    leashes[0].process.send_signal(signal.SIGINT)
    assert leashes[0].end()[0] == 5


NETWORK = (
    "import socket\n"
    "print([name for _, name in socket.if_nameindex()])\n"
    "server = socket.create_server(('127.0.0.1', 0))\n"
    "socket.create_connection(server.getsockname()).close(); print('loopback')\n"
    "import os; print(os.getuid())\n"
)


def test_an_isolated_command_has_loopback_and_nothing_else(leashes: list[Leash]):
    leashes.append(Leash(sys.executable, "-c", NETWORK, network="isolated"))
    code, said = leashes[0].end()
    if said.startswith("isolation: "):
        pytest.skip(f"this machine does not let us: {said.splitlines()[0]}")
    assert (code, said) == (0, f"['lo']\nloopback\n{os.getuid()}")
