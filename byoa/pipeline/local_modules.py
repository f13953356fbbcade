"""The project's own modules on this disk: where each is, what it says, when it was read."""

from __future__ import annotations

import importlib.util
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from byoa.pipeline.hashes import TICK_NS, Stamp, stamped
from byoa.plan.pipeline.code import Module, module_of
from byoa.plan.pipeline.uses import Loading, Walk

#: Never the user's: the driver itself, which may run from its own checkout.
OURS = frozenset({"byoa", "ploomber"})
INSTALLED = frozenset({"site-packages", "dist-packages"})


#: What code puts on sys.path, and the texts in it.
SYS_PATH = re.compile(r"\bsys\.path\s*(?:\.(?:insert|append|extend)|\+?=(?!=))(.*)")
QUOTED = re.compile(r"""["']([^"']+)["']""")


class LocalModules:
    """Modules by their dotted names; each file is read once, and its stamp kept from before."""

    def __init__(
        self,
        root: Path,
        folders: Sequence[Path],
        looked: Callable[[str, Path | None], None] = lambda name, path: None,
    ) -> None:
        self.root, self.folders, self.looked = root, list(folders), looked
        self.stamps: dict[Path, Stamp | None] = {}
        self.grown = 0  #: how often code added folders to sys.path
        self.listed = 0  #: how often all modules below a package were asked for
        self._paths: dict[str, Path | None] = {}
        self._modules: dict[str, Module | None] = {}
        self._homes: dict[str, Path | None] = {}
        self._loading: dict[str, Loading] = {}

    def walk(self) -> Walk:
        """A way through the modules."""
        return Walk(self.find, self.below, self.is_folder, self._loading)

    def files(self, walk: Walk) -> tuple[Path, ...]:
        """The files of all modules that it came through."""
        found = (self._paths.get(name) for name in sorted(walk.loaded))
        return tuple(path for path in found if path is not None and path.suffix)

    def find(self, name: str) -> Module | None:
        """A module of the project; None for what is installed, or nowhere."""
        if name not in self._modules:
            path = self._paths[name] = self.where(name)
            self.looked(name, path)
            readable = path is not None and path.suffix == ".py"
            self._modules[name] = self.at(name, path) if path and readable else None
        return self._modules[name]

    def is_folder(self, name: str) -> bool:
        """Whether it is a package without an __init__."""
        return self.find(name) is None and self._paths[name] is not None

    def at(self, name: str, path: Path) -> Module:
        inside = path.is_relative_to(self.root)
        label = path.relative_to(self.root).as_posix() if inside else path.as_posix()
        return module_of(self.read(path), name, label, package=path.name == "__init__.py")

    def main(self, name: str, path: Path) -> None:
        """The program that runs: its functions were handed over."""
        if name not in self._modules:
            self._paths[name], self._modules[name] = path, self.at(name, path)

    def read(self, path: Path) -> str:
        """A file's text, as Python reads it; its stamp is that of before."""
        self.stamps.setdefault(path, stamped(path))
        text = decoded(path)
        if "sys.path" in text:
            self.grow(text, path.parent)
        return text

    def grow(self, text: str, home: Path) -> None:
        """Adds the folders that code puts on sys.path, as far as they can be read from it."""
        bases = [home, *(one for one in home.parents if one.is_relative_to(self.root)), self.root]
        for line in SYS_PATH.findall(text):
            words = [word.rstrip("\\") for word in QUOTED.findall(line)]
            for folder in [base / word for base in bases for word in words or [""]]:
                real = folder.resolve()
                if real.is_dir() and real not in self.folders and not is_installed(real):
                    self.folders.append(real)
                    self.grown += 1
                    self._modules = {name: one for name, one in self._modules.items() if one}
                    self._loading.clear()

    def where(self, name: str) -> Path | None:
        """The file of a module that is the user's own, a package's folder where it has no __init__.

        The folders are looked through as Python looks through sys.path.
        """
        top, _, rest = name.partition(".")
        if not name or top in OURS:
            return None
        for folder in self.folders:
            if path := module_file(folder, name):
                return path
            if (folder / top).is_dir() or (folder / f"{top}.py").is_file():
                break  # that one shadows what is further on
        if top not in self._homes:
            self._homes[top] = home_of(top)
        home = self._homes[top]
        if home:
            return module_file(home, rest)
        spaces = (folder.joinpath(*name.split(".")) for folder in self.folders)
        return next((space for space in spaces if space.is_dir()), None)

    def below(self, name: str) -> Iterator[str]:
        """The names of the project's modules below a package, or of all."""
        self.listed += 1
        for folder in self.folders:
            start = folder.joinpath(*name.split(".")) if name else folder
            for path in sorted(start.rglob("*.py")) if start.is_dir() else ():
                pieces = path.relative_to(folder).with_suffix("").parts
                if all(piece.isidentifier() for piece in pieces):
                    yield ".".join(pieces[:-1] if pieces[-1] == "__init__" else pieces)


def module_file(folder: Path, name: str) -> Path | None:
    where = folder.joinpath(*name.split(".")) if name else folder
    for path in (where / "__init__.py", *([where.with_name(f"{where.name}.py")] if name else [])):
        if path.is_file():
            return path
    return None


def home_of(top: str) -> Path | None:
    """The folder of a package that is the user's own, wherever it lies; None for installed ones.

    It may be installed to be edited, or on PYTHONPATH.
    """
    try:
        spec = importlib.util.find_spec(top)
    except (ImportError, ValueError, AttributeError):
        return None
    if spec is None or spec.origin in (None, "built-in", "frozen"):
        return None
    path = Path(str(spec.origin))
    return path.parent if path.name == "__init__.py" and not is_installed(path) else None


def is_installed(path: Path) -> bool:
    library = Path(sys.base_prefix) / "lib"
    return bool(INSTALLED.intersection(path.parts)) or path.is_relative_to(library)


def decoded(path: Path) -> str:
    """A file's text, as Python reads it."""
    data = path.read_bytes()
    try:
        return importlib.util.decode_source(data)
    except (SyntaxError, UnicodeDecodeError, LookupError):
        return data.decode("latin-1")


def drop_stale_bytecode(path: Path) -> None:
    """Removes bytecode that Python would take for a file's though the file changed since.

    Python compares whole seconds and sizes: `3` made `4` within a second of an import is not seen.
    """
    if path.suffix != ".py":
        return
    compiled = Path(importlib.util.cache_from_source(path))
    with suppress(OSError):
        source, made = path.stat(), compiled.stat()
        if source.st_mtime_ns >= made.st_mtime_ns - TICK_NS:
            compiled.unlink()
