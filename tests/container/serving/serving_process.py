"""A real `serve` for a test: started on a free port, talked to over HTTP, ended for sure."""

from __future__ import annotations

import http.client
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[3]
FIXTURES = Path(__file__).parent / "fixtures"
SERVE = [sys.executable, "-W", "error", str(ROOT / "container" / "bin" / "serve")]


@dataclass(frozen=True)
class Reply:
    """One HTTP answer."""

    status: int
    headers: dict[str, str]
    body: bytes
    seconds: float

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def code(self) -> str:
        """The code of an error; fails on anything else."""
        assert self.headers["content-type"] == "application/json", self
        error = self.json["error"]
        assert set(error) == {"code", "message"} and error["message"], self
        return str(error["code"])


@dataclass
class Serving:
    """One running `serve`; a context manager."""

    folder: Path
    environ: dict[str, str]
    port: int = 0
    stdout: int | None = None
    process: subprocess.Popen[bytes] = field(init=False)

    def __enter__(self) -> Serving:
        self.port = self.port or free_port()
        self.log = (self.folder / "log").open("wb")
        self.process = subprocess.Popen(
            SERVE,
            env={
                **os.environ,
                "SAGEMAKER_BASE_DIR": str(self.folder),
                "SAGEMAKER_BIND_TO_PORT": str(self.port),
                "SAGEMAKER_MODEL_SERVER_WORKERS": "1",
                **self.environ,
            },
            stdout=self.log if self.stdout is None else self.stdout,
            stderr=self.log,
        )
        return self

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise
        finally:
            self.log.close()

    # -- talking ---------------------------------------------------------------------------

    def request(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        headers: dict[str, str] | None = None,
        timeout: float = 30,
    ) -> Reply:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        start = time.monotonic()
        try:
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            content = answer.read()
        finally:
            connection.close()
        fields = {name.lower(): value for name, value in answer.getheaders()}
        return Reply(answer.status, fields, content, time.monotonic() - start)

    def ping(self) -> Reply:
        return self.request("GET", "/ping", timeout=5)

    def post(
        self, body: bytes = b"1", headers: dict[str, str] | None = None, timeout: float = 30
    ) -> Reply:
        """An invocation; JSON unless the headers say otherwise."""
        return self.request(
            "POST",
            "/invocations",
            body,
            {"Content-Type": "application/json", **(headers or {})},
            timeout,
        )

    def connect(self) -> socket.socket:
        """A bare connection, for what no HTTP client would send."""
        sock = socket.create_connection(("127.0.0.1", self.port), timeout=15)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return sock

    def raw(self, data: bytes, shut: bool = False) -> bytes:
        """Everything that comes back for these bytes until the server closes."""
        with self.connect() as sock:
            try:
                sock.sendall(data)
                if shut:
                    sock.shutdown(socket.SHUT_WR)
            except OSError:
                pass  # refused before the end: the answer counts
            return read_to_end(sock)

    # -- waiting ---------------------------------------------------------------------------

    def wait_ready(self, seconds: float = 30) -> Serving:
        """Until /ping says 200; fails with the log."""
        self.wait_ping(200, seconds)
        return self

    def wait_ping(self, status: int, seconds: float = 30) -> Reply:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            assert self.process.poll() is None, f"serve ended early:\n{self.output()}"
            try:
                reply = self.ping()
                if reply.status == status:
                    return reply
            except OSError:
                pass
            time.sleep(0.02)
        raise AssertionError(f"no {status} on /ping in {seconds} s:\n{self.output()}")

    def wait_end(self, seconds: float = 30) -> int:
        """The exit status, once it has ended on its own."""
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"serve did not end:\n{self.output()}") from None

    def wait_output(self, text: str, seconds: float = 30) -> str:
        end = time.monotonic() + seconds
        while text not in self.output():
            assert time.monotonic() < end, f"{text!r} is not in the log:\n{self.output()}"
            time.sleep(0.02)
        return self.output()

    def output(self) -> str:
        return (self.folder / "log").read_text(errors="replace")

    def access_log(self) -> list[dict[str, Any]]:
        lines = self.output().splitlines()
        return [json.loads(line) for line in lines if line.startswith('{"time"')]

    # -- looking inside --------------------------------------------------------------------

    def terminate(self) -> None:
        self.process.send_signal(signal.SIGTERM)

    def model_pids(self) -> list[int]:
        return self.pids("container.serving.model_process")

    def pids(self, part: str) -> list[int]:
        """Processes below ours whose command line has `part`."""
        return [pid for pid in descendants(self.process.pid) if part in command_line(pid)]

    def private_folder(self) -> Path:
        """Where it keeps its sockets."""
        return Path(re.findall(r"(\S+)/broker\.sock", command_line(self.model_pids()[0]))[0])

    def memory(self) -> int:
        """Resident bytes of all our processes."""
        pids = [self.process.pid, *descendants(self.process.pid)]
        return sum(resident(pid) for pid in pids)


def make_root(folder: Path, fixture: str) -> Path:
    """A SageMaker root with this fixture's files as the model's code."""
    code = folder / "model" / "code"
    shutil.copytree(FIXTURES / fixture, code)
    return folder


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def read_to_end(sock: socket.socket) -> bytes:
    received = b""
    try:
        while piece := sock.recv(65536):
            received += piece
    except ConnectionError:
        pass
    return received


def descendants(pid: int) -> list[int]:
    found: list[int] = []
    try:
        text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    except OSError:
        return found
    for child in map(int, text.split()):
        found += [child, *descendants(child)]
    return found


def command_line(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except OSError:
        return ""


def resident(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, IndexError):
        return 0
