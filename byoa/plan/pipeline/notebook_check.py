"""What can be known to be wrong with a notebook before it runs: pyflakes, and its parameters.

`static_analysis: regular` ends a task whose code cannot work; `strict` also compares the parameters
cell with the task's params, and does both before any task starts; `disable` does neither.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import PurePosixPath
from typing import Any

from byoa.plan.errors import ByoaError
from byoa.plan.pipeline import notebook_options
from byoa.plan.pipeline import notebook_source as cells
from byoa.plan.pipeline.model import Task
from byoa.plan.pipeline.notebook_source import Notebook

#: pyflakes' messages that mean the code cannot work; the others are matters of taste.
ERRORS = frozenset({
    "UndefinedName", "UndefinedLocal", "DuplicateArgument", "ReturnOutsideFunction",
    "YieldOutsideFunction", "ContinueOutsideLoop", "BreakOutsideLoop",
})  # fmt: skip
#: Names that a notebook has from IPython.
GIVEN = frozenset(
    {"get_ipython", "display", "In", "Out", "_", "__", "___", "exit", "quit", "_exit_code"}
)
#: Magics after which nobody knows which names there are.
BLURS = re.compile(r"^\s*%(run|pylab|store\s+-r|load|loadpy|autoreload|reset)\b", re.MULTILINE)
#: Magics that make a variable.
MAKES = re.compile(
    r"^\s*%%(?:capture\s+(?:--?\S+\s+)*([A-Za-z_]\w*)|.*--(?:out|err)\s+([A-Za-z_]\w*))"
)
OFF = " To leave this out, set static_analysis: disable for the task."
#: Handed to every notebook, wanted or not.
ALWAYS = frozenset({"product", "upstream", "resources_"})


class NotebookError(ByoaError):
    """Code that cannot work, or parameters that do not fit."""


def problems(task: Task) -> list[str]:
    """All that is known to be wrong with a notebook's or script's task before it runs."""
    found = list(notebook_options.problems(task))
    strict = notebook_options.analysis_of(task.options.get("static_analysis", "regular"))
    if found or strict != "strict" or not task.source.text:
        return found
    suffix = PurePosixPath(task.source.path).suffix or ".py"
    return [*found, *text_problems(task.source.text, suffix, frozenset(task.params))]


@lru_cache(maxsize=1024)
def text_problems(text: str, suffix: str, params: frozenset[str]) -> tuple[str, ...]:
    """The strict analysis of a source; the points of a grid share it."""
    try:
        notebook = cells.read(text, suffix)
    except ByoaError as error:
        return (str(error),)
    if notebook.language != "python":
        return ()
    return (*code_problems(notebook, params | ALWAYS), *parameter_problems(notebook, params))


def check(notebook: Notebook, values: Mapping[str, Any], path: str, analysis: str) -> None:
    """NotebookError when the code cannot work (`strict`: or its parameters do not fit)."""
    if notebook.language != "python":
        return
    found = list(code_problems(notebook, frozenset(values)))
    if analysis == "strict":
        found += parameter_problems(notebook, frozenset(values) - ALWAYS)
    if found:
        raise NotebookError("\n".join(f"{path}: {text}" for text in found) + "\n" + OFF.strip())


def code_problems(notebook: Notebook, given: frozenset[str]) -> Iterator[str]:
    """Names that are not there, a return outside of a function …, each with its cell and line."""
    sources = [(number, cell.source) for number, cell in enumerate(notebook.cells, 1)
               if cell.kind == "code"]  # fmt: skip
    starts: list[tuple[int, int]] = []  # the first line of each cell in the whole text
    lines: list[str] = []
    for number, source in sources:
        starts.append((len(lines) + 1, number))
        lines += cells.python(source).split("\n")
    text = "\n".join(lines) + "\n"
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError) as error:
        line = getattr(error, "lineno", None) or 1
        yield f"{where(line, starts)}: {getattr(error, 'msg', error)}."
        return
    yield from flakes(tree, text, starts, given | made_by_magics(sources))


class Awaited(ast.NodeTransformer):
    """Code whose cells may await, as if they need not: pyflakes knows only modules."""

    def visit_Await(self, node: ast.Await) -> ast.AST:
        awaited: ast.AST = self.visit(node.value)
        return awaited

    def visit_AsyncFor(self, node: ast.AsyncFor) -> ast.AST:
        self.generic_visit(node)
        return ast.copy_location(ast.For(**vars(node)), node)

    def visit_AsyncWith(self, node: ast.AsyncWith) -> ast.AST:
        self.generic_visit(node)
        return ast.copy_location(ast.With(**vars(node)), node)

    def visit(self, node: ast.AST) -> Any:
        scopes = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)
        return node if isinstance(node, scopes) else super().visit(node)


def flakes(
    tree: ast.Module, text: str, starts: list[tuple[int, int]], given: frozenset[str]
) -> Iterator[str]:
    try:
        from pyflakes import checker
    except ImportError:
        raise cells.needs("pyflakes", "static_analysis") from None
    blurred = bool(BLURS.search(text.replace("pass  # %", "%")))
    for message in sorted(
        checker.Checker(Awaited().visit(tree), builtins=GIVEN | given).messages, key=place
    ):
        kind = type(message).__name__
        if kind not in ERRORS or (kind == "UndefinedName" and blurred):
            continue
        yield f"{where(message.lineno, starts)}: {message.message % message.message_args}."


def place(message: Any) -> tuple[int, int]:
    return message.lineno, message.col


def where(line: int, starts: list[tuple[int, int]]) -> str:
    first, cell = max((start for start in starts if start[0] <= line), default=(1, 1))
    return f"cell {cell}, line {line - first + 1}"


def made_by_magics(sources: list[tuple[int, str]]) -> frozenset[str]:
    found = (MAKES.match(source.lstrip()) for _, source in sources)
    return frozenset(name for match in found if match for name in match.groups() if name)


def parameter_problems(notebook: Notebook, given: frozenset[str]) -> list[str]:
    """Parameters that the cell declares and the task does not set, and the reverse."""
    source = cells.parameters(notebook)
    if source is None:
        return [
            "it has no cell with the tag `parameters`: begin it with"
            ' `# %% tags=["parameters"]` and a line for every parameter.'
        ]
    said = declared(source) - ALWAYS
    missing, unknown = sorted(said - given), sorted(given - ALWAYS - said)
    told = []
    if missing:
        told.append(f"its parameters cell has {', '.join(missing)}; set that in the task's params.")
    if unknown:
        told.append(
            f"the task's params have {', '.join(unknown)}; write `{unknown[0]} = None` into the"
            " parameters cell."
        )
    return told


def declared(source: str) -> frozenset[str]:
    """The names that a parameters cell assigns."""
    try:
        body = ast.parse(cells.python(source)).body
    except (SyntaxError, ValueError):
        return frozenset()
    targets: list[ast.expr] = []
    for node in body:
        if isinstance(node, ast.Assign):
            targets += node.targets
        elif isinstance(node, ast.AnnAssign):
            targets.append(node.target)
    names = (inner for target in targets for inner in ast.walk(target))
    return frozenset(name.id for name in names if isinstance(name, ast.Name))


def unused(notebook: Notebook, params: frozenset[str]) -> list[str]:
    """Parameters that no cell but the parameters cell has a word for."""
    text = "\n".join(c.source for c in notebook.code if cells.PARAMETERS not in c.tags)
    words = set(re.findall(r"[A-Za-z_]\w*", text))
    return sorted(params - words - ALWAYS)
