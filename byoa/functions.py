"""The Lambda functions as AWS takes them: each one's folder in a zip, with its part of byoa.plan.

Only what a handler's imports lead to goes in, so that a function changes when its code does.
"""

from __future__ import annotations

import ast
import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from byoa.plan.errors import UsageError
from byoa.plan.infrastructure import FUNCTIONS
from byoa.plan.zips import zipped

PACKAGE = Path(__file__).resolve().parent
#: What Lambda takes without a detour through S3 is far more; ours stay small enough to look into.
MOST_BYTES = 5 << 20


@dataclass(frozen=True)
class Package:
    """One function's zip, and its address by content."""

    kind: str
    data: bytes

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.data).hexdigest()

    @property
    def handler(self) -> str:
        return f"{self.kind.replace('-', '_')}.handler.handle"


def infrastructure(beside: Path = PACKAGE) -> Path:
    """The folder `infrastructure`: beside byoa/ in a clone, byoa/_infrastructure in a wheel."""
    for folder in (beside.parent / "infrastructure", beside / "_infrastructure"):
        if (folder / "template.yml").is_file():
            return folder
    raise UsageError(
        f"The template was looked for in {beside.parent / 'infrastructure'} and is not there."
        " Install byoa from its repository (pip install -e .), or from a wheel."
    )


def packages(beside: Path = PACKAGE) -> list[Package]:
    """All functions' packages; the same bytes on every machine."""
    return [package(kind, beside) for kind in FUNCTIONS]


def package(kind: str, beside: Path = PACKAGE) -> Package:
    folder = infrastructure(beside) / "lambdas" / kind.replace("-", "_")
    own = sorted(folder.glob("*.py"))
    files = {f"{folder.name}/{path.name}": path for path in own}
    files |= {f"byoa/{path.relative_to(beside).as_posix()}": path for path in used(own, beside)}
    # a checkout on Windows may have lines that end in \r\n
    content = {name: path.read_bytes().replace(b"\r\n", b"\n") for name, path in files.items()}
    content["byoa/__init__.py"] = b""  # the real one offers what runs on your machine
    data = zipped({name: (one, False) for name, one in content.items()}, compressed=False)
    return Package(kind, data)


def used(sources: list[Path], beside: Path) -> set[Path]:
    """byoa.plan's modules that the imports lead to, and the tables that these read by name."""
    found: set[Path] = set()
    waiting = list(sources)
    while waiting:
        text = waiting.pop().read_text(encoding="utf-8")
        near = {path for name in imported(text) for path in modules(name, beside)}
        near |= {
            path
            for name in re.findall(r'"([a-z_]+\.json)"', text)
            if (path := beside / "plan" / name).is_file()
        }
        waiting += [path for path in near - found if path.suffix == ".py"]
        found |= near
    return found


def imported(text: str) -> Iterator[str]:
    """Names of modules, absolute ones, wherever in the file they are imported."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def modules(name: str, beside: Path) -> Iterator[Path]:
    """The files of byoa.plan.x: its packages' and its own; none for what is no module of plan's."""
    words = name.split(".")
    if words[:2] != ["byoa", "plan"]:
        return
    for count in range(2, len(words) + 1):
        path = beside.joinpath(*words[1:count])
        for candidate in (path / "__init__.py", path.with_suffix(".py")):
            if candidate.is_file():
                yield candidate
