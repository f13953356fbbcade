"""What there is in pipeline.yaml: kinds of task, products, keys, and what is not taken over.

Names are Ploomber 0.23's (https://docs.ploomber.io/en/latest/api/spec.html); those below OURS are
byoa's own.
"""

from __future__ import annotations

from collections.abc import Mapping

from byoa.plan.pipeline.job_options import OPTIONS as JOBS
from byoa.plan.pipeline.model import Kind

#: `class:` → the kind of task.
CLASSES: Mapping[str, Kind] = {
    "PythonCallable": "function",
    "NotebookRunner": "notebook",
    "ScriptRunner": "script",
    "ShellScript": "shell",
    "SQLScript": "sql-script",
    "SQLDump": "sql-dump",
    "SQLTransfer": "sql-transfer",
    "SQLUpload": "sql-upload",
    "DownloadFromURL": "download",
    "Link": "link",
    "Input": "input",
    "UploadToS3": "upload",
    # OURS
    "train": "train",
    "process": "process",
    "deploy": "deploy",
}
CLASS_OF: Mapping[Kind, str] = {kind: name for name, kind in CLASSES.items()}
NO_CLASSES: Mapping[str, str] = {
    "PostgresCopyFrom": "Use SQLUpload: it writes to any database that SQLAlchemy knows.",
    "TaskGroup": "Use a grid.",
    "TaskFactory": "Use functions of your own that make tasks, from Python.",
    "Task": "Use a class that does something.",
    "input_data_passer": "Pipelines in memory are not taken over; call the functions themselves.",
    "in_memory_callable": "Pipelines in memory are not taken over; call the functions themselves.",
    "task_factory": "Use functions of your own that make tasks, from Python.",
}
#: A source's suffix → the kind of task where no class is given.
SUFFIXES: Mapping[str, Kind] = {
    ".py": "notebook",
    ".ipynb": "notebook",
    ".R": "notebook",
    ".r": "notebook",
    ".Rmd": "notebook",
    ".md": "notebook",  # OURS: Ploomber refuses it
    ".sql": "sql-script",
    ".sh": "shell",
}
DUMPS = {".csv", ".parquet"}  #: products that make a .sql file a sql-dump
#: Kinds whose source is neither a file nor a function.
NO_SOURCE = {"link", "input", "train", "process", "deploy"}
#: Kinds whose source is text with placeholders: a URL, a path.
TEXT_SOURCE = {"download", "sql-upload", "upload"}
TEMPLATES = {"sql-script", "sql-dump", "sql-transfer", "shell"}
JOB_KINDS = frozenset(JOBS)

FILES = frozenset({"File", "EmptyProduct"})
RELATIONS = frozenset({
    "SQLRelation", "GenericSQLRelation", "SQLiteRelation", "PostgresRelation", "GenericProduct",
})  # fmt: skip
PRODUCTS = FILES | RELATIONS
NO_PRODUCTS: Mapping[str, str] = {
    "MetaProduct": "Write several products as KEY: PATH.",
    "Product": "Use File.",
}
PRODUCT_OF: Mapping[str, str] = {
    "sql-script": "SQLRelation",
    "sql-transfer": "SQLRelation",
    "sql-upload": "SQLRelation",
    "upload": "GenericProduct",
}  #: File for all others

TOP = frozenset({
    "meta", "config", "clients", "tasks", "serializer", "unserializer", "executor",
    "on_finish", "on_render", "on_failure", "location",
})  # fmt: skip
META = frozenset({
    "extract_upstream", "extract_product", "product_default_class", "product_relative_to_source",
    "jupyter_hot_reload", "source_loader", "jupyter_functions_as_notebooks", "import_tasks_from",
    "staging",  # OURS
})  # fmt: skip
#: Keys of a task that mean the same for every kind.
TASK = frozenset({
    "source", "product", "name", "class", "params", "grid", "upstream", "client",
    "product_class", "product_client", "on_render", "on_finish", "on_failure",
    # OURS
    "for_each", "retries", "retry_on", "timeout", "memory", "cpus", "gpus", "staging",
})  # fmt: skip
#: Those that are not for every kind.
OPTIONS: Mapping[str, frozenset[str]] = {
    "function": frozenset({"serializer", "unserializer", "debug_mode"}),
    "notebook": frozenset({
        "executor", "executor_params", "papermill_params", "kernelspec_name",
        "nbconvert_exporter_name", "nbconvert_export_kwargs", "ext_in", "nb_product_key",
        "static_analysis", "local_execution", "check_if_kernel_installed", "debug_mode",
    }),
    "script": frozenset({"ext_in", "static_analysis", "local_execution"}),
    "shell": frozenset(),
    "sql-script": frozenset(),
    "sql-dump": frozenset({"chunksize", "io_handler"}),
    "sql-transfer": frozenset({"chunksize"}),
    "sql-upload": frozenset({"chunksize", "io_handler", "to_sql_kwargs"}),
    "download": frozenset({"sha256", "max_mb"}),  # OURS
    "link": frozenset(),
    "input": frozenset(),
    "upload": frozenset({"bucket", "client_kwargs", "upload_file_kwargs"}),
    **JOBS,
}  # fmt: skip
#: Keys that mean something else in a job's options than in Ploomber's.
NOT_FOR_JOBS = frozenset({"product_class", "client", "product_client"})

#: `config:`; False: said and of no effect here.
CONFIG = frozenset({"hot_reload", "cache_rendered_status", "differ", "logging_factory"})
EXECUTORS = frozenset({"serial", "parallel"})
EXECUTOR_PATHS: Mapping[str, str] = {
    "ploomber.executors.Serial": "serial",
    "ploomber.executors.Parallel": "parallel",
    "ploomber.executors.ParallelDill": "parallel",
    "ploomber.executors.serial.Serial": "serial",
    "ploomber.executors.parallel.Parallel": "parallel",
    "ploomber.executors.parallel_dill.ParallelDill": "parallel",
}
HOOKS = ("on_render", "on_finish", "on_failure")
