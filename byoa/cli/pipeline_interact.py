"""`byoa pipeline interact`: a Python session with the pipeline in it."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from byoa.cli.pipeline_entry import add_entry, loaded
from byoa.plan.pipeline.model import Pipeline


def add_interact(parser: argparse.ArgumentParser) -> None:
    add_entry(parser)


def interact(arguments: argparse.Namespace) -> int:
    """IPython where it is installed, else Python's own prompt."""
    pipeline = loaded(arguments)
    names = namespace(pipeline)
    words = (
        f'dag: {len(pipeline.tasks)} tasks. dag["name"].product, .params, .load();'
        " dag.build(), dag.plan(), dag.status(); pipeline is what was read."
    )
    try:
        from IPython import start_ipython
        from traitlets.config import Config
    except ImportError:
        import code

        code.interact(banner=words, local=names, exitmsg="")
        return 0
    settings = Config()
    settings.TerminalInteractiveShell.banner2 = f"{words}\n"
    start_ipython(argv=[], user_ns=names, config=settings)
    return 0


def namespace(pipeline: Pipeline) -> dict[str, Any]:
    """What the session begins with; the pipeline's own modules can be imported."""
    from pathlib import Path

    from byoa.pipeline.session import Dag

    folders = [str(Path(pipeline.root, folder)) for folder in pipeline.import_from or ("",)]
    sys.path[:0] = [folder for folder in folders if folder not in sys.path]
    return {"dag": Dag(pipeline), "pipeline": pipeline}
