from __future__ import annotations

import pytest

from byoa.plan.look.bars import Bar, Rate, line, rough, size, whole

SENDING = Bar(
    what="sending ./pictures", part=0.38, seconds=65, left=420,
    notes=("12.4 MB of 30 MB", "5.1 MB/s", "3 of 12 files"),
)  # fmt: skip


def test_all_is_told_where_there_is_room():
    said = line(SENDING, 120)
    assert said.startswith("sending ./pictures  █████████░░░")
    assert said.endswith(" 38 %  12.4 MB of 30 MB  5.1 MB/s  3 of 12 files  1m05s, 7m left")


@pytest.mark.parametrize("columns", range(8, 130))
def test_a_line_never_reaches_the_last_column(columns: int):
    assert 0 < len(line(SENDING, columns)) < columns
    assert len(line(Bar(what="首先", part=0.5, seconds=1), columns)) < columns


@pytest.mark.parametrize(
    ("columns", "there", "gone"),
    [
        (80, ["12.4 MB of 30 MB", "7m left", "█"], ["files"]),
        (60, ["1m05s", "█"], ["MB/s", "left"]),
        (40, ["sending ./pictures", "38 %", "█"], ["MB"]),
        (30, ["sending ./pictures", "38 %"], ["█"]),
    ],
)
def test_the_least_important_goes_first(columns: int, there: list[str], gone: list[str]):
    said = line(SENDING, columns)
    assert [word for word in there if word not in said] == []
    assert [word for word in gone if word in said] == []


def test_without_a_part_there_is_no_bar_and_a_poor_terminal_has_its_own_letters():
    assert line(Bar(what="first  Starting", seconds=4), 80) == "first  Starting  4s"
    assert line(Bar(what="x", part=0.5), 40, poor=True) == f"x  {'#' * 12}{'.' * 12}   50 %"


@pytest.mark.parametrize("part", [-1.0, 0.0, 1.0, 7.0])
def test_a_part_beyond_the_whole_draws_no_more_than_the_whole(part: float):
    said = line(Bar(what="x", part=part), 80)
    assert said.count("█") + said.count("░") == 24
    assert ("100 %" in said) is (part >= 1)


def test_nothing_is_foretold_at_once():
    assert "left" not in line(Bar(what="x", part=0.1, seconds=1, left=9), 80)


def test_a_rate_is_that_of_the_last_seconds():
    rate = Rate()
    assert rate.at(0) == 0
    for second in range(0, 21):
        rate.add(second, 100.0 * min(second, 10))
    assert rate.at(20) == 0  # it stands still since second 10
    rate.add(21, 3000)
    assert 180 < rate.at(21) <= 200


def test_times_and_sizes_for_a_reader():
    assert [whole(s) for s in (0, 59.4, 59.6, 65, 3725)] == ["0s", "59s", "1m00s", "1m05s", "1h02m"]
    assert [rough(s) for s in (5, 89, 90, 600, 7200)] == ["5s", "89s", "2m", "10m", "2h"]
    assert [size(n) for n in (0, 999, 999_900, 12_400_000, 5e9)] == [
        "0 B", "999 B", "1 MB", "12.4 MB", "5 GB",
    ]  # fmt: skip
