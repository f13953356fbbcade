"""The code of tasks as hashes: read from this disk, understood by byoa.plan.pipeline."""

from __future__ import annotations

import functools
import re
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from byoa.pipeline.code_cache import CodeCache, Found
from byoa.pipeline.hashes import Stamp, stamped
from byoa.pipeline.local_modules import LocalModules
from byoa.plan.pipeline import cell_code, texts
from byoa.plan.pipeline.code import Module, sha
from byoa.plan.pipeline.fingerprint import plain
from byoa.plan.pipeline.fingerprint import text as text_of
from byoa.plan.pipeline.model import Dotted, Pipeline, Source, Task
from byoa.plan.pipeline.references import references
from byoa.plan.pipeline.uses import Walk, digests

SQL = frozenset({"sql-script", "sql-dump", "sql-transfer"})
TEMPLATES = SQL | {"shell"}
#: Seconds from reading pipeline.yaml to planning, at most.
YOUNG = 60
CELLS = {"notebook": cell_code.of_notebook, "script": cell_code.of_script}


#: A program of the project, as shells call it.
PROGRAM = re.compile(r"(?<![\w./-])(?:\./)?([\w-][\w./-]*\.(?:py|sh|bash|R|r|jl|pl))(?![\w/])")


class Sources:
    """The hashes of a pipeline's code; a file is read once, or not at all where a cache holds."""

    def __init__(self, pipeline: Pipeline, cache: Path | None = None) -> None:
        self.root = Path(pipeline.root)
        folders = [self.root, *(self.root / path for path in pipeline.import_from)]
        self.modules = LocalModules(self.root, list(dict.fromkeys(folders)))
        self.templates = [self.root / path for path in pipeline.templates]
        self.products = {
            one.path for task in pipeline.tasks.values() for one in task.products.values()
        }
        self._memo: dict[object, Found] = {}
        self._objects: list[object] = []
        self._cache: CodeCache | None = None
        if cache:
            self._cache = CodeCache(cache, self.modules.where, self.modules.stamps)
            self.modules.looked = self._cache.looked

    def of(self, task: Task) -> Mapping[str, str]:
        """{"": the task's own code, "tasks/features.py:helper"…: what it uses of the project}."""
        return self._task(task)[0]

    def files(self, task: Task) -> dict[Path, Stamp | None]:
        """The files that this came from, with their stamps from before they were read."""
        stamps = self.modules.stamps
        return {path: stamps.setdefault(path, stamped(path)) for path in self._task(task)[1]}

    def save(self) -> None:
        """Keeps what was found out for the next time."""
        if self._cache:
            self._cache.save()

    def options(self, task: Task) -> dict[str, Any]:
        """What decides a result beside the task's options: who it talks to, how it is stored."""
        parts = {"serializer": task.serializer, "unserializer": task.unserializer}
        if task.kind.startswith("sql"):
            parts["client"] = task.client
        return {name: named(one) for name, one in parts.items() if one is not None}

    def _task(self, task: Task) -> Found:
        found, files = self._of(task.source, task.kind)
        more = {"serializer": task.serializer, "unserializer": task.unserializer}
        more["on_finish"] = task.hooks.get("on_finish")
        if task.kind.startswith("sql"):
            more["client"] = task.client
        if not any(more.values()):
            return found, files
        for name, one in more.items():
            if one is not None:
                source = Source(dotted=one.path.replace("::", "."), object=one.object)
                inner, read = self._of(source, "function")
                found = {**found, **{key or name: value for key, value in inner.items()}}
                files += read
        return found, files

    def _of(self, source: Source, how: str) -> Found:
        key = (how, source.path, source.dotted, source.text, id(source.object))
        if key not in self._memo:
            self._memo[key] = self._read(source, how)
            self._objects.append(source.object)  # as long as it lives its id is nobody else's
        return self._memo[key]

    def _read(self, source: Source, how: str) -> Found:
        if source.object is not None:
            return self._object(source)
        if source.dotted:
            return self._kept(source.dotted)
        path = self.root / source.path
        own = (path,) if source.path and path.is_file() else ()
        text = source.text
        if own:
            there = self.modules.read(path)
            if text and text.splitlines() != there.splitlines() and is_young(path):
                self.modules.stamps[path] = None  # edited since it was loaded: it spoils the record
            text = text or there
        if how in CELLS:
            module, digest, others = CELLS[how](text, source.path or "source")
            return joined(self._cells(module, digest, own), self._programs(others, set()))
        meaning = texts.sql if how in SQL else texts.shell if how == "shell" else str
        found: Found = ({"": sha(meaning(text))} if text else {}, own)
        if how in TEMPLATES:
            found = joined(found, self._templates(source, text, meaning))
        return joined(found, self._programs(text, set())) if how == "shell" else found

    def _kept(self, dotted: str) -> Found:
        """A function's, from the cache where it holds."""
        found = self._cache.get(dotted) if self._cache else None
        if found is None:
            listed = self.modules.listed
            module, _, name = dotted.rpartition(".")
            found = self._function(module, name)
            if self._cache and self.modules.listed == listed:
                self._cache.put(dotted, found)
        return found

    def _function(self, name: str, function: str) -> Found:
        module = self.modules.find(name)
        if module is None:
            return {"": sha(f"{name}.{function} {version_of(name)}")}, ()

        def begin(walk: Walk) -> None:
            walk.load(name)
            if not walk.name(module, function):
                walk.all(module)

        walk = self._walked(begin)
        own = {id(part): part for part in module.bindings.get(function, ())}
        return digests(walk, own), self.modules.files(walk)

    def _object(self, source: Source) -> Found:
        """A function that was handed over: what is written of it, and what it has closed over."""
        function: Any = source.object
        held: list[Any] = []
        if isinstance(function, functools.partial):
            held = [function.args, function.keywords]
            function = function.func
        if not hasattr(function, "__qualname__"):  # an object that can be called
            held, function = [*held, vars(function)], type(function)
        name, module = function.__qualname__.partition(".")[0], str(function.__module__)
        file = getattr(sys.modules.get(module), "__file__", None)
        if module == "__main__" and file:
            self.modules.main(module, Path(file))
        found, files = self._function(module, name)
        held += [cell.cell_contents for cell in getattr(function, "__closure__", None) or ()]
        if held:
            found = {**found, "closure": sha(text_of(plain(held)))}
        return found, files

    def _walked(self, begin: Callable[[Walk], None]) -> Walk:
        """A walk to its end; once more where code was found to add folders to sys.path."""
        while True:
            grown, walk = self.modules.grown, self.modules.walk()
            begin(walk)
            walk.run()
            if self.modules.grown == grown:
                return walk

    def _cells(self, module: Module, digest: str, own: tuple[Path, ...]) -> Found:
        def begin(walk: Walk) -> None:
            for part in module.parts:
                walk.take(module, part)

        walk = self._walked(begin)
        found = digests(walk, {id(part): part for part in module.parts})
        return {**found, "": digest}, (*own, *self.modules.files(walk))

    def _programs(self, text: str, seen: set[str]) -> Found:
        """The project's programs that a shell's text names, and what they use and name."""
        found: dict[str, str] = {}
        files: tuple[Path, ...] = ()
        for name in PROGRAM.findall(text):
            path = self.root / name
            if name in seen or name in self.products or not path.is_file():
                continue
            seen.add(name)
            said = self.modules.read(path)
            if path.suffix == ".py":
                module, digest, others = cell_code.of_script(said, name)
                inner, read = self._cells(module, digest, (path,))
            else:
                inner, read, others = {"": sha(texts.shell(said))}, (path,), said
            more, deeper = self._programs(others, seen)
            found |= {key or name: value for key, value in inner.items()} | more
            files += read + deeper
        return found, files

    def _templates(self, source: Source, text: str, meaning: Callable[[str], str]) -> Found:
        """The templates that a template names, and those that they name; "*" is any of them."""
        found: dict[str, str] = {}
        files: list[Path] = []
        folders = [*self.templates, (self.root / source.path).parent, self.root]
        waiting = references(text)
        while waiting:
            name = waiting.pop()
            if name == "*":
                waiting += below(self.templates or folders[:1])
                continue
            path = next((one / name for one in folders if (one / name).is_file()), None)
            if path is not None and name not in found:
                inner = self.modules.read(path)
                found[name] = sha(meaning(inner))
                files.append(path)
                waiting += references(inner)
        return found, tuple(files)


def below(folders: Sequence[Path]) -> list[str]:
    """All files of some folders, by their names there; "*" is none of them."""
    return [
        path.relative_to(folder).as_posix()
        for folder in folders
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != "*"
    ]


def joined(one: Found, other: Found) -> Found:
    return {**other[0], **one[0]}, one[1] + other[1]


def is_young(path: Path) -> bool:
    return time.time() - path.stat().st_mtime < YOUNG


def version_of(name: str) -> str:
    """The version of the distribution that a module comes from."""
    from importlib import metadata

    top = name.partition(".")[0]
    try:
        return metadata.version(metadata.packages_distributions().get(top, [top])[0])
    except metadata.PackageNotFoundError:
        return ""


def named(one: Dotted) -> Any:
    return {one.path: plain(one.arguments)} if one.arguments else one.path
