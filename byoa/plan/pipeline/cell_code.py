"""The code of a notebook or script as parts of a module, and its meaning as one hash.

Outputs, metadata and markdown do not count. A cell's tags and borders do, as they decide what is
shown.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from byoa.plan.errors import ByoaError
from byoa.plan.pipeline import notebook_source
from byoa.plan.pipeline.code import Module, Part, read, sha
from byoa.plan.pipeline.scopes import Import
from byoa.plan.pipeline.syntax import meaning

IMPORT = re.compile(r"^\s*(?:from\s+([\w.]+)\s+import|import\s+([\w.]+))", re.MULTILINE)
FLAGS = ast.PyCF_ONLY_AST | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT


def of_notebook(text: str, path: str) -> tuple[Module, str, str]:
    """The parts of all cells, the meaning of the whole, and what is there that is no Python."""
    try:
        notebook = notebook_source.read(text, path[path.rfind(".") :] if "." in path else ".py")
    except ByoaError:  # whoever runs it says what is wrong with it
        notebook = notebook_source.Notebook((notebook_source.Cell("code", text),), "unreadable")
    module = Module("", path)
    found, others = [], []
    for cell in notebook.code:
        if cell.source.strip():
            meant, *foreign = add(cell.source, notebook.language, module)
            found += [meant, *foreign, " ".join(sorted(cell.tags))]
            others += foreign or [meant] * (notebook.language != "python")
    return module, sha("\0".join([notebook.language, *found])), "\n".join(others)


def of_script(text: str, path: str) -> tuple[Module, str, str]:
    """The same of a plain program, which has no cells."""
    module = Module("", path)
    return module, sha("\0".join(add(text, "python", module))), ""


def add(source: str, language: str, module: Module) -> Iterator[str]:
    """Adds a cell's statements to the module; what they mean, and the magics among them."""
    code = notebook_source.python(source)
    tree = parsed(code) if language == "python" else None
    if tree is None:
        module.add(opaque(source))
        yield trimmed(source)
        return
    read(tree.body, code, module)
    yield meaning(tree.body, "__doc__" in source)
    if code is not source:
        pairs = zip(source.splitlines(), code.splitlines())
        yield from (before.strip() for before, after in pairs if before != after)


def parsed(code: str) -> ast.Module | None:
    try:
        tree = compile(code, "cell", "exec", FLAGS, dont_inherit=True)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    return tree if isinstance(tree, ast.Module) else None


def trimmed(source: str) -> str:
    return "\n".join(line.rstrip() for line in source.strip("\n").splitlines())


def opaque(source: str) -> Part:
    """What cannot be read: it may use all of what it seems to import."""
    names = [first or second for first, second in IMPORT.findall(source)]
    imports = tuple(Import(name, whole=True) for name in names)
    return Part(sha(source), frozenset(), imports=imports, at_load=imports, anything=True)
