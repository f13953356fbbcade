"""EventBridge's schedules: rate(…) and cron(…), told what is wrong with them.

https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-scheduled-rule-pattern.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from byoa.plan.errors import UsageError

RATE = re.compile(r"rate\(([0-9]+) (minute|hour|day)(s?)\)")
CRON = re.compile(r"cron\((.*)\)", re.S)


class Field(NamedTuple):
    """One of cron's six fields."""

    name: str
    low: int
    high: int
    names: str = ""
    extra: str = ""  #: pattern of what only this field has


FIELDS = (
    Field("minutes", 0, 59),
    Field("hours", 0, 23),
    Field("day of the month", 1, 31, extra=r"\?|L|L?W|[0-9]{1,2}W|L-[0-9]{1,2}"),
    Field("month", 1, 12, "JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC"),
    Field(
        "day of the week", 1, 7, "SUN MON TUE WED THU FRI SAT",
        r"\?|L|[0-9A-Z]{1,3}L|[0-9A-Z]{1,3}#[1-5]",
    ),
    Field("year", 1970, 2199),
)  # fmt: skip


def checked(schedule: str) -> str:
    """The schedule as it is; UsageError says what EventBridge would refuse."""
    if found := next(problems(schedule), ""):
        raise UsageError(
            f'The schedule is {schedule[:80]!r}: {found}. Write "rate(1 day)", "rate(12 hours)" or'
            ' "cron(minutes hours day month weekday year)" in UTC, such as "cron(0 6 * * ? *)".'
        )
    return schedule


def problems(schedule: str) -> Iterator[str]:
    if rate := RATE.fullmatch(schedule):
        count, unit, many = int(rate[1]), rate[2], bool(rate[3])
        if count < 1:
            yield "it never comes round"
        elif many is (count == 1):
            yield f"AWS writes {count} {unit}{'' if count == 1 else 's'}"
    elif cron := CRON.fullmatch(schedule):
        yield from cron_problems(cron[1].split())
    else:
        yield "it is neither a rate nor a cron"


def cron_problems(words: list[str]) -> Iterator[str]:
    if len(words) != len(FIELDS):
        yield f"a cron has 6 fields, not {len(words)}"
        return
    for field, word in zip(FIELDS, words):
        if not all(part_fits(field, part.upper()) for part in word.split(",")):
            yield f"{word!r} is no {field.name}"
    if (words[2] == "?") is (words[4] == "?"):
        yield "one of the day of the month and the day of the week is ?, the other is not"


def part_fits(field: Field, part: str) -> bool:
    """`*`, `5`, `1-5`, `MON-FRI`, each with `/2`, or what the field alone has."""
    if field.extra and re.fullmatch(field.extra, part):
        return True
    base, slash, step = part.partition("/")
    if slash and not (step.isdecimal() and step.isascii() and int(step) > 0):
        return False
    ends = base.split("-")
    return base == "*" or (len(ends) <= 2 and all(number_fits(field, end) for end in ends))


def number_fits(field: Field, word: str) -> bool:
    plain = word.isdecimal() and word.isascii() and len(word) <= 4
    return word in field.names.split() or (plain and field.low <= int(word) <= field.high)
