from __future__ import annotations

from pathlib import Path

import pytest

from tests.byoa.conftest import Byoa

PLACE = ("-p", "demo", "--on", "process")
TRAIN = """\
import os, pathlib
folder = pathlib.Path(os.environ["SM_OUTPUT_DATA_DIR"], "pages")
folder.mkdir(parents=True)
(folder / "REPORT").write_text("<p>how it went</p>")
(folder / "other.txt").write_text("else")
"""


def trained(byoa: Byoa, name: str, *words: str) -> str:
    Path("train.py").write_text(TRAIN.replace("REPORT", name))
    done = byoa("run", *PLACE, "-t", "first", "-e", "train.py", *words)
    assert done.code == 0, done.err
    return done.err


def test_the_report_is_brought_here_and_its_path_is_told(byoa: Byoa):
    assert "Its report" not in trained(byoa, "report.html")
    done = byoa("report", *PLACE, "-t", "first")
    assert (done.code, done.out) == (0, "first-report.html\n")
    assert Path("first-report.html").read_text() == "<p>how it went</p>"
    done = byoa("report", *PLACE, "-t", "first", "-o", "new/page.html")
    assert (done.code, Path("new/page.html").is_file()) == (0, True)
    assert byoa("report", *PLACE, "-t", "first", "-o", "new").code == 2


def test_training_with_o_says_where_the_report_is(byoa: Byoa):
    assert f"Its report: {Path('out/report.html')}\n" in trained(byoa, "report.html", "-o", "out")
    assert Path("out/report.html").read_text() == "<p>how it went</p>"
    done = byoa("download", *PLACE, "-t", "first", "-o", "all")
    assert f"Its report: {Path('all/output/pages/report.html')}\n" in done.err


def test_a_job_without_a_report_says_what_it_left(byoa: Byoa):
    assert "Its report" not in trained(byoa, "page.html", "-o", "out")
    done = byoa("report", *PLACE, "-t", "first")
    assert (done.code, done.out) == (1, "")
    assert "left no report.html in its output; there is other.txt; page.html." in done.err
    assert not Path("first-report.html").exists()


def test_it_is_opened_only_when_asked(byoa: Byoa, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    browser, opened = tmp_path / "browser", tmp_path / "opened"
    browser.write_text(f"#!/bin/sh\necho $1 >> {opened}\n")
    browser.chmod(0o755)
    monkeypatch.setenv("BROWSER", f"{browser} %s")
    trained(byoa, "report.html")
    assert byoa("report", *PLACE, "-t", "first").code == 0 and not opened.exists()
    done = byoa("report", *PLACE, "-t", "first", "--open")
    assert (done.code, done.out) == (0, "first-report.html\n")
    assert opened.read_text() == f"{Path('first-report.html').absolute().as_uri()}\n"
