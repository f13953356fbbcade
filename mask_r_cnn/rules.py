"""What a hyperparameter may be: rules that stand in the fields of a dataclass."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any


@dataclass(frozen=True)
class Rule:
    """What a hyperparameter may be, and what it is for."""

    kind: str  # integer, number, flag, choice or integers
    help: str
    unit: str = ""
    minimum: float | None = None
    maximum: float | None = None
    above: bool = False  # the minimum itself is not allowed
    choices: tuple[str, ...] = ()
    unset: str = ""  # what happens when it is None; empty: it cannot be None

    def allowed(self) -> str:
        """Names what is allowed, to end the sentence `it must be …`."""
        if self.kind == "choice":
            return f"one of {', '.join(self.choices)}"
        if self.kind == "flag":
            return "true or false"
        low = f"above {self.minimum:g}" if self.above else f"from {_plain(self.minimum)}"
        join = " and at most" if self.above else " to"
        noun = {"integer": "a whole number", "number": "a number"}.get(
            self.kind, "a list of whole numbers, such as 6,8, each"
        )
        return f"{noun} {low}{join} {_plain(self.maximum)}" + (
            " (leave it out for the default)" if self.unset else ""
        )


def whole_number(default: int | None, low: int, high: int, text: str, **more: Any) -> Any:
    rule = Rule("integer", text, minimum=low, maximum=high, **more)
    return field(default=default, metadata={"rule": rule})


def number(default: float, low: float, high: float, text: str, **more: Any) -> Any:
    rule = Rule("number", text, minimum=low, maximum=high, **more)
    return field(default=default, metadata={"rule": rule})


def choice(default: str, choices: tuple[str, ...], text: str) -> Any:
    return field(default=default, metadata={"rule": Rule("choice", text, choices=choices)})


def flag(default: bool, text: str) -> Any:
    return field(default=default, metadata={"rule": Rule("flag", text)})


def whole_numbers(low: int, high: int, text: str, **more: Any) -> Any:
    rule = Rule("integers", text, minimum=low, maximum=high, **more)
    return field(default=None, metadata={"rule": rule})


def rules_of(kind: type) -> dict[str, Rule]:
    """Reads the rules of a dataclass by field name, in their order."""
    return {item.name: item.metadata["rule"] for item in fields(kind)}


def _plain(number: float | None) -> str:
    return str(number) if isinstance(number, int) else f"{number:g}"
