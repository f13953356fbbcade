"""The pipeline of an interactive session: looked at, planned and built from Python."""

from __future__ import annotations

import shutil
import sys

from byoa.pipeline.build import Options, build
from byoa.pipeline.ending import lines
from byoa.pipeline.outcome import Result
from byoa.pipeline.show import asked_for
from byoa.pipeline.state import State
from byoa.pipeline.views import DagView
from byoa.plan.pipeline.model import Decision
from byoa.plan.pipeline.reasons import in_words
from byoa.plan.pipeline.report import terminal
from byoa.plan.pipeline.selection import Selection


class Dag(DagView):
    """The tasks by name, and the verbs."""

    def plan(self) -> dict[str, Decision]:
        """What would run, and why."""
        return State(self.pipeline).plan()

    def status(self) -> None:
        """Prints what would run, and why, as a table."""
        rows = [(one.task, one.action, in_words(one.reasons)) for one in self.plan().values()]
        columns = shutil.get_terminal_size().columns
        print("\n".join(terminal.table(("task", "action", "why"), rows, columns)))

    def build(
        self, until: str = "", *, force: bool = False, jobs: int | None = None, debug: bool = False
    ) -> Result:
        """Runs what has to run: all, or what a task (or `fit-*`) needs and itself."""
        chosen = Selection(until=(until,) if until else (), force=("*",) if force else ())
        show = asked_for(self.pipeline, chosen, quiet=debug)
        result = build(self.pipeline, chosen, Options(jobs=jobs, debug=debug), watcher=show)
        if result.begun:
            show.close()
        print("\n".join(lines(self.pipeline, result, shown=result.begun)), file=sys.stderr)
        return result
