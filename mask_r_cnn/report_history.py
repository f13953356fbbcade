"""The report's account of the epochs: curves, numbers, times."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from chart import line_chart, number
from report_html import cell, duration, table

History = Sequence[Mapping[str, Any]]

_LOSS_PARTS = (
    "loss_classifier",
    "loss_box_reg",
    "loss_mask",
    "loss_objectness",
    "loss_rpn_box_reg",
)


def curves(history: History) -> str:
    """The charts of losses, precision, learning rate and speed, and the numbers behind them."""

    def chart(title: str, names: Mapping[str, str]) -> str:
        lines = {shown: list(column(history, key).items()) for key, shown in names.items()}
        return line_chart(title, lines)

    parts = {name: name.removeprefix("loss_").replace("_", " ") for name in _LOSS_PARTS}
    charts = [
        chart("Loss", {"train_loss": "training loss"} | parts),
        chart(
            "Average precision on the held-out pictures",
            {
                "validation_segm_map": "mask AP",
                "validation_segm_map50": "mask AP50",
                "validation_bbox_map": "box AP",
            },
        ),
        chart("Learning rate", {"learning_rate": "learning rate"}),
        chart("Pictures a second", {"images_per_second": "training"}),
    ]
    drawn = "".join(charts)
    if not drawn:
        return '<p class="quiet">No epoch was finished.</p>'
    return f'<div class="charts">{drawn}</div>{history_table(history)}'


def timings(history: History) -> dict[str, str]:
    """How long it took."""
    seconds, speeds = (column(history, name).values() for name in ("seconds", "images_per_second"))
    facts: dict[str, str] = {}
    if seconds:
        facts["time in training"] = duration(sum(seconds))
        facts["an epoch, on average"] = duration(sum(seconds) / len(seconds))
    if speeds:
        facts["pictures a second, slowest and fastest epoch"] = (
            f"{number(min(speeds))} and {number(max(speeds))}"
        )
    steps = last(history, "step")
    return facts | ({"steps": number(steps)} if math.isfinite(steps) else {})


def column(history: History, name: str) -> dict[float, float]:
    """A key's finite values by epoch."""
    values = {
        float(row.get("epoch", place)): float(row[name])
        for place, row in enumerate(history, start=1)
        if row.get(name) is not None
    }
    return {epoch: value for epoch, value in values.items() if math.isfinite(value)}


def last(history: History, name: str) -> float:
    """A key's last finite value, or nan."""
    return next(reversed(column(history, name).values()), math.nan)


def history_table(history: History) -> str:
    """Every row of the history, folded away."""
    names = list(dict.fromkeys(name for row in history for name in row))
    rows = ([cell(row.get(name, "")) for name in names] for row in history)
    return f"<details><summary>The numbers</summary>{table('Epochs', names, rows)}</details>"
