"""One start of a training job on fresh machines: containers run, their files sent."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from byoa.local import artifacts
from byoa.local.container import PROCESS, Container
from byoa.local.host_runs import HostRuns
from byoa.local.images import has_gpu
from byoa.local.job import Ended
from byoa.local.live_sync import LiveSync
from byoa.local.logs import TRAINING_GROUP
from byoa.local.opt_ml import Host
from byoa.local.ownership import give_to_us
from byoa.local.places import here
from byoa.local.supervise import Around
from byoa.local.training_folders import TrainingFolders


class Round:
    """One set of hosts, with folders of their own and nothing of an earlier round."""

    def __init__(
        self, job: Path, folder: Path, request: Mapping[str, Any], image: str, around: Around
    ) -> None:
        self.request, self.image, self.around = request, image, around
        is_process = image.startswith(PROCESS)
        self.folders = TrainingFolders(folder, request, around.storage, is_process)
        self.isolated = bool(request.get("EnableNetworkIsolation"))
        self.runs = HostRuns(job, around, self.folders.hosts, self.isolated)
        self.syncs: list[LiveSync] = []
        self.started = 0.0

    def train(self, asked: Callable[[], str], on_line: Callable[[str], None]) -> Ended:
        self._start_syncs()
        name = self.request["TrainingJobName"]
        containers = [self._container(host) for host in self.folders.hosts]
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
            base=self.folders.base(host),
            entrypoint=entrypoint,
            arguments=arguments,
            environment=self._environment(),
            mounts=tuple(self.folders.mounts(host)),
            gpus=has_gpu() and host.instance_type.startswith(("ml.g", "ml.p")),
        )

    def _environment(self) -> dict[str, str]:
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

    def _start_syncs(self) -> None:
        checkpoints = self.request.get("CheckpointConfig")
        if checkpoints:
            self._sync(self.folders.checkpoint_path, checkpoints["S3Uri"])
        board = self.request.get("TensorBoardOutputConfig")
        if board:
            uri = f"{board['S3OutputPath'].rstrip('/')}/{self.request['TrainingJobName']}"
            self._sync(self.folders.tensorboard_path, f"{uri}/tensorboard-output")

    def _sync(self, inside: str, uri: str) -> None:
        folders = [here(inside, base) for base in self.folders.bases]
        self.syncs.append(LiveSync(self.around.storage, folders, uri))
        self.syncs[-1].start()

    def finish_syncs(self) -> None:
        """The last files, when the containers have ended."""
        give_to_us(self.folders.folder, self.image)
        while self.syncs:
            self.syncs.pop().finish()

    def upload(self) -> str:
        """Sends the model and the output; the model's address."""
        output, name = self.request["OutputDataConfig"], self.request["TrainingJobName"]
        folders = self.folders
        return artifacts.upload(self.around.storage, output, name, folders.bases, folders.folder)
