"""report.html: what a job did, in one file that opens anywhere.

The page has no script and loads nothing: its policy header forbids both. Class names, file names
and hyperparameters are the user's words, so everything that is not a number is escaped.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import Any

from chart import number
from evaluation import Evaluation
from report_figures import class_table, coco_table
from report_history import column, curves, last, timings
from report_html import duration, facts_table, share, text
from report_samples import Sample, sample_pair
from report_style import STYLE

__all__ = ["Report", "Sample", "render", "write_report"]

_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"


@dataclass(frozen=True)
class Report:
    """Everything that the page shows."""

    title: str
    hyperparameters: Mapping[str, Any]
    data: Mapping[str, Any]
    history: Sequence[Mapping[str, Any]]
    evaluation: Evaluation | None = None
    samples: Sequence[Sample] = ()
    class_names: Sequence[str] = ()
    versions: Mapping[str, str] = field(default_factory=dict)


def write_report(path: Path, report: Report) -> None:
    """Write the page; a reader never sees half of it."""
    partial = path.with_name(f".{path.name}.tmp")
    # File names may hold bytes that are no text: they become "?".
    partial.write_bytes(render(report).encode("utf-8", "replace"))
    os.replace(partial, path)


def render(report: Report) -> str:
    """The page as HTML text."""
    sections = [
        ("Curves", curves(report.history)),
        ("COCO figures", coco_table(report.evaluation)),
        ("Classes", class_table(report.evaluation)),
        (
            "Predictions beside the truth",
            "".join(sample_pair(sample, report.class_names) for sample in report.samples),
        ),
        ("Data", facts_table(report.data)),
        ("Timings", facts_table(timings(report.history))),
        ("Hyperparameters", facts_table(report.hyperparameters)),
        ("Versions", facts_table(report.versions)),
    ]
    body = "".join(
        f"<section><h2>{escape(name)}</h2>{content}</section>"
        for name, content in sections
        if content
    )
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<link rel="icon" href="data:,">'
        f"<title>{text(report.title)}</title><style>{STYLE}</style></head>"
        f"<body><main><h1>{text(report.title)}</h1>{_tiles(report)}{body}</main></body></html>\n"
    )


def _tiles(report: Report) -> str:
    tiles: dict[str, str] = {}
    if report.evaluation is not None:
        tiles["Mask AP"] = share(report.evaluation.segm["map"])
        tiles["Mask AP50"] = share(report.evaluation.segm["map50"])
        tiles["Box AP"] = share(report.evaluation.bbox["map"])
    if report.history:
        scores = column(report.history, "validation_segm_map")
        if scores:
            tiles["Best epoch"] = number(max(scores, key=lambda epoch: scores[epoch]))
        tiles["Epochs"] = number(last(report.history, "epoch"))
        tiles["Training loss"] = number(last(report.history, "train_loss"))
        tiles["Pictures/s"] = number(last(report.history, "images_per_second"))
        tiles["Time in training"] = duration(sum(column(report.history, "seconds").values()))
    items = "".join(f"<div><dt>{name}</dt><dd>{value}</dd></div>" for name, value in tiles.items())
    return f'<dl class="tiles">{items}</dl>' if items else ""
