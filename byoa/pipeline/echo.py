"""The logs of tasks on stdout while they are written: what runs in a container is seen there."""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress

from byoa.pipeline.runs import Run


class Echo:
    """`follow` copies what the logs of these tasks have got since the last time."""

    def __init__(self, run: Run, to: int = 1) -> None:
        self.run, self.to = run, to
        self.told: dict[str, int] = {}

    def follow(self, tasks: Iterable[str]) -> None:
        for task in tasks:
            with suppress(FileNotFoundError), self.run.log(task).open("rb") as log:
                log.seek(self.told.get(task, 0))
                while new := log.read(1 << 16):
                    self.told[task] = log.tell()
                    while new:
                        new = new[os.write(self.to, new) :]
