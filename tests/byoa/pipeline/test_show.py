"""A build's telling on a terminal and in a pipe."""

from __future__ import annotations

import io
from typing import Any

import pytest

from byoa.pipeline.show import Show


class Terminal(io.StringIO):
    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


EVENTS: list[dict[str, Any]] = [
    {"time": 0, "event": "run-start"},
    {"time": 0, "event": "task-start", "task": "get", "attempt": 1},
    {"time": 2, "event": "task-end", "task": "get", "outcome": "done", "seconds": 2},
    {"time": 3, "event": "run-end", "outcome": "done"},
]


def test_a_pipe_gets_lines_and_a_table(capsys: Any):
    out = io.StringIO()
    show = Show(["get", "old"], out=out, clock=lambda: 0.0)
    for event in EVENTS:
        show.event(event)
        show.tick()
    show.close()
    lines = out.getvalue().splitlines()
    assert [line[9:] for line in lines[:3]] == [
        "get: begins",
        "get: done after 2.0s",
        "1 done, 1 waiting in 3.0s",
    ]
    assert lines[3].startswith("name") and "\x1b" not in out.getvalue()


def test_a_terminal_is_redrawn_but_not_too_often():
    out, now = Terminal(), [100.0]
    show = Show(["get"], out=out, clock=lambda: now[0])
    for event in EVENTS[:2]:
        show.event(event)
    assert out.getvalue().count("░") == 24, "the second event came at once"
    now[0] += 1
    show.tick()
    assert out.getvalue().count("\x1b[1F\x1b[J") == 1
    show.event(EVENTS[2])
    show.close()
    assert out.getvalue().rstrip().endswith("get   yes      2.0s  100.0 %")
    assert "\x1b[2F\x1b[J" in out.getvalue(), "the live table gave way"


def test_quiet_is_quiet_and_a_closed_pipe_ends_nothing():
    out = io.StringIO()
    show = Show(["get"], out=out, quiet=True)
    for event in EVENTS:
        show.event(event)
    show.close()
    assert out.getvalue() == "" and show.run.tasks["get"].status == "done"
    out = io.StringIO()
    show = Show(["get"], out=out)
    out.close()
    for event in EVENTS:
        show.event(event)
    show.close()


def test_no_color_is_heard(monkeypatch: pytest.MonkeyPatch):
    for value, coloured in (("1", False), ("", True)):
        monkeypatch.setenv("NO_COLOR", value)
        out = Terminal()
        show = Show(["get"], out=out, clock=lambda: 100.0)
        show.event(EVENTS[1])
        assert ("\x1b[34m▶\x1b[0m get" in out.getvalue()) is coloured
        assert "▶" in out.getvalue()
