"""Data capture: what an endpoint was asked and what it answered, as AWS writes it.

https://docs.aws.amazon.com/sagemaker/latest/dg/model-monitor-data-capture-endpoint.html
"""

from __future__ import annotations

import base64
import json
import random
import threading
import traceback
import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from byoa.local.exchange import Answer
from byoa.local.files import now
from byoa.local.fleet import Variant
from byoa.local.invocation import Invocation
from byoa.plan.storage import Storage

FLUSH_EVERY = 2.0
CSV, JSON = "text/csv", "application/json"


class Capture:
    """Samples requests and writes them from a thread, a file for each variant and flush."""

    def __init__(
        self, endpoint: str, config: Mapping[str, Any], storage: Storage, every: float = FLUSH_EVERY
    ) -> None:
        self.endpoint, self.config, self.storage, self.every = endpoint, config, storage, every
        self.modes = {option["CaptureMode"] for option in config.get("CaptureOptions", [])}
        self.waiting: dict[str, list[str]] = {}
        self.lock = threading.Lock()
        self.closing = threading.Event()
        self.thread = threading.Thread(target=self.live, daemon=True)
        self.thread.start()

    def add(self, request: Invocation, answer: Answer, variant: Variant) -> None:
        if random.uniform(0, 100) >= self.config["InitialSamplingPercentage"]:
            return
        line = json.dumps(self.record(request, answer), separators=(",", ":"))
        with self.lock:
            self.waiting.setdefault(variant.name, []).append(line)

    def record(self, request: Invocation, answer: Answer) -> dict[str, Any]:
        """One line of a capture file."""
        data: dict[str, Any] = {}
        if self.modes & {"Input", "InputAndOutput"}:
            kind = request.headers.get("content-type", "")
            data["endpointInput"] = self.side("INPUT", kind, request.body)
        if self.modes & {"Output", "InputAndOutput"}:
            kind = answer.headers.get("content-type", "")
            data["endpointOutput"] = self.side("OUTPUT", kind, answer.body)
        about: dict[str, Any] = {
            "eventId": str(uuid.uuid4()),
            "inferenceTime": f"{now():%Y-%m-%dT%H:%M:%SZ}",
        }
        if request.header("inference-id"):
            about["inferenceId"] = request.header("inference-id")
        attributes = request.header("custom-attributes")
        if attributes:
            about["customAttributes"] = [attributes]
        return {"captureData": data, "eventMetadata": about, "eventVersion": "0"}

    def side(self, mode: str, kind: str, body: bytes) -> dict[str, Any]:
        data, encoding = self.encoded(kind.partition(";")[0].strip().lower(), body)
        return {"observedContentType": kind, "mode": mode, "data": data, "encoding": encoding}

    def encoded(self, kind: str, body: bytes) -> tuple[str, str]:
        """Text where the configuration says that it is text, else base64."""
        said = self.config.get("CaptureContentTypeHeader", {})
        for encoding, types in (
            ("CSV", said.get("CsvContentTypes", [CSV])),
            ("JSON", said.get("JsonContentTypes", [JSON])),
        ):
            if kind in types:
                try:
                    return body.decode(), encoding
                except UnicodeDecodeError:
                    break
        return base64.b64encode(body).decode(), "BASE64"

    def live(self) -> None:
        while not self.closing.wait(self.every):
            self.flush()
        self.flush()

    def flush(self) -> None:
        with self.lock:
            waiting, self.waiting = self.waiting, {}
        for variant, lines in waiting.items():
            text = "".join(f"{line}\n" for line in lines)
            try:
                self.storage.write(self.address(variant, now()), text.encode())
            except Exception:  # of the storage: the endpoint goes on without
                traceback.print_exc()

    def address(self, variant: str, moment: datetime) -> str:
        base = self.config["DestinationS3Uri"].rstrip("/")
        name = f"{moment:%M-%S}-{moment.microsecond // 1000:03}-{uuid.uuid4()}.jsonl"
        return f"{base}/{self.endpoint}/{variant}/{moment:%Y/%m/%d/%H}/{name}"

    def close(self) -> None:
        self.closing.set()
        self.thread.join()
