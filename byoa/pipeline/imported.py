"""What the code of several tasks imports from elsewhere: worth loading once, before they fork."""

from __future__ import annotations

import ast
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path

from byoa.plan.errors import ByoaError
from byoa.plan.pipeline import notebook_source
from byoa.plan.pipeline.model import Pipeline, Task

#: Loaded once it is wanted by so many of the tasks that are going to run.
SHARED_BY = 2
#: What tasks of these kinds load before they do anything.
USUAL = ("byoa.pipeline.kinds.sql", "sqlalchemy")
SQL: Mapping[str, tuple[str, ...]] = {
    "sql-script": USUAL,
    "sql-dump": USUAL,
    "sql-transfer": ("byoa.pipeline.kinds.transfer", "sqlalchemy"),
    "sql-upload": ("byoa.pipeline.kinds.transfer", "sqlalchemy", "pandas"),
}
#: Ends a name that may be a module or something in one: `b` of `from a import b`.
INSIDE = "?"


def shared_imports(pipeline: Pipeline, tasks: Sequence[Task]) -> list[str]:
    """Modules of others that at least two of the tasks import, also through the user's own ones."""
    folders = [Path(pipeline.root, folder) for folder in pipeline.import_from or ("",)]
    seen: dict[str, frozenset[str]] = {}
    found: Counter[str] = Counter()
    for task in tasks:
        found.update(imports_of(task, folders, seen))
    return sorted(name for name, count in found.items() if count >= SHARED_BY)


def imports_of(task: Task, folders: list[Path], seen: dict[str, frozenset[str]]) -> frozenset[str]:
    if task.kind in SQL:
        own = frozenset(name for name in SQL[task.kind] if find_spec(name.partition(".")[0]))
        if task.client is None or not task.client.path:
            return own
        module = task.client.path.replace("::", ".").rpartition(".")[0]
        return own | through(module, folders, seen, frozenset())
    if task.source.dotted:
        module = task.source.dotted.replace("::", ".").rpartition(".")[0]
        return through(module, folders, seen, frozenset())
    if task.kind == "notebook" and task.source.text:
        try:
            notebook = notebook_source.read(task.source.text, Path(task.source.path).suffix)
        except ByoaError:  # the task tells it
            return frozenset()
        names = notebook_source.imports(notebook)
        found = (through(name, folders, seen, frozenset()) for name in names)
        return frozenset().union(*found)
    return frozenset()


def through(
    name: str, folders: list[Path], seen: dict[str, frozenset[str]], above: frozenset[str]
) -> frozenset[str]:
    """The others' modules behind a name: itself, or what the user's module of that name imports."""
    if name in seen or name in above:
        return seen.get(name, frozenset())
    path = file_of(name.removesuffix(INSIDE), folders)
    if path is None and name.endswith(INSIDE):
        return frozenset()
    name = name.removesuffix(INSIDE)
    if path is None:
        top = name.partition(".")[0]
        inside = top in sys.stdlib_module_names or local(top, folders) or top == "byoa"
        return frozenset() if inside or not top else frozenset({name})
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    found: set[str] = set()
    for inner, level in named_in(path.read_bytes()):
        absolute = resolved(inner, level, package)
        found |= through(absolute, folders, seen, above | {name})
    seen[name] = frozenset(found)
    return seen[name]


def named_in(source: str | bytes) -> Iterator[tuple[str, int]]:
    """The modules that code imports when it is loaded, and how many dots stand before each."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError):
        return
    waiting: list[ast.stmt] = list(tree.body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, 0
        elif isinstance(node, ast.ImportFrom):
            yield node.module or "", node.level
            for alias in node.names:  # perhaps a module of the user's own package
                yield ".".join(filter(None, [node.module, alias.name])) + INSIDE, node.level
        elif isinstance(node, ast.If | ast.Try | ast.With):
            waiting += node.body


def resolved(name: str, level: int, package: str) -> str:
    if not level:
        return name
    parts = package.split(".") if package else []
    return ".".join([*parts[: len(parts) - level + 1], *([name] if name else [])])


def local(top: str, folders: list[Path]) -> bool:
    return any((folder / top).is_dir() or (folder / f"{top}.py").is_file() for folder in folders)


def file_of(name: str, folders: list[Path]) -> Path | None:
    inside = name.replace(".", "/")
    for folder in folders:
        for path in (folder / f"{inside}.py", folder / inside / "__init__.py"):
            if path.is_file():
                return path
    return None
