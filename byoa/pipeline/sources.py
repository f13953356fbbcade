"""The code of tasks as hashes: read from this disk, understood by byoa.plan.pipeline."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from byoa.pipeline.hashes import TICK_NS
from byoa.plan.pipeline import cell_code, texts
from byoa.plan.pipeline.code import Module, module_of, sha
from byoa.plan.pipeline.fingerprint import plain
from byoa.plan.pipeline.model import Dotted, Pipeline, Source, Task
from byoa.plan.pipeline.references import references
from byoa.plan.pipeline.uses import Loading, Walk, digests

SQL = frozenset({"sql-script", "sql-dump", "sql-transfer"})
CELLS = {"notebook": cell_code.of_notebook, "script": cell_code.of_script}
#: Never the user's: the driver itself, which may run from its own checkout.
OURS = frozenset({"byoa", "ploomber"})
INSTALLED = frozenset({"site-packages", "dist-packages"})


class Sources:
    """The hashes of a pipeline's code; each file is read once."""

    def __init__(self, pipeline: Pipeline) -> None:
        self.root = Path(pipeline.root)
        folders = [self.root, *(self.root / path for path in pipeline.import_from)]
        self.folders = list(dict.fromkeys(folders))
        self.templates = [self.root / path for path in pipeline.templates]
        self._modules: dict[str, tuple[Module, Path] | None] = {}
        self._found: dict[object, tuple[dict[str, str], tuple[Path, ...]]] = {}
        self._installed: dict[str, Path | None] = {}
        self._loading: dict[str, Loading] = {}

    def of(self, task: Task) -> Mapping[str, str]:
        """{"": the task's own code, "tasks/features.py:helper"…: what it uses of the project}."""
        return self._task(task)[0]

    def files(self, task: Task) -> Iterator[Path]:
        """The files that this came from."""
        yield from self._task(task)[1]

    def options(self, task: Task) -> dict[str, Any]:
        """What decides a result beside the task's options: who it talks to, how it is stored."""
        parts = {"serializer": task.serializer, "unserializer": task.unserializer}
        if task.kind.startswith("sql"):
            parts["client"] = task.client
        return {name: named(one) for name, one in parts.items() if one is not None}

    def _task(self, task: Task) -> tuple[dict[str, str], tuple[Path, ...]]:
        found, files = self._own(task)
        more = {"serializer": task.serializer, "unserializer": task.unserializer}
        more["on_finish"] = task.hooks.get("on_finish")
        if task.kind.startswith("sql"):
            more["client"] = task.client
        if not any(more.values()):
            return found, files
        for name, one in more.items():
            if one is not None:
                source = Source(dotted=one.path.replace("::", "."), object=one.object)
                inner, read = self._memo(task.kind, source, "function")
                found = {**found, **{key or name: value for key, value in inner.items()}}
                files += read
        return found, files

    def _own(self, task: Task) -> tuple[dict[str, str], tuple[Path, ...]]:
        return self._memo(task.kind, task.source, task.kind)

    def _memo(self, kind: str, source: Source, how: str) -> tuple[dict[str, str], tuple[Path, ...]]:
        key = (how, source.path, source.dotted, source.text, id(source.object))
        if key not in self._found:
            self._found[key] = self._read(source, how)
        return self._found[key]

    def _read(self, source: Source, how: str) -> tuple[dict[str, str], tuple[Path, ...]]:
        if source.object is not None:
            return self._object(source)
        if source.dotted:
            module, _, name = source.dotted.rpartition(".")
            return self._function(module, name)
        path = self.root / source.path
        own = (path,) if source.path and path.is_file() else ()
        text = source.text or (decoded(path) if own else "")
        if how in CELLS:
            return self._cells(*CELLS[how](text, source.path or "source"), own)
        if how in SQL:
            return self._sql(source, text, own)
        return ({"": sha(texts.shell(text) if how == "shell" else text)} if text else {}), own

    def _function(self, name: str, function: str) -> tuple[dict[str, str], tuple[Path, ...]]:
        module = self.find(name)
        if module is None:
            return {"": sha(f"{name}.{function} {self._version(name)}")}, ()
        walk = Walk(self.find, self.below, self._loading)
        walk.load(name)
        if not walk.name(module, function):
            walk.all(module)
        walk.run()
        own = {id(part): part for part in module.bindings.get(function, ())}
        return digests(walk, own), self._files(walk)

    def _object(self, source: Source) -> tuple[dict[str, str], tuple[Path, ...]]:
        """A function that was handed over: what is written of it, and what it has closed over."""
        function: Any = source.object
        name = str(getattr(function, "__qualname__", "")).partition(".")[0]
        module = str(getattr(function, "__module__", ""))
        if module == "__main__":
            file = getattr(sys.modules.get("__main__"), "__file__", None)
            self._modules.setdefault(module, self._at(module, Path(file)) if file else None)
        found, files = self._function(module, name)
        cells = [cell.cell_contents for cell in getattr(function, "__closure__", None) or ()]
        values = [cells, getattr(function, "__defaults__", None)]
        if cells:
            found = {**found, "closure": sha(repr(plain(values)))}
        return found, files

    def _cells(
        self, module: Module, digest: str, runs: list[str], own: tuple[Path, ...]
    ) -> tuple[dict[str, str], tuple[Path, ...]]:
        walk = Walk(self.find, self.below, self._loading)
        for part in module.parts:
            walk.take(module, part)
        walk.run()
        mine = {id(part): part for part in module.parts}
        found = {**digests(walk, mine), "": digest}
        ran = [path for name in runs if (path := self.root / name).is_file()]
        found |= {path.relative_to(self.root).as_posix(): sha(decoded(path)) for path in ran}
        return found, (*own, *ran, *self._files(walk))

    def _sql(
        self, source: Source, text: str, own: tuple[Path, ...]
    ) -> tuple[dict[str, str], tuple[Path, ...]]:
        found, files = {"": sha(texts.sql(text))}, list(own)
        waiting = references(text)
        while waiting:
            name = waiting.pop()
            for folder in (*self.templates, (self.root / source.path).parent, self.root):
                path = folder / name
                if name not in found and path.is_file():
                    inner = decoded(path)
                    found[name] = sha(texts.sql(inner))
                    files.append(path)
                    waiting += references(inner)
        return found, tuple(files)

    def _files(self, walk: Walk) -> tuple[Path, ...]:
        return tuple(found[1] for name in sorted(walk.loaded) if (found := self._modules.get(name)))

    # Modules

    def find(self, name: str) -> Module | None:
        """A module of the project; None for what is installed, or nowhere."""
        if name not in self._modules:
            self._modules[name] = self._search(name)
        found = self._modules[name]
        return found and found[0]

    def _search(self, name: str) -> tuple[Module, Path] | None:
        top = name.partition(".")[0]
        if not name or top in OURS:
            return None
        where = Path(*name.split("."))
        for folder in self.folders:
            for path in (folder / where / "__init__.py", folder / where.with_suffix(".py")):
                if path.is_file():
                    return self._at(name, path)
            if (folder / top).is_dir() or (folder / f"{top}.py").is_file():
                break  # that one shadows what is further on
        return self._elsewhere(name, top)

    def _elsewhere(self, name: str, top: str) -> tuple[Module, Path] | None:
        """A package that is installed to be edited, or on PYTHONPATH: the user's all the same."""
        if top not in self._installed:
            self._installed[top] = home_of(top)
        home = self._installed[top]
        if home is None:
            return None
        where = home.joinpath(*name.split(".")[1:])
        for path in (where / "__init__.py", where.with_suffix(".py")):
            if path.is_file():
                return self._at(name, path)
        return None

    def _at(self, name: str, path: Path) -> tuple[Module, Path]:
        label = path.as_posix()
        if path.is_relative_to(self.root):
            label = path.relative_to(self.root).as_posix()
        package = path.name == "__init__.py"
        return module_of(decoded(path), name, label, package=package), path

    def below(self, name: str) -> Iterator[str]:
        """The names of the project's modules below a package, or of all."""
        for folder in self.folders:
            start = folder.joinpath(*name.split(".")) if name else folder
            for path in sorted(start.rglob("*.py")) if start.is_dir() else ():
                pieces = path.relative_to(folder).with_suffix("").parts
                if all(piece.isidentifier() for piece in pieces):
                    yield ".".join(pieces[:-1] if pieces[-1] == "__init__" else pieces)

    def _version(self, name: str) -> str:
        """The version of the distribution that a task's function comes from."""
        from importlib import metadata

        top = name.partition(".")[0]
        try:
            return metadata.version(metadata.packages_distributions().get(top, [top])[0])
        except metadata.PackageNotFoundError:
            return ""


