"""One endpoint at work, in its supervisor process: builds its fleet, answers, changes, ends."""

from __future__ import annotations

import signal
import sys
import threading
import time
import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from byoa.local.async_requests import AsyncRequests
from byoa.local.data_capture import Capture
from byoa.local.endpoint_files import EndpointFiles
from byoa.local.endpoint_shown import captured, deployed
from byoa.local.exchange import Answer
from byoa.local.fleet import Fleet
from byoa.local.front_door import FrontDoor
from byoa.local.invocation import Endpoint, Invocation, refuse
from byoa.local.job import JobError
from byoa.local.resources import ACCOUNT, REGION, Tags
from byoa.local.supervise import Around
from byoa.local.sweep import labels
from byoa.local.variants import Network, build
from byoa.plan.errors import ByoaError

LOOK_EVERY = 0.2
#: Seconds that requests have to end when their endpoint is deleted.
LAST_ANSWERS = 60.0
GROUP = "/aws/sagemaker/Endpoints/"


def run(folder: Path, around: Around) -> None:
    """Looks after the endpoint of a folder until it is deleted, or until SIGTERM."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    Hosting(EndpointFiles(folder), around).run()


@dataclass
class Hosting:
    """The loop of one endpoint; what is so is in `now_is`, what is wanted on the disk."""

    files: EndpointFiles
    around: Around

    def __post_init__(self) -> None:
        self.group = GROUP + self.files.name
        self.network = Network(self.files.folder, labels(self.files.folder, self.around.root))
        arn = self.files.wanted.get("EndpointArn", "")
        logs = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{self.group}"
        self.endpoint = Endpoint(self.files.name, arn, logs, Fleet([]))
        self.queue: AsyncRequests | None = None
        self.capture: Capture | None = None
        self.leaving: list[Fleet] = []
        self.now_is: dict[str, Any] = self.files.record

    def run(self) -> None:
        door = FrontDoor(self.respond)
        self.now_is.update(Port=door.port, Key=door.key)
        deleted = False
        try:
            while not (deleted := bool(self.files.wanted.get("Delete"))):
                wanted = self.files.wanted
                if wanted["Generation"] != self.now_is["Generation"]:
                    self.change(wanted)
                time.sleep(LOOK_EVERY)
        except Exception as error:
            traceback.print_exc()
            reason = f"InternalServerError: {type(error).__name__}: {error}"[:1024]
            self.tell(EndpointStatus="Failed", FailureReason=reason)
            raise
        finally:
            self.close_parts(waiting=False)
            self.endpoint.fleet.close(LAST_ANSWERS if deleted else 0)
            for fleet in self.leaving:
                fleet.close(0)
            door.close()
            self.network.close()
        Tags(self.around.root).forget(self.endpoint.arn)
        self.files.remove()

    # -- changes -----------------------------------------------------------------------------

    def change(self, wanted: Mapping[str, Any]) -> None:
        """To what is wanted: other weights, or a new fleet beside the old one."""
        generation = wanted["Generation"]
        if wanted.get("Weights"):
            self.reweigh(wanted["Weights"])
            self.tell(Generation=generation, EndpointStatus="InService", FailureReason="")
            return
        fleet, trouble = self.fleet_for(wanted)
        if trouble:
            fleet.close(0)
            status = "InService" if self.endpoint.fleet.variants else "Failed"
            self.tell(Generation=generation, EndpointStatus=status, FailureReason=trouble)
            return
        if wanted.get("Retain"):
            self.keep_weights(fleet)
        old, self.endpoint.fleet = self.endpoint.fleet, fleet
        self.open_parts(wanted["Config"])
        self.shown(wanted)
        self.leaving.append(old)  # its last requests may take an hour
        threading.Thread(target=old.close, args=(old.longest,), daemon=True).start()

    def fleet_for(self, wanted: Mapping[str, Any]) -> tuple[Fleet, str]:
        """The fleet, and why it cannot serve ("" when it can)."""
        folder = self.files.folder / f"generation-{wanted['Generation']}"
        fleet = Fleet([], folder)
        try:
            build(fleet, wanted, folder, self.around, self.log, self.network)
        except (ByoaError, JobError) as error:
            return fleet, str(error)[:1024]
        except Exception as error:  # of the storage, whosever it is
            traceback.print_exc()
            return fleet, f"{type(error).__name__}: {error}"[:1024]
        return fleet, fleet.wait_healthy(lambda: bool(self.files.wanted.get("Delete")))

    def reweigh(self, wishes: Mapping[str, Mapping[str, Any]]) -> None:
        """Other weights at once; other counts would be other machines, there is only this one."""
        for variant in self.endpoint.fleet.variants:
            wish = wishes.get(variant.name, {})
            variant.weight = wish.get("DesiredWeight", variant.weight)
            for shown in self.now_is["ProductionVariants"]:
                if shown["VariantName"] == variant.name:
                    shown.update(CurrentWeight=variant.weight, DesiredWeight=variant.weight)

    def keep_weights(self, fleet: Fleet) -> None:
        before = {variant.name: variant.weight for variant in self.endpoint.fleet.variants}
        for variant in fleet.variants:
            variant.weight = before.get(variant.name, variant.weight)

    def open_parts(self, config: Mapping[str, Any]) -> None:
        """Capture and the async queue of a configuration, in place of the old one's."""
        self.close_parts()
        capture = config.get("DataCaptureConfig", {})
        self.capture = (
            Capture(self.files.name, capture, self.around.storage)
            if capture.get("EnableCapture", bool(capture))
            else None
        )
        self.endpoint.captured = self.capture.add if self.capture else lambda *_: None
        asynchronous = config.get("AsyncInferenceConfig")
        self.queue = (
            AsyncRequests(asynchronous, self.around.storage, self.endpoint.invoke)
            if asynchronous
            else None
        )

    def close_parts(self, waiting: bool = True) -> None:
        if self.queue:
            self.queue.close(waiting)
        if self.capture:
            self.capture.close()

    # -- telling -------------------------------------------------------------------------------

    def shown(self, wanted: Mapping[str, Any]) -> None:
        config = wanted["Config"]
        capture, serving = config.get("DataCaptureConfig"), self.endpoint.fleet.variants
        self.tell(
            Generation=wanted["Generation"],
            EndpointStatus="InService",
            FailureReason="",
            EndpointConfigName=config["EndpointConfigName"],
            AsyncInferenceConfig=config.get("AsyncInferenceConfig"),
            LastDeploymentConfig=wanted.get("Deployment"),
            DataCaptureConfig=capture and captured(capture),
            Addresses=[one.address for each in serving for one in each.instances],
            ProductionVariants=[
                deployed(variant, one, wanted["Models"])
                for variant, one in zip(config["ProductionVariants"], serving)
            ],
        )

    def tell(self, **changes: Any) -> None:
        self.now_is.update(changes)
        self.files.tell(**self.now_is)

    def log(self, stream: str, line: str) -> None:
        self.around.logs.append(self.group, stream, line)

    def respond(self, word: str, request: Invocation) -> Answer:
        if word == "async-invocations":
            if self.queue:
                return self.queue.add(request)
            text = f"Endpoint {self.files.name} is not asynchronous: call InvokeEndpoint."
            return refuse("ValidationError", text, 400)
        if self.queue:
            text = f"Endpoint {self.files.name} is asynchronous: call InvokeEndpointAsync."
            return refuse("ValidationError", text, 400)
        return self.endpoint.invoke(request)
