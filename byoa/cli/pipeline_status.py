"""`byoa pipeline status` and `plot`: how it stands, in the terminal and as a picture."""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from byoa.cli.pipeline_entry import add_entry, loaded
from byoa.plan.errors import UsageError

if TYPE_CHECKING:
    from byoa.plan.pipeline.model import Source
    from byoa.plan.pipeline.report.seen import Seen, View

#: What a file's name says it should hold.
FORMATS = {".svg": "svg", ".html": "html", ".htm": "html", ".mmd": "mermaid", ".md": "mermaid",
           ".dot": "dot", ".gv": "dot"}  # fmt: skip
#: Ploomber's words for it.
BACKENDS = {"mermaid": "mermaid", "d3": "html", "pygraphviz": "svg"}
PLACES = ("batch", "sagemaker", "stepfunctions")


def add_status(parser: argparse.ArgumentParser) -> None:
    from byoa.cli import pipeline_aws

    add_entry(parser)
    parser.add_argument("tasks", nargs="*", metavar="TASK", help="these tasks alone (fit-*)")
    parser.add_argument("--json", action="store_true", help="as JSON")
    parser.add_argument("--outdated", action="store_true", help="only what would run")
    pipeline_aws.add_status(parser)


def status(arguments: argparse.Namespace) -> int:
    if arguments.on or arguments.sandbox:
        from byoa.cli import pipeline_aws

        return pipeline_aws.status(arguments)
    from byoa.pipeline.report import gather
    from byoa.plan.pipeline.report.seen import word
    from byoa.plan.pipeline.selection import named

    pipeline = loaded(arguments)
    view = gather(pipeline)
    chosen = named(pipeline, arguments.tasks) if arguments.tasks else set(pipeline.tasks)
    shown = [seen for name, seen in view.tasks.items() if name in chosen]
    if arguments.outdated:
        shown = [seen for seen in shown if seen.status not in ("done", "kept")]
    if arguments.json:
        print(json.dumps([as_data(seen) for seen in shown], indent=2, ensure_ascii=False))
        return 0
    for line in table(shown):
        print(line)
    if len(shown) > 1:
        counts = view.counts([seen.name for seen in shown])
        print(", ".join(f"{count} {word(key)}" for key, count in counts.items()))
    return 0


def table(shown: list[Seen]) -> list[str]:
    """One line a task, as wide as the terminal."""
    from byoa.plan.pipeline.report import terminal
    from byoa.plan.pipeline.report.graph import products
    from byoa.plan.pipeline.report.seen import word

    if not shown:
        return ["no tasks"]
    columns = shutil.get_terminal_size().columns if sys.stdout.isatty() else 10_000
    heads = ("name", "status", "last run", "took", "product", "source", "why")
    rows = [
        (
            seen.name,
            word(seen.status),
            local(seen.last),
            terminal.spent(seen.seconds) if seen.seconds else "",
            ", ".join(products(seen)),
            location(seen.task.source),
            seen.error or "; ".join(seen.reasons[:2])
            if seen.status not in ("done", "kept")
            else "",
        )
        for seen in shown
    ]
    return terminal.table(heads, rows, columns, right=(3,))


def local(at: float | None) -> str:
    return f"{datetime.fromtimestamp(at).astimezone():%Y-%m-%d %H:%M}" if at is not None else ""


def location(source: Source) -> str:
    return source.path or source.dotted or "(text)"


def as_data(seen: Seen) -> dict[str, Any]:
    """A task for programs."""
    from byoa.plan.pipeline.report.graph import products

    return {
        "name": seen.name,
        "status": seen.status,
        "kind": seen.task.kind,
        "last_run": seen.last,
        "seconds": seen.seconds,
        "cpu_seconds": seen.cpu_seconds,
        "peak_mb": seen.peak_mb,
        "products": products(seen),
        "source": location(seen.task.source),
        "reasons": list(seen.reasons),
        "error": seen.error,
        "family": seen.task.family,
        "point": dict(seen.task.point),
        "metrics": dict(seen.metrics),
        "upstream": list(seen.task.needs),
    }


def add_plot(parser: argparse.ArgumentParser) -> None:
    add_entry(parser)
    parser.add_argument(
        "--output", "-o", type=Path, metavar="FILE", help="PIPELINE.svg; - is the terminal"
    )
    parser.add_argument(
        "--format", "-f", choices=sorted(set(FORMATS.values())), help="else the file's name says it"
    )
    parser.add_argument("--backend", "-b", choices=BACKENDS, help=argparse.SUPPRESS)
    parser.add_argument(
        "--include-products", "-i", action="store_true", help="with what each task makes"
    )


def plot(arguments: argparse.Namespace) -> int:
    from byoa import files
    from byoa.pipeline.report import gather

    pipeline = loaded(arguments)
    kind = form(arguments)
    path = arguments.output or Path(pipeline.root, f"{pipeline.name}{SUFFIXES[kind]}")
    if kind == "html" and str(path) == "-":
        raise UsageError("A page is written to a file: -o pipeline.html")
    view = gather(pipeline, beside=path.absolute().parent)
    text = drawn(view, kind, arguments.include_products)
    if str(path) == "-":
        print(text, end="")
        return 0
    path.parent.mkdir(parents=True, exist_ok=True)
    files.replace(path, text.encode("utf-8", "replace"))
    print(path)
    return 0


SUFFIXES = {"svg": ".svg", "html": ".html", "mermaid": ".mmd", "dot": ".dot"}


def form(arguments: argparse.Namespace) -> str:
    """Which of the formats, by flag or by the file's name."""
    if arguments.format or arguments.backend:
        return str(arguments.format or BACKENDS[arguments.backend])
    if arguments.output is None:
        return "svg"
    if str(arguments.output) == "-":
        return "mermaid"
    kind = FORMATS.get(arguments.output.suffix.lower())
    if kind is None:
        known = ", ".join(FORMATS)
        raise UsageError(
            f"{arguments.output}: its name does not say what it is. Use one of {known}, or --format"
        )
    return kind


def drawn(view: View, kind: str, with_products: bool) -> str:
    from byoa.plan.pipeline.report import chart, graph, page

    if kind == "svg":
        return graph.svg(view, graph.Drawing(products=with_products)) + "\n"
    if kind == "html":
        return page.picture(view, with_products)
    return (
        chart.mermaid(view, with_products) if kind == "mermaid" else chart.dot(view, with_products)
    )
