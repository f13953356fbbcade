"""The local modules that a script needs, found by reading it: nothing of it is run."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from byoa.plan.errors import UsageError


def local_imports(script: Path) -> list[Path]:
    """The script and, transitively, the modules beside it that it imports, packages whole."""
    root, seen = script.parent, {script}
    waiting = [script]
    while waiting:
        path = waiting.pop()
        for name in imported(path, path.relative_to(root).parent.parts):
            new = set(module_files(root, name)) - seen
            seen |= new
            waiting += new
    return sorted(seen)


def imported(path: Path, package: tuple[str, ...]) -> Iterator[str]:
    """The dotted names that a file imports; `from a import b` may mean a.b as well as a."""
    try:
        tree = ast.parse(path.read_bytes())
    except (SyntaxError, ValueError) as error:  # Python 3.10 says ValueError of a null byte
        line = f", line {error.lineno}" if isinstance(error, SyntaxError) else ""
        raise UsageError(f"{path}{line}: {error.args[0]}. Mend it first.") from None
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else ()
            module = ".".join([*above, *([node.module] if node.module else [])])
            yield from [module, *(f"{module}.{alias.name}".lstrip(".") for alias in node.names)]
        elif isinstance(node, ast.Call):
            yield from by_name(node)


def by_name(call: ast.Call) -> Iterator[str]:
    """importlib.import_module("name") and __import__("name")."""
    if ast.unparse(call.func).endswith(("import_module", "__import__")) and call.args:
        name = call.args[0]
        if isinstance(name, ast.Constant) and isinstance(name.value, str):
            yield name.value


def module_files(root: Path, name: str) -> Iterator[Path]:
    """The files of a module below the folder: of a package with __init__.py, all its Python."""
    path = root
    for piece in filter(None, name.split(".")):
        path = path / piece
        if path.with_suffix(".py").is_file():
            yield path.with_suffix(".py")
        elif (path / "__init__.py").is_file():
            yield from (file for file in path.rglob("*.py") if "__pycache__" not in file.parts)
        elif not path.is_dir():
            return
