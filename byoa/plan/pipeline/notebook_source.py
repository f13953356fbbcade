"""The cells of a notebook or a script: the one reader for plans, fingerprints and runs.

Percent scripts and .ipynb are read here, without jupytext; whatever else it knows is left to it.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Literal

from byoa.plan.errors import ByoaError
from byoa.plan.pipeline import percent

PARAMETERS = "parameters"
INJECTED = "injected-parameters"
#: Cells that tools put into a source: they are none of it.
FOREIGN = frozenset({INJECTED, "debugging-settings"})
LANGUAGES = {".r": "r", ".rmd": "r", ".qmd": "", ".jl": "julia", ".sh": "bash"}
ENGLISH = {"python3": "python", "ir": "r"}
#: Cell magics whose body is Python.
PYTHON_BODY = {"%%time", "%%timeit", "%%capture", "%%prun"}
#: Methods of pandas, scikit-learn and others that import matplotlib when they are called.
DRAWS = re.compile(r"\.plot\b|\.hist\(|\.boxplot\(|Display\.from_|%matplotlib")
MAGIC = re.compile(r"\s*(%{1,2}[A-Za-z]|!|\?|[\w.]+\?{1,2}\s*$)")
ASSIGNED = re.compile(r"(\s*[\w, ]+=)\s*[%!]")


@dataclass(frozen=True)
class Cell:
    kind: Literal["code", "markdown", "raw"]
    source: str
    tags: tuple[str, ...] = ()
    metadata: Mapping[str, Any] = field(default_factory=dict, compare=False)


@dataclass(frozen=True)
class Notebook:
    cells: tuple[Cell, ...]
    language: str = "python"  #: in small letters; "" when nothing says it
    kernel: str = ""  #: the kernelspec's name, where one is written down
    metadata: Mapping[str, Any] = field(default_factory=dict, compare=False)

    @property
    def code(self) -> list[Cell]:
        return [cell for cell in self.cells if cell.kind == "code"]


@lru_cache(maxsize=256)
def read(text: str, suffix: str) -> Notebook:
    """A notebook from its text; `suffix` is the file's: ".py", ".ipynb", ".md", ".Rmd" …"""
    text = text.removeprefix("\ufeff")
    if suffix.lower() == ".ipynb":
        cells, metadata = from_ipynb(text)
    elif suffix.lower() == ".py" and percent.fits(text):
        found, metadata = percent.read(text)
        cells = [(kind, source, options) for kind, source, options in found]
    else:
        cells, metadata = by_jupytext(text, suffix)
    kept = [cell_of(*cell) for cell in cells]
    spec = metadata.get("kernelspec") or {}
    return Notebook(
        cells=tuple(cell for cell in kept if not FOREIGN.intersection(cell.tags)),
        language=language_of(metadata, suffix),
        kernel=str(spec.get("name", "")) if isinstance(spec, Mapping) else "",
        metadata=metadata,
    )


def cell_of(kind: str, source: str, metadata: Mapping[str, Any]) -> Cell:
    tags = metadata.get("tags") or ()
    named = kind if kind in ("code", "markdown") else "raw"
    words = tags.split(",") if isinstance(tags, str) else tags
    return Cell(named, source, tuple(str(tag).strip() for tag in words), metadata)  # type: ignore[arg-type]


def language_of(metadata: Mapping[str, Any], suffix: str) -> str:
    for key, inner in (("kernelspec", "language"), ("language_info", "name")):
        said = metadata.get(key)
        if isinstance(said, Mapping) and said.get(inner):
            return str(said[inner]).lower()
    spec = metadata.get("kernelspec")
    name = str(spec.get("name", "")) if isinstance(spec, Mapping) else ""
    return ENGLISH.get(name) or LANGUAGES.get(suffix.lower(), "python")


Loose = tuple[list[tuple[str, str, dict[str, Any]]], dict[str, Any]]


