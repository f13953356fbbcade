from __future__ import annotations

import io
import os

import pytest

from byoa.plan.workflow.history import StateProgress
from byoa.plan.workflow.work import Work
from byoa.workflow.table import MARKS, News, Screen, coloured, lines, spent

STATES = {
    "Load": StateProgress(status="succeeded", seconds=4.25, runs=1),
    "Train": StateProgress(status="running", seconds=125, runs=1, running=1, retries=2),
    "Each": StateProgress(status="running", seconds=3700, runs=5, running=2, failed=1),
    "Ask": StateProgress(status="caught", seconds=0, runs=1, error="Lambda.Unknown"),
}
WORKS = {"Train": Work("training job", "faces-1", "byoa logs faces-1")}


def test_one_line_a_state_says_how_it_is():
    assert list(lines(STATES, WORKS)) == [
        "✓ Load      4.2s",
        "▶ Train    2m05s  2 retries, training job faces-1",
        "▶ Each     1h01m  5 times, 2 running, 1 failed",
        "! Ask       0.0s  Lambda.Unknown",
    ]
    plain = list(lines(STATES, WORKS, plain=True))
    assert plain[0].startswith("+ Load")
    assert "".join(plain).isascii()
    assert list(lines({}, {})) == []


def test_no_name_and_no_error_moves_the_cursor():
    states = {"A\x1b[2J": StateProgress(status="failed", seconds=1, runs=1, error="E\x1b]0;x\x07")}
    told = [*lines(states, {}), *News().of(states, {})]
    assert len(told) == 2 and all(line.isprintable() for line in told)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0.0s"), (59.94, "59.9s"), (60, "1m00s"), (3599.7, "60m00s"), (7260, "2h01m")],
)
def test_times_are_read_at_a_glance(seconds: float, text: str):
    assert spent(seconds) in (text, "1h00m")


def test_news_are_told_once_each():
    news = News()
    assert list(news.of({"A": StateProgress(status="running", runs=1)}, {})) == ["A: running"]
    assert list(news.of({"A": StateProgress(status="running", runs=1, seconds=5)}, {})) == []
    known = {"A": Work("function", "f", "")}
    assert list(news.of({"A": StateProgress(status="running", runs=1)}, known)) == [
        "A: running (function f)"
    ]
    done = {"A": StateProgress(status="failed", runs=1, seconds=5, error="E")}
    assert list(news.of(done, known)) == ["A: failed after 5.0s (function f, E)"]


class Terminal(io.StringIO):
    encoding = "utf-8"


def test_the_screen_is_drawn_over_and_cut_to_its_size(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("COLUMNS", "20")
    monkeypatch.setenv("LINES", "4")
    out = Terminal()
    screen = Screen(out)
    screen.draw(["head", "x" * 30])
    screen.draw([str(number) for number in range(9)])
    first, second = out.getvalue().split("\x1b[2F\x1b[J")
    assert first.splitlines() == ["head", "x" * 18 + "…"]
    assert second.splitlines() == ["6", "7", "8"]
    assert screen.drawn == 3
    assert os.environ["LINES"] == "4"


def test_a_terminal_without_such_letters_gets_others():
    out = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    assert Screen(out).plain is True
    assert Screen(Terminal()).plain is False


def test_only_a_status_is_coloured():
    assert coloured("✓ Load") == "\x1b[32m✓\x1b[0m Load"
    assert coloured("x Load") == "\x1b[31mx\x1b[0m Load"
    assert coloured("xylophone 1  RUNNING") == "xylophone 1  RUNNING"
    assert coloured("") == ""
    assert len({signs for pair in MARKS.values() for signs in pair}) >= len(MARKS)
