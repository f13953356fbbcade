"""All that is wrong with a pipeline, told at once, each with its file, line and task."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from byoa.plan.errors import UsageError

MOST = 50
#: Among so many names a likeness is not looked for: it takes too long.
MANY = 2000


@dataclass(frozen=True, order=True)
class Problem:
    """One sentence, and where it belongs."""

    file: str
    line: int  #: 0: not known
    task: str
    text: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        return ": ".join(part for part in (place, self.task, self.text) if part)


class PipelineError(UsageError):
    """A pipeline that cannot be: its problems."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sorted(dict.fromkeys(problems)))
        shown = [str(problem) for problem in self.problems[:MOST]]
        more = len(self.problems) - MOST
        shown += [f"and {more} more"] * (more > 0)
        super().__init__("\n".join(shown))


@dataclass
class Problems:
    """Collects problems, and notes that stop nothing."""

    file: str = ""
    found: list[Problem] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def add(self, text: str, line: int = 0, task: str = "", file: str = "") -> None:
        self.found.append(Problem(file or self.file, line, task, text))

    def note(self, text: str) -> None:
        if text not in self.notes:
            self.notes.append(text)

    def end(self) -> None:
        """Raises all of them, if there is any."""
        if self.found:
            raise PipelineError(self.found)


def meant(word: object, known: Collection[str], all_of_them: str = "It has") -> str:
    """ "Did you mean 'x'?", or all that is known."""
    names = sorted(map(str, known))
    small = {name.lower(): name for name in names} if len(names) < MANY else {}
    near = difflib.get_close_matches(str(word).lower(), small, 1)
    if near:
        return f"Did you mean {small[near[0]]!r}?"
    more = f" and {len(names) - MOST} more" if len(names) > MOST else ""
    return f"{all_of_them} {', '.join(names[:MOST])}{more}."


def listed(words: Iterable[object], most: int = 10) -> str:
    """'a', 'b' and 3 more."""
    shown = [repr(word) for word in words]
    more = f" and {len(shown) - most} more" if len(shown) > most else ""
    return ", ".join(shown[:most]) + more
