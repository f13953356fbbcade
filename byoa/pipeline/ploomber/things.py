"""Products, executors and sources by Ploomber's names: values that tasks are described with."""

from __future__ import annotations

import enum
import os
import sys
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from byoa.pipeline import order
from byoa.pipeline.modules import Modules
from byoa.plan.errors import NotFoundError, UsageError
from byoa.plan.pipeline.model import Dotted

#: Several products by key, as a task is given them.
MetaProduct = order.Products
#: The version whose pipelines are understood.
__version__ = "0.23.3"


class Product:
    """What a task makes; `said` is what pipeline.yaml would say."""

    def __init__(self, identifier: Any = "", client: Any = None) -> None:
        self.identifier, self.client = identifier, client

    @property
    def said(self) -> Any:
        return self.identifier

    def __str__(self) -> str:
        return str(self.identifier)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.identifier!r})"


class AlsoGiven(type):
    """What a task is given as its product is a File, too."""

    def __instancecheck__(cls, thing: object) -> bool:
        return type.__instancecheck__(cls, thing) or isinstance(thing, order.File)


class File(Product, metaclass=AlsoGiven):
    """A file or a folder: a path, wherever one is taken."""

    @property
    def said(self) -> str:
        return self.__fspath__()

    def __fspath__(self) -> str:
        return str(os.fspath(self.identifier))

    def __truediv__(self, other: str | os.PathLike[str]) -> Path:
        return Path(self) / other

    def __str__(self) -> str:
        return self.__fspath__()


class SQLRelation(Product):
    """A table or view: (schema, name, kind) or (name, kind)."""

    @property
    def said(self) -> list[Any]:
        return list(self.identifier)

    def __str__(self) -> str:
        return ".".join(str(part) for part in list(self.identifier)[:-1] if part)


class SQLiteRelation(SQLRelation):
    """A table or view of SQLite."""


class PostgresRelation(SQLRelation):
    """A table or view of PostgreSQL."""


class GenericSQLRelation(SQLRelation):
    """A table or view of any database."""


class GenericProduct(Product):
    """Something that a client knows by this name."""


class EmptyProduct(Product):
    """Nothing."""


class Executor(Dotted):
    """How tasks are run at once."""

    def __init__(self, path: str, **arguments: Any) -> None:
        super().__init__(path, {key: one for key, one in arguments.items() if one is not None})


class Serial(Executor):
    """One task after the other."""

    def __init__(
        self,
        build_in_subprocess: bool = True,
        catch_exceptions: bool = True,
        catch_warnings: bool = True,
    ) -> None:
        super().__init__("ploomber.executors.Serial")


class Parallel(Executor):
    """Several at once."""

    def __init__(
        self,
        processes: int | None = None,
        print_progress: bool = False,
        start_method: str | None = None,
    ) -> None:
        super().__init__("ploomber.executors.Parallel", processes=processes)


class ParallelDill(Parallel):
    """Several at once."""


class CSVIO:
    """`io_handler` of a dump: .csv."""


class ParquetIO:
    """`io_handler` of a dump: .parquet."""


class TaskStatus(enum.Enum):
    """What user code compares a task's `exec_status` with."""

    WaitingExecution = "waiting_execution"
    Skipped = "skipped"
    Executed = "executed"
    Errored = "errored"
    Aborted = "aborted"


class Placeholder:
    """A source file out of a SourceLoader: its path, its text, the folders of its macros."""

    def __init__(self, path: Path, folders: Sequence[Path]) -> None:
        self.path, self.folders = path, tuple(folders)

    def __str__(self) -> str:
        return self.path.read_text(encoding="utf-8")


class SourceLoader:
    """Source files below a folder or a module, by name."""

    def __init__(self, path: Any = None, module: Any = None) -> None:
        if path is None and module is None:
            raise UsageError("SourceLoader takes a path, a module, or both.")
        base = self.folder_of(module) if module is not None else Path()
        several = path if isinstance(path, (list, tuple)) else [path or ""]
        self.folders = [(base / one).resolve() for one in several]

    def folder_of(self, module: Any) -> Path:
        if isinstance(module, str):
            found = Modules(sys.path).folder(module)
            if found is None:
                raise UsageError(f"SourceLoader: there is no module {module!r}.")
            return Path(found)
        folders = list(getattr(module, "__path__", []))
        return Path(folders[0]) if folders else Path(module.__file__).parent

    def __getitem__(self, name: str | os.PathLike[str]) -> Placeholder:
        below = PurePosixPath(name)
        for folder in self.folders:
            if (folder / below).is_file():
                return Placeholder(folder / below, self.folders)
        tried = ", ".join(map(str, self.folders))
        raise NotFoundError(f"There is no source {name} in {tried}.")

    get_template = __getitem__

    def get(self, name: str) -> Placeholder | None:
        try:
            return self[name]
        except NotFoundError:
            return None

    def path_to(self, name: str) -> Path:
        found = self.get(name)
        return found.path if found else self.folders[0] / name
