"""A predictor with a fixed amount of work for one core, in `serve` and without any server."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

PREDICTOR = """
ROUNDS = {rounds}


def model_fn(model_dir):
    return None


def transform_fn(model, data, content_type, accept):
    total = 0
    for number in range(ROUNDS):
        total += number * number
    return b'{"total": 1}' if total else b"", "application/json"
"""
ALONE = """
import json, sys, time
code, body = sys.argv[1], b"x" * 100_000
names = {}
exec(code, names)
for line in sys.stdin:
    count, end = 0, time.monotonic() + float(line)
    while time.monotonic() < end:
        names["transform_fn"](None, body, "image/jpeg", "application/json")
        count += 1
    print(json.dumps(count), flush=True)
"""


def predictor(milliseconds: float) -> str:
    """Source of a predictor that takes about so long on this machine, by processor time."""
    names: dict[str, object] = {}
    exec(PREDICTOR.replace("{rounds}", "100_000"), names)  # noqa: S102 - our own text, above
    work = names["transform_fn"]
    assert callable(work)
    took = []
    for _ in range(30):
        began = time.process_time()
        work(None, b"", "", "")
        took.append(time.process_time() - began)
    rounds = int(100_000 * milliseconds / 1000 / min(took))
    return PREDICTOR.replace("{rounds}", str(rounds))


class Alone:
    """The predictor in processes of its own, called in a loop: what no server can exceed."""

    def __init__(self, processes: list[subprocess.Popen[str]]) -> None:
        self.processes = processes

    def rate(self, seconds: float) -> float:
        """Predictions a second of all processes together."""
        for process in self.processes:
            assert process.stdin is not None
            process.stdin.write(f"{seconds}\n")
            process.stdin.flush()
        counts = []
        for process in self.processes:
            assert process.stdout is not None
            counts.append(json.loads(process.stdout.readline()))
        return float(sum(counts)) / seconds


@contextmanager
def alone(source: str, processes: int) -> Iterator[Alone]:
    """So many processes that wait to be asked for their rate."""
    with ExitStack() as stack:
        started = []
        for _ in range(processes):
            process = subprocess.Popen(
                [sys.executable, "-c", ALONE, source],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            started.append(stack.enter_context(process))
        yield Alone(started)
