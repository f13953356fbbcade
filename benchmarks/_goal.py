"""One goal: what should hold, what was found, and whether that is enough."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Goal:
    """What should hold, what was found, whether that is enough (None: unknown), and by what."""

    says: str
    here: str
    met: bool | None
    by: str

    def row(self) -> list[str]:
        """The goal as a row of the table."""
        verdict = {True: "yes", False: "**no**", None: "**not measured**"}[self.met]
        return [self.says, self.here, verdict, self.by]