def drop_stale_bytecode(path: Path) -> None:
    """Removes bytecode that Python would take for a file's though the file changed since.

    Python compares whole seconds and sizes: `3` made `4` within a second of an import is not seen.
    """
    compiled = Path(importlib.util.cache_from_source(path))
    with suppress(OSError):
        source, made = path.stat(), compiled.stat()
        if source.st_mtime_ns >= made.st_mtime_ns - TICK_NS:
            compiled.unlink()


def named(one: Dotted) -> Any:
    return {one.path: plain(one.arguments)} if one.arguments else one.path


def decoded(path: Path) -> str:
    """A file's text, as Python reads it."""
    data = path.read_bytes()
    try:
        return importlib.util.decode_source(data)
    except (SyntaxError, UnicodeDecodeError, LookupError):
        return data.decode("latin-1")


def home_of(top: str) -> Path | None:
    """The folder of a package that is the user's own, wherever it lies; None for installed ones."""
    try:
        spec = importlib.util.find_spec(top)
    except (ImportError, ValueError, AttributeError):
        return None
    if spec is None or spec.origin in (None, "built-in", "frozen"):
        return None
    path = Path(str(spec.origin))
    base = Path(sys.base_prefix)
    if (
        path.suffix != ".py"
        or INSTALLED.intersection(path.parts)
        or path.is_relative_to(base / "lib")
    ):
        return None
    return path.parent if path.name == "__init__.py" else None
