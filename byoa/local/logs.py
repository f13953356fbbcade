"""CloudWatch Logs on disk: groups, streams, lines with their times; boto3's method names."""

from __future__ import annotations

import shlex
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

from byoa.local.log_files import MOST_BYTES, Event, LogWriter, next_line, read, stream_path
from byoa.plan.errors import ServiceError

__all__ = ["PROCESSING_GROUP", "TRAINING_GROUP", "LogWriter", "Logs"]

MOST_EVENTS = 10_000
TRAINING_GROUP = "/aws/sagemaker/TrainingJobs"
PROCESSING_GROUP = "/aws/sagemaker/ProcessingJobs"


class Logs:
    """What byoa asks of boto3's client `logs`, answered from the disk."""

    def __init__(self, root: Path) -> None:
        self.root = Path(root)
        self.folder = self.root / "logs"

    def describe_log_groups(self, **request: Any) -> dict[str, Any]:
        prefix = request.get("logGroupNamePrefix", "")
        found = sorted(unquote(path.name) for path in _folders(self.folder))
        groups = [
            {"logGroupName": name, "arn": f"arn:aws:logs:us-east-1:123456789012:log-group:{name}:*"}
            for name in found
            if name.startswith(prefix)
        ]
        return {"logGroups": groups}

    def describe_log_streams(self, **request: Any) -> dict[str, Any]:
        group = request["logGroupName"]
        prefix = request.get("logStreamNamePrefix", "")
        streams = [
            _stream(name, self._file(group, name))
            for name in self._streams(group)
            if name.startswith(prefix)
        ]
        if request.get("orderBy") == "LastEventTime":
            streams.sort(key=lambda stream: stream.get("lastEventTimestamp", 0))
        return {"logStreams": streams[::-1] if request.get("descending") else streams}

    def get_log_events(self, **request: Any) -> dict[str, Any]:
        """A page of one stream; at its end nextForwardToken is the token that you sent.

        Tokens are places in the file: whoever follows a long log never reads it twice.
        """
        path = self._file(request["logGroupName"], request["logStreamName"], must=True)
        limit = request.get("limit", MOST_EVENTS)
        direction, _, place = request.get("nextToken", "/").partition("/")
        if direction == "f" or request.get("startFromHead"):
            begin = int(place or 0)
            found = list(islice(_within(read(path, begin), request), limit))
        else:
            end = int(place) if direction == "b" else None
            found = list(deque(_within(read(path, 0, end), request), maxlen=limit))
            begin = found[0].begin if found else int(place or 0)
        return {
            "events": [event.shown() for event in found],
            "nextForwardToken": f"f/{found[-1].end if found else begin}",
            "nextBackwardToken": f"b/{begin}",
        }

    def filter_log_events(self, **request: Any) -> dict[str, Any]:
        """Events of several streams in the order of their times."""
        group = request["logGroupName"]
        wanted = request.get("logStreamNames")
        prefix = request.get("logStreamNamePrefix", "")
        matches = _matcher(request.get("filterPattern", ""))
        found = [
            {**event.shown(), "logStreamName": name, "eventId": f"{name}:{event.begin}"}
            for name in self._streams(group)
            if (wanted is None or name in wanted) and name.startswith(prefix)
            for event in _within(read(self._file(group, name)), request)
            if matches(event.message)
        ]
        found.sort(key=lambda event: event["timestamp"])
        begin = int(request.get("nextToken", 0))
        end = begin + request.get("limit", MOST_EVENTS)
        more = {"nextToken": str(end)} if end < len(found) else {}
        return {"events": found[begin:end], "searchedLogStreams": [], **more}

    def delete_log_stream(self, **request: Any) -> dict[str, Any]:
        self._file(request["logGroupName"], request["logStreamName"], must=True).unlink()
        return {}

    def delete_log_group(self, **request: Any) -> dict[str, Any]:
        for name in self._streams(request["logGroupName"]):
            self._file(request["logGroupName"], name).unlink(missing_ok=True)
        (self.folder / quote(request["logGroupName"], safe="")).rmdir()
        return {}

    def _streams(self, group: str) -> list[str]:
        folder = self.folder / quote(group, safe="")
        if not folder.is_dir():
            raise _missing("group")
        return sorted(unquote(path.stem) for path in folder.glob("*.jsonl"))

    def _file(self, group: str, stream: str, must: bool = False) -> Path:
        path = stream_path(self.folder, group, stream)
        if must and not path.parent.is_dir():
            raise _missing("group")
        if must and not path.is_file():
            raise _missing("stream")
        return path


def _missing(what: str) -> ServiceError:
    text = f"The specified log {what} does not exist."
    return ServiceError("ResourceNotFoundException", text, "GetLogEvents")


def _folders(folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if path.is_dir()] if folder.is_dir() else []


def _within(events: Iterable[Event], request: dict[str, Any]) -> Iterator[Event]:
    begin, end = request.get("startTime", 0), request.get("endTime", float("inf"))
    return (event for event in events if begin <= event.timestamp < end)


def _stream(name: str, path: Path) -> dict[str, Any]:
    first = next(read(path), None)
    if first is None:
        return {"logStreamName": name}
    tail = max(0, path.stat().st_size - 2 * MOST_BYTES)
    last = first
    for event in read(path, next_line(path, tail)):
        last = event
    return {
        "logStreamName": name,
        "firstEventTimestamp": first.timestamp,
        "lastEventTimestamp": last.timestamp,
        "creationTime": first.timestamp,
    }


def _matcher(pattern: str) -> Callable[[str], bool]:
    """CloudWatch's plain patterns: words that must all be there, ?any of these, -none of these."""
    try:
        words: Sequence[str] = shlex.split(pattern)
    except ValueError:
        words = [pattern]
    needed = [word for word in words if word[0] not in "?-"]
    either = [word[1:] for word in words if word[0] == "?"]
    never = [word[1:] for word in words if word[0] == "-"]

    def matches(message: str) -> bool:
        return (
            all(word in message for word in needed)
            and (not either or any(word in message for word in either))
            and not any(word in message for word in never)
        )

    return matches
