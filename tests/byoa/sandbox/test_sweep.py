"""What a sandbox may have left is found by its mark, whatever it did to get away."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from byoa.sandbox import sweep

#: Leaves its parent, session and group behind, and does not listen to SIGTERM.
DEAF = """
import os, signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
if os.fork():
    sys.exit()
os.setsid()
open(sys.argv[1], "w").write(str(os.getpid()))
time.sleep(600)
"""


def test_a_deaf_daemon_is_ended_and_a_stranger_is_not(tmp_path: Path):
    mark = f"{sweep.MARK}=test-{os.getpid()}"
    name, _, value = mark.partition("=")
    environment = {"PATH": os.environ["PATH"], name: value}
    stranger = subprocess.Popen(["sleep", "600"], env={**environment, name: f"{value}-other"})
    try:
        pid = tmp_path / "pid"
        subprocess.run([sys.executable, "-c", DEAF, str(pid)], env=environment, check=True)
        while not (pid.exists() and pid.read_text()):
            time.sleep(0.02)
        assert list(sweep.processes(mark)) == [int(pid.read_text())]
        (line,) = sweep.end_processes(mark, seconds=0.3)
        assert line.startswith(f"stopped process {pid.read_text()}: ")
        assert sweep.processes(mark) == {}
        assert stranger.poll() is None
    finally:
        stranger.send_signal(signal.SIGKILL)
        stranger.wait()
    assert sweep.end_processes(mark, seconds=0.1) == []
