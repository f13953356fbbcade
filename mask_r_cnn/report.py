"""report.html: what a job did, in one file that opens anywhere.

The page has no script and loads nothing: its policy header forbids both. Class names, file names
and hyperparameters are the user's words, so everything that is not a number is escaped.
"""

from __future__ import annotations

import base64
import io
import math
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from chart import line_chart, number
from evaluation import FIGURES, Detection, Evaluation
from overlay import draw
from report_style import STYLE

_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
_SAMPLE_SIDE = 900  # pixels: a page with six samples stays under a few megabytes
_LOSS_PARTS = (
    "loss_classifier",
    "loss_box_reg",
    "loss_mask",
    "loss_objectness",
    "loss_rpn_box_reg",
)
_MEANING = {
    "map": "Average precision (AP), IoU 0.50 to 0.95",
    "map50": "AP, IoU 0.50",
    "map75": "AP, IoU 0.75",
    "map_small": "AP, small objects (under 32² pixels)",
    "map_medium": "AP, medium objects",
    "map_large": "AP, large objects (over 96² pixels)",
    "mar1": "Average recall (AR), 1 detection a picture",
    "mar10": "AR, 10 detections",
    "mar100": "AR, 100 detections",
    "mar_small": "AR, small objects",
    "mar_medium": "AR, medium objects",
    "mar_large": "AR, large objects",
}


@dataclass(frozen=True)
class Sample:
    """A picture with its truth and what the model made of it."""

    image: NDArray[np.uint8]
    truth: list[Detection]
    predicted: list[Detection]
    name: str


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
        ("Curves", _curves(report.history)),
        ("COCO figures", _coco_table(report.evaluation)),
        ("Classes", _class_table(report.evaluation)),
        ("Predictions beside the truth", _samples(report)),
        ("Data", _facts(report.data)),
        ("Hyperparameters", _facts(report.hyperparameters)),
        ("Versions", _facts(report.versions)),
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
        f"<title>{_text(report.title)}</title><style>{STYLE}</style></head>"
        f"<body><main><h1>{_text(report.title)}</h1>{_tiles(report)}{body}</main></body></html>\n"
    )


def _text(value: object) -> str:
    """Any value as text that is safe in HTML, with control characters made visible."""
    shown = "".join(letter if letter.isprintable() else "�" for letter in str(value))
    return escape(shown)


def _tiles(report: Report) -> str:
    tiles: dict[str, str] = {}
    if report.evaluation is not None:
        tiles["Mask AP"] = _share(report.evaluation.segm["map"])
        tiles["Mask AP50"] = _share(report.evaluation.segm["map50"])
        tiles["Box AP"] = _share(report.evaluation.bbox["map"])
    if report.history:
        tiles["Epochs"] = number(_last(report.history, "epoch"))
        tiles["Training loss"] = number(_last(report.history, "train_loss"))
        tiles["Pictures a second"] = number(_last(report.history, "images_per_second"))
        tiles["Time in training"] = _duration(sum(_column(report.history, "seconds").values()))
    items = "".join(f"<div><dt>{name}</dt><dd>{value}</dd></div>" for name, value in tiles.items())
    return f'<dl class="tiles">{items}</dl>' if items else ""


def _duration(seconds: float) -> str:
    if seconds < 100:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 100 else f"{minutes // 60} h {minutes % 60} min"


def _column(history: Sequence[Mapping[str, Any]], name: str) -> dict[float, float]:
    """A key's finite values by epoch."""
    values = {
        float(row.get("epoch", place)): float(row[name])
        for place, row in enumerate(history, start=1)
        if row.get(name) is not None
    }
    return {epoch: value for epoch, value in values.items() if math.isfinite(value)}


def _last(history: Sequence[Mapping[str, Any]], name: str) -> float:
    return next(reversed(_column(history, name).values()), math.nan)


def _curves(history: Sequence[Mapping[str, Any]]) -> str:
    def chart(title: str, names: Mapping[str, str]) -> str:
        lines = {shown: list(_column(history, key).items()) for key, shown in names.items()}
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
    return f'<div class="charts">{drawn}</div>{_history_table(history)}'


def _history_table(history: Sequence[Mapping[str, Any]]) -> str:
    names = list(dict.fromkeys(name for row in history for name in row))
    rows = ([_cell(row.get(name, "")) for name in names] for row in history)
    return f"<details><summary>The numbers</summary>{_table(names, rows)}</details>"


