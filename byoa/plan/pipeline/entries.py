"""The items of `tasks`, of pipeline.yaml and of the file that it imports, filled in."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from byoa.plan.errors import UsageError
from byoa.plan.pipeline.env import Env
from byoa.plan.pipeline.job_options import OPTIONS
from byoa.plan.pipeline.placeholders import Missing
from byoa.plan.pipeline.problems import Problems
from byoa.plan.pipeline.table import Table, line_of, mapped, plain
from byoa.plan.pipeline.world import World

#: Keys whose texts stay texts: a product called 1 is no number.
TEXTS = frozenset({"source", "name", "product", "for_each", "upstream"})


@dataclass(frozen=True)
class Entry:
    """One item of `tasks`, placeholders filled in; `base`: what its source is relative to."""

    keys: Mapping[str, Any]
    line: int
    index: int
    file: str = ""
    base: str = ""

    def line_of(self, key: str) -> int:
        return line_of(self.keys, key) or self.line


class Reader:
    """Fills placeholders in; what has no value is a problem of its line."""

    def __init__(self, env: Env, problems: Problems) -> None:
        self.env, self.problems = env, problems

    def filled(
        self, value: Any, line: int, *, texts: bool = False, task: str = "", file: str = ""
    ) -> Any:
        """A value with its placeholders filled in; `texts`: what stays a text, whatever it says."""
        try:
            return mapped(value, self.env.text if texts else self.env.value)
        except Missing as missing:
            self.problems.add(self.env.missing(missing.name), line, task, file)
        except UsageError as error:
            self.problems.add(str(error), line, task, file)
        return value


class Entries(Reader):
    """Makes an Entry of each item."""

    def own(self, document: Mapping[str, Any]) -> list[Entry]:
        """Those of `tasks`."""
        tasks = document.get("tasks")
        if isinstance(tasks, list) and tasks:
            return self.entries(tasks, 0)
        wrong = f"is {tasks!r}, no list" if tasks else "is empty"
        said = wrong if "tasks" in document else "is missing"
        self.problems.add(f"tasks {said}.", line_of(document, "tasks"))
        return []

    def imported(self, meta: Mapping[str, Any], world: World, first: int) -> list[Entry]:
        """The tasks of another file; its sources are relative to that file."""
        said = meta.get("import_tasks_from")
        if said is None:
            return []
        line = line_of(meta, "import_tasks_from")
        if not isinstance(said, str):
            self.problems.add(f"import_tasks_from is {said!r}, no path.", line)
            return []
        path = posixpath.join(world.folder, said)
        try:
            tasks = world.document(path)
        except UsageError as error:
            self.problems.add(f"import_tasks_from: {error}", line)
            return []
        if not isinstance(tasks, list) or not tasks:
            self.problems.add("a file for import_tasks_from is a list of tasks.", 1, file=said)
            return []
        return self.entries(tasks, first, said, posixpath.dirname(path))

    def entries(self, tasks: list[Any], first: int, file: str = "", base: str = "") -> list[Entry]:
        found = (self.entry(task, index, file, base) for index, task in enumerate(tasks, first))
        return [entry for entry in found if entry is not None]

    def entry(self, task: Any, index: int, file: str, base: str) -> Entry | None:
        if isinstance(task, str):
            task = {"source": task}
        if not isinstance(task, Mapping):
            said = f"task {index + 1} is {task!r}. Write source: and product:."
            self.problems.add(said, file=file)
            return None
        made = Table(line_of(task))
        if isinstance(task, Table):
            made.lines = task.lines
        ours = str(task.get("class")) in OPTIONS  # a hyperparameter may be the word none
        for key, value in task.items():
            texts = ours or key in TEXTS
            if type(value) is str and "{" not in value and texts:
                made[key] = value
                continue
            line = line_of(task, key)
            made[key] = plain(self.filled(value, line, texts=texts, task=label(task), file=file))
        return Entry(made, made.line, index, file, base)


def label(task: Mapping[str, Any]) -> str:
    """What a task is called where its name is not known yet."""
    return str(task.get("name") or task.get("source") or "")
