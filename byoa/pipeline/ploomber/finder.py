"""`import ploomber` in byoa's processes: an importer that leads each name to ours."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Mapping, Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

HERE = "byoa.pipeline.ploomber"
CLIENTS = "byoa.pipeline.clients"
TASKS = (
    *("PythonCallable", "NotebookRunner", "ScriptRunner", "ShellScript", "SQLScript", "SQLDump"),
    *("SQLTransfer", "SQLUpload", "DownloadFromURL", "Link", "Input", "UploadToS3", "Task"),
)
PRODUCTS = (
    *("File", "SQLRelation", "SQLiteRelation", "PostgresRelation", "GenericSQLRelation"),
    *("GenericProduct", "EmptyProduct", "Product", "MetaProduct"),
)
#: Ploomber's module → where its names are here.
NAMES: Mapping[str, Mapping[str, str]] = {
    "ploomber": {
        "DAG": f"{HERE}.dag",
        "DAGConfigurator": f"{HERE}.dag",
        "SourceLoader": f"{HERE}.things",
        "Env": f"{HERE}.environment",
        "with_env": f"{HERE}.environment",
        "load_env": f"{HERE}.environment",
        "__version__": f"{HERE}.things",
    },
    "ploomber.tasks": {**dict.fromkeys(TASKS, f"{HERE}.tasks"), "TaskGroup": f"{HERE}.groups"},
    "ploomber.products": dict.fromkeys(PRODUCTS, f"{HERE}.things"),
    "ploomber.clients": dict.fromkeys(
        (
            *("Client", "DBAPIClient", "SQLAlchemyClient", "ShellClient", "RemoteShellClient"),
            *("GCloudStorageClient", "LocalStorageClient", "S3Client"),
        ),
        CLIENTS,
    ),
    "ploomber.executors": dict.fromkeys(("Serial", "Parallel", "ParallelDill"), f"{HERE}.things"),
    "ploomber.spec": {"DAGSpec": f"{HERE}.loaded"},
    "ploomber.io": dict.fromkeys(
        ("serializer", "unserializer", "serializer_pickle", "unserializer_pickle"), f"{HERE}.io"
    )
    | dict.fromkeys(("CSVIO", "ParquetIO"), f"{HERE}.things"),
    "ploomber.util": dict.fromkeys(("ParamGrid", "Interval"), f"{HERE}.param_grid"),
    "ploomber.exceptions": dict.fromkeys(
        (
            *("DAGBuildEarlyStop", "DAGBuildError", "DAGRenderError", "TaskBuildError"),
            *("DAGSpecInitializationError", "TaskInitializationError", "CallbackCheckAborted"),
            *("SourceInitializationError", "MissingClientError"),
        ),
        f"{HERE}.exceptions",
    ),
    "ploomber.constants": {"TaskStatus": f"{HERE}.things"},
    "ploomber.testing": {},
    "ploomber.testing.sql": dict.fromkeys(
        (
            *("nulls_in_columns", "distinct_values_in_column", "range_in_column"),
            *("exists_row_where", "duplicates_in_column", "assert_no_duplicates_in_column"),
        ),
        f"{HERE}.sql_checks",
    ),
    "ploomber.clients.storage": {
        "AbstractStorageClient": CLIENTS,
        "S3Client": CLIENTS,
        "LocalStorageClient": CLIENTS,
        "GCloudStorageClient": CLIENTS,
    },
}
#: Modules that only hold what another one shows.
SAME = {
    "ploomber.dag": "ploomber",
    "ploomber.executors.serial": "ploomber.executors",
    "ploomber.executors.parallel": "ploomber.executors",
    "ploomber.clients.db": "ploomber.clients",
    "ploomber.clients.shell": "ploomber.clients",
    "ploomber.products.sql": "ploomber.products",
    "ploomber.tasks.sql": "ploomber.tasks",
    "ploomber.tasks.notebook": "ploomber.tasks",
    "ploomber.spec.dagspec": "ploomber.spec",
    "ploomber.util.param_grid": "ploomber.util",
    "ploomber.util.util": "ploomber.util",
}
WHY_NOT = {
    "OnlineDAG": "pipelines in memory are not taken over; call the functions themselves",
    "OnlineModel": "pipelines in memory are not taken over; call the functions themselves",
    "InMemoryDAG": "pipelines in memory are not taken over; call the functions themselves",
    "PostgresCopyFrom": "use SQLUpload",
    "micro": "write pipeline.yaml, or byoa.pipeline.Pipeline with your functions",
    "jupyter": "`byoa pipeline nb` works on notebooks",
    "scaffold": "write pipeline.yaml; `byoa pipeline plan` says what is missing in it",
    "cli": "the command is `byoa pipeline`",
    "input_data_passer": "pipelines in memory are not taken over; call the functions themselves",
    "in_memory_callable": "pipelines in memory are not taken over; call the functions themselves",
    "lazily_load_entry_point": "use byoa.pipeline.load.load()",
}


class PloomberNames:
    """Finds `ploomber` and what is below it, before an installed Ploomber is found."""

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if name != "ploomber" and not name.startswith("ploomber."):
            return None
        known = SAME.get(name, name)
        if known not in NAMES:
            # no name=: with it, `from ploomber import x` would leave out the reason
            raise ModuleNotFoundError(refusal(name.rpartition(".")[2], name))
        return ModuleSpec(name, self, origin=HERE, is_package=True)  # type: ignore[arg-type]

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return Borrowed(spec.name, NAMES[SAME.get(spec.name, spec.name)])

    def exec_module(self, module: ModuleType) -> None:
        """There is nothing to run: names are found when they are asked for."""


class Borrowed(ModuleType):
    """A module of Ploomber's, whose names are ours."""

    def __init__(self, name: str, names: Mapping[str, str]) -> None:
        super().__init__(name, f"byoa's own for {name}.")
        self.__all__ = [one for one in names if not one.startswith("__")]
        self._names = names

    def __getattr__(self, name: str) -> Any:
        names = self.__dict__.get("_names", {})
        if name in names:
            return getattr(importlib.import_module(names[name]), name)
        inner = f"{self.__name__}.{name}"
        if inner in NAMES:
            return importlib.import_module(inner)
        raise AttributeError(refusal(name, inner))


def refusal(name: str, whole: str) -> str:
    why = WHY_NOT.get(name, "byoa has nothing of that name")
    return f"{whole} is not taken over: {why}."


def install() -> None:
    """From now on `import ploomber` is ours in this process; a second call does nothing."""
    if not any(isinstance(one, PloomberNames) for one in sys.meta_path):
        sys.meta_path.insert(0, PloomberNames())
