"""One request to an endpoint: a file in, the answer out; at once, or through the storage."""

from __future__ import annotations

import mimetypes
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from byoa.place import Place
from byoa.plan.errors import ByoaError, NotFoundError, UsageError
from byoa.progress import say

#: What mimetypes does not know, or not by the names that models use.
TYPES = {
    ".jsonl": "application/jsonlines", ".csv": "text/csv", ".npy": "application/x-npy",
    ".webp": "image/webp", ".parquet": "application/x-parquet",
}  # fmt: skip
LARGEST = 25 << 20
PATIENCE = 3700.0


@dataclass(frozen=True, kw_only=True)
class Question:
    """What is sent, and how; `options` are more of boto3's arguments."""

    endpoint: str
    body: bytes = b""
    content_type: str = "application/octet-stream"
    accept: str = ""
    options: Mapping[str, str] = field(default_factory=dict)

    def request(self) -> dict[str, Any]:
        said = {"ContentType": self.content_type, "Accept": self.accept, **self.options}
        return {
            "EndpointName": self.endpoint, **{name: value for name, value in said.items() if value}
        }  # fmt: skip


def content_type(name: str) -> str:
    """By the file's suffix."""
    suffix = "." + name.rpartition(".")[2].lower()
    return TYPES.get(suffix) or mimetypes.guess_type(name)[0] or "application/octet-stream"


def ask(question: Question, place: Place) -> tuple[bytes, str]:
    """The answer and its content type."""
    if len(question.body) > LARGEST:
        raise UsageError(
            f"The body has {len(question.body) >> 20} MB, and endpoints take 25 at most. Deploy"
            " with --async and send it with `byoa invoke --async`, or use `byoa transform`."
        )
    answer = place.runtime.invoke_endpoint(**question.request(), Body=question.body)
    return answer["Body"].read(), answer.get("ContentType", "")


def ask_later(question: Question, place: Place, project: str, address: str) -> dict[str, Any]:
    """Queues a request: its input goes to the storage unless it lies at an address already."""
    if not address:
        address = (
            f"{place.storage.base}/{project}/endpoints/{question.endpoint}/input/{uuid.uuid4()}"
        )
        place.storage.write(address, question.body)
    answer = place.runtime.invoke_endpoint_async(**question.request(), InputLocation=address)
    names = ("InferenceId", "OutputLocation", "FailureLocation")
    return {"InputLocation": address, **{name: answer[name] for name in names if name in answer}}


def wait(
    queued: Mapping[str, Any],
    place: Place,
    sleep: Callable[[float], None] = time.sleep,
    patience: float = PATIENCE,
) -> bytes:
    """The answer of a queued request; ByoaError with the endpoint's words when it failed."""
    pause, end = (0.2 if place.is_local else 2.0), time.monotonic() + patience
    say(f"waiting for {queued['OutputLocation']}")
    while time.monotonic() < end:
        for name in ("OutputLocation", "FailureLocation"):
            try:
                found = place.storage.read(queued[name])
            except (NotFoundError, KeyError):
                continue
            if name == "OutputLocation":
                return found
            raise ByoaError(f"The request failed: {found[:1024].decode(errors='replace')}")
        sleep(pause)
    raise ByoaError(f"There is no answer after {patience:.0f} s at {queued['OutputLocation']}.")
