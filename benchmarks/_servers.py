"""Servers for the serving benchmarks: the real `serve`, LitServe and TorchServe, on free ports.

All have one predictor that does nothing, in one worker, and take the body as it is. The peers run
as they ship: LitServe under uvicorn, TorchServe with its own logging.
"""

from __future__ import annotations

import http.client
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import measure

SERVE = measure.ROOT / "container" / "bin" / "serve"
OURS = """
def model_fn(model_dir):
    return None


def transform_fn(model, data, content_type, accept):
    return b"{}", "application/json"
"""
LITSERVE = """
from typing import Annotated
import litserve
from fastapi import Body

class Api(litserve.LitAPI):
    def setup(self, device): pass
    def decode_request(self, request: Annotated[bytes, Body()]): return request
    def predict(self, x): return {}
    def encode_response(self, output): return output

if __name__ == "__main__":
    import sys
    server = litserve.LitServer(Api(), accelerator="cpu", workers_per_device=1)
    server.run(port=int(sys.argv[1]), generate_client_file=False, num_api_servers=1)
"""
TORCHSERVE = """
def handle(data, context):
    return [b"{}"] * len(data) if data else None
"""
TORCHSERVE_CONFIG = """\
inference_address=http://127.0.0.1:{0}
management_address=http://127.0.0.1:{1}
metrics_address=http://127.0.0.1:{2}
default_workers_per_model=1
disable_token_authorization=true
"""


@dataclass(frozen=True, slots=True)
class Server:
    """Where one answers, and its first process."""

    port: int
    path: str
    pid: int


@contextmanager
def ours(predictor: str = OURS, prefix: Sequence[str] = (), **environ: str) -> Iterator[Server]:
    """A running `serve` with this predictor; `prefix` is put before its command."""
    with tempfile.TemporaryDirectory() as folder:
        code = Path(folder) / "model" / "code"
        code.mkdir(parents=True)
        (code / "inference.py").write_text(predictor)
        port = free_port()
        variables = {
            "SAGEMAKER_BASE_DIR": folder,
            "SAGEMAKER_BIND_TO_PORT": str(port),
            "BYOA_BIND_TO_ADDRESS": "127.0.0.1",
            **environ,
        }
        command = [*prefix, sys.executable, str(SERVE)]
        with running(command, folder, variables) as pid:
            wait_ready(port, "/ping")
            yield Server(port, "/invocations", pid)


@contextmanager
def mask_r_cnn(model: Path, **environ: str) -> Iterator[Server]:
    """A running `serve` with a Mask R-CNN of this folder."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "model").symlink_to(model.resolve())
        port = free_port()
        variables = {
            "SAGEMAKER_BASE_DIR": folder,
            "SAGEMAKER_BIND_TO_PORT": str(port),
            "BYOA_BIND_TO_ADDRESS": "127.0.0.1",
            "BYOA_ALGORITHM": str(measure.ROOT / "mask_r_cnn"),
            **environ,
        }
        with running([sys.executable, str(SERVE)], folder, variables) as pid:
            wait_ready(port, "/ping")
            yield Server(port, "/invocations", pid)


@contextmanager
def litserve() -> Iterator[Server]:
    """LitServe: one worker, one API server, the body as bytes and not as JSON."""
    with tempfile.TemporaryDirectory() as folder:
        port = free_port()
        (Path(folder) / "app.py").write_text(LITSERVE)
        with running([str(measure.peers()), "app.py", str(port)], folder, {}) as pid:
            wait_ready(port, "/health")
            yield Server(port, "/predict", pid)


@contextmanager
def torchserve() -> Iterator[Server]:
    """TorchServe: one worker, started by its own command."""
    tools = measure.peers().parent
    with tempfile.TemporaryDirectory() as folder:
        ports = [free_port() for _ in range(3)]
        (Path(folder) / "handler.py").write_text(TORCHSERVE)
        (Path(folder) / "config.properties").write_text(TORCHSERVE_CONFIG.format(*ports))
        archiver = [str(tools / "torch-model-archiver"), "--model-name", "noop", "--version", "1"]
        archiver += ["--handler", "handler.py", "--export-path", folder]
        subprocess.run(archiver, cwd=folder, check=True, stdout=subprocess.DEVNULL)
        command = [str(tools / "torchserve"), "--start", "--foreground", "--ncs"]
        command += ["--model-store", folder, "--models", "noop=noop.mar"]
        command += ["--ts-config", "config.properties"]
        environ = {"PATH": f"{tools}{os.pathsep}{os.environ['PATH']}"}
        with running(command, folder, environ) as pid:
            wait_ready(ports[0], "/ping")
            wait_ready(ports[0], "/predictions/noop", "POST")
            yield Server(ports[0], "/predictions/noop", pid)


@contextmanager
def running(command: Sequence[str], folder: str, environ: Mapping[str, str]) -> Iterator[int]:
    """A process in a session of its own, its output in FOLDER/log; nothing of it is left."""
    with (Path(folder) / "log").open("wb") as log:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env={**os.environ, **environ},
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        try:
            yield process.pid
        except BaseException:
            sys.stderr.write((Path(folder) / "log").read_text(errors="replace")[-2000:])
            raise
        finally:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                pass
            try:
                os.killpg(process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            process.wait()


def wait_ready(port: int, path: str, method: str = "GET", seconds: float = 90) -> None:
    """Until this path says 200."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        try:
            connection.request(method, path, b"x" if method == "POST" else None)
            if connection.getresponse().status == 200:
                return
        except OSError:
            pass
        finally:
            connection.close()
        time.sleep(0.05)
    raise SystemExit(f"{path} on port {port} did not become ready")


def until_idle(server: Server, body: bytes = b"last") -> None:
    """What the last clients left in the queue is computed before the next ones come."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    connection.request("POST", server.path, body, {"Content-Type": "image/jpeg"})
    assert connection.getresponse().status == 200
    connection.close()


def free_port() -> int:
    """A port that nobody has."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def contenders() -> dict[str, Callable[[], AbstractContextManager[Server]]]:
    """What can be started on this machine, by name; ours first."""
    one = {"SAGEMAKER_MODEL_SERVER_WORKERS": "1"}
    ways: dict[str, Callable[[], AbstractContextManager[Server]]] = {
        "serve (no nginx)": lambda: ours(BYOA_NGINX="false", **one)
    }
    if shutil.which("nginx"):
        ways = {"serve": lambda: ours(**one), **ways}
    ways["LitServe"] = litserve
    if shutil.which("java"):
        ways["TorchServe"] = torchserve
    return ways
