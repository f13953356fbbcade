"""Carries out one batch transform job: the supervisor's side of create_transform_job."""

from __future__ import annotations

import gzip
import http.client
import json
import secrets
import shutil
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from byoa.local.channels import below, manifest
from byoa.local.exchange import exchange
from byoa.local.files import now, read_json
from byoa.local.images import has_gpu
from byoa.local.instance import Instance
from byoa.local.job import JobError, JobRecord
from byoa.local.serve_container import launch
from byoa.local.supervise import Around
from byoa.local.sweep import labels
from byoa.local.transform_client import Client
from byoa.local.transform_records import (
    RecordError,
    assembled,
    joined,
    parameters,
    requests,
)
from byoa.local.variants import STARTUP, Network, serving_of
from byoa.plan.errors import ByoaError

GROUP = "/aws/sagemaker/TransformJobs"
LOOK_EVERY = 0.2
LONGEST_REASON = 1024


class StopError(Exception):
    """Somebody asked the job to stop."""


def run(folder: Path, around: Around) -> None:
    """The job below `folder`, to its end."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    Transform(folder, around).run()


class Transform:
    """One transform job on its way."""

    def __init__(self, folder: Path, around: Around) -> None:
        self.folder, self.around = folder, around
        self.job = JobRecord(folder, "TransformJobStatus")
        self.request: dict[str, Any] = read_json(folder / "request.json")
        self.source = self.request["TransformInput"]
        self.output = self.request["TransformOutput"]
        self.client = Client(self.request, self.wait_healthy)
        self.stream = f"{self.request['TransformJobName']}/i-{secrets.token_hex(8)}"
        self.failed: list[str] = []
        self.written = 0
        self.network = Network(folder, labels(folder, around.root))

    def run(self) -> None:
        self.job.update(TransformStartTime=now())
        status, reason = "Completed", ""
        try:
            self.work()
            if self.failed:
                status, reason = "Failed", self.reason()
        except StopError:
            status = "Stopped"
        except (JobError, ByoaError) as error:
            status, reason = "Failed", str(error)
        except Exception as error:
            traceback.print_exc()
            status, reason = "Failed", f"InternalServerError: {type(error).__name__}: {error}"
        finally:
            self.network.close()
            shutil.rmtree(self.folder / "ml", ignore_errors=True)
        told = {"FailureReason": reason[:LONGEST_REASON]} if reason else {}
        self.job.update(TransformJobStatus=status, TransformEndTime=now(), **told)

    def work(self) -> None:
        instance = self.start()
        try:
            threading.Thread(target=self.end_when_asked, args=(instance,), daemon=True).start()
            self.wait_healthy(instance)
            how = parameters(self.request, self.execution_parameters(instance))
            self.log(
                f"MaxConcurrentTransforms={how.concurrent}, MaxPayloadInMB={how.payload >> 20},"
                f" BatchStrategy={'SINGLE' if how.single else 'MULTI'}_RECORD"
            )
            split = self.source.get("SplitType", "None")
            # Whole objects travel side by side; the records of one object do, where it is cut.
            whole = split == "None"
            with ThreadPoolExecutor(how.concurrent) as pool:
                one = partial(self.one, instance, partial(requests, split=split, how=how))
                if whole:
                    list(pool.map(lambda item: one(item, map), self.objects()))
                else:
                    for item in self.objects():
                        one(item, pool.map)
        finally:
            instance.close()

    def start(self) -> Instance:
        serving = serving_of(self.request["Model"], self.folder / "ml", self.around, self.network)
        environment = {**serving.environment, **self.environment()}
        serving = replace(serving, environment=environment, gpus=has_gpu())
        return Instance(launch(serving), self.log, STARTUP)

    def environment(self) -> dict[str, str]:
        """What SageMaker tells the container of the job: only what the job itself says."""
        strategy = {"SingleRecord": "SINGLE_RECORD", "MultiRecord": "MULTI_RECORD"}
        said = {
            "SAGEMAKER_MAX_PAYLOAD_IN_MB": self.request.get("MaxPayloadInMB"),
            "SAGEMAKER_BATCH_STRATEGY": strategy.get(self.request.get("BatchStrategy", "")),
            "SAGEMAKER_MAX_CONCURRENT_TRANSFORMS": self.request.get("MaxConcurrentTransforms"),
        }
        return {
            "SAGEMAKER_BATCH": "true",
            **{name: str(value) for name, value in said.items() if value is not None},
            **self.request.get("Environment", {}),
        }

    def wait_healthy(self, instance: Instance) -> None:
        end = time.monotonic() + STARTUP + LOOK_EVERY
        while not instance.healthy:
            self.look()
            trouble = instance.failure or (time.monotonic() > end and "it does not come back")
            if trouble:
                raise JobError(f"AlgorithmError: the container did not serve: {trouble}")
            time.sleep(LOOK_EVERY)

    def end_when_asked(self, instance: Instance) -> None:
        """A request may take an hour; a job that is stopped does not wait for it."""
        while not instance.closing.wait(LOOK_EVERY):
            if self.job.stop_asked():
                instance.close()

    def look(self) -> None:
        if self.job.stop_asked():
            raise StopError

    def execution_parameters(self, instance: Instance) -> dict[str, Any]:
        """What the container says of itself; {} when it says nothing."""
        try:
            answer = exchange(instance.address, "GET", "/execution-parameters", seconds=10)
            said = json.loads(answer.body) if answer.status == http.HTTPStatus.OK else {}
        except (OSError, ValueError, http.client.HTTPException):
            return {}
        return said if isinstance(said, dict) else {}

    # -- objects -----------------------------------------------------------------------------

    def objects(self) -> Iterator[tuple[str, str]]:
        """(name below the prefix, address) of every object of the input."""
        place = self.source["DataSource"]["S3DataSource"]
        uri, storage = place["S3Uri"], self.around.storage
        if place.get("S3DataType") == "ManifestFile":
            found = manifest(uri, storage.read(uri))
        else:
            found = [
                (item.name, below(uri, item.name) if item.name != tail(uri) else uri)
                for item in storage.objects(uri)
                if not item.name.endswith("/")
            ]
        if not found:
            raise JobError(f'ClientError: No S3 objects found under S3 URL "{uri}"')
        yield from found

    def one(
        self,
        instance: Instance,
        cut: Callable[[bytes], Iterator[bytes]],
        item: tuple[str, str],
        each: Callable[..., Iterator[bytes]],
    ) -> None:
        """One object, from its first byte to its .out; what fails is noted and told at the end."""
        name, address = item
        self.look()
        try:
            data = self.around.storage.read(address)
            if self.source.get("CompressionType") == "Gzip":
                data = gzip.decompress(data)
            answers = list(each(partial(self.client.ask, instance), cut(data)))
            made = assembled(answers, self.output.get("AssembleWith", "None"))
            if self.request.get("DataProcessing", {}).get("JoinSource") == "Input":
                made = joined(data, made, self.source.get("ContentType", ""))
            target = below(self.output["S3OutputPath"], f"{name}.out")
            self.around.storage.write(target, made)
            self.written += 1
        except (RecordError, ByoaError, OSError, EOFError) as error:
            self.failed.append(f"{name}: {error}")
            self.log(f"[sagemaker logs]: {address}: {error}", "/data-log")

    def reason(self) -> str:
        return (
            f"{self.failed[0].partition(': ')[2].partition(':')[0]}: {len(self.failed)} of"
            f" {len(self.failed) + self.written} objects failed; the others are written. The first:"
            f" {self.failed[0]}. See job logs for more information"
        )

    def log(self, line: str, more: str = "") -> None:
        self.around.logs.append(GROUP, self.stream + more, line)


def tail(uri: str) -> str:
    return uri.rpartition("/")[2]
