"""One attempt of a job: its container started, its lines logged, its end waited for."""

from __future__ import annotations

import shutil
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from byoa.local import images
from byoa.local.container import PROCESS, Handle, start
from byoa.local.docker import DockerError, docker
from byoa.local.log_files import stream_path
from byoa.local.logs import LogWriter
from byoa.sandbox.batch import contained, permits, secrets
from byoa.sandbox.batch.environments import market
from byoa.sandbox.batch.exits import EXITED, Ending
from byoa.sandbox.batch.job import Job
from byoa.sandbox.batch.region import Region, now
from byoa.sandbox.state import ACCOUNT, State
from byoa.sandbox.supervise import here

POLL = 0.05
#: From SIGTERM to SIGKILL, as ECS waits.
GRACE = 30.0
#: Jobs of the sandbox say by a tag what AWS does by chance, or after more than a test waits.
INTERRUPT, TIMEOUT = "byoa:interrupt-after", "byoa:timeout-after"
TOO_LONG = "Job attempt duration exceeded timeout"
FAILED_TO_START = "Task failed to start"
NO_MEMORY = "OutOfMemoryError: Container killed due to memory usage"
UNKILLED = 137


@dataclass
class Attempt:
    """What is around one attempt; `carry` runs it."""

    state: State
    region: Region
    writer: LogWriter
    job: Job
    environment: dict[str, Any]
    number: int
    task: str = field(default_factory=lambda: uuid.uuid4().hex)

    def carry(self) -> Ending:
        self.name_it()
        status, reason = permits.problem(self.job, self.environment, self.region.name)
        if status:
            return Ending(None, reason, status)
        try:
            image = self.image()
        except (DockerError, ValueError) as error:
            return Ending(None, f"CannotPullContainerError: {error}", FAILED_TO_START)
        try:
            hidden = secrets.values(
                self.job.container, self.environment, self.state, self.region.name
            )
        except ValueError as error:
            return Ending(None, f"ResourceInitializationError: {error}", FAILED_TO_START)
        with self.folder() as folder:
            try:
                container = contained.container(self, image, folder, hidden)
                handle = start(container, self.line)
            except (DockerError, OSError, ValueError) as error:
                return Ending(None, f"CannotStartContainerError: {error}", FAILED_TO_START)
            try:
                return self.follow(handle)
            finally:
                handle.close()

    def name_it(self) -> None:
        """Names the task and its log stream: known as soon as it starts."""
        cluster = str(self.environment.get("ecsClusterArn", "")).rpartition("/")[2] or "unmanaged"
        job = self.job
        definition = job.definition.rpartition("/")[2].partition(":")[0]
        group, prefix = permits.log_place(job.container)
        with self.region.changed:
            job.task_arn = f"arn:aws:ecs:{self.region.name}:{ACCOUNT}:task/{cluster}/{self.task}"
            job.stream = f"{prefix or definition}/default/{self.task}" if group else ""
            job.started = job.stopped = 0

    def image(self) -> str:
        """The image by its name here: fetched if it is not, and, named by a tag, if it is newer."""
        given = str(self.job.container["image"])
        if given.startswith(PROCESS):
            folder = Path(given[len(PROCESS) :])
            if not (folder.is_absolute() and folder.is_dir()):
                raise ValueError(f"{given}: there is no folder {folder}")
            return given
        image = here(given, self.state)
        if image != given and "@" not in image:
            docker("pull", "--quiet", image)
        else:
            images.facts(image)
        return image

    @contextmanager
    def folder(self) -> Iterator[Path]:
        """The attempt's own: what stands for /opt/ml, and what names its container."""
        folder = Path(self.state.folder) / "batch" / self.task
        folder.mkdir(parents=True)
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def line(self, text: str) -> None:
        group, _ = permits.log_place(self.job.container)
        if group:
            self.writer.append(group, self.job.stream, text or " ")

    def open_log(self) -> None:
        """The stream is there as soon as the container runs, whatever it says."""
        group, _ = permits.log_place(self.job.container)
        if group:
            path = stream_path(self.writer.folder, group, self.job.stream)
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            path.touch()

    def follow(self, handle: Handle) -> Ending:
        """Until the container has ended, by itself or because somebody wants it to."""
        self.open_log()
        with self.region.changed:
            self.job.status, self.job.started = "RUNNING", now()
        begun = time.monotonic()
        limit, lost = self.limits()
        while (code := handle.poll()) is None:
            seconds = time.monotonic() - begun
            if seconds >= lost:
                handle.kill()
                return self.interrupted()
            if self.job.stop:
                return Ending(end(handle), "", self.job.stop, final=True)
            if seconds >= limit:
                return Ending(end(handle), "", TOO_LONG, final=True)
            time.sleep(POLL)
        why = handle.why()
        code = code if code >= 0 else 128 - code
        return Ending(code, NO_MEMORY if "memory" in why else why, EXITED)

    def limits(self) -> tuple[float, float]:
        """Seconds until its time is up, and until its machine is taken away."""
        tags = self.job.tags
        limit = tags.get(TIMEOUT) or self.job.timeout or "inf"
        spot = "SPOT" in market(self.environment) and self.number == 1
        return float(limit), float(tags.get(INTERRUPT) or "inf") if spot else float("inf")

    def interrupted(self) -> Ending:
        """The machine is gone, and nobody saw the container end."""
        if market(self.environment) == "FARGATE_SPOT":
            return Ending(None, "", "Your Spot Task was interrupted.")
        return Ending(None, "", f"Host EC2 (instance i-{self.task[:17]}) terminated.")


def end(handle: Handle) -> int:
    """SIGTERM, half a minute, SIGKILL; its exit code."""
    handle.terminate()
    end = time.monotonic() + GRACE
    while (code := handle.poll()) is None and time.monotonic() < end:
        time.sleep(POLL)
    if code is None:
        handle.kill()
    return UNKILLED if code is None else code
