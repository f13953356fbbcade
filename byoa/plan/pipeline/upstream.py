"""What a task's code says about its upstream and its products: read, never run.

Functions: `upstream["x"]` anywhere in them. Notebooks and scripts: `upstream = ["x"]` in the cell
tagged `parameters`. SQL and shell: `{{upstream["x"]}}` and `{{upstream.x}}`.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import Any, TypeVar

from byoa.plan.pipeline.parameters import ParametersCell
from byoa.plan.pipeline.placeholders import EXTRA

#: What a list of names may be built with, for those who build it.
BUILDERS = {
    "range": range, "list": list, "dict": dict, "set": set, "tuple": tuple, "str": str,
    "sorted": sorted, "zip": zip, "enumerate": enumerate, "len": len, "None": None,
}  # fmt: skip
MAGIC = re.compile(r"^\s*[%!].*$", re.MULTILINE)
#: Ploomber's own tag: `{% raise "why" %}`.
RAISE = re.compile(r"\{%-?\s*raise\b.*?%\}", re.DOTALL)
R_LIST = re.compile(r"(?:list|c)\s*\((.*)\)")
R_PAIR = re.compile(r"(?:[\"']?([\w.]+)[\"']?\s*=\s*)?[\"']([^\"']*)[\"']")


Node = TypeVar("Node", bound=ast.AST)


class CodeError(Exception):
    """What is wrong with a task's code."""


def of_function(node: ast.AST) -> tuple[str, ...]:
    """The names in `upstream["name"]`, in the order in which they stand."""
    return tuple(dict.fromkeys(subscripts(node)))


def subscripts(node: ast.AST) -> Iterator[str]:
    """Every `upstream["name"]`, as it is read."""
    found = [
        (inner.lineno, inner.col_offset, inner.slice.value)
        for inner in nodes(node, ast.Subscript)
        if isinstance(inner.value, ast.Name)
        and inner.value.id == "upstream"
        and isinstance(inner.slice, ast.Constant)
        and isinstance(inner.slice.value, str)
    ]
    return (name for _, _, name in sorted(found))


def nodes(root: ast.AST, kind: type[Node]) -> Iterator[Node]:
    """The nodes of a kind, the root's own among them: ast.walk in a quarter of its time."""
    waiting: list[Any] = [root]
    while waiting:
        node = waiting.pop()
        if isinstance(node, kind):
            yield node
        for value in node.__dict__.values():
            if type(value) is list:
                waiting += [one for one in value if isinstance(one, ast.AST)]
            elif isinstance(value, ast.AST):
                waiting.append(value)


def of_cell(cell: ParametersCell | None, language: str = "python") -> tuple[str, ...]:
    """`upstream = …` of a parameters cell; no cell and None say that there is none."""
    found, value = assigned(cell, "upstream", language)
    if not found or value is None:
        return ()
    if isinstance(value, str):
        raise CodeError(f"upstream is {value!r} in its parameters cell. Write [{value!r}].")
    if not isinstance(value, (list, tuple, set, frozenset, dict)):
        raise CodeError(f"upstream is {value!r} in its parameters cell. Write a list of names.")
    names = sorted(value, key=str) if isinstance(value, (set, frozenset)) else list(value)
    if not all(isinstance(name, str) for name in names):
        raise CodeError(f"upstream is {value!r} in its parameters cell. Write a list of names.")
    return tuple(dict.fromkeys(names))


def product_of_cell(cell: ParametersCell | None, language: str = "python") -> Any:
    """`product = …` of a parameters cell; CodeError when it has none."""
    found, value = assigned(cell, "product", language)
    if not found or value is None:
        raise CodeError("extract_product is on, and its parameters cell has no product = ….")
    return value


def assigned(cell: ParametersCell | None, name: str, language: str) -> tuple[bool, Any]:
    """Whether the cell assigns the name, and the value."""
    if cell is None:
        return False, None
    if (cell.language or language).lower() == "r":
        return assigned_in_r(cell.text, name)
    try:
        tree = ast.parse(MAGIC.sub("", cell.text))
    except SyntaxError as error:
        line = f" in line {cell.line + (error.lineno or 1) - 1}" if cell.line else ""
        raise CodeError(f"its parameters cell is no Python{line}: {error.msg}.") from None
    values = [
        node.value
        for node in tree.body
        if isinstance(node, (ast.Assign, ast.AnnAssign))
        and [name] == [getattr(target, "id", None) for target in targets(node)]
        and node.value is not None
    ]
    return (True, evaluated(values[-1], name)) if values else (False, None)


