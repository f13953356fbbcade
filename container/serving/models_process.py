"""What a process forked for one model of many does: become its model process."""

from __future__ import annotations

import gc
import os
import re
import signal
import socket
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from container.root import Root
from container.serving import model_process
from container.serving.inference import Runner
from container.serving.log import say
from container.serving.model_process import CANNOT_LOAD, ModelProcess
from container.serving.models_memory import anonymous
from container.serving.outcomes import StopError
from container.serving.protocol import Head
from container.serving.settings import Settings

PRIVATE = re.compile(rb"^Private_(?:Clean|Dirty|Hugetlb):\s+(\d+) kB$", re.MULTILINE)
#: The kernel's choice when memory runs out: a model, and none of those that serve all of them.
EXPENDABLE = 500


@dataclass(frozen=True, slots=True)
class ModelRoot(Root):
    """The contract's folders, with one model of many as the model."""

    folder: Path

    @property
    def model(self) -> Path:
        return self.folder


@dataclass(slots=True)
class OneOfMany(ModelProcess):
    """A model process that says which model it is, and what that costs."""

    answered: int = 0

    def _answer_batch(self, sock: socket.socket, runner: Runner) -> bool:
        """As any; after the 1st, 2nd, 4th … what was shared and has been written to counts."""
        going_on = ModelProcess._answer_batch(self, sock, runner)
        self.answered += 1
        if going_on and not self.answered & (self.answered - 1):
            self.tell("ready", batches=runner.handler.predict_batch_fn is not None)
        return going_on

    def tell(self, state: str, **facts: Any) -> None:
        """As any model process, and its own memory with it."""
        if state == "ready":
            facts["memory"] = private_bytes()
        # zero-argument super() does not know a class of dataclass(slots=True)
        ModelProcess.tell(self, state, model=self.index, **facts)


def private_bytes() -> int:
    """Memory that is free again when we end: what we share with the zygote is not in it."""
    try:
        with open("/proc/self/smaps_rollup", "rb") as smaps:
            return sum(int(kilobytes) for kilobytes in PRIVATE.findall(smaps.read())) * 1024
    except OSError:  # a kernel without it
        return anonymous(os.getpid())


def become(start: Head, address: str, settings: Settings) -> int:
    """Load the model of a start message and serve it; gives the exit status."""
    model_process.show_frames()
    signal.signal(signal.SIGTERM, _leave)
    try:
        return _serve(start, address, settings)
    except StopError:
        return 0
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else CANNOT_LOAD


def _serve(start: Head, address: str, settings: Settings) -> int:
    _be_expendable()
    root = ModelRoot(settings.root.base, Path(start["path"]))
    settings = replace(settings, root=root)
    process = OneOfMany(
        start["number"], address, start["memory"], settings.max_payload, gpu_id=None
    )
    process.properties = {"model_name": start["name"]}
    process.tell("loading")
    begun = time.monotonic()
    runner = model_process.load(settings, process)
    gc.collect()
    gc.freeze()
    say(f"model {start['name']!r} loaded in {time.monotonic() - begun:.2f} s ({root.folder})")
    return process.serve(runner)


def _be_expendable() -> None:
    try:
        Path("/proc/self/oom_score_adj").write_text(str(EXPENDABLE))
    except OSError:  # a read-only /proc: then the kernel chooses by size
        pass


def _leave(number: int, frame: object) -> None:
    raise StopError
