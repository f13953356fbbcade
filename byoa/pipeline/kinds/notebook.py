"""A task that is a notebook or a script: run cell by cell, its report written as it was ordered."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from importlib import import_module
from pathlib import Path
from typing import Any

from byoa.pipeline.extra import need
from byoa.pipeline.notebook import export
from byoa.pipeline.order import Order
from byoa.plan.pipeline import (
    injected,
    notebook_check,
    notebook_file,
    notebook_metrics,
    notebook_options,
)
from byoa.plan.pipeline import notebook_source as cells
from byoa.plan.pipeline.model import Task
from byoa.plan.pipeline.notebook_options import Options
from byoa.plan.pipeline.notebook_source import Notebook


def run(task: Task, order: Order) -> None:
    """Runs the notebook with its parameters; writes it to every product that is the notebook."""
    options = notebook_options.read(task)
    source = read(task, order)
    values = parameters(task, order)
    if options.analysis != "disable":
        notebook_check.check(source, values, task.source.path, options.analysis)
    notebook = notebook_file.of(injected.into(source, values))
    try:
        with working(folder_of(task, order, options)):
            execute(notebook, source, options, order)
    except BaseException:
        with suppress(Exception):
            keep(settled(notebook, order), task, order)
        raise
    notebook = settled(notebook, order)
    order.metrics.update(notebook_metrics.of(notebook))
    for key, exporter in options.outputs.items():
        place = Path(str(order.products[key]))
        export.write(notebook, place, task.name, exporter, options.export_kwargs)


def read(task: Task, order: Order) -> Notebook:
    """The source's cells."""
    suffix = Path(task.source.path).suffix or suffix_said(task.options)
    text = task.source.text or Path(order.root, task.source.path).read_text(encoding="utf-8")
    return cells.read(text, suffix)


def suffix_said(options: Mapping[str, Any]) -> str:
    """From Python a source may be a text; ext_in says what it is."""
    return f".{str(options.get('ext_in') or 'py').lstrip('.')}"


def parameters(task: Task, order: Order) -> dict[str, Any]:
    """What the injected cell assigns: params, upstream when there is any, product."""
    handed = order.plain()
    values = {**task.params, **({"upstream": handed["upstream"]} if handed["upstream"] else {})}
    if order.resources and "resources_" not in values:
        values["resources_"] = dict(order.resources)
    return {**values, "product": handed["product"]}


def folder_of(task: Task, order: Order, options: Options) -> Path:
    """Where the notebook's relative paths begin."""
    if options.local and task.source.path:
        return Path(order.root, task.source.path).parent
    return Path(order.root, options.cwd)


@contextmanager
def working(folder: Path) -> Iterator[None]:
    """That folder as the current one, and first of those that modules come from."""
    before = Path.cwd()
    os.chdir(folder)
    sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        with suppress(ValueError):
            sys.path.remove(str(folder))
        os.chdir(before)


def execute(notebook: dict[str, Any], source: Notebook, options: Options, order: Order) -> None:
    """Runs the cells here if they are Python's and no kernel of its own was asked for."""
    from byoa.pipeline.notebook import kernel

    named = kernel.needed(source, options)
    if named:
        kernel.execute(notebook, named, options, Path.cwd())
        return
    need("IPython", "A notebook task")
    from byoa.pipeline.notebook.execute import execute as execute_here

    folder = Path(order.home, "ipython") if order.home else None
    execute_here(notebook, folder, options.cell_seconds)


def settled(notebook: Mapping[str, Any], order: Order) -> dict[str, Any]:
    """The notebook with the paths that its products have after it, not those of the attempt."""
    paths = {
        str(order.products[key]): str(order.final[key])
        for key in order.products
        if str(order.products[key]) != str(order.final[key])
    }
    if order.work and order.work != order.root:
        paths[order.work] = order.root
    done: dict[str, Any] = notebook_file.moved(notebook, paths)
    return done


def keep(notebook: Mapping[str, Any], task: Task, order: Order) -> None:
    """What a notebook had shown when it failed, beside its log."""
    if not order.log:
        return
    beside = Path(order.log).with_suffix(".ipynb")
    export.write(notebook, beside, task.name, "ipynb", {})
    print(f"The notebook as far as it came: {os.path.relpath(beside, order.root)}", file=sys.stderr)
    export.write(notebook, beside.with_suffix(".html"), f"{task.name} (failed)", "html", {})


def warm() -> None:
    """Loads what every notebook task needs, before the template forks."""
    import_module("byoa.pipeline.notebook.shell")
    tiny = notebook_file.of(cells.read("# %% [markdown]\n# warm\n\n# %%\n1", ".py"))
    tiny["cells"][1]["outputs"] = [
        {"output_type": "stream", "name": "stdout", "text": "warm"},
        {"output_type": "execute_result", "execution_count": 1, "metadata": {},
         "data": {"text/plain": "1", "text/html": "<b>1</b>"}},
    ]  # fmt: skip
    export.convert(tiny, "html", Path("warm.html"), "warm", {})
