"""What there is to see of a pipeline on this disk, and the page of it."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timezone
from pathlib import Path, PurePath
from typing import Any
from urllib.parse import quote

from byoa import files
from byoa.pipeline.past import at_work, command_of, found_run, read_run
from byoa.pipeline.state import State
from byoa.pipeline.written import source_of
from byoa.plan.errors import ByoaError, NotFoundError
from byoa.plan.pipeline.decide import GIVEN
from byoa.plan.pipeline.model import Pipeline, Product, Record, Task
from byoa.plan.pipeline.records import file_name
from byoa.plan.pipeline.report import page
from byoa.plan.pipeline.report.ran import Ran
from byoa.plan.pipeline.report.seen import Code, Link, View, view
from byoa.plan.pipeline.selection import Selection

#: Of a log, what a page shows.
TAIL_LINES, TAIL_BYTES = 30, 16_000
#: Sources on a page, and letters of each.
CODES, CODE_SIGNS = 100, 40_000
#: Products that a reader looks at, first of all.
PAGES = (".html", ".htm", ".md", ".pdf", ".ipynb", ".png", ".svg", ".txt")


def gather(
    pipeline: Pipeline, *, run: str = "", beside: Path | None = None, state: State | None = None
) -> View:
    """Everything of a pipeline: its last run (or the one named), its records, what is outdated.

    Links lead from the folder `beside`, in which the page will lie.
    """
    state = state or State(pipeline)
    decisions, records = state.plan(Selection()), state.records()
    folder = found_run(pipeline, run)
    ran = read_run(folder, pipeline) if folder else None
    root, beside = Path(pipeline.root), beside or Path(pipeline.root)
    details = {
        name: _details(task, ran.tasks.get(name) if ran else None, records.get(name), root, beside)
        for name, task in pipeline.tasks.items()
    }
    made = f"made by byoa at {datetime.now(timezone.utc):%Y-%m-%d %H:%M} UTC"
    command = command_of(folder) if folder else ""
    words = {"command": command, "made": made, "sources": tuple(sources(pipeline))}
    return view(pipeline, records, decisions, ran, details, **words)


def write(
    pipeline: Pipeline,
    path: Path | None = None,
    *,
    run: str = "",
    family: str = "",
    state: State | None = None,
) -> Path:
    """Writes the page of what is here, whole or not at all; where it is."""
    path = place(pipeline, path, family)
    return put(gather(pipeline, run=run, beside=path.parent, state=state), path, family)


def place(pipeline: Pipeline, path: Path | None, family: str = "") -> Path:
    """Where a page goes."""
    own = f"{pipeline.name}{f'.{file_name(family)}' * bool(family)}.html"
    return path.absolute() if path else Path(pipeline.root, own)


def watch(
    pipeline: Pipeline, path: Path | None = None, sleep: Callable[[float], None] = time.sleep
) -> Path:
    """Writes the page again and again while a build goes on, and once more when it has ended."""
    path, pause = place(pipeline, path), max(2, len(pipeline.tasks) // 1000)
    while at_work(pipeline):
        put(gather(pipeline, beside=path.parent), path, refresh=pause)
        sleep(pause)
    return write(pipeline, path)


def put(seen: View, path: Path, family: str = "", refresh: int = 0) -> Path:
    """Writes the page of a whole pipeline, or of one of its grids."""
    if family:
        known = seen.families()
        if family not in known:
            there = f"There are: {', '.join(known)}." if known else "This pipeline has none."
            raise NotFoundError(f"There is no grid {family!r}. {there}")
        text = page.family_page(seen, family)
    else:
        text = page.html(seen, refresh)
    path.parent.mkdir(parents=True, exist_ok=True)
    files.replace(path, text.encode("utf-8", "replace"))
    return path


def sources(pipeline: Pipeline) -> Iterable[Code]:
    """Each source once, as far as it is text."""
    tasks: dict[str, list[Task]] = {}
    for task in pipeline.tasks.values():
        tasks.setdefault(task.source.path or task.source.dotted, []).append(task)
    for said, found in list(tasks.items())[:CODES]:
        try:
            text = source_of(pipeline.root, pipeline.import_from, found[0].source)
        except (OSError, ValueError, SyntaxError, ByoaError):  # a folder, or what no file holds
            continue
        if text and found[0].kind not in GIVEN:
            yield Code(said or found[0].name, tuple(task.name for task in found), text[:CODE_SIGNS])


def _details(
    task: Task, ran: Ran | None, record: Record | None, root: Path, beside: Path
) -> dict[str, Any]:
    log = (ran.log if ran else "") or (record.log if record else "")
    failed = ran is not None and ran.status == "failed"
    return {
        "links": tuple(links({} if failed else task.products, log, root, beside)),
        "tail": tail(root / log) if failed and log else "",
    }


def links(products: Mapping[str, Product], log: str, root: Path, beside: Path) -> Iterable[Link]:
    """Pages first, then the other products that are there, then the log."""
    found = []
    pages = sum(PurePath(one.path).suffix.lower() in PAGES[:2] for one in products.values())
    for key, product in products.items():
        path = root / product.path
        if product.is_file and product.path and path.exists():
            suffix = path.suffix.lower()
            rank = PAGES.index(suffix) if suffix in PAGES else len(PAGES)
            said = "report" if rank < 2 and pages == 1 else key or suffix[1:] or "file"
            found.append((rank, Link(said, href(path, beside))))
    yield from (link for _, link in sorted(found, key=lambda pair: pair[0]))
    if log and (root / log).exists():
        yield Link("log", href(root / log, beside))


def href(path: Path, beside: Path) -> str:
    """The way from the page to a file, so that the folder may be moved or served."""
    return quote(Path(os.path.relpath(path, beside)).as_posix())


def tail(path: Path) -> str:
    """The last lines of a log."""
    try:
        with path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - TAIL_BYTES))
            text = file.read().decode("utf-8", "replace")
    except OSError:
        return ""
    return "\n".join(text.splitlines()[-TAIL_LINES:])
