"""env.yaml: values for {{placeholders}}, later ones built from earlier ones.

https://docs.ploomber.io/en/latest/api/spec.html#env-yaml
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Mapping
from typing import Any

from byoa.plan.pipeline.placeholders import Missing, fill, meant_by
from byoa.plan.pipeline.problems import Problems, meant
from byoa.plan.pipeline.table import Table, line_of, mapped

#: What is known without being written down.
BUILT_IN = ("user", "cwd", "now", "root", "here", "git", "git_hash", "env")
WHY_NOT: Mapping[str, str] = {
    "git": "it needs git, and a repository with a commit",
    "git_hash": "it needs git, and a repository with a commit",
    "here": "it needs a pipeline.yaml",
    "version": "write the version into env.yaml",
}
BuiltIn = Callable[[str], Any]


class Env:
    """All values, and which of them were asked for; `built_in` raises Missing."""

    def __init__(
        self,
        raw: Mapping[str, Any],
        overrides: Mapping[str, str],
        built_in: BuiltIn,
        problems: Problems,
        file: str = "env.yaml",
        literal: bool = False,
    ) -> None:
        self.built_in = built_in
        self.literal = literal  #: texts are what they are: from Python, with no env
        self.values: dict[str, Any] = {}
        self.used: set[str] = set()
        self.said = set(raw)
        self.file = file
        self.inside = set[str]()  #: keys that other keys of env.yaml ask for
        checked_keys(raw, problems, file)
        for key, value in overridden(raw, overrides, problems, file).items():
            self.values[key] = self.expanded(key, value, line_of(raw, key), problems)
        self.inside |= self.used
        self.used = set()

    def expanded(self, key: str, value: Any, line: int, problems: Problems) -> Any:
        def change(text: str) -> Any:
            try:
                filled = fill(text, self.value_of)
            except Missing as missing:
                problems.add(self.missing(missing.name), line, file=self.file)
                return text
            return folder(filled) if key == "path" else meant_by(filled)

        return mapped(value, change)

    def value_of(self, name: str) -> Any:
        """The value of a placeholder's first word."""
        self.used.add(name)
        if name in self.values:
            return self.values[name]
        if name in BUILT_IN:
            return self.built_in(name)
        raise Missing(name)

    def text(self, text: str) -> str:
        """A text of pipeline.yaml with its placeholders filled in."""
        return text if self.literal else fill(text, self.value_of)

    def value(self, text: str) -> Any:
        """The same as the value that it stands for."""
        return text if self.literal else meant_by(fill(text, self.value_of))

    def missing(self, name: str) -> str:
        first = name.partition(".")[0]
        if first in WHY_NOT:
            return f"{{{{{name}}}}} has no value: {WHY_NOT[first]}."
        if first == "env":
            return f"{{{{{name}}}}} has no value: there is no such environment variable."
        if first in self.values:
            inner = set(flat({first: self.values[first]})) - {first}
            held = f" {first} has {', '.join(sorted(inner)[:10])}." if inner else ""
            return f"{{{{{name}}}}} has no value.{held}"
        if first in self.said:
            return f"{{{{{name}}}}} has no value yet: write {first} above what uses it."
        known = self.values.keys() | self.said | set(BUILT_IN)
        return f"{{{{{name}}}}} has no value. {meant(first, known, 'env.yaml and byoa have')}"

    @property
    def unused(self) -> list[str]:
        return sorted(self.said - self.used - self.inside - set(BUILT_IN))


def folder(text: str) -> str:
    """A value below `path:`: without the slash at its end."""
    return posixpath.normpath(text) if text else text


def checked_keys(raw: Mapping[Any, Any], problems: Problems, file: str) -> None:
    for key, value in raw.items():
        line = line_of(raw, key)
        if not isinstance(key, str):
            problems.add(f"{key!r} is no name for a placeholder.", line, file=file)
        elif key.startswith("_"):
            why = " A module's version is not looked up." if key == "_module" else ""
            problems.add(f"{key!r}: a key begins with a letter.{why}", line, file=file)
        elif "__" in key:
            problems.add(f"{key!r}: a key holds no two underscores in a row.", line, file=file)
        if isinstance(value, Mapping):
            for inner in value:
                if isinstance(inner, str) and "__" in inner:
                    problems.add(
                        f"{inner!r}: a key holds no two underscores in a row.",
                        line_of(value, inner),
                        file=file,
                    )


def overridden(
    raw: Mapping[str, Any], overrides: Mapping[str, str], problems: Problems, file: str
) -> dict[str, Any]:
    """env.yaml with --env--a--b VALUE on top; only what it has can be said."""
    made: dict[str, Any] = dict(raw)
    for said, value in overrides.items():
        keys = said.replace("--", ".").replace("__", ".").split(".")
        inner: dict[str, Any] = made
        for key in keys[:-1]:
            if not isinstance(inner.get(key), Mapping):
                break
            inner[key] = copied(inner[key])
            inner = inner[key]
        else:
            if keys[-1] in inner or (len(keys) == 1 and keys[0] in BUILT_IN):
                inner[keys[-1]] = value
                continue
        known = flat(raw)
        problems.add(
            f"--env--{said}: {file} has no {said.replace('--', '.')!r}."
            f" {meant('.'.join(keys), known) if known else ''}".rstrip()
        )
    return made


def copied(value: Mapping[str, Any]) -> dict[str, Any]:
    made = Table(line_of(value))
    made.update(value)
    return made


def flat(raw: Mapping[str, Any], prefix: str = "") -> list[str]:
    """a.b for every value, however deep."""
    return [
        name
        for key, value in raw.items()
        for name in (
            flat(value, f"{prefix}{key}.") if isinstance(value, Mapping) else [f"{prefix}{key}"]
        )
    ]
