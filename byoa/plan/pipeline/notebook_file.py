"""A notebook as .ipynb has it: nbformat 4.5, the same bytes for the same cells and outputs.

No times, no random cell ids: a notebook that shows what it showed before makes nothing run again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from byoa.plan.pipeline.notebook_source import Cell, Notebook

PYTHON = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {
        "codemirror_mode": {"name": "ipython", "version": 3},
        "file_extension": ".py",
        "mimetype": "text/x-python",
        "name": "python",
        "nbconvert_exporter": "python",
        "pygments_lexer": "ipython3",
    },
}
#: What editors and other tools keep in a source: none of it is about what the notebook shows.
LEFT_OUT = {"jupytext", "papermill", "ploomber", "widgets", "signature"}
LEFT_OUT_OF_CELLS = {"lines_to_next_cell", "lines_to_end_of_cell_marker", "papermill", "execution"}


def of(notebook: Notebook) -> dict[str, Any]:
    """The notebook's dict, with no outputs yet."""
    metadata = {key: value for key, value in notebook.metadata.items() if key not in LEFT_OUT}
    if notebook.language == "python":
        spec = metadata.get("kernelspec")
        metadata = {**metadata, **PYTHON, **({"kernelspec": spec} if is_whole(spec) else {})}
    return {
        "cells": [cell_of(cell, n) for n, cell in enumerate(notebook.cells)],
        "metadata": metadata,
        "nbformat": 4,
        "nbformat_minor": 5,
    }


def is_whole(spec: Any) -> bool:
    return isinstance(spec, Mapping) and {"name", "display_name"} <= spec.keys()


def cell_of(cell: Cell, number: int) -> dict[str, Any]:
    metadata = {k: v for k, v in cell.metadata.items() if k not in LEFT_OUT_OF_CELLS}
    if cell.tags:
        metadata["tags"] = list(cell.tags)
    made = {
        "cell_type": cell.kind,
        "id": f"{number}-{hashlib.sha256(cell.source.encode(errors='replace')).hexdigest()[:8]}",
        "metadata": metadata,
        "source": cell.source,
    }
    return {**made, "execution_count": None, "outputs": []} if cell.kind == "code" else made


def text(notebook: Mapping[str, Any]) -> str:
    """The file's text."""
    return json.dumps(notebook, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def moved(notebook: Any, paths: Mapping[str, str]) -> Any:
    """The notebook with other paths in its injected cell and in the texts that it shows."""
    if isinstance(notebook, str):
        for old, new in paths.items():
            if old in notebook:
                notebook = notebook.replace(old, new)
        return notebook
    if isinstance(notebook, Mapping):
        return {key: moved(value, paths) for key, value in notebook.items()}
    return [moved(one, paths) for one in notebook] if isinstance(notebook, list) else notebook
