"""report.html: what it shows, what it must never do, and how a browser sees it."""

from __future__ import annotations

import math
import os
import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from faster_coco_eval.core import mask as coco_mask
from PIL import Image

from chart import line_chart, number
from evaluation import FIGURES, Detection, Evaluation
from report import Report, Sample, render, write_report
from report_samples import matching_colours

EVIL = "<script>alert('1')</script>\"&\x00\ud800"
VOID = {"meta", "link", "img", "br"}


def history(epochs: int) -> list[dict[str, Any]]:
    return [
        {
            "epoch": epoch,
            "step": epoch * 60,
            "train_loss": 2.1 / epoch,
            "loss_classifier": 0.8 / epoch,
            "loss_box_reg": 0.4 / epoch,
            "loss_mask": 0.7 / epoch,
            "loss_objectness": 0.15 / epoch,
            "loss_rpn_box_reg": 0.05 / epoch,
            "validation_bbox_map": 0.8 - 0.7 / epoch,
            "validation_segm_map": 0.75 - 0.7 / epoch,
            "validation_segm_map50": 0.95 - 0.7 / epoch,
            "learning_rate": 0.005 * (1 + math.cos(math.pi * epoch / epochs)) / 2,
            "images_per_second": 5.1 + 0.3 * math.sin(epoch),
            "seconds": 23.5,
        }
        for epoch in range(1, epochs + 1)
    ]


def evaluation(names: list[str]) -> Evaluation:
    figures = {name: 0.9 - 0.05 * place for place, name in enumerate(FIGURES)}
    rows = [
        {
            "category_id": place,
            "name": name,
            "objects": 10 * place,
            "detections": 12 * place,
            **{
                f"{kind}_{figure}": math.nan if place == 0 else 1 / (1 + place / 4)
                for kind in ("bbox", "segm")
                for figure in ("map", "map50", "map75", "mar100")
            },
        }
        for place, name in enumerate(names)
    ]
    return Evaluation(figures, figures | {"map_large": math.nan}, rows)


def sample(name: str, height: int = 300, width: int = 400) -> Sample:
    rows, columns = np.mgrid[:height, :width]
    image = np.stack([columns % 256, rows % 256, (rows + columns) % 256], 2).astype(np.uint8)

    def detection(x: int, label: int, score: float) -> Detection:
        mask = ((columns - x) ** 2 + (rows - 150) ** 2 < 60**2).astype(np.uint8)
        rle = coco_mask.encode(np.asfortranarray(mask))
        return Detection(label, score, (x - 60, 90, x + 60, 210), rle)

    return Sample(
        image, [detection(100, 1, 1), detection(290, 2, 1)], [detection(104, 1, 0.97)], name
    )


def full_report(classes: int = 4) -> Report:
    names = [f"class {place}" for place in range(classes)]
    return Report(
        title="Mask R-CNN, mobilenet_v2_fpn",
        hyperparameters={"num_epochs": 12, "learning_rate": 0.005, "trainable_layers": None},
        data={
            "training": {"pictures": 120, "classes": {"person": 300}, "notes": {}},
            "validation": {"pictures": 50, "classes": {"person": 123}, "notes": {"moved": 1}},
        },
        history=history(12),
        evaluation=evaluation(names),
        samples=[sample("FudanPed00012.png"), sample("PennPed00034.png", 500, 320)],
        class_names=names,
        versions={"python": "3.11.2", "torch": "2.10.0"},
    )


