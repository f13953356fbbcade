"""Colours of a terminal's own palette, so that they are legible on light and on dark ones."""

from __future__ import annotations

import re

RED, GREEN, YELLOW, BLUE, MAGENTA, CYAN = range(31, 37)
DIM, BOLD = 2, 1
#: Of hosts: red and yellow are taken by what is wrong.
HOSTS = (CYAN, MAGENTA, GREEN, BLUE, 96, 95, 92, 94)
NUMBER = re.compile(r"(\d+)$")
WRONG = re.compile(
    r"^Traceback \(most recent|^\s*(?:[\w.]+\.)?\w*(?:Error|Exception)\b(?::|$)"
    r"|\b(?:ERROR|FATAL|CRITICAL|error:|fatal:)|^byoa: (?!.*\bwarn)"
)
DOUBTFUL = re.compile(r"\b(?:WARN(?:ING)?|\w*Warning\b:|warning:)")
#: A job's statuses, an endpoint's, and a step's.
STATUS = {
    "Completed": GREEN, "InService": GREEN, "Failed": RED, "Stopped": YELLOW, "Stopping": YELLOW,
    "Interrupted": YELLOW, "InProgress": BLUE, "Creating": BLUE, "Updating": BLUE,
    "Deleting": YELLOW, "OutOfService": RED,
}  # fmt: skip


def paint(text: str, *codes: int) -> str:
    """The text in a colour; the terminal is as it was behind it."""
    return f"\x1b[{';'.join(map(str, codes))}m{text}\x1b[0m" if codes and text else text


def of_host(host: str) -> int:
    """algo-1 has the first colour wherever it speaks; a name without a number, one by letters."""
    found = NUMBER.search(host)
    number = int(found[1]) - 1 if found else sum(map(ord, host))
    return HOSTS[number % len(HOSTS)]


def of_text(text: str) -> int:
    """Red for an error, yellow for a warning, 0 for all else."""
    return YELLOW if DOUBTFUL.search(text) else RED if WRONG.search(text) else 0


def log_line(time: str, host: str, text: str) -> str:
    """A job's line: its time dim, the host in its colour, what is wrong recognisable."""
    code = of_text(text)
    said = paint(text, code) if code and "\x1b" not in text else text
    return f"{paint(time, DIM)} {paint(host, of_host(host))} {paint('|', DIM)} {said}"


def status(word: str) -> str:
    return paint(word, *((STATUS[word],) if word in STATUS else ()))
