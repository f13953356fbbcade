"""A run's lines: the live table, the news of a pipe, the table at the end."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from byoa.plan.pipeline.report import terminal
from byoa.plan.pipeline.report.ran import Ran, Run, seconds_of

T0 = 1_700_000_000.0


def start(task: str, at: float, attempt: int = 1) -> dict[str, Any]:
    return {"time": T0 + at, "event": "task-start", "task": task, "attempt": attempt}


def end(task: str, at: float, outcome: str = "done", seconds: float = 1.0, **more: Any) -> Any:
    words = {"time": T0 + at, "event": "task-end", "task": task, "outcome": outcome}
    return {**words, "seconds": seconds, **more}


def run_of(names: list[str], *events: dict[str, Any]) -> Run:
    run = Run(names)
    run.take({"time": T0, "event": "run-start", "run": "r1", "jobs": 2})
    for event in events:
        run.take(event)
    return run


def test_what_became_of_every_task():
    run = run_of(
        ["a", "b", "c", "d", "e"],
        end("a", 0, "kept", 0),
        start("b", 0),
        end("b", 2, seconds=2, cpu_seconds=1.5, peak_mb=80),
        start("c", 2),
        end("c", 3, "failed", error="ValueError: no", retry=True),
        start("c", 3, 2),
        end("c", 5, "failed", 2, attempt=2, error="ValueError: still no"),
        end("d", 5, "skipped", 0, reason="c failed"),
    )
    assert {name: ran.status for name, ran in run.tasks.items()} == {
        "a": "kept", "b": "done", "c": "failed", "d": "skipped", "e": "waiting",
    }  # fmt: skip
    assert run.tasks["b"] == Ran("done", T0, 2, 1.5, 80, 1)
    assert (run.tasks["c"].attempts, run.tasks["c"].error) == (2, "ValueError: still no")
    assert (run.over, run.jobs, run.run) == (4, 2, "r1")
    assert terminal.counts(run) == "1 failed, 1 done, 1 up to date, 1 skipped, 1 waiting"


def test_a_run_whose_driver_is_gone_has_nothing_at_work():
    run = run_of(["a", "b"], start("a", 0)).close()
    assert run.tasks["a"].status == "cancelled" and "cut off" in run.tasks["a"].error
    assert run.counts["running"] == 0 and run.counts["cancelled"] == 1


def test_the_live_table_shows_failures_what_ended_and_what_is_at_work():
    names = [f"t{n}" for n in range(1000)]
    events = [event for n in range(50) for event in (start(f"t{n}", n), end(f"t{n}", n + 1))]
    run = run_of(
        names, start("t990", 0), end("t990", 1, "failed", error="boom\n\x1b[31mred"), *events,
        start("t60", 40), start("t61", 45),
    )  # fmt: skip
    lines = terminal.live(run, T0 + 50, columns=60, rows=14)
    assert lines[0].startswith("█") and "1 failed, 2 running, 50 done" in lines[0]
    assert [line.split()[1] for line in lines[1:]] == [
        "t990", "t42", "t43", "t44", "t45", "t46", "t47", "t48", "t49", "t60", "t61",
    ]  # fmt: skip
    assert "boom" in lines[1] and "\x1b" not in "".join(lines)
    assert lines[-2].split()[2] == "10.0s"
    assert all(len(line) < 60 for line in lines) and len(lines) < 14


@pytest.mark.parametrize("rows", [1, 3, 5, 24])
def test_the_live_table_fits_the_screen(rows: int):
    run = run_of([f"t{n}" for n in range(100)], *(start(f"t{n}", n) for n in range(50)))
    for n in range(30):
        run.take(end(f"t{n}", 60, "failed"))
    assert len(terminal.live(run, T0 + 99, rows=rows)) <= max(rows - 1, 4)


def test_how_long_it_goes_on_is_told_when_enough_has_ended():
    names = ["get", *(f"fit-{n}" for n in range(9)), "best"]
    run = run_of(names, start("get", 0), end("get", 1, seconds=1))
    assert run.left(T0 + 1) is None
    for n in range(4):
        run.take(start(f"fit-{n}", 1))
        run.take(end(f"fit-{n}", 21, seconds=20))
    run.take(start("fit-4", 21))
    run.take(start("fit-5", 21))
    # Two fits at work for 5 s, three to come, and best as long as all on average: two at a time.
    assert run.left(T0 + 26) == pytest.approx((2 * 15 + 3 * 20 + 81 / 5) / 2)
    assert "about 53s left" in terminal.heading(run, T0 + 26)
    run.take({"time": T0 + 99, "event": "run-end"})
    assert run.left(T0 + 99) is None and "left" not in terminal.heading(run, T0 + 99)


def test_a_poor_terminal_gets_letters_that_it_has():
    run = run_of(["a", "b", "c"], start("a", 0), end("a", 1), start("b", 1))
    assert "".join(terminal.live(run, T0 + 3, poor=True)).isascii()


def test_news_are_one_line_for_each_thing_that_happens():
    run, told = Run(["a", "b", "c"]), []
    for event in (
        start("a", 0),
        end("a", 1, "failed", error="OSError: full\ndisk", retry=True),
        start("a", 2, 2),
        end("a", 4, seconds=2.0, attempt=2, peak_mb=120.4),
        end("b", 4, "kept", 0),
        end("c", 4, "skipped", 0, reason="a failed; b failed; d failed"),
        {"event": "unknown"},
        {"event": "task-end", "task": 7},
    ):
        run.take(event)
        told.append(terminal.news(event, run))
    assert told == [
        "a: begins",
        "a: failed, is tried again (OSError: full disk)",
        "a: begins (attempt 2, OSError: full disk)",
        "a: done after 2.0s (attempt 2, 120 MB)",
        None,
        "c: skipped (a failed and 2 more)",
        None,
        None,
    ]


def test_of_a_very_long_error_the_beginning_is_told():
    run, event = Run(["a"]), end("a", 1, "failed", error=f"ValueError: {'z' * 100_000}")
    run.take(event)
    line = terminal.news(event, run) or ""
    assert line.startswith("a: failed") and line.endswith("zz…)") and len(line) < 600


def test_the_table_at_the_end():
    run = run_of(
        ["get", "fit", "old", "last"],
        start("get", 0), end("get", 3, seconds=3),
        start("fit", 3), end("fit", 4, "failed", seconds=1),
        end("old", 4, "kept", 0), end("last", 4, "skipped", 0),
    )  # fmt: skip
    assert terminal.summary(run) == [
        "name  ran?            elapsed   share",
        "----  --------------  -------  ------",
        "get   yes                3.0s  75.0 %",
        "fit   failed             1.0s  25.0 %",
        "old   no: up to date",
        "last  no: skipped",
    ]


def test_a_long_table_keeps_what_failed_and_what_took_long():
    names = [f"t{n}" for n in range(300)]
    events = [end(f"t{n}", n, "kept", 0) for n in range(100)]
    events += [end(f"t{n}", n, seconds=n) for n in range(100, 299)]
    run = run_of(names, *events, end("t299", 300, "failed", seconds=0.1))
    lines = terminal.summary(run, most=5)
    assert [line.split()[0] for line in lines[2:]] == [
        "t295", "t296", "t297", "t298", "t299", "…", "100",
    ]  # fmt: skip
    assert lines[-2:] == ["… 195 more", "100 up to date"]


def test_a_no_op_is_one_line():
    run = run_of([f"t{n}" for n in range(99)], *(end(f"t{n}", 0, "kept", 0) for n in range(99)))
    assert terminal.summary(run) == ["99 up to date"]


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0, "0.00s"), (0.994, "0.99s"), (0.996, "1.0s"), (59.94, "59.9s"), (59.96, "1m00s"),
     (125, "2m05s"), (3599.9, "1h00m"),
     (7380, "2h03m")],
)  # fmt: skip
def test_times(seconds: float, said: str):
    assert terminal.spent(seconds) == said


def test_a_time_is_iso_or_seconds():
    assert seconds_of("2026-11-22T14:00:00Z") == seconds_of("2026-11-22T15:00:00.000+01:00")
    assert seconds_of("2026-11-22T14:00:00") == seconds_of("2026-11-22T14:00:00+00:00")
    assert (seconds_of(7), seconds_of("soon"), seconds_of(None)) == (7.0, None, None)


@given(st.text(), st.integers(1, 60))
def test_any_text_fits_its_columns(text: str, wide: int):
    shown = terminal.padded(text, wide)
    assert terminal.width(shown) == wide
    assert "\x1b" not in shown and "\n" not in shown


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@given(
    st.lists(
        st.fixed_dictionaries(
            {"event": st.sampled_from(["run-start", "run-end", "task-start", "task-end", "?"])},
            optional={
                key: json_values | st.sampled_from(["a", "done", "kept", "failed", 3])
                for key in ("time", "task", "outcome", "seconds", "attempt", "error", "reason")
            },
        ),
        max_size=12,
    )
)
def test_whatever_is_in_the_file_is_shown(events: list[dict[str, Any]]):
    run = Run(["a", "b"])
    for event in json.loads(json.dumps(events)):
        run.take(event)
        terminal.news(event, run)
    assert sum(run.counts.values()) == len(run.tasks)
    terminal.live(run, T0)
    terminal.summary(run)
    run.close()
