"""The sources that pipeline.yaml names and that are not there yet, begun so that they run.

`ploomber scaffold` in a project does the same
(https://docs.ploomber.io/en/latest/user-guide/scaffold.html).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from byoa.pipeline.document import read
from byoa.pipeline.entry import Beginning
from byoa.pipeline.extra import need
from byoa.plan.errors import UsageError

SCRIPT = """\
# %% [markdown]
# # {name}

# %% tags=["parameters"]
upstream = {upstream}
product = None
{params}
# %%
raise NotImplementedError("write {path}")
"""
FUNCTION = """

def {name}({arguments}):
    \"\"\"What it makes is written to `product`.\"\"\"
    raise NotImplementedError("write {module}.{name}")
"""
SQL = """\
{{% set product = SQLRelation({product}) %}}

CREATE TABLE {{{{product}}}} AS
SELECT 1 AS written
"""
SHELL = "set -eu\n# {{{{upstream}}}} and {{{{product}}}} are filled in\nexit 1\n"
NOTEBOOK = ".ipynb"
WORD = re.compile(r"[A-Za-z_]\w*")
DEFINED = r"^(?:async\s+)?(?:def|class)\s+{name}\b|^{name}\s*=|\bimport\b.*\b{name}\b"


@dataclass(frozen=True)
class New:
    """A source to write: a file that is not there, or a function to add to one."""

    path: Path
    text: str
    function: str = ""


def missing(start: Beginning) -> list[New]:
    """What the tasks of a pipeline.yaml name and what is not there, in their order."""
    if start.file is None:
        raise UsageError("A scaffold is made from a pipeline.yaml: name one with --entry-point.")
    document = read(start.file)
    tasks = document.get("tasks") if isinstance(document, Mapping) else document
    if not isinstance(tasks, list):
        raise UsageError(f"{start.file} has no list of tasks: write source: and product: of each.")
    root = start.root
    named = [{"source": task} if isinstance(task, str) else task for task in tasks]
    found = {
        (new.path, new.function): new
        for task in named
        if isinstance(task, Mapping)
        for new in begun(task, root)
    }
    return list(found.values())


def begun(task: Mapping[str, Any], root: Path) -> Iterator[New]:
    source = task.get("source")
    if not isinstance(source, str) or "{{" in source or "[[" in source:
        return
    path = root / source
    if path.suffix in {".py", NOTEBOOK, ".sql", ".sh", ".md"} and not is_dotted(source, path):
        if not path.exists():
            yield New(path, text_of(task, source))
    elif all(WORD.fullmatch(part) for part in source.split(".")) and "." in source:
        yield from function(task, source, root)


def is_dotted(source: str, path: Path) -> bool:
    """`steps.sh` may be a function sh of steps.py; a file of the name decides."""
    return "/" not in source and path.with_suffix(".py").exists() and path.suffix != ".py"


def function(task: Mapping[str, Any], source: str, root: Path) -> Iterator[New]:
    module, _, name = source.rpartition(".")
    path = root.joinpath(*module.split("."))
    file = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    text = file.read_text(encoding="utf-8") if file.exists() else ""
    if re.search(DEFINED.format(name=name), text, re.MULTILINE):
        return
    params = task.get("params") or {}
    arguments = ["product", *(key for key in params if WORD.fullmatch(str(key)))]
    yield New(file, FUNCTION.format(name=name, module=module, arguments=", ".join(arguments)), name)


def text_of(task: Mapping[str, Any], source: str) -> str:
    suffix, params = Path(source).suffix, task.get("params") or {}
    if suffix == ".sql":
        return SQL.format(product=task.get("product") or ["name", "table"])
    if suffix == ".sh":
        return SHELL.format()
    upstream = task.get("upstream")
    said = {
        "name": Path(source).stem,
        "upstream": [upstream] if isinstance(upstream, str) else upstream,
        "params": "".join(f"{key} = None\n" for key in params if WORD.fullmatch(str(key))),
        "path": source,
    }
    text = SCRIPT.format(**said)
    if suffix not in {NOTEBOOK, ".md"}:
        return text
    jupytext = need("jupytext", f"A beginning of {source}")
    return str(jupytext.writes(jupytext.reads(text, fmt="py:percent"), fmt=suffix[1:]))


def write(new: New) -> None:
    """A new file, or a function at the end of one that is there."""
    new.path.parent.mkdir(parents=True, exist_ok=True)
    if not new.function:
        with new.path.open("x", encoding="utf-8") as file:
            file.write(new.text)
        return
    had = new.path.read_text(encoding="utf-8") if new.path.exists() else ""
    text = f"{had.rstrip()}\n{new.text}" if had.strip() else new.text.lstrip("\n")
    new.path.write_text(text, encoding="utf-8")