def _coco_table(evaluation: Evaluation | None) -> str:
    if evaluation is None:
        return '<p class="quiet">Nothing was held out, so nothing was measured.</p>'
    rows = (
        [_text(_MEANING[name]), _share(evaluation.bbox[name]), _share(evaluation.segm[name])]
        for name in FIGURES
    )
    note = '<p class="quiet">– means that the held-out pictures have no such object.</p>'
    return _table(["", "boxes", "masks"], rows) + note


def _class_table(evaluation: Evaluation | None) -> str:
    if evaluation is None or not evaluation.per_class:
        return ""
    heads = {
        "segm_map50": "mask AP50",
        "segm_map75": "mask AP75",
        "segm_mar100": "mask AR",
        "bbox_map": "box AP",
        "bbox_map50": "box AP50",
    }
    rows = (
        [
            _text(row["name"]),
            number(row["objects"]),
            number(row["detections"]),
            _bar(row["segm_map"]),
            *(_share(row[key]) for key in heads),
        ]
        for row in evaluation.per_class
    )
    return _table(["class", "objects", "detections", "mask AP", *heads.values()], rows)


def _share(value: float) -> str:
    return f"{value:.3f}" if math.isfinite(value) else "–"


def _bar(value: float) -> str:
    if not math.isfinite(value):
        return "–"
    return f'{_share(value)}<meter min="0" max="1" value="{value:.3f}" aria-hidden="true"></meter>'


def _cell(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return _text(value)
    return number(float(value))


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table whose cells are HTML already; the first of each row is its heading."""
    lines = [
        f'<tr><th scope="row">{row[0]}</th>{"".join(f"<td>{cell}</td>" for cell in row[1:])}</tr>'
        for row in rows
    ]
    head = "".join(f'<th scope="col">{_text(name)}</th>' for name in heads)
    size = "scroll tall" if len(lines) > 25 else "scroll"
    return (
        f'<div class="{size}" tabindex="0"><table><thead><tr>{head}</tr></thead>'
        f"<tbody>{''.join(lines)}</tbody></table></div>"
    )


def _samples(report: Report) -> str:
    return "".join(_sample(sample, report.class_names) for sample in report.samples)


def _sample(sample: Sample, class_names: Sequence[str]) -> str:
    sides = [
        ("Truth", draw(sample.image, sample.truth, class_names, scores=False), sample.truth),
        ("Predicted", draw(sample.image, sample.predicted, class_names), sample.predicted),
    ]
    figures = "".join(
        f'<figure><img src="{_data_uri(pixels)}" alt="{side}: {_counted(seen, class_names)}">'
        f"<figcaption>{side}: {_counted(seen, class_names)}</figcaption></figure>"
        for side, pixels, seen in sides
    )
    return (
        f'<div class="sample"><h3>{_text(sample.name)}</h3><div class="pair">{figures}</div></div>'
    )


def _counted(detections: Sequence[Detection], class_names: Sequence[str]) -> str:
    names = [class_names[detection.label - 1] for detection in detections]
    counts = {name: names.count(name) for name in dict.fromkeys(names)}
    return ", ".join(f"{count} × {_text(name)}" for name, count in counts.items()) or "nothing"


def _data_uri(pixels: NDArray[np.uint8]) -> str:
    picture = Image.fromarray(pixels)
    picture.thumbnail((_SAMPLE_SIDE, _SAMPLE_SIDE))
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=85, optimize=True)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")


def _facts(facts: Mapping[str, Any]) -> str:
    lines = [
        f'<tr><th scope="row">{_text(name)}</th><td class="text">{value}</td></tr>'
        for name, value in _flat(facts)
    ]
    return (
        f'<div class="scroll"><table><tbody>{"".join(lines)}</tbody></table></div>' if lines else ""
    )


def _flat(facts: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, str]]:
    """Nested facts line by line: "training: pictures", 120."""
    for key, value in facts.items():
        name = f"{above}: {key}" if above else str(key)
        if isinstance(value, Mapping) and value:
            yield from _flat(value, name)
        elif isinstance(value, (list, tuple)):
            yield name, _text(", ".join(str(item) for item in value)) or "–"
        else:
            yield name, "–" if value is None or value == {} else _cell(value)
