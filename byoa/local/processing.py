"""Carries out one processing job: the supervisor's side of create_processing_job.

https://docs.aws.amazon.com/sagemaker/latest/dg/build-your-own-processing-container.html
"""

from __future__ import annotations

import time
import traceback
from pathlib import Path
from typing import Any

from byoa.local.channels import fetch
from byoa.local.files import now, read_json
from byoa.local.images import check_image
from byoa.local.job import Ended, JobError, JobRecord, StopAsked
from byoa.local.ownership import give_to_us, remove_tree
from byoa.local.processing_hosts import ProcessingHosts
from byoa.local.supervise import Around

STATUS = "ProcessingJobStatus"
LONGEST_MESSAGE = 1024


def run(folder: Path, around: Around) -> None:
    """The job below `folder`, from its start to its end."""
    course = ProcessingCourse(folder, around)
    try:
        course.run()
    except StopAsked:
        course.end("Stopped")
    except JobError as error:
        course.end("Failed", FailureReason=str(error)[:LONGEST_MESSAGE])
    except Exception as error:
        traceback.print_exc()
        course.end("Failed", FailureReason=f"InternalServerError: {type(error).__name__}: {error}")


class ProcessingCourse:
    """One processing job on its way."""

    def __init__(self, folder: Path, around: Around) -> None:
        self.folder, self.around = folder, around
        self.job = JobRecord(folder, STATUS)
        self.request: dict[str, Any] = read_json(folder / "request.json")
        self.image = str(self.request["AppSpecification"]["ImageUri"])
        self.started = 0.0

    def run(self) -> None:
        self.image = self.around.find_image(self.image)
        check_image(self.image)
        self.job.update(ProcessingStartTime=now())
        hosts = ProcessingHosts(self.folder, self.request, self.image, self.around)
        try:
            hosts.lay_out()
            storage = self.around.storage
            for place in hosts.inputs():
                fetch(storage, place.source, place.folder, place.part, self._progress)
            self.started = time.monotonic()
            hosts.start()
            self._finish(hosts, hosts.runs.wait(self._asked))
        finally:
            hosts.runs.close()
            remove_tree(hosts.folder, self.image)

    def _progress(self, *_bytes: int) -> None:
        if self.job.stop_asked():
            raise StopAsked

    def _asked(self) -> str:
        limit = self.request.get("StoppingCondition", {}).get("MaxRuntimeInSeconds", 86_400)
        if self.job.stop_asked():
            reason = "stop"
        elif time.monotonic() - self.started >= limit:
            reason = "runtime"
        else:
            return ""
        self.job.update(**{STATUS: "Stopping"})
        return reason

    def _finish(self, hosts: ProcessingHosts, ended: Ended) -> None:
        give_to_us(hosts.folder, self.image)
        message = hosts.message()
        if message:
            self.job.update(ExitMessage=message)
        hosts.upload(failed=bool(ended.failed))
        if ended.asked:
            return self.end("Stopped", **_why_stopped(ended.asked))
        if not ended.failed:
            return self.end("Completed")
        code, why = ended.codes[ended.failed], hosts.runs.why(ended.failed)
        what = f"{why[:1].upper()}{why[1:]}" if why else "See job logs for more information"
        self.end("Failed", FailureReason=f"AlgorithmError: {what}, exit code: {code}")
        return None

    def end(self, status: str, **fields: Any) -> None:
        self.job.update(**{STATUS: status, "ProcessingEndTime": now(), **fields})


def _why_stopped(reason: str) -> dict[str, str]:
    if reason == "stop":
        return {}
    return {"FailureReason": "ClientError: The job ran longer than MaxRuntimeInSeconds allows."}
