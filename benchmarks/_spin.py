"""A predictor with a fixed amount of work for one core, in `serve` and without any server."""

from __future__ import annotations

import json
import os
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
CALL = """
def call():
    transform_fn(None, b"x" * 100_000, "image/jpeg", "application/json")
"""
ALONE = """
import json, sys, time
names = {}
exec(sys.argv[1], names)
call = names["call"]
for line in sys.stdin:
    count, began = 0, time.monotonic()
    end = began + float(line)
    while time.monotonic() < end:
        call()
        count += 1
    print(json.dumps(count / (time.monotonic() - began)), flush=True)
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
        rates = []
        for process in self.processes:
            assert process.stdout is not None
            rates.append(float(json.loads(process.stdout.readline())))
        return sum(rates)


@contextmanager
def alone(source: str, processes: int) -> Iterator[Alone]:
    """So many processes of one thread, with a `call` each, that wait to be asked for their rate."""
    with ExitStack() as stack:
        started = []
        for _ in range(processes):
            process = subprocess.Popen(
                [sys.executable, "-c", ALONE, source],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                env={**os.environ, "OMP_NUM_THREADS": "1"},
            )
            started.append(stack.enter_context(process))
        yield Alone(started)
