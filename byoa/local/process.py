"""A container without docker: the harness's train and serve as plain processes."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path

from byoa.local.container import Container, OnLine
from byoa.local.harness import algorithm_of, harness
from byoa.local.job_python import job_python
from byoa.local.lines import follow
from byoa.local.places import led

#: docker publishes a container's port there alone.
LOOPBACK_ONLY = {"BYOA_BIND_TO_ADDRESS": "127.0.0.1"}
LEASH = Path(__file__).with_name("leash.py")
#: Of the surroundings, what a container would not have: the user's account, other jobs' variables.
_NOT_PASSED = ("AWS_", "SM_", "SSM_", "SAGEMAKER_", "TRAINING_JOB_", "PROCESSING_JOB_", "BYOA_HOME")


class ProcessHandle:
    """The leash, and behind it the command."""

    def __init__(self, container: Container, on_line: OnLine) -> None:
        port = free_port() if container.serves else 0
        self.address = f"127.0.0.1:{port}" if port else ""
        python = job_python(container.base)
        # What serves must be reached: its callers are in our network.
        network = "isolated" if container.network == "none" and not container.serves else "open"
        reading, self._pipe = os.pipe()
        try:
            self._process = subprocess.Popen(
                [
                    sys.executable,
                    "-I",
                    "-S",
                    str(LEASH),
                    str(reading),
                    network,
                    *_command(container, python),
                ],
                cwd=container.workdir or container.base,
                env=_environment(container, python, port),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                pass_fds=[reading],
                start_new_session=True,
            )
        finally:
            os.close(reading)
        stream = self._process.stdout
        assert stream is not None
        self._log = threading.Thread(target=follow, args=(stream, on_line), daemon=True)
        self._log.start()

    def poll(self) -> int | None:
        code = self._process.poll()
        return None if code is None or self._log.is_alive() else code

    def terminate(self) -> None:
        if self._process.poll() is None:
            self._process.terminate()

    def kill(self) -> None:
        """The leash kills everything when the pipe closes."""
        if self._pipe >= 0:
            os.close(self._pipe)
            self._pipe = -1

    def why(self) -> str:
        return ""

    def close(self) -> None:
        self.kill()
        self._process.wait()
        self._log.join(timeout=5)


def start_process(container: Container, on_line: OnLine) -> ProcessHandle:
    return ProcessHandle(container, on_line)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _command(container: Container, python: str) -> list[str]:
    """The program as docker would find it: the entry point, or train and serve of the harness."""
    words = [*container.entrypoint, *container.arguments]
    words = [led(word, container.base) for word in words]
    program = harness() / "bin" / words[0] if words and "/" not in words[0] else None
    if not words:
        return [python, str(harness() / "bin" / "train")]
    if program is not None and program.is_file():
        return [python, str(program), *words[1:]]
    if words[0] in {"python", "python3"}:
        return [python, *words[1:]]
    return words


def _environment(container: Container, python: str, port: int) -> Mapping[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_NOT_PASSED)}
    folder = algorithm_of(container.image)
    path = [str(Path(python).parent), str(harness() / "bin"), kept.get("PATH", os.defpath)]
    return {
        **kept,
        "PATH": os.pathsep.join(path),
        "PYTHONUNBUFFERED": "1",
        **({"BYOA_ALGORITHM": str(folder)} if folder else {}),
        **(LOOPBACK_ONLY | {"SAGEMAKER_BIND_TO_PORT": str(port)} if port else {}),
        **{name: led(value, container.base) for name, value in container.environment.items()},
        "SAGEMAKER_BASE_DIR": str(container.base),
    }
