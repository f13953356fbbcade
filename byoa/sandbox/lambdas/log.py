"""A process's log stream: the function's lines between Lambda's own."""

from __future__ import annotations

import datetime
import os
import select
import threading
import uuid
from collections import deque

from byoa.local.log_files import LogWriter
from byoa.sandbox.lambdas.function import Function

#: LogType=Tail answers with the last 4 KB.
TAIL_BYTES = 4096
#: A line without an end is written when it has grown to this.
LONGEST = 256 * 1024


def stream_name(function: Function) -> str:
    today = datetime.datetime.now(datetime.timezone.utc)
    return f"{today:%Y/%m/%d}/[{function.version}]{uuid.uuid4().hex}"


class FunctionLog:
    """Writes to CloudWatch, and remembers the end of what one invocation wrote."""

    def __init__(self, writer: LogWriter | None, group: str, stream: str) -> None:
        self.writer, self.group, self.stream = writer, group, stream
        self.last: deque[str] = deque(maxlen=2000)

    def line(self, text: str) -> None:
        self.last.append(text)
        if self.writer is not None:
            self.writer.append(self.group, self.stream, text or " ")

    def tail(self) -> bytes:
        return "".join(f"{line}\n" for line in self.last).encode()[-TAIL_BYTES:]


class Pipe:
    """Reads what a process writes, and can wait until all of it by now has been read."""

    def __init__(self, source: int, log: FunctionLog) -> None:
        self.source, self.log = source, log
        self.rest = b""
        self.reading = threading.Lock()
        self.ended = threading.Event()
        threading.Thread(target=self.run, daemon=True).start()

    def run(self) -> None:
        try:
            while True:
                select.select([self.source], [], [])
                if not self.take():
                    return
        finally:
            self.ended.set()
            os.close(self.source)

    def take(self) -> bool:
        """What is there now, as lines; False at the end."""
        with self.reading:
            if self.ended.is_set() or not select.select([self.source], [], [], 0)[0]:
                return not self.ended.is_set()
            data = os.read(self.source, 65536)
            self.rest += data
            *lines, self.rest = self.rest.split(b"\n")
            if (not data or len(self.rest) > LONGEST) and self.rest:
                lines, self.rest = [*lines, self.rest], b""
            for line in lines:
                # the runtime client writes a traceback as one event, with \r for its line ends
                text = line.decode("utf-8", "replace").rstrip("\r").replace("\r", "\n")
                self.log.line(text)
            if not data:
                self.ended.set()
            return bool(data)

    def drain(self) -> None:
        """Everything that was written before this call has become lines."""
        while not self.ended.is_set() and select.select([self.source], [], [], 0)[0]:
            self.take()
        with self.reading:  # the other thread may be in the middle of the last ones
            pass
