"""Placeholders: {{name}} from env.yaml, [[name]] from a grid's point, and what a text then is.

Names and dots (`{{path.data}}`) are filled in here; what is more (`{{name | upper}}`) is Jinja's.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from byoa.plan.errors import UsageError

PLAIN = r"[^\W\d]\w*(?:\.\w+)*"
ENV = re.compile(r"\{\{\s*(" + PLAIN + r")\s*\}\}")
POINT = re.compile(r"\[\[\s*(" + PLAIN + r")\s*\]\]")
WORDS: Mapping[str, Any] = {"true": True, "false": False, "none": None, "null": None}
#: What may begin a Python literal that is no word: a number, a bracket, a quote.
LITERAL = re.compile(r"[\s\d.+\-(\[{'\"]|[rRbBuU]{1,2}['\"]")
EXTRA = "pip install 'byoa[pipeline]'"


class Missing(Exception):  # noqa: N818 - a name, not an error of ours
    """A placeholder that nobody has filled in."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


def names_in(text: str) -> set[str]:
    """The first words of all placeholders in a text."""
    if "{{" not in text and "{%" not in text:
        return set()
    rest = ENV.sub("", text)
    found = {name.partition(".")[0] for name in ENV.findall(text)}
    return found | undeclared(rest) if "{" in rest else found


def undeclared(text: str) -> set[str]:
    if "{{" not in text and "{%" not in text:
        return set()
    try:
        from jinja2 import Environment, TemplateSyntaxError, meta
    except ImportError:
        raise UsageError(f"{text!r} needs Jinja: {EXTRA}") from None
    try:
        return set(meta.find_undeclared_variables(Environment().parse(text)))
    except TemplateSyntaxError as error:
        raise UsageError(f"{text!r} is no template: {error.message}.") from None


def fill(text: str, value_of: Callable[[str], Any]) -> str:
    """A text with {{…}} filled in; `value_of` gets the first word, and raises Missing."""
    if "{{" not in text and "{%" not in text and "{#" not in text:
        return text
    rest = ENV.sub("", text)
    if "{{" in rest or "{%" in rest or "{#" in rest:
        return jinja(text, {name: value_of(name) for name in names_in(text)})
    return ENV.sub(lambda found: str(walk(found[1], value_of)), text)


def fill_point(text: str, point: Mapping[str, Any], shown: Callable[[Any], str] = str) -> str:
    """A text with [[…]] filled in from a grid's point; what the point has not got is empty."""
    if "[[" not in text:
        return text
    if "[[" in POINT.sub("", text):
        return jinja(text, {key: spoken(value, shown) for key, value in point.items()}, "[[", "]]")
    return POINT.sub(lambda found: shown_at(found[1], point, shown), text)


def names_of_point(text: str) -> set[str]:
    """The keys of the point that a text mentions."""
    if "[[" not in text:
        return set()
    found = {name.partition(".")[0] for name in POINT.findall(text)}
    rest = POINT.sub("", text)
    return found | set(re.findall(r"\[\[\s*(\w+)", rest))


def shown_at(name: str, point: Mapping[str, Any], shown: Callable[[Any], str]) -> str:
    try:
        return shown(walk(name, lambda first: point[first]))
    except (KeyError, Missing):
        return ""


def spoken(value: Any, shown: Callable[[Any], str]) -> Any:
    """For Jinja: a scalar that has to be shown otherwise is replaced; the rest can be walked."""
    return shown(value) if isinstance(value, str) else value


def walk(name: str, value_of: Callable[[str], Any]) -> Any:
    """The value at a.b.c; Missing where the path ends."""
    first, *rest = name.split(".")
    value = value_of(first)
    for part in rest:
        if isinstance(value, Mapping) and part in value:
            value = value[part]
        elif isinstance(value, (list, tuple)) and part.isdigit() and int(part) < len(value):
            value = value[int(part)]
        else:
            raise Missing(name)
    return value


def jinja(text: str, values: Mapping[str, Any], start: str = "{{", end: str = "}}") -> str:
    try:
        from jinja2 import StrictUndefined, TemplateError, Undefined, UndefinedError
        from jinja2.sandbox import SandboxedEnvironment
    except ImportError:
        raise UsageError(f"{text!r} needs Jinja: {EXTRA}") from None
    environment = SandboxedEnvironment(
        variable_start_string=start,
        variable_end_string=end,
        undefined=StrictUndefined if start == "{{" else Undefined,
    )
    try:
        return str(environment.from_string(text).render(**values))
    except UndefinedError as error:
        raise Missing(str(error)) from None
    except TemplateError as error:
        raise UsageError(f"{text!r} is no template: {error}.") from None
    except Exception as error:  # 1 / 0, a range too large: whatever the text says
        said = str(error).rstrip(".") or "it has no value"
        raise UsageError(f"{text!r} ends in a {type(error).__name__}: {said}.") from None


@lru_cache(65536)
def meant_by(text: str) -> Any:
    """What a text stands for: Ploomber reads every one as Python's literal where it is one."""
    if not LITERAL.match(text):
        return WORDS.get(text.lower(), text)
    try:
        return plain(ast.literal_eval(text))
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return text


def plain(value: Any) -> Any:
    """A literal as JSON has it; ValueError for what JSON has not."""
    if isinstance(value, (list, tuple)):
        return [plain(inner) for inner in value]
    if isinstance(value, dict):
        return {str(key): plain(inner) for key, inner in value.items()}
    if isinstance(value, (str, int, float, bool, type(None))):
        return value
    raise ValueError(value)
