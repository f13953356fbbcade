"""Everything that is wrong with a channel, told together: a few by name, the rest counted."""

from __future__ import annotations

from errors import DataError

_NAMED = 3  # names that are written out for each kind of problem
_KINDS = 4  # kinds that are written out: the failure reason ends after 1,024 characters


class Problems:
    """Collects problems by kind and raises them as one DataError."""

    def __init__(self, channel: str) -> None:
        self.channel = channel
        self._names: dict[tuple[str, str], list[str]] = {}

    def __bool__(self) -> bool:
        return bool(self._names)

    def add(self, what: str, advice: str, name: str = "") -> None:
        """Notes that `what` is wrong with `name`; `advice` says what to do about it."""
        printable = "".join(letter if letter.isprintable() else "?" for letter in name[:160])
        self._names.setdefault((what, advice), []).append(printable)

    def raise_if_any(self) -> None:
        """Ends the collecting: DataError when there was anything."""
        if self:
            raise DataError(self.sentence())

    def sentence(self) -> str:
        """Tells all problems in one line."""
        kinds = [_told(what, names, advice) for (what, advice), names in self._names.items()]
        shown, hidden = kinds[:_KINDS], len(kinds) - _KINDS
        rest = [f"and {hidden} more kinds of problems"] if hidden > 0 else []
        number = f"{len(kinds)} problems: " if len(kinds) > 1 else ""
        return f"channel {self.channel}: {number}{'; '.join(shown + rest)}"


def _told(what: str, names: list[str], advice: str) -> str:
    named = [name for name in names if name]
    if not named:
        return f"{what} - {advice}"
    more = f" and {len(named) - _NAMED} more" if len(named) > _NAMED else ""
    return f"{what}: {', '.join(named[:_NAMED])}{more} - {advice}"
