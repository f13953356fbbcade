"""CloudWatch's lines of all hosts of one job as one flow, and as files.

`logs` is anything with boto3's describe_log_streams and get_log_events: byoa.local.Logs too.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from byoa.plan.advice import passes_by
from byoa.plan.errors import error_code

#: Rounds in a row that may be throttled or cut.
PATIENCE = 30


class Line(NamedTuple):
    """One line: who said it, when (milliseconds since 1970), what."""

    host: str
    time: int
    text: str


def follow(
    logs: Any,
    group: str,
    prefix: str,
    ended: Callable[[], bool] = lambda: True,
    *,
    pause: float = 2.0,
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[Line]:
    """Lines of every stream that starts with `prefix` (`JOB/`), by time, until all is said.

    With the default `ended` that is what there is now. Lines that CloudWatch shows late, after
    younger ones of another host, come late.
    """
    tokens: dict[str, str] = {}
    patience, quiet = PATIENCE, 0
    over = old = ended()  # asked before each look, so that the last lines are seen
    while True:
        lines: list[Line] = []
        try:
            for stream in streams(logs, group, prefix):
                lines.extend(_read(logs, group, stream, tokens))
            patience = PATIENCE
        except Exception as error:
            patience = PATIENCE - 1 if lines else patience - 1
            if not passes_by(error) or not patience:
                raise
        yield from sorted(lines, key=lambda line: line.time)
        quiet = quiet + 1 if over and not lines and patience == PATIENCE else 0
        if quiet > (0 if old else 2):  # CloudWatch shows the last lines some seconds late
            return
        if not (over and lines):
            sleep(pause)
        over = over or ended()


def streams(logs: Any, group: str, prefix: str) -> list[str]:
    """The streams' names; none when the group is not there yet."""
    names: list[str] = []
    more = {"logStreamNamePrefix": prefix} if prefix else {}  # AWS takes no empty one
    while True:
        try:
            page = logs.describe_log_streams(logGroupName=group, **more)
        except Exception as error:
            if error_code(error) == "ResourceNotFoundException":
                return names
            raise
        names += [stream["logStreamName"] for stream in page["logStreams"]]
        if not page.get("nextToken"):
            return names
        more["nextToken"] = page["nextToken"]


def save(logs: Any, group: str, prefix: str, folder: Path) -> list[Path]:
    """OUT/logs/logs0, logs1 …: one file a host, in the order of the hosts' numbers."""
    by_host: dict[str, list[str]] = {}
    for stream in sorted(streams(logs, group, prefix)):  # of a host that restarted: by its time
        by_host.setdefault(host_of(stream), []).append(stream)
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for number, host in enumerate(sorted(by_host, key=_natural)):
        path, part = folder / f"logs{number}", folder / f"logs{number}.part"
        with part.open("w", encoding="utf-8") as file:
            for stream in by_host[host]:
                file.writelines(line.text + "\n" for line in _read(logs, group, stream, {}))
        paths.append(part.replace(path))
    return paths


def host_of(stream: str) -> str:
    """`algo-1` of `JOB/algo-1-1700000000`; what an endpoint's stream ends in, as it is."""
    return re.sub(r"-\d{6,}$", "", stream.rpartition("/")[2])


def _read(logs: Any, group: str, stream: str, tokens: dict[str, str]) -> Iterator[Line]:
    """A stream from where `tokens` says it was left; the end is when the token stays the same."""
    host = host_of(stream)
    while True:
        more = {"nextToken": tokens[stream]} if stream in tokens else {}
        page = logs.get_log_events(
            logGroupName=group, logStreamName=stream, startFromHead=True, **more
        )
        for event in page["events"]:
            yield Line(host, int(event["timestamp"]), str(event["message"]).rstrip("\r\n"))
        token = page["nextForwardToken"]
        if token == tokens.get(stream):
            return
        tokens[stream] = token


def _natural(host: str) -> list[tuple[int, str]]:
    return [(int(part or 0) if part.isdigit() else 0, part) for part in re.split(r"(\d+)", host)]