def names_in(cell: ParametersCell | None, language: str = "python") -> tuple[str, ...]:
    """The parameters that a cell has values for."""
    if cell is None or (cell.language or language).lower() != "python":
        return ()
    try:
        tree = ast.parse(MAGIC.sub("", cell.text))
    except SyntaxError:
        return ()
    found = [
        name
        for node in tree.body
        if isinstance(node, (ast.Assign, ast.AnnAssign))
        for target in targets(node)
        if isinstance(name := getattr(target, "id", None), str)
    ]
    return tuple(name for name in found if name not in {"upstream", "product"})


def targets(node: ast.Assign | ast.AnnAssign) -> list[ast.expr]:
    return node.targets if isinstance(node, ast.Assign) else [node.target]


def evaluated(node: ast.expr, name: str) -> Any:
    """A literal's value, or what a comprehension of literals makes."""
    try:
        return ast.literal_eval(node)
    except ValueError:
        pass
    known = {inner.id for inner in ast.walk(node) if isinstance(inner, ast.Name)}
    bound = {
        inner.id
        for inner in ast.walk(node)
        if isinstance(inner, ast.Name) and isinstance(inner.ctx, ast.Store)
    }
    shape = not any(isinstance(inner, (ast.Attribute, ast.Await)) for inner in ast.walk(node))
    if not shape or known - bound - BUILDERS.keys():
        raise CodeError(
            f"{name} = {ast.unparse(node)} in its parameters cell cannot be read without running"
            " it. Write the names out."
        )
    try:
        code = compile(ast.Expression(node), "<parameters>", "eval")
        return eval(code, {"__builtins__": BUILDERS}, {})  # noqa: S307 - the user's, checked above
    except Exception as error:
        raise CodeError(f"{name} = {ast.unparse(node)} in its parameters cell: {error}.") from None


def assigned_in_r(text: str, name: str) -> tuple[bool, Any]:
    """`upstream = list("a", "b")`, `c("a")`, `"a"` or NULL; `product = list(nb="x", data="y")`."""
    bare = re.sub(r"^\s*#.*$", "", text, flags=re.MULTILINE)
    assignment = rf"^\s*{re.escape(name)}\s*(?:<-|=)\s*((?:list|c)\s*\([^)]*\)|[^\n#]+)"
    found = re.search(assignment, bare, re.MULTILINE)
    if not found:
        return False, None
    said = found[1].strip()
    if said == "NULL":
        return True, None
    inner = R_LIST.fullmatch(said.replace("\n", " "))
    pairs = R_PAIR.findall(inner[1] if inner else said)
    if not pairs:
        raise CodeError(f"{name} = {said} in its parameters cell cannot be read. Use list(…).")
    if all(key for key, _ in pairs):
        return True, dict(pairs)
    return True, [value for _, value in pairs] if inner else pairs[0][1]


def of_template(text: str) -> tuple[str, ...]:
    """The names in {{upstream["x"]}} and {{upstream.x}}."""
    if "upstream" not in text or "{" not in text:
        return ()
    tree = parsed(text)
    from jinja2.nodes import Getattr, Getitem, Name

    names = []
    for node in tree.find_all((Getattr, Getitem)):
        if not isinstance(node.node, Name) or node.node.name != "upstream":
            continue
        if isinstance(node, Getattr):
            names.append((node.lineno, node.attr))
        elif isinstance(value := getattr(node.arg, "value", None), str):
            names.append((node.lineno, value))
    return tuple(dict.fromkeys(name for _, name in sorted(names, key=lambda pair: pair[0])))


def product_of_template(text: str) -> tuple[str, Any]:
    """The class and the argument of `{% set product = SQLRelation(["name", "table"]) %}`."""
    tree = parsed(text)
    from jinja2.nodes import Assign, Call, Name

    for node in tree.find_all(Assign):
        call = node.node
        if (
            isinstance(node.target, Name)
            and node.target.name == "product"
            and isinstance(call, Call)
            and isinstance(call.node, Name)
            and call.args
        ):
            return call.node.name, call.args[0].as_const()
    raise CodeError(
        "extract_product is on, and it has no {% set product = SQLRelation([NAME, 'table']) %}."
    )


def parsed(text: str) -> Any:
    try:
        from jinja2 import Environment, TemplateSyntaxError
    except ImportError:
        raise CodeError(f"its placeholders need Jinja: {EXTRA}") from None
    try:
        return Environment(autoescape=False).parse(RAISE.sub("", text))
    except TemplateSyntaxError as error:
        raise CodeError(f"it is no template, line {error.lineno}: {error.message}.") from None
