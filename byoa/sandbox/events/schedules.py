"""rate(…) and cron(…): when a rule's next time is.

https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-scheduled-rule-pattern.html
"""

from __future__ import annotations

import calendar
import datetime
import re
from collections.abc import Iterator
from dataclasses import dataclass

RATE = re.compile(r"rate\((?P<count>\d+) (?P<unit>minute|hour|day)(?P<many>s?)\)")
CRON = re.compile(r"cron\((?P<fields>[^()]+)\)")
MINUTES = {"minute": 1, "hour": 60, "day": 1440}
MONTHS = {
    "JAN": 1, "FEB": 2, "MAR": 3, "APR": 4, "MAY": 5, "JUN": 6,
    "JUL": 7, "AUG": 8, "SEP": 9, "OCT": 10, "NOV": 11, "DEC": 12,
}  # fmt: skip
DAYS = {"SUN": 1, "MON": 2, "TUE": 3, "WED": 4, "THU": 5, "FRI": 6, "SAT": 7}
#: Least and greatest of: minutes, hours, day of the month, month, day of the week, year.
BOUNDS = ((0, 59), (0, 23), (1, 31), (1, 12), (1, 7), (1970, 2199))


class ScheduleError(ValueError):
    """The expression is none."""


@dataclass(frozen=True)
class Rate:
    """Every so many minutes from when the rule was made."""

    minutes: int

    def next(self, after: datetime.datetime) -> datetime.datetime | None:
        return after + datetime.timedelta(minutes=self.minutes)


@dataclass(frozen=True)
class Cron:
    """Six fields in UTC."""

    fields: tuple[str, ...]

    def next(self, after: datetime.datetime) -> datetime.datetime | None:
        """The first minute after a moment that fits; None when no year has one."""
        minutes, hours, months, years = (numbers(self.fields[at], at) for at in (0, 1, 3, 5))
        first = after.replace(second=0, microsecond=0) + datetime.timedelta(minutes=1)
        for year in sorted(years & set(range(first.year, first.year + 60))):
            for month in sorted(months):
                if (year, month) < (first.year, first.month):
                    continue
                for day in self.days(year, month):
                    if (year, month, day) < (first.year, first.month, first.day):
                        continue
                    for moment in times(year, month, day, hours, minutes):
                        if moment >= first:
                            return moment
        return None

    def days(self, year: int, month: int) -> list[int]:
        """The days of one month that fit: by the month's own count, or by the week's."""
        last = calendar.monthrange(year, month)[1]
        in_month, in_week = self.fields[2], self.fields[4]
        if in_week == "?":
            return sorted(month_days(in_month, year, month, last))
        return sorted(week_days(in_week, year, month, last))


def times(
    year: int, month: int, day: int, hours: set[int], minutes: set[int]
) -> Iterator[datetime.datetime]:
    for hour in sorted(hours):
        for minute in sorted(minutes):
            yield datetime.datetime(year, month, day, hour, minute, tzinfo=datetime.timezone.utc)


def month_days(field: str, year: int, month: int, last: int) -> set[int]:
    if field == "L":
        return {last}
    if field in {"LW", "WL"}:
        return {nearest_weekday(year, month, last, last)}
    if field.endswith("W"):
        return {nearest_weekday(year, month, min(int(field[:-1]), last), last)}
    return {day for day in numbers(field, 2) if day <= last}


def nearest_weekday(year: int, month: int, day: int, last: int) -> int:
    """The weekday next to a day, in the same month."""
    weekday = calendar.weekday(year, month, day)  # Monday is 0
    if weekday == 5:
        return day - 1 if day > 1 else day + 2
    if weekday == 6:
        return day + 1 if day < last else day - 2
    return day


def week_days(field: str, year: int, month: int, last: int) -> set[int]:
    of = {day: (calendar.weekday(year, month, day) + 1) % 7 + 1 for day in range(1, last + 1)}
    if "#" in field:
        name, count = field.split("#")
        fits = [day for day in of if of[day] in numbers(name, 4)]
        return set(fits[int(count) - 1 : int(count)])
    if field.endswith("L"):
        fits = [day for day in of if of[day] in (numbers(field[:-1], 4) if field[:-1] else {7})]
        return {fits[-1]}
    return {day for day in of if of[day] in numbers(field, 4)}


def numbers(field: str, at: int) -> set[int]:
    """What *, lists, ranges and steps mean. ? means any."""
    low, high = BOUNDS[at]
    found: set[int] = set()
    for part in field.split(","):
        span, _, step = part.partition("/")
        first, _, last = span.partition("-")
        if span in {"*", "?"}:
            begin, stop = low, high
        else:
            begin = number(first, at)
            stop = number(last, at) if last else (high if step else begin)
        if not low <= begin <= high or not low <= stop <= high or (step and not step.isdigit()):
            raise ScheduleError(f"{field!r} is out of {low}-{high}")
        if begin > stop:
            stop += high - low + 1  # FRI-MON goes on past the week's end
        for value in range(begin, stop + 1, int(step or 1) or 1):
            found.add((value - low) % (high - low + 1) + low)
    return found


def number(said: str, at: int) -> int:
    named = {3: MONTHS, 4: DAYS}.get(at, {})
    if said.upper() in named:
        return named[said.upper()]
    if not said.isdigit():
        raise ScheduleError(f"{said!r} is no number")
    return int(said)


def read(expression: str) -> Rate | Cron:
    """The schedule that an expression means."""
    rate, cron = RATE.fullmatch(expression), CRON.fullmatch(expression)
    if rate is not None:
        count = int(rate["count"])
        if count < 1 or (count == 1) == bool(rate["many"]):
            raise ScheduleError(f"{expression!r}: 1 minute, 2 minutes")
        return Rate(count * MINUTES[rate["unit"]])
    if cron is None:
        raise ScheduleError(f"{expression!r} is neither rate(…) nor cron(…)")
    fields = tuple(cron["fields"].upper().split())
    if len(fields) != 6 or (fields[2] == "?") == (fields[4] == "?"):
        raise ScheduleError(f"{expression!r} needs six fields, one of its days being ?")
    found = Cron(fields)
    try:
        for at in (0, 1, 3, 5):
            numbers(fields[at], at)
        found.days(2024, 2)
    except ScheduleError:
        raise
    except (ValueError, IndexError, KeyError) as error:
        raise ScheduleError(f"{expression!r}: {error}") from None
    return found
