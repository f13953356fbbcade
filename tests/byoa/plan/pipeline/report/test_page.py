"""The pages: what is on them, what they must never do, and how a browser sees them."""

from __future__ import annotations

import base64
import hashlib
import os
import re
import shutil
import subprocess
import time
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

from byoa.plan.pipeline.model import Decision, Fingerprint, Reason, Record
from byoa.plan.pipeline.report import page
from byoa.plan.pipeline.report.ran import Run
from byoa.plan.pipeline.report.script import SCRIPT
from byoa.plan.pipeline.report.seen import Seen, View, view
from tests.byoa.plan.pipeline.report.views import (
    EVIL,
    T0,
    chained,
    evil,
    huge,
    iris,
    pipeline_of,
    task,
)

VOID = {"meta", "link", "img", "br", "input"}


class Checker(HTMLParser):
    """Elements must nest, ids be one of a kind; collects tags, texts, whatever could load."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.tags: list[str] = []
        self.text: list[str] = []
        self.ids: list[str] = []
        self.hrefs: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        for name, value in attrs:
            assert not name.startswith("on") and name not in ("src", "srcset", "action")
            self.ids += [value or ""] * (name == "id")
            self.hrefs += [value or ""] * (name == "href")
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] not in ("script", "style"):
            self.text.append(data)


def checked(text: str) -> Checker:
    checker = Checker()
    checker.feed(text)
    assert checker.open == []
    assert len(checker.ids) == len(set(checker.ids))
    return checker


PAGES = {
    "iris": lambda: page.html(iris()),
    "fine": lambda: page.html(iris(failed=False)),
    "chained": lambda: page.html(chained()),
    "evil": lambda: page.html(evil()),
    "family": lambda: page.family_page(iris(), "fit"),
    "picture": lambda: page.picture(iris(), products=True),
    "empty": lambda: page.html(View(pipeline="empty", tasks={})),
}


@pytest.mark.parametrize("name", PAGES)
def test_it_is_well_formed_and_loads_nothing(name: str):
    text = PAGES[name]()
    found = checked(text)
    assert found.tags.count("script") == 1 and text.count("<script>") == 1
    assert not re.search(r"url\(|@import|https?:(?!//www\.w3\.org/2000/svg)", text)
    for href in found.hrefs:
        assert href.startswith("#") or href == "data:," or ":" not in href or href == EVIL


@pytest.mark.parametrize("name", PAGES)
def test_every_way_within_the_page_leads_somewhere(name: str):
    found = checked(PAGES[name]())
    assert {unquote(href[1:]) for href in found.hrefs if href.startswith("#")} <= set(found.ids)


def test_the_script_is_the_one_that_may_run():
    digest = base64.b64encode(hashlib.sha256(SCRIPT.encode()).digest()).decode()
    text = page.html(iris())
    assert f"script-src 'sha256-{digest}'" in text and "default-src 'none'" in text
    assert f"<script>{SCRIPT}</script>" in text


def test_everything_is_on_the_page():
    text = " ".join(checked(page.html(iris())).text)
    for words in (
        "What failed", "ValueError: learning_rate must be > 0", 'File "scripts/fit.py", line 31',
        "1 task that needs it did not run", "Grid fit", "highest accuracy", "lowest loss",
        "model random-forest, n_estimators 5, criterion gini", "byoa pipeline build -j 2",
        "source changed: tasks/raw.py:get", "20261122T140000-a1b2", "not done again",
    ):  # fmt: skip
        assert words in text, words


def test_strangers_words_are_nothing_but_text():
    text = page.html(evil())
    found = checked(text)
    assert found.tags.count("script") == 1
    assert any("<script>alert('1')</script>" in said for said in found.text)
    assert not {"\x00", "\x1b", "\u202e"} & set(text)


def test_a_family_has_a_page_of_its_own():
    found = checked(page.family_page(iris(), "fit"))
    text = " ".join(found.text)
    assert "pipeline: fit" in text and "Compared" in text and "features" not in text
    assert "t-fit-ada-boost-1-1" in found.ids


def test_ten_thousand_tasks_are_a_page():
    started = time.process_time()
    text = page.html(huge())
    spent = time.process_time() - started
    assert len(text) < 8_000_000 and spent < 10
    assert text.count('<tr id="t-') == 10_001
    assert text.count("<details open") < 5, "large tables are closed"


def test_a_large_grid_is_drawn_in_part_and_its_table_is_closed():
    text = page.html(huge())
    assert "Drawn are 1\u202f500 of 5\u202f000 tasks, by chance." in text
    assert "<details><summary>5\u202f000 tasks in a table</summary>" in text
    dots = text.partition('aria-label="score against rate"')[2].partition("</svg>")[0]
    assert dots.count("dot k") == 1500
    assert all(f">{value}</text>" in dots for value in ("0", "0.2", "0.8"))
    small = page.html(huge(400))
    assert "by chance" not in small and "tasks in a table" not in small


def test_only_what_took_a_while_is_among_the_longest():
    made = {
        name: Seen(task=task(name), status="kept", seconds=seconds)
        for name, seconds in (("long", 100.0), ("half", 50.0), ("short", 0.5))
    }
    text = page.html(View(pipeline="p", tasks=made)).partition("when they ran last")[2]
    longest = text.partition("</ol>")[0]
    assert "#t-long" in longest and "#t-half" in longest and "#t-short" not in longest


def test_names_that_an_address_would_change_are_found():
    names = ["a b", "50%20", "x#y", "ü/ß", "q?r=1&s"]
    made = {name: Seen(task=task(name), status="done", started=T0, seconds=1) for name in names}
    found = checked(page.html(View(pipeline="p", tasks=made, run=Run(started=T0))))
    ways = {href for href in found.hrefs if href.startswith("#t-")}
    assert {unquote(way[1:]) for way in ways} == {f"t-{name}" for name in names}
    assert all(re.fullmatch(r"#t-[A-Za-z0-9%_.~-]+", way) for way in ways)


# What is told of a task


def seen_of(run: Run | None, record: Record | None, decision: Decision | None):
    records = {"a": record} if record else {}
    decisions = {"a": decision} if decision else {}
    return view(pipeline_of(task("a")), records, decisions, run).tasks["a"]


def ran(outcome: str, **more: object) -> Run:
    run = Run(["a"])
    run.take({"event": "run-start", "time": T0})
    if outcome in ("done", "failed"):
        run.take({"event": "task-start", "task": "a", "time": T0})
    words = {"event": "task-end", "task": "a", "time": T0 + 5, "outcome": outcome}
    run.take({**words, "seconds": 5 if outcome in ("done", "failed") else 0, **more})
    return run


RECORD = Record(
    task="a", fingerprint=Fingerprint(), products={}, started="2026-11-22T14:00:00Z", seconds=3,
    metrics={"loss": 0.5, "odd": float("nan")},
)  # fmt: skip
KEEP = Decision("a", "keep")
RUN = Decision("a", "run", (Reason("parameter", "parameter n: 3 → 5"),))


@pytest.mark.parametrize(
    ("given", "status", "seconds", "metrics", "reasons"),
    [
        ((None, None, RUN), "waiting", 0, {}, ("parameter n: 3 → 5",)),
        ((None, RECORD, KEEP), "kept", 3, {"loss": 0.5}, ()),
        ((None, RECORD, RUN), "outdated", 3, {"loss": 0.5}, ("parameter n: 3 → 5",)),
        ((ran("done"), RECORD, KEEP), "done", 5, {"loss": 0.5}, ()),
        ((ran("done", reason="new"), RECORD, KEEP), "done", 5, {"loss": 0.5}, ("new",)),
        ((ran("done", reason="new"), RECORD, RUN), "outdated", 5, {"loss": 0.5},
         ("parameter n: 3 → 5",)),
        ((ran("kept"), RECORD, KEEP), "kept", 3, {"loss": 0.5}, ()),
        ((ran("failed", error="boom"), RECORD, RUN), "failed", 5, {}, ("parameter n: 3 → 5",)),
        ((ran("skipped", reason="b failed"), RECORD, RUN), "skipped", 3, {}, ("b failed",)),
        ((ran("done"), None, RUN), "waiting", 5, {}, ("parameter n: 3 → 5",)),
    ],
)  # fmt: skip
def test_what_is_told_of_a_task(given, status, seconds, metrics, reasons):
    seen = seen_of(*given)
    assert (seen.status, seen.seconds, dict(seen.metrics), seen.reasons) == (
        status, seconds, metrics, reasons,
    )  # fmt: skip


def test_only_what_ran_has_a_place_in_the_run_s_time():
    assert seen_of(ran("done"), RECORD, KEEP).started == T0
    assert seen_of(ran("kept"), RECORD, KEEP).started is None
    assert seen_of(ran("skipped"), RECORD, RUN).started is None
    assert seen_of(None, RECORD, KEEP).started is None


# In a browser

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
KEEP_SHOTS = os.environ.get("BYOA_SCREENSHOTS")  # a folder: look at what the browser saw


def browse(text: str, folder: Path, *options: str, address: str = "") -> str:
    """The document after the page's script has run; an error on its console ends the test."""
    assert CHROMIUM
    path = folder / "page.html"
    path.write_text(text)
    command = [
        CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic",
        "--no-first-run", "--disable-background-networking", "--disable-component-update",
        "--disable-sync", "--disable-dev-shm-usage", "--hide-scrollbars", "--enable-logging=stderr",
        f"--user-data-dir={folder / 'profile'}", *options, path.as_uri() + address,
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    assert "CONSOLE" not in done.stderr, done.stderr
    return done.stdout


@pytest.mark.browser
@pytest.mark.skipif(CHROMIUM is None, reason="no chromium on PATH")
@pytest.mark.parametrize(("size", "dark"), [("1280,3000", False), ("500,4200", True)])
def test_a_browser_draws_it(tmp_path: Path, size: str, dark: bool):
    np = pytest.importorskip("numpy")
    image = pytest.importorskip("PIL.Image")
    shot = tmp_path / "shot.png"
    scheme = [f"--blink-settings=preferredColorScheme={0 if dark else 1}"]
    browse(page.html(iris()), tmp_path, f"--window-size={size}", f"--screenshot={shot}", *scheme)
    pixels = np.asarray(image.open(shot).convert("RGB"))
    assert pixels.shape[1] == int(size.partition(",")[0])
    assert (np.median(pixels) < 60) == dark
    for colour in ((0x58, 0xA6, 0xFF), (0x3F, 0xB9, 0x50)) if dark else ((0x1A, 0x7F, 0x37),):
        assert (pixels == colour).all(axis=2).sum() > 300, colour
    if KEEP_SHOTS:
        shutil.copy(shot, Path(KEEP_SHOTS) / f"pipeline {size}.png")


#: Added to a page for its test alone, with a policy that lets it run.
PROBE = """
addEventListener("load", () => {
  const table = document.querySelector("#grid-fit table");
  const names = () => [...table.tBodies[0].rows].map((row) => row.cells[0].textContent);
  const click = (word) => [...table.tHead.rows[0].cells]
    .find((cell) => cell.textContent.startsWith(word)).querySelector("button").click();
  const said = {};
  click("accuracy"); said.up = names();
  click("accuracy"); said.down = names();
  said.sorted = table.querySelector("[aria-sort]").getAttribute("aria-sort");
  click("criterion"); said.words = names();
  const find = document.getElementById("find");
  said.shown = !find.hidden;
  const shown = () => [...document.querySelectorAll("#tasks tbody tr")]
    .filter((row) => !row.hidden).map((row) => row.id.slice(2));
  find.querySelector("[value=failed]").click(); said.failed = shown();
  find.querySelector("[value=failed]").click();
  const field = find.querySelector("input[type=search]");
  field.value = "FEAT"; field.dispatchEvent(new Event("input"));
  setTimeout(() => {
    said.found = shown();
    document.body.dataset.said = JSON.stringify(said);
  }, 300);
});
"""


@pytest.mark.browser
@pytest.mark.skipif(CHROMIUM is None, reason="no chromium on PATH")
def test_sorting_and_finding(tmp_path: Path):
    import html
    import json

    digest = base64.b64encode(hashlib.sha256(PROBE.encode()).digest()).decode()
    text = page.html(iris()).replace("script-src ", f"script-src 'sha256-{digest}' ")
    text = text.replace("</body>", f"<script>{PROBE}</script></body>")
    document = browse(text, tmp_path, "--virtual-time-budget=3000", "--dump-dom")
    found = re.search(r'data-said="([^"]*)"', document)
    assert found, "the probe has run"
    said = json.loads(html.unescape(found[1]))
    fits: dict[str, Any] = {
        seen.name: seen.metrics.get("accuracy") for seen in iris().families()["fit"]
    }
    figures = [fits[name] for name in said["up"]]
    assert figures[:-1] == sorted(figures[:-1]) and figures[-1] is None, "what has none is last"
    down = [fits[name] for name in said["down"]]
    assert down[:-1] == sorted(down[:-1], reverse=True) and down[-1] is None
    assert said["sorted"] == "descending" and said["shown"]
    assert said["words"][:3] == [f"fit-random-forest-{n}-entropy" for n in (5, 3, 1)]
    assert said["failed"] == ["fit-ada-boost-1-1"] and said["found"] == ["features"]


@pytest.mark.browser
@pytest.mark.skipif(CHROMIUM is None, reason="no chromium on PATH")
def test_a_stranger_s_script_does_not_run(tmp_path: Path):
    document = browse(page.html(evil()), tmp_path, "--virtual-time-budget=1000", "--dump-dom")
    assert "&lt;script&gt;alert" in document
    broken = page.html(iris()).replace("</body>", "<script>document.title = 'no'</script></body>")
    with pytest.raises(AssertionError, match="Content Security Policy"):
        browse(broken, tmp_path, "--dump-dom")


@pytest.mark.browser
@pytest.mark.skipif(CHROMIUM is None, reason="no chromium on PATH")
def test_a_link_opens_the_table_that_its_row_is_in(tmp_path: Path):
    options = ("--virtual-time-budget=3000", "--dump-dom")
    document = browse(page.html(huge(3000)), tmp_path, *options, address="#t-fit-700")
    closed, opened = document.partition('id="t-fit-700"')[0], 0
    opened = closed.rfind("<details")
    assert closed[opened : opened + 20].startswith("<details open")
