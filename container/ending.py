"""What the end of a program that says nothing itself means, in a sentence."""

from __future__ import annotations

import signal

from container.process import Ended
from container.traceback_text import last_exception

LAST_LINES = 8
# What a shell adds to the number of a signal that ended its command.
SIGNAL_BASE = 128
_SHELL_CODES = {126: "a command in it is not executable", 127: "a command in it was not found"}


def explain(name: str, ended: Ended) -> tuple[str, str]:
    """The headline of a failure, and the last lines of stderr where we kept them."""
    lines = [line.rstrip() for line in ended.stderr.splitlines() if line.strip()]
    details = "\n".join(lines[-LAST_LINES:])
    if ended.overdue:
        return f"ProgramKilled: {name} did not stop in time and was killed.", details
    if ended.memory_kill:
        return f"OutOfMemory: the kernel killed {name}, or a process of it, for memory.", details
    number = ended.by_signal or _signal_of(ended.code)
    if number is not None:
        return f"ProgramKilled: {name} was ended by signal {_named(number)}.", details
    if said := last_exception(lines):
        return f"{said} ({name} ended with exit code {ended.code})", details
    return f"ProgramFailed: {name} ended with exit code {ended.code}{_why(ended, lines)}", details


def _signal_of(code: int) -> int | None:
    """The signal that a shell reports by 128 + n."""
    number = code - SIGNAL_BASE
    return number if number in signal.valid_signals() else None


def _named(number: int) -> str:
    try:
        return f"{number} ({signal.Signals(number).name})"
    except ValueError:  # most real-time signals have no name
        return str(number)


def _why(ended: Ended, lines: list[str]) -> str:
    said = f": {lines[-1]}" if lines else " and said no more; the end of the log may tell why."
    return f" ({_SHELL_CODES[ended.code]}){said}" if ended.code in _SHELL_CODES else said
