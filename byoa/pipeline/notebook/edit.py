"""Sources of notebook tasks, changed in place: parameters injected or removed, another format.

jupytext reads and writes them, so a script keeps its format and a notebook its outputs.
"""

from __future__ import annotations

import io
import os
import re
import shutil
from collections.abc import Callable, Mapping, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from byoa.files import replace
from byoa.pipeline.extra import need
from byoa.pipeline.kinds.notebook import parameters
from byoa.pipeline.order import order_for
from byoa.plan.errors import ByoaError, UsageError
from byoa.plan.pipeline import injected
from byoa.plan.pipeline.model import Pipeline, Task
from byoa.plan.pipeline.notebook_source import FOREIGN, INJECTED, PARAMETERS
from byoa.plan.pipeline.selection import named


@dataclass(frozen=True)
class File:
    """A source and the task whose parameters it gets: the first one that has it, or the chosen."""

    path: Path
    task: Task
    shared_by: int


def sources(pipeline: Pipeline, patterns: Sequence[str] = ()) -> list[File]:
    """The files of the pipeline's notebooks and scripts, each once."""
    wanted = named(pipeline, patterns) if patterns else set(pipeline.tasks)
    users: dict[str, list[Task]] = {}
    for task in pipeline.tasks.values():
        if task.kind in ("notebook", "script") and task.source.path:
            users.setdefault(task.source.path, []).append(task)
    found = []
    for path, tasks in users.items():
        chosen = next((task for task in tasks if task.name in wanted), None)
        if chosen is not None:
            found.append(File(Path(pipeline.root, path), chosen, len(tasks)))
    if not found:
        raise UsageError("There is no notebook or script among these tasks.")
    return found


def inject(pipeline: Pipeline, file: File) -> bool:
    """The injected cell as a build would make it, for work in an editor; False: it was there."""
    order = order_for(pipeline, file.task, pipeline.root)
    values = parameters(file.task, order)

    def change(notebook: Any) -> None:
        without(notebook)
        language = notebook.metadata.get("kernelspec", {}).get("language", "python").lower()
        nbformat = need("nbformat", "nb --inject")
        made = nbformat.v4.new_code_cell(
            injected.source(values, language), metadata={"tags": [INJECTED]}
        )
        cells = notebook.cells
        tagged = [n for n, one in enumerate(cells) if PARAMETERS in one.metadata.get("tags", [])]
        cells.insert(tagged[0] + 1 if tagged else 0, made)

    return changed(file.path, change)


def remove(file: File) -> bool:
    """The source without an injected cell; False: it had none."""
    return changed(file.path, without)


def without(notebook: Any) -> None:
    notebook.cells = [
        cell for cell in notebook.cells if not FOREIGN.intersection(cell.metadata.get("tags", []))
    ]


def changed(path: Path, change: Callable[[Any], None]) -> bool:
    """Reads a source, changes it, writes it in the same format if that made a difference."""
    jupytext = need("jupytext", "`byoa pipeline nb`")
    text = path.read_text(encoding="utf-8")
    extension = path.suffix
    try:
        guessed = "" if extension == ".ipynb" else jupytext.guess_format(text, extension)[0]
        notebook = jupytext.reads(text, fmt=extension)
    except Exception as error:  # a stranger's file, jupytext's and YAML's own kinds
        raise ByoaError(f"jupytext cannot read {path}: {error}") from None
    before = shape(notebook)
    change(notebook)
    if shape(notebook) == before:
        return False
    fmt = f"{extension.lstrip('.')}:{guessed}" if guessed else extension.lstrip(".")
    rewrite(path, jupytext.writes(notebook, fmt=fmt))
    return True


def rewrite(path: Path, text: str) -> None:
    """A file's new text, with the ends of lines that it had."""
    windows = b"\r\n" in path.read_bytes()
    replace(path, (text.replace("\n", "\r\n") if windows else text).encode())


def shape(notebook: Any) -> list[tuple[str, str, tuple[str, ...]]]:
    return [
        (one.cell_type, one.source, tuple(one.metadata.get("tags", []))) for one in notebook.cells
    ]


def reformat(pipeline: Pipeline, file: File, fmt: str, entry: Path | None) -> tuple[Path, bool]:
    """The source in another format; (where it is now, whether pipeline.yaml says so too)."""
    jupytext = need("jupytext", "nb --format")
    try:
        wanted = jupytext.formats.long_form_one_format(fmt)
    except Exception as error:  # jupytext's own kinds
        raise UsageError(f"--format {fmt}: {error}") from None
    extension = wanted.get("extension", "")
    if not extension.startswith("."):
        raise UsageError(f"--format {fmt} has no extension. Write py:percent, ipynb, md …")
    new = file.path.with_suffix(extension)
    if new != file.path and new.exists():
        raise UsageError(f"{new} is there already; move it away first.")
    notebook = jupytext.read(file.path)
    without(notebook)
    jupytext.write(notebook, new, fmt=fmt)
    if new == file.path:
        return new, True
    shutil.copymode(file.path, new)
    renamed = entry is not None and rename_in(entry, pipeline.root, file.path, new)
    file.path.unlink()
    return new, renamed


def rename_in(entry: Path, root: str, old: Path, new: Path) -> bool:
    """Writes a source's new name into pipeline.yaml, wherever its old one stands as a word."""
    text = entry.read_text(encoding="utf-8")
    before, after = (os.path.relpath(path, root) for path in (old, new))
    word = re.compile(rf"(?<![\w./-]){re.escape(before)}(?![\w.-])")
    if not word.search(text):
        return False
    rewrite(entry, word.sub(after.replace("\\", "\\\\"), text))
    return True


def pair(file: File, folder: str) -> None:
    """A notebook in another folder that follows the script, and the reverse, by --sync."""
    if file.path.suffix == ".ipynb":
        raise UsageError(f"{file.path.name} is a notebook; --pair is for scripts.")
    jupytext = need("jupytext", "nb --pair")
    text = file.path.read_text(encoding="utf-8")
    fmt = jupytext.guess_format(text, file.path.suffix)[0]
    here = f"{file.path.suffix.lstrip('.')}:{fmt}"
    ask_jupytext(["--set-formats", f"{folder.rstrip('/')}//ipynb,{here}", str(file.path)])


def sync(file: File) -> None:
    """The newer one of a pair is written into the other."""
    ask_jupytext(["--sync", str(file.path)])


def ask_jupytext(arguments: Sequence[str]) -> None:
    cli: Mapping[str, Any] = vars(need("jupytext.cli", "`byoa pipeline nb`"))
    told = io.StringIO()
    try:
        with redirect_stdout(told):
            cli["jupytext"](list(arguments))
    except (Exception, SystemExit) as error:  # its own kinds
        raise ByoaError(f"jupytext {' '.join(arguments)}: {error}") from None
