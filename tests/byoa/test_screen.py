from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr
from pathlib import Path

import pytest

from byoa import progress, screen
from byoa.plan.look.bars import Bar, line
from tests.byoa.terminal import Seen, Terminal

BAR = Bar(what="sending ./pictures", part=0.5, notes=("6 MB of 12 MB",), seconds=5)


class Out(io.StringIO):
    """A terminal whose words are kept."""

    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


@pytest.fixture
def out(monkeypatch: pytest.MonkeyPatch) -> Out:
    for name, value in {"TERM": "xterm", "COLUMNS": "80", "LINES": "24"}.items():
        monkeypatch.setenv(name, value)
    return Out()


@contextmanager
def drawn(out: Out, bar: Bar = BAR) -> Iterator[screen.Screen]:
    with redirect_stderr(out), screen.live(out, lambda columns: [line(bar, columns)]) as made:
        yield made


def test_lines_scroll_above_the_bar_and_the_bar_is_gone_at_the_end(out: Out):
    with drawn(out) as made:
        screen.say("first")
        screen.say("second")
        made.draw()
        assert Seen(80).feed(out.getvalue()).text == f"first\nsecond\n{line(BAR, 80)}"
    with redirect_stderr(out):
        screen.say("third")
    assert Seen(80).feed(out.getvalue()).text == "first\nsecond\nthird\n"


def test_a_line_longer_than_the_terminal_is_not_cut(out: Out):
    with drawn(out):
        screen.say("x" * 200)
    assert "".join(Seen(80).feed(out.getvalue()).rows) == "x" * 200


def test_a_terminal_that_becomes_narrower_keeps_no_piece_of_the_old_bar(
    out: Out, monkeypatch: pytest.MonkeyPatch
):
    seen = Seen(80)
    with drawn(out) as made:
        screen.say("first")
        seen.feed(taken(out))
        seen.resize(30)
        assert len(seen.rows) == 4  # "first" and three of the bar
        monkeypatch.setenv("COLUMNS", "30")
        made.draw()
        assert seen.feed(taken(out)).text == f"first\n{line(BAR, 30)}"
    assert seen.feed(taken(out)).text == "first\n"


def taken(out: Out) -> str:
    said = out.getvalue()
    out.seek(0)
    out.truncate()
    return said


def test_several_lines_are_redrawn_in_their_place_and_no_more_than_the_terminal_has(out: Out):
    rows = [f"row {number}" for number in range(40)]
    with screen.live(out, lambda _: rows[:3]) as made:
        made.draw()
        assert Seen(80).feed(out.getvalue()).text == "row 0\nrow 1\nrow 2"
        made.make = lambda _: rows
        made.draw()
        assert len(Seen(80).feed(out.getvalue()).rows) == 23


def test_what_goes_wrong_inside_leaves_the_terminal_sane(out: Out):
    with pytest.raises(KeyboardInterrupt), drawn(out):
        raise KeyboardInterrupt
    assert Seen(80).feed(out.getvalue()).text == ""
    with redirect_stderr(out):
        screen.say("after")
    assert out.getvalue().endswith("after\n")


def test_a_terminal_that_is_closed_meanwhile_ends_nothing(out: Out):
    with drawn(out):
        out.close()
        screen.say("to nobody")


@pytest.mark.parametrize(
    ("environ", "live", "coloured"),
    [({}, True, True), ({"NO_COLOR": "1"}, True, False), ({"TERM": "dumb"}, False, False)],
)
def test_where_there_are_bars_and_colours(
    out: Out, environ: dict[str, str], live: bool, coloured: bool, monkeypatch: pytest.MonkeyPatch
):
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    if "NO_COLOR" not in environ:
        monkeypatch.delenv("NO_COLOR", raising=False)
    assert (screen.is_live(out), screen.has_colours(out)) == (live, coloured)
    assert not screen.is_live(io.StringIO()) and not screen.is_live(None)


def test_bytes_and_files_as_a_bar_and_nothing_without_a_terminal(out: Out):
    with redirect_stderr(out), progress.bar("sending ./pictures") as told:
        assert told is not None
        told(6_000_000, 12_000_000, 1, 2)
        screen.say("left out: a pipe")
    said = out.getvalue()
    assert "50 %  6 MB of 12 MB" in said and "1 of 2 files" in said
    assert Seen(80).feed(said).text == "left out: a pipe\n"
    with redirect_stderr(io.StringIO()), progress.bar("sending ./pictures") as told:
        assert told is None


def test_the_width_is_that_of_stderr_itself():
    code = "from byoa import screen; print(screen.size()[0])"
    terminal = Terminal(["-c", code], columns=47, COLUMNS="200", PYTHONPATH=str(Path.cwd()))
    assert terminal.end() == 0, terminal.said
    assert terminal.said.strip() == "47"
