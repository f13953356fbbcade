"""A user's functions found in their files, without importing them; each module is parsed once."""

from __future__ import annotations

import ast
import importlib
import inspect
import textwrap
import tokenize
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from importlib.machinery import PathFinder
from pathlib import Path
from typing import Any

from byoa.pipeline.importing import importing
from byoa.plan.pipeline.problems import meant
from byoa.plan.pipeline.upstream import CodeError
from byoa.plan.pipeline.world import Function, signature

Definition = ast.FunctionDef | ast.AsyncFunctionDef
MOST_STEPS = 20


class Modules:
    """What the modules of some folders, and then of this Python, define."""

    def __init__(self, folders: Sequence[str]) -> None:
        self.folders = [Path(folder) for folder in folders]
        self.files: dict[str, Path | None] = {}
        self.bodies: dict[str, dict[str, ast.stmt]] = {}
        self.functions: dict[str, Function] = {}

    def function(self, dotted: str) -> Function:
        """The function `module.name`; CodeError says what is not there."""
        if dotted not in self.functions:
            self.functions[dotted] = self.found(dotted)
        return self.functions[dotted]

    def found(self, dotted: str) -> Function:
        module, _, name = dotted.rpartition(".")
        for _ in range(MOST_STEPS):
            path = self.file(module)
            if path is None:
                raise CodeError(self.no_module(dotted, module))
            defined = self.body(path)
            node = defined.get(name)
            if isinstance(node, Definition):
                return signature(node, str(path))
            if isinstance(node, ast.ImportFrom):
                module, name = self.imported(node, name, module, path)
                if self.file(module) is not None:
                    continue
            elif node is None and "*" not in defined and "__getattr__" not in defined:
                known = [key for key, one in defined.items() if isinstance(one, Definition)]
                hint = f" {meant(name, known)}" if known else ""
                raise CodeError(f"{path.name} defines no function {name!r}.{hint}")
            return self.by_import(dotted)
        raise CodeError(f"{dotted}: its imports go in a circle.")

    def no_module(self, dotted: str, module: str) -> str:
        tried = ", ".join(str(folder) for folder in self.folders)
        parts = module.split(".")
        for length in range(len(parts) - 1, 0, -1):
            if self.file(".".join(parts[:length])) is not None:
                return (
                    f"source {dotted}: {'.'.join(parts[:length])} has no module {parts[length]!r}."
                )
        return f"source {dotted}: there is no module {parts[0]!r} in {tried}, nor installed."

    def imported(self, node: ast.ImportFrom, name: str, module: str, path: Path) -> tuple[str, str]:
        """The module and the name that `from a import b as name` means."""
        real = next(alias.name for alias in node.names if (alias.asname or alias.name) == name)
        if not node.level:
            return node.module or "", real
        package = module.split(".") if path.name == "__init__.py" else module.split(".")[:-1]
        above = package[: len(package) - node.level + 1]
        return ".".join([*above, *([node.module] if node.module else [])]), real

    def file(self, module: str) -> Path | None:
        """A module's file: below the folders, or where Python would find it."""
        if module not in self.files:
            self.files[module] = self.look(module)
        return self.files[module]

    def look(self, module: str) -> Path | None:
        if not module or not all(part.isidentifier() for part in module.split(".")):
            return None
        below = Path(*module.split("."))
        for folder in self.folders:
            for path in (folder / below.with_suffix(".py"), folder / below / "__init__.py"):
                if path.is_file():
                    return path
        return self.installed(module)

    def installed(self, module: str) -> Path | None:
        first, *rest = module.split(".")
        spec = PathFinder.find_spec(first)
        for part in rest:
            if spec is None or spec.submodule_search_locations is None:
                return None
            spec = PathFinder.find_spec(part, list(spec.submodule_search_locations))
        origin = spec.origin if spec is not None else None
        return Path(origin) if origin and origin.endswith(".py") else None

    def folder(self, module: str) -> str | None:
        """The folder of a module or of a package, even of one with no __init__.py."""
        for folder in self.folders:
            if (whole := folder.joinpath(*module.split("."))).is_dir():
                return str(whole)
        path = self.file(module)
        return str(path.parent) if path else None

    def body(self, path: Path) -> dict[str, ast.stmt]:
        """What a file's top level defines, the last of each name."""
        key = str(path)
        if key not in self.bodies:
            try:
                with tokenize.open(path) as file:
                    tree = ast.parse(file.read(), key)
            except (SyntaxError, UnicodeDecodeError, ValueError) as error:
                line = f", line {error.lineno}" if isinstance(error, SyntaxError) else ""
                said = error.msg if isinstance(error, SyntaxError) else error
                raise CodeError(f"{path}{line}: {said}.") from None
            except OSError as error:
                raise CodeError(f"{path} cannot be read: {error}.") from None
            self.bodies[key] = {name: node for node in statements(tree) for name in bound(node)}
        return self.bodies[key]

    def missing(self, dotted: str) -> str:
        """Why there is no such thing, as far as files say it; "" where there is, or may be."""
        module, _, name = dotted.rpartition(".")
        if module == "ploomber" or module.startswith("ploomber."):
            return ""
        path = self.file(module)
        if path is None:
            return self.no_module(dotted, module).removeprefix("source ")
        try:
            defined = self.body(path)
        except CodeError as error:
            return str(error)
        if name in defined or "*" in defined or "__getattr__" in defined:
            return ""
        if self.file(dotted) is not None:
            return ""
        return f"{dotted}: {path.name} has no {name!r}. {meant(name, defined)}"

    def by_import(self, dotted: str) -> Function:
        """Only for what no definition says: a partial, a name from `import *`."""
        return function_of(self.load(dotted))

    def load(self, dotted: str) -> Any:
        """The thing itself, imported; CodeError says what went wrong."""
        module, _, name = dotted.rpartition(".")
        with importing(self.folders):
            try:
                return getattr(importlib.import_module(module), name)
            except AttributeError:
                raise CodeError(f"{dotted}: {module} has no {name!r}.") from None
            except Exception as error:
                said = f"{type(error).__name__}: {error}"
                raise CodeError(f"{dotted} cannot be imported: {said}.") from error


