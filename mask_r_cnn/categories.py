"""Classes by name: one list of them for all the sources of a channel."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


class Categories:
    """Collects class names with their category ids; label i (from 1) is the i-th of them.

    Sources agree by name: the first to name a class gives it its id, unless another has it.
    """

    def __init__(self, fixed: tuple[Sequence[str], Sequence[int]] | None = None) -> None:
        names, ids = fixed or ((), ())
        self.fixed = fixed is not None
        self._ids = dict(zip(names, ids, strict=True))
        self._taken = set(ids)

    def add(self, entries: Iterable[tuple[str, int]]) -> None:
        """Takes in the classes of a source, unless the list is fixed."""
        if self.fixed:
            return
        for name, number in entries:
            if name not in self._ids:
                free = max(self._taken, default=0) + 1
                self._ids[name] = free if number in self._taken else number
                self._taken.add(self._ids[name])

    def names(self) -> tuple[str, ...]:
        """Lists the class names in the order of their labels."""
        return tuple(self._ordered())

    def ids(self) -> tuple[int, ...]:
        """Lists the category ids in the order of their labels."""
        return tuple(self._ids[name] for name in self._ordered())

    def labels(self) -> dict[str, int]:
        """Maps each class name to its label, 1 and up."""
        return {name: label for label, name in enumerate(self._ordered(), start=1)}

    def _ordered(self) -> list[str]:
        return list(self._ids) if self.fixed else sorted(self._ids, key=self._ids.__getitem__)
