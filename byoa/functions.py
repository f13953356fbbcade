"""The Lambda functions as AWS takes them: each one's folder and byoa/plan in a zip."""

from __future__ import annotations

import hashlib
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
    files = {f"{folder.name}/{path.name}": path for path in sorted(folder.glob("*.py"))}
    files |= {f"byoa/{path.relative_to(beside).as_posix()}": path for path in plan(beside)}
    # a checkout on Windows may have lines that end in \r\n
    content = {name: path.read_bytes().replace(b"\r\n", b"\n") for name, path in files.items()}
    data = zipped({name: (one, False) for name, one in content.items()}, compressed=False)
    return Package(kind, data)


def plan(beside: Path) -> Iterator[Path]:
    """byoa's own modules that decide; their subpackages are no function's business."""
    yield beside / "__init__.py"
    for pattern in ("*.py", "*.json"):
        yield from sorted((beside / "plan").glob(pattern))