def statements(tree: ast.Module) -> Iterator[ast.stmt]:
    """The statements that run when the module is loaded, those within if, try and with too."""
    waiting: list[ast.stmt] = list(reversed(tree.body))
    while waiting:
        node = waiting.pop()
        yield node
        if isinstance(node, (*Definition.__args__, ast.ClassDef)):
            continue
        inner = [one for part in ("body", "orelse", "finalbody") for one in getattr(node, part, [])]
        inner += [one for handler in getattr(node, "handlers", []) for one in handler.body]
        waiting += reversed(inner)


def bound(node: ast.stmt) -> list[str]:
    """The names that a statement binds."""
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        return [node.name]
    if isinstance(node, (ast.Import, ast.ImportFrom)):
        return [alias.asname or alias.name.partition(".")[0] for alias in node.names]
    if isinstance(node, (ast.Assign, ast.AnnAssign, ast.AugAssign)):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        return [
            inner.id
            for target in targets
            for inner in ast.walk(target)
            if isinstance(inner, ast.Name)
        ]
    return []


def function_of(thing: Callable[..., Any]) -> Function:
    """What a function that is at hand takes, and asks for where its source can be read."""
    inner = inspect.unwrap(thing)
    while hasattr(inner, "func"):  # functools.partial
        inner = inner.func
    if not callable(thing):
        raise CodeError(f"{thing!r} is no function.")
    name = getattr(inner, "__name__", type(thing).__name__)
    try:
        lines, first = inspect.getsourcelines(inner)
        node = ast.parse(textwrap.dedent("".join(lines))).body[0]
        file = inspect.getsourcefile(inner) or ""
    except (OSError, TypeError, SyntaxError, IndexError):
        return Function(name, read=False)
    if not isinstance(node, Definition):
        return Function(name, file, first, read=False)
    return replace(signature(node, file), line=first, read=thing is inner)
