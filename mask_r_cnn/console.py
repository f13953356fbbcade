"""What a person sees while a job runs: metric lines, and steps as a bar or as plain lines."""

from __future__ import annotations

import math
import sys
import time
from typing import TextIO

Row = dict[str, float]
# The line that MetricDefinitions read; `metrics.py` of the driver and the guide name the same keys.
METRICS = (
    "train_loss",
    "validation_bbox_map",
    "validation_segm_map",
    "validation_segm_map50",
    "learning_rate",
    "images_per_second",
)
_LINE_EVERY_SECONDS = 15.0
_BAR_EVERY_SECONDS = 0.2


def metric_line(row: Row) -> str:
    """`epoch=3; train_loss=0.51; …;`: plain numbers, nan where nothing was measured."""
    parts = [f"epoch={int(row['epoch'])};"]
    parts += [f"{name}={_number(row.get(name, math.nan))};" for name in METRICS]
    return " ".join(parts)


def metric_definitions() -> list[dict[str, str]]:
    """MetricDefinitions for CreateTrainingJob: the names above and the regexes that catch them."""
    number = r"([0-9.]+(?:e[-+]?[0-9]+)?|nan|inf)"
    return [{"Name": name, "Regex": rf"\b{name}={number};"} for name in METRICS]


def _number(value: float) -> str:
    return f"{value:.6g}"


class StepDisplay:
    """Steps of an epoch: a bar that moves on a terminal, a line now and then in a log."""

    def __init__(self, steps: int, epochs: int, stream: TextIO = sys.stdout) -> None:
        self._steps = steps
        self._epochs = epochs
        self._stream = stream
        self._terminal = stream.isatty()
        self._every = _BAR_EVERY_SECONDS if self._terminal else _LINE_EVERY_SECONDS
        self._shown = time.monotonic()
        self._began = self._shown
        self._first: int | None = None

    def show(self, epoch: int, step: int, loss: float) -> None:
        """Tell that `step` of `epoch` (both 1-based) is done, if it is time to."""
        now = time.monotonic()
        if self._first is None:
            self._first = epoch * self._steps + step - 1
        if now - self._shown < self._every:
            return
        self._shown = now
        done = epoch * self._steps + step - self._first
        rate = (now - self._began) / max(1, done)
        left = (self._epochs - epoch + 1) * self._steps - step
        text = (
            f"epoch {epoch}/{self._epochs} step {step}/{self._steps} loss {loss:.3f} "
            f"{rate:.2f} s/step, about {_minutes(left * rate)} left"
        )
        if self._terminal:
            filled = 24 * step // self._steps
            bar = "#" * filled + "." * (24 - filled)
            self._stream.write(f"\r\033[K[{bar}] {text}")
        else:
            self._stream.write(text + "\n")
        self._stream.flush()

    def end_epoch(self) -> None:
        """Clear the bar, so that what is printed next starts on a line of its own."""
        if self._terminal:
            self._stream.write("\r\033[K")
            self._stream.flush()


def _minutes(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"
