"""A property that is worked out once; functools' takes a lock for it before Python 3.12."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar, overload

Made = TypeVar("Made")


class once(Generic[Made]):  # noqa: N801 - used as a word
    """`@once` on a method of no arguments: its value is kept with the object."""

    def __init__(self, make: Callable[[Any], Made]) -> None:
        self.make, self.__doc__ = make, make.__doc__

    @overload
    def __get__(self, of: None, owner: type) -> once[Made]: ...
    @overload
    def __get__(self, of: object, owner: type) -> Made: ...
    def __get__(self, of: object | None, owner: type) -> once[Made] | Made:
        if of is None:
            return self
        made = of.__dict__[self.make.__name__] = self.make(of)
        return made
