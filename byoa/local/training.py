"""Carries out one training job: the supervisor's side of create_training_job."""

from __future__ import annotations

import time
import traceback
from pathlib import Path
from typing import Any

from byoa.local.files import now, read_json
from byoa.local.images import check_image
from byoa.local.job import Ended, JobError, JobRecord, StopAsked, failure_reason
from byoa.local.metrics import Metrics
from byoa.local.ownership import remove_tree
from byoa.local.resources import Tags
from byoa.local.supervise import Around
from byoa.local.training_round import Round

#: Status, secondary status, message, and the FailureReason or "".
Ending = tuple[str, str, str, str]
STATUS = "TrainingJobStatus"
INTERRUPT_TAG = "byoa:interrupt-after"
STOPPED = {
    "stop": ("Stopped", "Training job stopped"),
    "runtime": ("MaxRuntimeExceeded", "Training job runtime exceeded MaxRuntimeInSeconds provided"),
    "wait": ("MaxWaitTimeExceeded", "Training job exceeded MaxWaitTimeInSeconds provided"),
}


def run(folder: Path, around: Around) -> None:
    """The job below `folder`, from Starting to its end."""
    course = TrainingCourse(folder, around)
    try:
        course.run()
    except StopAsked as asked:
        course.end("Stopped", *STOPPED[str(asked)])
    except JobError as error:
        course.fail(str(error))
    except Exception as error:
        traceback.print_exc()
        course.fail(f"InternalServerError: {type(error).__name__}: {error}")


class TrainingCourse:
    """One training job on its way, with a Round for every start after an interruption."""

    def __init__(self, folder: Path, around: Around) -> None:
        self.folder, self.around = folder, around
        self.job = JobRecord(folder, STATUS)
        self.request: dict[str, Any] = read_json(folder / "request.json")
        algorithm = self.request["AlgorithmSpecification"]
        self.image = str(algorithm["TrainingImage"])
        self.metrics = Metrics(algorithm.get("MetricDefinitions", []))
        self.created = time.monotonic()
        self.trained = self.billed = 0.0  # seconds, over all rounds that were interrupted
        self.round_began = self.created
        self.interruptions = self._interruptions()

    def _interruptions(self) -> list[float]:
        """When spot instances are to be taken back: seconds of each round, one after the other."""
        if not self.request.get("EnableManagedSpotTraining"):
            return []
        tags = Tags(self.around.root).get(self.request["TrainingJobArn"])
        return [float(word) for word in tags.get(INTERRUPT_TAG, "").split(",") if word.strip()]

    def run(self) -> None:
        self.image = self.around.find_image(self.image)
        check_image(self.image)
        number = 1
        while (ending := self._round(number)) is None:
            number += 1
            self.job.move("Starting", "Preparing the instances for training")
        self.end(*ending)

    def _round(self, number: int) -> Ending | None:
        """One start on fresh machines, and how the job ended; None when it was interrupted."""
        self.round_began = time.monotonic()
        self.job.record.setdefault("TrainingStartTime", now())
        folder = self.folder / "hosts" / str(number)
        this = Round(self.folder, folder, self.request, self.image, self.around)
        try:
            self.job.move("Downloading", "Downloading input data")
            self._progress()
            this.folders.lay_out(self._progress)
            self.job.move("Training", "Training image download completed. Training in progress.")
            ended = this.train(lambda: self._asked(this), self.metrics.feed)
            if ended.asked != "interrupt":
                return self._finish(this, ended)
            self._interrupt(this)
            return None
        finally:
            this.runs.close()
            remove_tree(folder, self.image)

    def _progress(self, *_bytes: int) -> None:
        if reason := self._early():
            raise StopAsked(reason)

    def _early(self) -> str:
        """Why the job has to stop, before it trains."""
        limit = self.request["StoppingCondition"].get("MaxWaitTimeInSeconds", float("inf"))
        if self.job.stop_asked():
            return "stop"
        return "wait" if time.monotonic() - self.created > limit else ""

    def _asked(self, this: Round) -> str:
        """Why the containers have to stop now, or ""."""
        limit = self.request["StoppingCondition"].get("MaxRuntimeInSeconds", 86_400)
        reason = self._early()
        if not reason and self.trained + this.seconds >= limit:
            reason = "runtime"
        if reason:
            self.job.move("Stopping", "Stopping the training job", **{STATUS: "Stopping"})
            return reason
        return "interrupt" if self.interruptions and this.seconds >= self.interruptions[0] else ""

    def _interrupt(self, this: Round) -> None:
        self.interruptions.pop(0)
        this.finish_syncs()
        self.trained += this.seconds
        self.billed += time.monotonic() - self.round_began
        self.job.move("Interrupted", "The Spot instances were taken back; others are waited for")

    def _finish(self, this: Round, ended: Ended) -> Ending:
        self.job.move("Uploading", "Uploading generated training model")
        this.finish_syncs()
        failure = "" if ended.asked or not ended.failed else self._why(this, ended)
        if self.metrics.values:
            self.job.update(FinalMetricDataList=self.metrics.final())
        try:
            model = this.upload()
            if model:
                self.job.update(ModelArtifacts={"S3ModelArtifacts": model})
        except JobError as error:
            failure = failure or str(error)
        if failure:
            return "Failed", "Failed", failure, failure
        if ended.asked:
            return "Stopped", *STOPPED[ended.asked], ""
        return "Completed", "Completed", "Training job completed", ""

    def _why(self, this: Round, ended: Ended) -> str:
        """What the host that failed first says."""
        host = ended.failed
        return failure_reason(this.folders.folder / host, ended.codes[host], this.runs.why(host))

    def fail(self, reason: str) -> None:
        self.end("Failed", "Failed", reason, reason)

    def end(self, status: str, secondary: str, message: str, reason: str = "") -> None:
        moment = now()
        fields: dict[str, Any] = {STATUS: status, "TrainingEndTime": moment}
        if reason:
            fields["FailureReason"] = reason[:1024]
        begin = self.job.record.get("TrainingStartTime")
        if begin is not None:
            took = (moment - begin).total_seconds()
            billed = self.billed + time.monotonic() - self.round_began
            fields["TrainingTimeInSeconds"] = max(1, round(took))
            fields["BillableTimeInSeconds"] = max(1, min(round(billed), round(took)))
        self.job.move(secondary, message[:1024], **fields)
