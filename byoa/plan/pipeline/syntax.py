"""The meaning of Python code as text: what comments, formatting and docstrings do not change."""

from __future__ import annotations

import ast
from collections.abc import Callable

DOCUMENTED = (ast.Module, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
#: Fields that say nothing about what runs.
SILENT = frozenset({"ctx", "type_comment", "kind", "type_ignores"})
FIELDS: dict[type, tuple[str, ...]] = {}


def meaning(node: ast.AST | list[ast.stmt], keep_docstrings: bool = False) -> str:
    """The syntax tree as text, the same for every Python: what is empty is left out."""
    pieces: list[str] = []
    write(node, pieces.append, keep_docstrings)
    return "".join(pieces)


def write(node: object, put: Callable[[str], None], keep: bool) -> None:
    kind = type(node)
    if kind is ast.Name:
        put(f"Name({node.id})")  # type: ignore[attr-defined]
    elif kind is ast.Constant:
        put(f"Constant({node.value!r})")  # type: ignore[attr-defined]
    elif kind is list:
        for item in node:  # type: ignore[attr-defined]
            write(item, put, keep)
            put(",")
    elif isinstance(node, ast.AST):
        put(f"{kind.__name__}(")
        for name in FIELDS.get(kind) or fields(type(node)):
            value = getattr(node, name, None)
            if value is None or value == []:
                continue
            if name == "body" and not keep and kind in DOCUMENTED:
                value = without_docstring(value)
            elif kind is ast.JoinedStr:
                value = [one for one in value if not is_empty(one)]
            put(f"{name}=")
            write(value, put, keep)
        put(")")
    else:
        put(repr(node))


def fields(kind: type[ast.AST]) -> tuple[str, ...]:
    """The fields of a kind of node that say what runs, worked out once."""
    FIELDS[kind] = tuple(name for name in kind._fields if name not in SILENT)
    return FIELDS[kind]


def without_docstring(body: list[ast.stmt]) -> list[ast.stmt]:
    return body[1:] if body and is_text(body[0]) else body


def is_text(node: ast.stmt) -> bool:
    """A docstring, another text that stands alone, or `...`."""
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def is_empty(node: ast.expr) -> bool:
    """An empty piece of an f-string, which some versions of Python write and others do not."""
    return isinstance(node, ast.Constant) and node.value == ""


def is_main(node: ast.stmt) -> bool:
    """`if __name__ == "__main__":`, which is not run when a module is imported."""
    return (
        isinstance(node, ast.If)
        and isinstance(node.test, ast.Compare)
        and isinstance(node.test.left, ast.Name)
        and node.test.left.id == "__name__"
        and len(node.test.ops) == 1
        and isinstance(node.test.ops[0], ast.Eq)
        and not node.orelse
    )


def is_type_checking(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and dotted(node.test)[-1:] == ("TYPE_CHECKING",)


def dotted(node: ast.AST) -> tuple[str, ...]:
    """a.b.c as ("a", "b", "c"); () for anything else."""
    names: list[str] = []
    while isinstance(node, ast.Attribute):
        names.append(node.attr)
        node = node.value
    return (node.id, *reversed(names)) if isinstance(node, ast.Name) else ()
