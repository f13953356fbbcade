"""A task's source as it is written; a function's is found without importing its module."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Sequence
from pathlib import Path

from byoa.pipeline.imported import file_of
from byoa.plan.errors import NotFoundError
from byoa.plan.pipeline.model import Source


def source_of(root: str, import_from: Sequence[str], source: Source) -> str:
    """The function with its decorators, or the file's text."""
    if source.object is not None:
        return inspect.getsource(source.object)
    if not source.dotted:
        return source.text or Path(root, source.path).read_text(encoding="utf-8")
    module, _, name = source.dotted.replace("::", ".").rpartition(".")
    path = file_of(module, [Path(root, folder) for folder in import_from or ("",)])
    if path is None:
        raise NotFoundError(f"{source.dotted}: there is no module {module} below {root}.")
    text = path.read_text(encoding="utf-8")
    for node in ast.parse(text).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name == name:
            begin = min([node.lineno, *(one.lineno for one in node.decorator_list)])
            return "\n".join(text.splitlines()[begin - 1 : node.end_lineno])
    raise NotFoundError(f"{path} does not define {name}.")
