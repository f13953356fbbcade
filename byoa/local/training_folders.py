"""/opt/ml of each host of a training job: laid out before the containers start, and mounted."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from byoa.local import opt_ml
from byoa.local.channels import Part, fetch
from byoa.local.container import ML, Mount
from byoa.local.files import write_json
from byoa.local.job import JobError
from byoa.local.networks import loopback_addresses
from byoa.local.opt_ml import Host
from byoa.local.places import here, led
from byoa.plan.errors import ByoaError, NotFoundError
from byoa.plan.storage import Progress, Storage

CHECKPOINTS = f"{ML}/checkpoints"
TENSORBOARD = f"{ML}/output/tensorboard"


class TrainingFolders:
    """`folder`/algo-1, algo-2, …: each folder stands for /opt/ml of that host."""

    def __init__(
        self, folder: Path, request: Mapping[str, Any], storage: Storage, is_process: bool
    ) -> None:
        self.folder = Path(os.path.realpath(folder))
        self.request, self.storage, self.is_process = request, storage, is_process
        names = [host.name for host in opt_ml.hosts(request)]
        several = is_process and len(names) > 1
        self.hosts = opt_ml.hosts(request, loopback_addresses(names) if several else None)

    def base(self, host: Host) -> Path:
        return self.folder / host.name

    @property
    def bases(self) -> list[Path]:
        return [self.base(host) for host in self.hosts]

    def lay_out(self, progress: Progress) -> None:
        """Everything that a program finds there; `progress` may raise to end it."""
        for host in self.hosts:
            base = self.base(host)
            for name in ("input/config", "input/data", "model", "output/data"):
                (base / name).mkdir(parents=True, exist_ok=True)
            self._write_config(host, base / "input" / "config")
            self._restore(base)
            for channel in self._channels(host):
                self._fetch(host, channel, progress)

    def _write_config(self, host: Host, folder: Path) -> None:
        parameters = self.request.get("HyperParameters", {})
        interface = "lo" if self.is_process else "eth0"
        files = {
            "hyperparameters": {name: self._led(host, text) for name, text in parameters.items()},
            "inputdataconfig": opt_ml.input_data_config(self._channels(host)),
            "resourceconfig": opt_ml.resource_config(host, self.hosts, interface),
        }
        if "CheckpointConfig" in self.request:
            local = here(self.checkpoint_path, self.base(host))
            path = str(local) if self.is_process else self.checkpoint_path
            files["checkpointconfig"] = {"LocalPath": path}
        for name, content in files.items():
            write_json(folder / f"{name}.json", content)

    def _led(self, host: Host, text: str) -> str:
        return led(text, self.base(host)) if self.is_process else text

    def _channels(self, host: Host) -> list[Mapping[str, Any]]:
        """The channels that this host's instance group is given."""
        mode = self.request["AlgorithmSpecification"].get("TrainingInputMode", "File")
        return [
            {"InputMode": mode, **channel}
            for channel in self.request.get("InputDataConfig", [])
            if host.group in _source(channel).get("InstanceGroupNames", [host.group])
        ]

    def _direct(self, channel: Mapping[str, Any]) -> Path | None:
        """The folder of a FastFile channel that docker can mount, read-only, where it lies."""
        source = _source(channel)
        whole = source.get("S3DataDistributionType") != "ShardedByS3Key"
        fast = channel["InputMode"] == "FastFile" and not self.is_process
        if not (fast and whole and source["S3Uri"].startswith("file://")):
            return None
        folder = Path(unquote(urlsplit(source["S3Uri"]).path))
        return folder if folder.is_dir() and any(folder.iterdir()) else None

    def _fetch(self, host: Host, channel: Mapping[str, Any], progress: Progress) -> None:
        folder = self.base(host) / "input" / "data" / channel["ChannelName"]
        if self._direct(channel):
            folder.mkdir()  # the place that it is mounted on
            return
        fellows = [one for one in self.hosts if channel in self._channels(one)]
        part = Part(fellows.index(host), len(fellows))
        fetch(self.storage, _source(channel), folder, part, progress)
        if self.is_process and channel["InputMode"] == "FastFile":
            for path in (folder, *folder.rglob("*")):
                path.chmod(path.stat().st_mode & ~0o222)

    def _restore(self, base: Path) -> None:
        if "CheckpointConfig" not in self.request:
            return
        folder = here(self.checkpoint_path, base)
        folder.mkdir(parents=True, exist_ok=True)
        try:
            self.storage.download(_folder(self.request["CheckpointConfig"]["S3Uri"]), folder)
        except NotFoundError:
            pass  # the first start
        except (ByoaError, OSError) as error:
            raise JobError(f"ClientError: Checkpoints cannot be restored: {error}") from error

    def mounts(self, host: Host) -> list[Mount]:
        """As SageMaker: what lies in the image at /opt/ml/code, say, can still be seen."""
        base = self.base(host)
        found = [
            Mount(source=base / name, target=f"{ML}/{name}")
            for name in ("input", "model", "output")
        ]
        for channel in self._channels(host):
            if channel["InputMode"] == "FastFile":
                inside = f"input/data/{channel['ChannelName']}"
                place = self._direct(channel) or base / inside
                found.append(Mount(source=place, target=f"{ML}/{inside}", read_only=True))
        if "CheckpointConfig" in self.request:
            found.append(
                Mount(source=here(self.checkpoint_path, base), target=self.checkpoint_path)
            )
        if not self.tensorboard_path.startswith(f"{ML}/output/"):
            board = here(self.tensorboard_path, base)
            board.mkdir(parents=True, exist_ok=True)
            found.append(Mount(source=board, target=self.tensorboard_path))
        return found

    @property
    def checkpoint_path(self) -> str:
        return str(self.request.get("CheckpointConfig", {}).get("LocalPath", CHECKPOINTS))

    @property
    def tensorboard_path(self) -> str:
        return str(self.request.get("TensorBoardOutputConfig", {}).get("LocalPath", TENSORBOARD))


def _source(channel: Mapping[str, Any]) -> Mapping[str, Any]:
    found: Mapping[str, Any] = channel.get("DataSource", {}).get("S3DataSource", {})
    return found


def _folder(uri: str) -> str:
    return uri.rstrip("/") + "/"
