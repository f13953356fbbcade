"""A container that serves, with production's conditions: what `instance.Launch` starts.

https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-inference-code.html
"""

from __future__ import annotations

import shutil
import tarfile
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from byoa.archive import unpack
from byoa.local.container import ML, PROCESS, Container, Handle, Mount, start
from byoa.local.docker import DockerError, docker
from byoa.local.instance import Launch, Running
from byoa.plan.errors import ByoaError
from byoa.plan.storage import Storage

LOOK_EVERY = 0.1
MULTI_MODEL = "MultiModel"
#: Serverless runs as nobody in particular, with one place to write and no shared memory. Its disk
#: is 5 GB.
NOBODY = "1000:1000"
SERVERLESS_TMP = {"/tmp": "rw,exec,size=5g,mode=1777"}


@dataclass(frozen=True, kw_only=True)
class Serving:
    """What one container of a variant is made from."""

    image: str
    base: Path  #: stands for /opt/ml; the model lies in base/model
    environment: Mapping[str, str] = field(default_factory=dict)
    network: str = ""  #: the name of a docker network without a way out: network isolation
    memory_mb: int = 0  #: serverless
    gpus: bool = False
    grace: float = 30.0  #: seconds from SIGTERM to SIGKILL
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass
class Served:
    """A started container, as Instance wants it."""

    handle: Handle
    address: str
    grace: float

    def poll(self) -> int | None:
        return self.handle.poll()

    def stop(self) -> None:
        """SIGTERM, then SIGKILL when its grace is over."""
        self.handle.terminate()
        end = time.monotonic() + self.grace
        while self.handle.poll() is None and time.monotonic() < end:
            time.sleep(LOOK_EVERY)
        self.handle.close()


def launch(serving: Serving) -> Launch:
    def begin(heard: Callable[[str], None]) -> Running:
        try:
            handle = start(container_of(serving), heard)
            return Served(handle, handle.address or inner_address(handle), serving.grace)
        except DockerError as error:
            raise ByoaError(f"docker: {error}") from error

    return begin


def container_of(serving: Serving) -> Container:
    """The container's conditions; a process has them as far as a process can."""
    serverless: dict[str, Any] = {}
    if serving.memory_mb:
        serverless = {
            "user": NOBODY,
            "read_only": True,
            "tmpfs": SERVERLESS_TMP,
            "memory_mb": serving.memory_mb,
            "shm_mb": 0,
            "capabilities": False,
        }
    isolated = bool(serving.network) and not serving.image.startswith(PROCESS)
    return Container(
        image=serving.image,
        base=serving.base,
        arguments=("serve",),
        environment=serving.environment,
        mounts=tuple(
            Mount(source=serving.base / name, target=f"{ML}/{name}", read_only=True)
            for name in ("model", "models")
            if (serving.base / name).is_dir()
        ),
        serves=not isolated,
        network=serving.network if isolated else "",
        labels=serving.labels,
        gpus=serving.gpus and not serving.image.startswith(PROCESS),
        **serverless,
    )


def inner_address(handle: Handle) -> str:
    """Its address on a network without a way out, where docker publishes no port."""
    form = "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}"
    return f"{docker('inspect', '--format', form, str(getattr(handle, 'name', '')))}:8080"


def fetch_model(container: Mapping[str, Any], base: Path, storage: Storage) -> None:
    """Puts the model's files into base/model as SageMaker does: unpacked, for everyone to read."""
    folder = base / "model"
    folder.mkdir(parents=True)
    source = container.get("ModelDataSource", {}).get("S3DataSource", {})
    uri = container.get("ModelDataUrl") or source.get("S3Uri")
    if container.get("Mode") == MULTI_MODEL:  # each when it is asked for the first time
        (base / "models").mkdir()
        return
    if not uri:
        return
    if source.get("CompressionType", "Gzip") == "None":
        storage.download(uri, folder)
    else:
        fetch_archive(uri, folder, storage)
    readable(folder)


def readable(folder: Path) -> None:
    """For everyone, whoever serves."""
    for path in (folder, *folder.rglob("*")):
        path.chmod(path.stat().st_mode | (0o555 if path.is_dir() else 0o444))


def fetch_archive(uri: str, folder: Path, storage: Storage) -> None:
    with tempfile.TemporaryDirectory(dir=folder.parent) as spare:
        found = storage.download(uri, Path(spare))
        if len(found) != 1:
            raise ByoaError(f"Could not find model data at {uri}. Name one .tar.gz that is there.")
        unpack(found[0], folder)
        with tarfile.open(found[0]) as tar:
            links = [one.name for one in tar if one.issym() or one.islnk()]
    if links:  # https://docs.aws.amazon.com/sagemaker/latest/dg/deploy-model-troubleshoot.html
        shutil.rmtree(folder)
        raise ByoaError(f"{uri} holds the symbolic link {links[0]}: SageMaker refuses such models.")
