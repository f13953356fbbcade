"""One start of a training job on fresh machines: /opt/ml laid out, containers run, files sent."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from byoa.local import artifacts, opt_ml
from byoa.local.channels import Part, fetch
from byoa.local.container import ML, PROCESS, Container, Mount
from byoa.local.files import write_json
from byoa.local.host_runs import HostRuns
from byoa.local.images import has_gpu
from byoa.local.job import Ended, JobError
from byoa.local.live_sync import LiveSync
from byoa.local.logs import TRAINING_GROUP
from byoa.local.networks import loopback_addresses
from byoa.local.opt_ml import Host
from byoa.local.ownership import give_to_us
from byoa.local.places import here, led
from byoa.local.supervise import Around
from byoa.plan.errors import ByoaError, NotFoundError
from byoa.plan.storage import Progress

CHECKPOINTS = f"{ML}/checkpoints"
TENSORBOARD = f"{ML}/output/tensorboard"
#: What this machine is called to a job where no instance has been asked for.
INTERFACE = "eth0"


class Round:
    """One set of hosts, below `folder`/algo-1, algo-2, …: each folder stands for /opt/ml."""

    def __init__(
        self, job: Path, folder: Path, request: Mapping[str, Any], image: str, around: Around
    ) -> None:
        self.job, self.request, self.image = job, request, image
        self.folder = Path(os.path.realpath(folder))
        self.around = around
        self.is_process = image.startswith(PROCESS)
        names = [host.name for host in opt_ml.hosts(request)]
        several = self.is_process and len(names) > 1
        self.hosts = opt_ml.hosts(request, loopback_addresses(names) if several else None)
        self.isolated = bool(request.get("EnableNetworkIsolation"))
        self.runs = HostRuns(job, around, self.hosts, self.isolated)
        self.syncs: list[LiveSync] = []
        self.started = 0.0

    def base(self, host: Host) -> Path:
        return self.folder / host.name

    @property
    def bases(self) -> list[Path]:
        return [self.base(host) for host in self.hosts]

    # --- before ---------------------------------------------------------------------------

    def lay_out(self, progress: Progress) -> None:
        """Everything below /opt/ml, on each host; `progress` may raise to end it."""
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
        interface = "lo" if self.is_process else INTERFACE
        files = {
            "hyperparameters": {name: self._led(host, text) for name, text in parameters.items()},
            "inputdataconfig": opt_ml.input_data_config(self._channels(host)),
            "resourceconfig": opt_ml.resource_config(host, self.hosts, interface),
        }
        if "CheckpointConfig" in self.request:
            local = self._checkpoints(self.base(host))
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
        fetch(self.around.storage, _source(channel), folder, part, progress)
        if self.is_process and channel["InputMode"] == "FastFile":
            for path in (folder, *folder.rglob("*")):
                path.chmod(path.stat().st_mode & ~0o222)

    @property
    def checkpoint_path(self) -> str:
        return str(self.request["CheckpointConfig"].get("LocalPath", CHECKPOINTS))

    def _checkpoints(self, base: Path) -> Path:
        """The folder of this machine that the job's LocalPath is."""
        return here(self.checkpoint_path, base)

    def _restore(self, base: Path) -> None:
        if "CheckpointConfig" not in self.request:
            return
        folder = self._checkpoints(base)
        folder.mkdir(parents=True, exist_ok=True)
        try:
            self.around.storage.download(_folder(self.request["CheckpointConfig"]["S3Uri"]), folder)
        except NotFoundError:
            pass  # the first start
        except (ByoaError, OSError) as error:
            raise JobError(f"ClientError: Checkpoints cannot be restored: {error}") from error

    # --- while it runs ----------------------------------------------------------------------

    def train(self, asked: Callable[[], str], on_line: Callable[[str], None]) -> Ended:
        self._start_syncs()
        name = self.request["TrainingJobName"]
        containers = [self._container(host) for host in self.hosts]
        self.started = time.monotonic()
        self.runs.start(containers, TRAINING_GROUP, name, on_line)
        return self.runs.wait(asked)

    @property
    def seconds(self) -> float:
        """How long the containers have run."""
        return time.monotonic() - self.started if self.started else 0.0

    def _container(self, host: Host) -> Container:
        algorithm = self.request["AlgorithmSpecification"]
        entrypoint = tuple(algorithm.get("ContainerEntrypoint", ()))
        arguments = tuple(algorithm.get("ContainerArguments", ()))
        if not entrypoint and not arguments:
            arguments = ("train",)
        return Container(
            image=self.image,
            base=self.base(host),
            entrypoint=entrypoint,
            arguments=arguments,
            environment=self._environment(host),
            mounts=tuple(self._mounts(host)),
            gpus=has_gpu() and host.instance_type.startswith(("ml.g", "ml.p")),
        )

    def _environment(self, host: Host) -> dict[str, str]:
        arn = str(self.request["TrainingJobArn"])
        return {
            "TRAINING_JOB_NAME": self.request["TrainingJobName"],
            "TRAINING_JOB_ARN": arn,
            "AWS_REGION": arn.split(":")[3],
            # An instance type is a wish here: what a laptop lacks must not end the job.
            **({} if has_gpu() else {"BYOA_ALLOW_CPU": "1"}),
            **({} if self.isolated else self.around.environment),
            **self.request.get("Environment", {}),
        }

    def _mounts(self, host: Host) -> list[Mount]:
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
            found.append(Mount(source=self._checkpoints(base), target=self.checkpoint_path))
        board = self.request.get("TensorBoardOutputConfig", {}).get("LocalPath", TENSORBOARD)
        if not board.startswith(f"{ML}/output/"):
            here(board, base).mkdir(parents=True, exist_ok=True)
            found.append(Mount(source=here(board, base), target=board))
        return found

    def _start_syncs(self) -> None:
        if "CheckpointConfig" in self.request:
            folders = [self._checkpoints(base) for base in self.bases]
            self._sync(folders, self.request["CheckpointConfig"]["S3Uri"])
        board = self.request.get("TensorBoardOutputConfig")
        if board:
            uri = f"{board['S3OutputPath'].rstrip('/')}/{self.request['TrainingJobName']}"
            folders = [here(board.get("LocalPath", TENSORBOARD), base) for base in self.bases]
            self._sync(folders, f"{uri}/tensorboard-output")

    def _sync(self, folders: Sequence[Path], uri: str) -> None:
        self.syncs.append(LiveSync(self.around.storage, folders, uri))
        self.syncs[-1].start()

    # --- after ------------------------------------------------------------------------------

    def finish_syncs(self) -> None:
        give_to_us(self.folder, self.image)
        while self.syncs:
            self.syncs.pop().finish()

    def upload(self) -> str:
        """Sends the model and the output; the model's address."""
        output, name = self.request["OutputDataConfig"], self.request["TrainingJobName"]
        return artifacts.upload(self.around.storage, output, name, self.bases, self.folder)


def _source(channel: Mapping[str, Any]) -> Mapping[str, Any]:
    found: Mapping[str, Any] = channel.get("DataSource", {}).get("S3DataSource", {})
    return found


def _folder(uri: str) -> str:
    return uri.rstrip("/") + "/"