def from_ipynb(text: str) -> Loose:
    try:
        loaded = json.loads(text)
    except ValueError as error:
        raise ByoaError(f"This is not a notebook: its JSON ends wrong ({error})") from None
    if not isinstance(loaded, dict) or not isinstance(loaded.get("cells"), list):
        loaded = upgraded(text)
    cells = [
        (
            str(cell.get("cell_type")),
            joined(cell.get("source", "")),
            dict(cell.get("metadata") or {}),
        )
        for cell in loaded["cells"]
        if isinstance(cell, dict)
    ]
    metadata = loaded.get("metadata")
    return cells, metadata if isinstance(metadata, dict) else {}


def joined(source: Any) -> str:
    return "".join(map(str, source)) if isinstance(source, list) else str(source)


def upgraded(text: str) -> dict[str, Any]:
    """Notebooks before format 4 keep their cells in worksheets."""
    try:
        import nbformat
    except ImportError:
        raise needs("nbformat", "notebooks of before 2015") from None
    try:
        reads: Any = nbformat.reads  # untyped
        return dict(reads(text, as_version=4))
    except Exception as error:  # nbformat's own kinds are many
        raise ByoaError(f"This is not a notebook that nbformat can read: {error}") from None


def by_jupytext(text: str, suffix: str) -> Loose:
    """Light scripts, Markdown, R Markdown …: whatever jupytext makes of it."""
    try:
        import jupytext
    except ImportError:
        raise needs("jupytext", f"{suffix} files without `# %%` cells") from None
    try:
        found = jupytext.reads(text, fmt=suffix.lstrip("."))
    except Exception as error:  # a stranger's file, jupytext's and YAML's own kinds
        raise ByoaError(f"jupytext cannot read this {suffix} file: {error}") from None
    cells = [(str(c.cell_type), str(c.source), dict(c.metadata)) for c in found.cells]
    return cells, dict(found.metadata)


def needs(package: str, what: str) -> ByoaError:
    return ByoaError(f"{package} is needed for {what}: pip install 'byoa[pipeline]'")


def parameters(notebook: Notebook) -> str | None:
    """The source of the cell that is tagged `parameters`; None when there is none."""
    return next((cell.source for cell in notebook.cells if PARAMETERS in cell.tags), None)


def python(source: str) -> str:
    """A cell's source as Python can parse it: magics and shell lines are made comments."""
    if not any(mark in source for mark in "%!?"):
        return source
    first = source.lstrip().split("\n", 1)[0]
    if first.startswith("%%") and first.split()[0] not in PYTHON_BODY:
        return "\n".join(f"# {line}" for line in source.split("\n"))
    try:
        ast.parse(source)
    except (SyntaxError, ValueError):
        quotes = percent.Quotes()
        return "\n".join(map(without_magic, *zip(*quotes.lines(source))))
    return source


def without_magic(line: str, quoted: bool) -> str:
    if quoted:
        return line
    if assigned := ASSIGNED.match(line):
        return f"{assigned[1]} None  # {line[assigned.end() - 1 :]}"
    indent = line[: len(line) - len(line.lstrip())]
    return f"{indent}pass  # {line.lstrip()}" if MAGIC.match(line) else line


def code(notebook: Notebook) -> str:
    """All code cells as one Python text."""
    return "\n\n".join(python(cell.source) for cell in notebook.code)


def imports(notebook: Notebook) -> set[str]:
    """The modules that a Python notebook imports at its top, and matplotlib where it draws."""
    found: set[str] = set()
    if notebook.language != "python":
        return found
    if any(DRAWS.search(cell.source) for cell in notebook.code):
        found.add("matplotlib.pyplot")
    for cell in notebook.code:
        try:
            body = ast.parse(python(cell.source)).body
        except (SyntaxError, ValueError):
            continue
        for node in body:
            if isinstance(node, ast.Import):
                found.update(name.name for name in node.names)
            elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
                found.add(node.module)
    return found
