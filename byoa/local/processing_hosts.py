"""The hosts of a processing job: /opt/ml/processing laid out, containers started, outputs sent."""

from __future__ import annotations

import codecs
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from byoa.local import opt_ml
from byoa.local.channels import Part
from byoa.local.container import ML, PROCESS, Container, Mount
from byoa.local.files import write_json
from byoa.local.host_runs import HostRuns
from byoa.local.images import has_gpu
from byoa.local.job import JobError, read_start
from byoa.local.live_sync import LiveSync, look, send
from byoa.local.logs import PROCESSING_GROUP
from byoa.local.networks import loopback_addresses
from byoa.local.opt_ml import Host
from byoa.local.places import here
from byoa.local.supervise import Around

PROCESSING = f"{ML}/processing"
LONGEST_MESSAGE = 1024  # bytes


@dataclass(frozen=True, slots=True)
class Place:
    """One input on one host: what, where to, and which part of it."""

    source: Mapping[str, Any]
    folder: Path
    part: Part


class ProcessingHosts:
    """All hosts of one job, each below `folder`/algo-N, which stands for /opt/ml."""

    def __init__(self, job: Path, request: Mapping[str, Any], image: str, around: Around) -> None:
        self.request, self.image, self.around = request, image, around
        self.folder = Path(os.path.realpath(job / "hosts"))
        self.is_process = image.startswith(PROCESS)
        cluster = {"ResourceConfig": request["ProcessingResources"]["ClusterConfig"]}
        names = [host.name for host in opt_ml.hosts(cluster)]
        several = self.is_process and len(names) > 1
        self.hosts = opt_ml.hosts(cluster, loopback_addresses(names) if several else None)
        self.isolated = bool(request.get("NetworkConfig", {}).get("EnableNetworkIsolation"))
        self.runs = HostRuns(job, around, self.hosts, self.isolated)
        self.syncs: list[LiveSync] = []

    def base(self, host: Host) -> Path:
        return self.folder / host.name

    # --- before ---------------------------------------------------------------------------

    def lay_out(self) -> None:
        interface = "lo" if self.is_process else "eth0"
        for host in self.hosts:
            base = self.base(host)
            for name in ("config", "output", "processing"):
                (base / name).mkdir(parents=True, exist_ok=True)
            for output in self._outputs():
                here(output["LocalPath"], self.base(host)).mkdir(parents=True, exist_ok=True)
            resources = opt_ml.resource_config(host, self.hosts, interface)
            write_json(base / "config" / "resourceconfig.json", resources)
            write_json(base / "config" / "processingjobconfig.json", dict(self.request))

    def inputs(self) -> Iterator[Place]:
        for rank, host in enumerate(self.hosts):
            for given in self.request.get("ProcessingInputs", []):
                if not given.get("AppManaged"):
                    source = given["S3Input"]
                    folder = here(source["LocalPath"], self.base(host))
                    yield Place(source, folder, Part(rank, len(self.hosts)))

    def _outputs(self) -> list[Mapping[str, Any]]:
        config = self.request.get("ProcessingOutputConfig", {})
        return [one["S3Output"] for one in config.get("Outputs", []) if not one.get("AppManaged")]

    # --- while it runs ----------------------------------------------------------------------

    def start(self) -> None:
        for output in self._outputs():
            if output.get("S3UploadMode") == "Continuous":
                folders = [here(output["LocalPath"], self.base(host)) for host in self.hosts]
                self.syncs.append(LiveSync(self.around.storage, folders, output["S3Uri"]))
                self.syncs[-1].start()
        containers = [self._container(host) for host in self.hosts]
        self.runs.start(containers, PROCESSING_GROUP, self.request["ProcessingJobName"])

    def _container(self, host: Host) -> Container:
        application = self.request["AppSpecification"]
        kind = host.instance_type
        return Container(
            image=self.image,
            base=self.base(host),
            entrypoint=tuple(application.get("ContainerEntrypoint", ())),
            arguments=tuple(application.get("ContainerArguments", ())),
            environment={
                "AWS_REGION": str(self.request["ProcessingJobArn"]).split(":")[3],
                **({} if self.isolated else self.around.environment),
                **self.request.get("Environment", {}),
            },
            mounts=tuple(self._mounts(host)),
            gpus=has_gpu() and kind.startswith(("ml.g", "ml.p")),
        )

    def _mounts(self, host: Host) -> Iterator[Mount]:
        for name in ("config", "output", "processing"):
            yield Mount(source=self.base(host) / name, target=f"{ML}/{name}")
        inputs = [
            one["S3Input"] for one in self.request.get("ProcessingInputs", []) if "S3Input" in one
        ]
        for path in {one["LocalPath"] for one in [*inputs, *self._outputs()]}:
            if not path.startswith(f"{PROCESSING}/"):
                yield Mount(source=here(path, self.base(host)), target=path)

    # --- after ------------------------------------------------------------------------------

    def message(self) -> str:
        """What all hosts wrote to output/message, 1 KB of it."""
        found = b"".join(
            read_start(self.base(host) / "output" / "message", LONGEST_MESSAGE + 1)
            for host in self.hosts
        )
        decode = codecs.getincrementaldecoder("utf-8")().decode
        try:
            return decode(found[:LONGEST_MESSAGE], final=len(found) <= LONGEST_MESSAGE)
        except UnicodeDecodeError:
            raise JobError(
                "ClientError: /opt/ml/output/message is not UTF-8. Write text."
            ) from None

    def upload(self, failed: bool) -> None:
        """The last files of continuous outputs; those of EndOfJob unless the job failed."""
        while self.syncs:
            self.syncs.pop().finish()
        for output in self._outputs():
            if failed or output.get("S3UploadMode") == "Continuous":
                continue
            for host in self.hosts:
                folder = here(output["LocalPath"], self.base(host))
                try:
                    send(self.around.storage, folder, look(folder), output["S3Uri"])
                except OSError as error:
                    raise JobError(f"ClientError: Upload of outputs failed: {error}") from error
