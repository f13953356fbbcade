"""The goals that the project set itself, each with its figure here, and whether it is met."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from _markdown import table
from _serving_goals import answers, images, serving
from _training_goals import gpu, growth, requests, training

Results = Mapping[str, Any]
PARTS = (training, requests, serving, images, answers, growth, gpu)


def goals(results: Results) -> str:
    """All goals as a table."""
    rows = [goal.row() for part in PARTS for goal in part(results)]
    return table(["goal", "here", "met", "benchmark"], rows)


TABLES = {"goals": goals}
