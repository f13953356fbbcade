"""The cell tagged `parameters`, and nothing else of a script or notebook: found without jupytext.

A pipeline of light scripts is read in milliseconds; notebook_source.py reads all cells.
Formats: .ipynb; percent (`# %% tags=["parameters"]`) and light (`# + tags=["parameters"]`)
scripts; fences of .md and .Rmd (https://jupytext.readthedocs.io/en/latest/formats-scripts.html).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

TAG = "parameters"
MARKER = re.compile(r"#[ \t]*(%%+|\+)(?![%+])[ \t]*(.*)")
LIGHT_END = re.compile(r"#[ \t]*-[ \t]*")
TAGS = re.compile(r"[\"']?tags[\"']?\s*[=:]\s*(?:c\(|\[)?([^\])]*)")
FENCE = re.compile(r"(`{3,}|~{3,})\s*(\{?)\s*([\w.+-]*)(.*)")
QUOTED = re.compile(r"[\"']([^\"']*)[\"']")


@dataclass(frozen=True)
class ParametersCell:
    """A cell's code, the line that it begins in, its language ("" where the file's suffix says)."""

    text: str
    line: int = 0
    language: str = ""


@lru_cache(maxsize=1024)
def parameters_cell(text: str, suffix: str) -> ParametersCell | None:
    """The first cell that is tagged `parameters`; ValueError for a notebook that is none."""
    if suffix == ".ipynb":
        return in_notebook(text)
    if TAG not in text:
        return None
    lines = text.splitlines()
    found = in_fences(lines) if suffix in {".md", ".Rmd"} else in_script(lines)
    return next(iter(found), None)


def is_tagged(options: str) -> bool:
    found = TAGS.search(options)
    return found is not None and TAG in (QUOTED.findall(found[1]) or [found[1].strip()])


def in_script(lines: list[str]) -> Iterator[ParametersCell]:
    for number, line in enumerate(lines):
        marker = MARKER.match(line)
        if marker and is_tagged(marker[2]):
            body = until_next(lines[number + 1 :], marker[1] == "+")
            yield ParametersCell("\n".join(body), number + 2)


def until_next(lines: Iterable[str], light: bool) -> Iterator[str]:
    """A light cell ends with `# -`, a percent cell with the next one."""
    for line in lines:
        marker = MARKER.match(line)
        if marker and (marker[1] == "+") == light:
            return
        if light and LIGHT_END.fullmatch(line):
            return
        yield line


def in_fences(lines: list[str]) -> Iterator[ParametersCell]:
    number = 0
    while number < len(lines):
        fence = FENCE.match(lines[number])
        number += 1
        if not fence:
            continue
        first = number
        while number < len(lines) and lines[number].strip() != fence[1]:
            number += 1
        if is_tagged(fence[4]):
            yield ParametersCell("\n".join(lines[first:number]), first + 1, fence[3].lower())
        number += 1


def in_notebook(text: str) -> ParametersCell | None:
    try:
        notebook = json.loads(text)
    except ValueError as error:
        raise ValueError(f"it is no notebook ({error})") from None
    cells = at(notebook, "cells")
    if not isinstance(cells, list):
        raise ValueError("it is no notebook of version 4: it has no cells")
    language = at(notebook, "metadata", "kernelspec", "language")
    language = language or at(notebook, "metadata", "language_info", "name") or ""
    for cell in cells:
        tags = at(cell, "metadata", "tags")
        if isinstance(tags, list) and TAG in tags:
            source = at(cell, "source")
            code = "".join(map(str, source)) if isinstance(source, list) else str(source or "")
            return ParametersCell(code, 0, str(language))
    return None


def at(value: Any, *keys: str) -> Any:
    """What lies at these keys; None where the path ends."""
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value
