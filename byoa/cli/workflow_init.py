"""`byoa workflow init`: a workflow as a Python file, ready to create and yours to edit."""

from __future__ import annotations

import argparse
from pathlib import Path

from byoa.cli.show import say
from byoa.plan.errors import UsageError
from byoa.plan.workflow.requests import checked_name

TEMPLATES = Path(__file__).parents[1] / "templates" / "workflows"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME", help="the workflow's name; NAME.py is written")
    names = sorted(path.stem for path in TEMPLATES.glob("*.py"))
    parser.add_argument("--template", choices=names, default="build-train-deploy")


def run(arguments: argparse.Namespace) -> int:
    """Writes the file; nothing of the user's is overwritten."""
    path = Path(arguments.name)
    path = path if path.suffix == ".py" else path.with_name(f"{path.name}.py")
    name = checked_name(path.stem)
    text = (TEMPLATES / f"{arguments.template}.py").read_text(encoding="utf-8")
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text.replace("__NAME__", name).replace("__FILE__", str(path)))
    except FileExistsError:
        raise UsageError(f"{path} is there already. Name another workflow.") from None
    say(f"wrote {path}. Its first lines say how it is run; next: byoa workflow create {path}")
    return 0
