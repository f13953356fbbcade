"""What a notebook task may say about itself, and what its options come to.

Names and meanings are Ploomber 0.23's NotebookRunner; `executor_params` are papermill's.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

from byoa.plan.pipeline.model import SINGLE, Task

#: A product's suffix → nbconvert's exporter.
EXPORTERS = {
    ".ipynb": "ipynb",
    ".html": "html",
    ".md": "markdown",
    ".pdf": "pdf",
    ".tex": "latex",
    ".rst": "rst",
}
ANALYSIS = ("disable", "regular", "strict")
EXECUTORS = ("papermill", "ploomber-engine")
#: papermill's engine names that are served; nbclient: a real kernel even for Python.
ENGINES = ("papermill", "ploomber-engine", "nbclient")
#: Keys of executor_params that do something here …
USED = frozenset({"cwd", "execution_timeout", "kernel_name", "engine_name", "start_timeout"})
#: … and those whose purpose is served in another way: the log is live, parameters are injected.
OF_NO_EFFECT = frozenset({
    "log_output", "progress_bar", "stdout_file", "stderr_file", "autosave_cell_every",
    "request_save_on_cell_execute", "report_mode", "language", "nest_asyncio", "allow_nested_loop",
})  # fmt: skip


@dataclass(frozen=True)
class Options:
    """A notebook task's options, read."""

    outputs: Mapping[str, str] = field(default_factory=dict)  #: product key → exporter's name
    export_kwargs: Mapping[str, Any] = field(default_factory=dict)
    analysis: str = "regular"
    kernel: str = ""  #: a kernelspec's name, asked for
    engine: str = "papermill"
    cwd: str = ""
    local: bool = False
    cell_seconds: float = 0
    start_seconds: float = 60


def read(task: Task) -> Options:
    """The options; what is wrong with them is `problems`' to tell."""
    said = task.options
    params = {**(said.get("papermill_params") or {}), **(said.get("executor_params") or {})}
    names = said.get("nbconvert_exporter_name")
    keys = output_keys(task)
    return Options(
        outputs={
            key: str((names.get(key) if isinstance(names, Mapping) else names) or "")
            for key in keys
        },
        export_kwargs=said.get("nbconvert_export_kwargs") or {},
        analysis=analysis_of(said.get("static_analysis", "regular")),
        kernel=str(said.get("kernelspec_name") or params.get("kernel_name") or ""),
        engine=str(params.get("engine_name") or said.get("executor") or "papermill"),
        cwd=str(params.get("cwd") or ""),
        local=bool(said.get("local_execution")),
        cell_seconds=float(params.get("execution_timeout") or 0),
        start_seconds=float(params.get("start_timeout") or 60),
    )


def analysis_of(said: Any) -> str:
    """`disabled`, which Ploomber's documents say, is the `disable` that it takes."""
    return "disable" if said in ("disabled", False, None) else str(said)


def output_keys(task: Task) -> tuple[str, ...]:
    """The products that are the notebook itself."""
    if set(task.products) == {SINGLE}:
        return (SINGLE,)
    said = task.options.get("nb_product_key", "nb")
    return tuple(map(str, said)) if isinstance(said, list | tuple) else (str(said),)


def problems(task: Task) -> Iterator[str]:
    """All that is wrong with a notebook's or script's options, a sentence each."""
    if analysis_of(task.options.get("static_analysis", "regular")) not in ANALYSIS:
        yield (
            f"static_analysis is {task.options['static_analysis']!r}; it is one of"
            f" {', '.join(ANALYSIS)}."
        )
    if task.kind == "notebook":
        yield from output_problems(task)
        yield from executor_problems(task.options)


def output_problems(task: Task) -> Iterator[str]:
    keys = output_keys(task)
    names = task.options.get("nbconvert_exporter_name")
    for key in keys:
        product = task.products.get(key)
        if product is None:
            yield (
                f"product has no key {key!r}, which is where the notebook itself goes: add"
                f' "{key}: report.html", or name another one with nb_product_key.'
            )
            continue
        name = names.get(key) if isinstance(names, Mapping) else names
        suffix = PurePosixPath(product.path).suffix
        if product.is_file and not name and suffix not in EXPORTERS:
            what = f"{product.path} has no suffix" if not suffix else f"{suffix} is no format"
            yield (
                f"{what} of a notebook: end it in {', '.join(EXPORTERS)}, set"
                " nbconvert_exporter_name, or put the notebook under a key nb of several products."
            )
    if isinstance(names, Mapping):
        unknown = sorted(set(map(str, names)) - set(keys))
        if unknown:
            yield (
                f"nbconvert_exporter_name has {', '.join(unknown)}, which nb_product_key"
                " does not have."
            )


def executor_problems(said: Mapping[str, Any]) -> Iterator[str]:
    if said.get("executor", "papermill") not in EXECUTORS:
        yield f"executor is {said['executor']!r}; it is one of {', '.join(EXECUTORS)}."
    for name in ("executor_params", "papermill_params"):
        params = said.get(name) or {}
        if not isinstance(params, Mapping):
            yield f"{name} is {params!r}; it is a mapping."
            continue
        unknown = sorted(set(map(str, params)) - USED - OF_NO_EFFECT)
        if unknown:
            yield f"{name} has {', '.join(unknown)}; it may have {', '.join(sorted(USED))}."
        if params.get("engine_name", "papermill") not in ENGINES:
            yield f"engine_name is {params['engine_name']!r}; it is one of {', '.join(ENGINES)}."
        if "cwd" in params and said.get("local_execution"):
            yield f"local_execution and {name}.cwd both say where to run; keep one."
        for key in ("execution_timeout", "start_timeout"):
            if not isinstance(params.get(key) or 0, int | float):
                yield f"{name}.{key} is {params[key]!r}; it is a number of seconds."
    if "export_kwargs" in said or not isinstance(
        said.get("nbconvert_export_kwargs") or {}, Mapping
    ):
        yield "nbconvert_export_kwargs is a mapping: nbconvert's own options by name."