class Checker(HTMLParser):
    """Elements must nest; collects tags and every attribute that could load something."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.tags: list[str] = []
        self.loads: list[str] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.loads += [value or "" for name, value in attrs if name in ("src", "href", "srcset")]
        assert not any(name.startswith("on") for name, _ in attrs)
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def checked(page: str) -> Checker:
    checker = Checker()
    checker.feed(page)
    assert checker.open == []
    return checker


def test_everything_is_on_the_page() -> None:
    page = checked(render(full_report()))
    text = " ".join(page.text)
    for words in (
        "Mask AP", "box AP", "learning rate", "objectness", "AP, small objects", "class 3",
        "FudanPed00012.png", "num_epochs", "training: classes: person", "torch", "5 min",
        "1 × class 0, 1 × class 1", "validation: notes: moved", "4.8 and 5.397", "720",
    ):  # fmt: skip
        assert words in text, words
    assert page.tags.count("img") == 4
    assert page.tags.count("svg") == 4


def test_a_prediction_has_the_colour_of_its_object() -> None:
    def at(x: float) -> Detection:
        return Detection(1, 0.5, (x, 0, x + 10, 10))

    truth = [at(0), at(100), at(200)]
    assert matching_colours(truth, [at(198), at(3), at(4), at(50), at(98)]) == [2, 0, 5, 6, 1]
    assert matching_colours([], [at(0)]) == [0]
    assert matching_colours(truth, []) == []


def test_it_loads_nothing() -> None:
    text = render(full_report())
    page = checked(text)
    assert all(load.startswith("data:") for load in page.loads)
    assert "script" not in page.tags
    assert not re.search(r"(?i)https?:|//[a-z]|url\(|@import", re.sub(r"base64,[^\"]+", "", text))
    assert "default-src 'none'" in text


def test_users_words_are_escaped() -> None:
    report = Report(
        title=EVIL,
        hyperparameters={EVIL: EVIL},
        data={EVIL: {EVIL: [EVIL]}},
        history=[{EVIL: 1, "epoch": 1, "train_loss": 1.0}],
        evaluation=evaluation([EVIL, EVIL]),
        samples=[sample(EVIL)],
        class_names=[EVIL, EVIL],
        versions={EVIL: EVIL},
    )
    page = checked(render(report))
    assert "script" not in page.tags
    assert any("<script>alert('1')</script>" in text for text in page.text)
    assert "\x00" not in render(report)


@pytest.mark.parametrize(
    "rows",
    [
        [],
        [{"epoch": 1, "train_loss": 0.5}],
        [{"epoch": 1, "train_loss": math.nan}, {"epoch": 2, "train_loss": math.inf}],
        [{"epoch": 1, "train_loss": 0.0, "learning_rate": 0.0}],
        [{"epoch": 7, "train_loss": 1e-9, "learning_rate": 1e12}],
        [{"epoch": 1, "train_loss": None}],
        history(500),
    ],
)
def test_any_history_is_drawn(rows: list[dict[str, Any]]) -> None:
    page = render(Report("title", {}, {}, rows))
    checked(page)
    assert "nan" not in page and ">inf" not in page


def test_a_chart_leaves_out_what_is_no_number() -> None:
    drawn = line_chart("t", {"a": [(1, 2.0), (2, math.nan), (3, math.inf)], "b": [(1, math.nan)]})
    assert drawn.count("<circle") == 1 and "nan" not in drawn
    assert line_chart("t", {"a": [], "b": [(1, math.nan)]}) == ""


@pytest.mark.parametrize(
    ("value", "shown"),
    [(0, "0"), (17.0, "17"), (0.25, "0.25"), (1.25e-5, "1.25e-05"), (2.3456789, "2.346"),
     (12345.6, "1.23e+04"), (math.nan, "–"), (-0.5, "-0.5"), (1e300, "1e+300")],
)  # fmt: skip
def test_numbers_are_short(value: float, shown: str) -> None:
    assert number(value) == shown


def test_nothing_measured_is_said() -> None:
    page = render(Report("title", {}, {}, []))
    assert "Nothing was held out" in page and "No epoch was finished" in page


def test_writing_replaces_and_leaves_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    path.write_text("old")
    write_report(path, full_report())
    assert path.read_text("utf-8").startswith("<!doctype html>")
    assert [entry.name for entry in tmp_path.iterdir()] == ["report.html"]


KEEP = os.environ.get("BYOA_SCREENSHOTS")  # a folder: look at what the browser saw
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")


def browse(page: Path, folder: Path, size: str, *options: str) -> str:
    """Render a page to folder/size.png; returns what the browser logged."""
    assert CHROMIUM
    command = [
        CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic",
        "--no-first-run", "--disable-background-networking", "--disable-component-update",
        "--disable-sync", "--disable-dev-shm-usage", "--hide-scrollbars", "--enable-logging=stderr",
        f"--user-data-dir={folder / ('profile ' + size)}", f"--window-size={size}",
        f"--screenshot={folder / (size + '.png')}", *options, page.as_uri(),
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    return done.stderr


@pytest.mark.browser
@pytest.mark.skipif(CHROMIUM is None, reason="no chromium on PATH")
@pytest.mark.parametrize("size", ["1200,3600", "500,6000"])
def test_a_browser_shows_it_without_errors(tmp_path: Path, size: str) -> None:
    page = tmp_path / "report.html"
    write_report(page, full_report())
    logged = browse(page, tmp_path, size)
    assert "CONSOLE" not in logged, logged
    shot = np.asarray(Image.open(tmp_path / f"{size}.png").convert("RGB"))
    assert shot.shape[1] == int(size.partition(",")[0])
    assert len(np.unique(shot.reshape(-1, 3), axis=0)) > 1000, "curves and pictures are drawn"
    if KEEP:
        shutil.copy(tmp_path / f"{size}.png", Path(KEEP) / f"report {size}.png")


@pytest.mark.browser
@pytest.mark.skipif(CHROMIUM is None, reason="no chromium on PATH")
def test_it_is_dark_where_the_reader_wants_it(tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    write_report(page, full_report())
    browse(page, tmp_path, "800,900", "--blink-settings=preferredColorScheme=0")
    shot = np.asarray(Image.open(tmp_path / "800,900.png").convert("L"))
    assert np.median(shot) < 60 and shot.max() > 200


@pytest.mark.browser
@pytest.mark.skipif(CHROMIUM is None, reason="no chromium on PATH")
def test_a_page_with_an_error_is_noticed(tmp_path: Path) -> None:
    page = tmp_path / "broken.html"
    page.write_text(render(full_report()).replace("</main>", "<script>boom()</script></main>"))
    assert "CONSOLE" in browse(page, tmp_path, "800,600"), "the check above can fail"
