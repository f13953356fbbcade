"""CloudWatch Logs on disk: groups, streams, lines with their times; boto3's method names."""

from __future__ import annotations

import json
import shlex
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

from byoa.plan.errors import ServiceError

#: One event of CloudWatch holds 256 KB, 26 bytes of which it keeps for itself.
LONGEST_LINE = 256 * 1024 - 26
MOST_EVENTS = 10_000
TRAINING_GROUP = "/aws/sagemaker/TrainingJobs"
PROCESSING_GROUP = "/aws/sagemaker/ProcessingJobs"


def milliseconds() -> int:
    return int(time.time() * 1000)


class LogWriter:
    """Appends lines to streams, from any thread."""

    def __init__(self, root: Path, clock: Callable[[], int] = milliseconds) -> None:
        self.folder = Path(root) / "logs"
        self.clock = clock
        self._lock = threading.Lock()

    def append(self, group: str, stream: str, line: str, timestamp: int | None = None) -> None:
        """One line; CloudWatch cuts a longer one in pieces, and so is it here."""
        path = _path(self.folder, group, stream)
        moment = self.clock() if timestamp is None else timestamp
        text = "".join(
            json.dumps([moment, piece], ensure_ascii=False) + "\n" for piece in _pieces(line)
        )
        with self._lock:
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("ab") as file:
                file.write(text.encode("utf-8", "replace"))


def _pieces(line: str) -> Iterator[str]:
    encoded = line.encode("utf-8", "replace")
    if len(encoded) <= LONGEST_LINE:
        yield encoded.decode()
        return
    while encoded:
        end = LONGEST_LINE
        while end < len(encoded) and encoded[end] & 0xC0 == 0x80:
            end -= 1  # not in the middle of a character
        yield encoded[:end].decode()
        encoded = encoded[end:]


def _path(folder: Path, group: str, stream: str) -> Path:
    return folder / quote(group, safe="") / f"{quote(stream, safe='')}.jsonl"


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
        """A page of one stream; at its end nextForwardToken is the token that you sent."""
        path = self._file(request["logGroupName"], request["logStreamName"], must=True)
        events = _within(_read(path), request)
        limit = request.get("limit", MOST_EVENTS)
        token = request.get("nextToken", "")
        if token.startswith("f/"):
            begin = int(token[2:])
        elif token.startswith("b/"):
            begin = max(0, int(token[2:]) - limit)
        else:
            begin = 0 if request.get("startFromHead") else max(0, len(events) - limit)
        end = int(token[2:]) if token.startswith("b/") else begin + limit
        page = events[begin:end]
        return {
            "events": page,
            "nextForwardToken": f"f/{begin + len(page)}",
            "nextBackwardToken": f"b/{begin}",
        }

    def filter_log_events(self, **request: Any) -> dict[str, Any]:
        """Events of several streams in the order of their times."""
        group = request["logGroupName"]
        wanted = request.get("logStreamNames")
        prefix = request.get("logStreamNamePrefix", "")
        matches = _matcher(request.get("filterPattern", ""))
        found = [
            {**event, "logStreamName": name, "eventId": f"{name}:{number}"}
            for name in self._streams(group)
            if (wanted is None or name in wanted) and name.startswith(prefix)
            for number, event in enumerate(_within(_read(self._file(group, name)), request))
            if matches(event["message"])
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
        path = _path(self.folder, group, stream)
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


def _read(path: Path) -> list[dict[str, Any]]:
    """Every whole line: the last one may be in the middle of being written."""
    events = []
    with path.open("rb") as file:
        for line in file:
            if line.endswith(b"\n"):
                moment, message = json.loads(line)
                events.append({"timestamp": moment, "message": message, "ingestionTime": moment})
    return events


def _within(events: list[dict[str, Any]], request: dict[str, Any]) -> list[dict[str, Any]]:
    begin, end = request.get("startTime", 0), request.get("endTime", float("inf"))
    return [event for event in events if begin <= event["timestamp"] < end]


def _stream(name: str, path: Path) -> dict[str, Any]:
    events = _read(path)
    times = (
        {
            "firstEventTimestamp": events[0]["timestamp"],
            "lastEventTimestamp": events[-1]["timestamp"],
            "creationTime": events[0]["timestamp"],
        }
        if events
        else {}
    )
    return {"logStreamName": name, **times}


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
