"""CloudWatch Logs: before moto answers, it gets the lines that jobs and builds wrote meanwhile.

So all of the API works on them: streams, filters, `aws logs tail`, retention, deletion.
"""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from werkzeug.wrappers import Response

from byoa.plan.errors import ServiceError
from byoa.sandbox.hooks import Sandbox
from byoa.sandbox.sagemaker import root
from byoa.sandbox.state import ACCOUNT
from byoa.sandbox.wire import Call

#: put_log_events takes as many at once.
BATCH = 10_000


class Importer:
    """Remembers how far each file of byoa.local's logs was read."""

    def __init__(self) -> None:
        self.read: dict[Path, int] = {}
        self.lock = threading.Lock()

    def bring(self, folder: Path, backend: Any) -> None:
        """Everything new below a folder, into moto."""
        with self.lock:
            for path in sorted(folder.glob("*/*.jsonl")):
                events = self.news(path)
                if events or path not in self.read:
                    self.read.setdefault(path, 0)
                    put(backend, unquote(path.parent.name), unquote(path.stem), events)

    def news(self, path: Path) -> list[dict[str, Any]]:
        """The whole lines that came since the last time."""
        events = []
        try:
            with path.open("rb") as file:
                file.seek(self.read.get(path, 0))
                for line in file:
                    if not line.endswith(b"\n"):
                        break
                    moment, message = json.loads(line)
                    events.append({"timestamp": moment, "message": message})
                    self.read[path] = self.read.get(path, 0) + len(line)
        except FileNotFoundError:
            pass
        return events


IMPORTER = Importer()


def put(backend: Any, group: str, stream: str, events: list[dict[str, Any]]) -> None:
    """Lines into moto, with the group and the stream that they need."""
    if group not in backend.groups:
        backend.create_log_group(group, {})
    if stream not in backend.groups[group].streams:
        backend.create_log_stream(group, stream)
    for at in range(0, len(events), BATCH):
        backend.put_log_events(group, stream, events[at : at + BATCH])


def logs(sandbox: Sandbox, call: Call) -> Response | None:
    """Brings the news of the region; moto answers."""
    from moto.backends import get_backend

    backend = get_backend("logs")[ACCOUNT][call.region]
    IMPORTER.bring(root(sandbox.state, call.region) / "logs", backend)
    if call.operation == "GetLogEvents":  # moto would say that the group is missing
        group = backend.groups.get(call.parameters.get("logGroupName", ""))
        if group and call.parameters.get("logStreamName") not in group.streams:
            text = "The specified log stream does not exist."
            raise ServiceError("ResourceNotFoundException", text, call.operation)
    return None
