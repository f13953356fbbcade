"""The code that travels with a job: the user's files, and the launcher that starts them."""

from __future__ import annotations

import json
from pathlib import Path

from byoa import pack
from byoa.place import Place
from byoa.record import LAUNCHER
from byoa.task import Program

ARCHIVE = "sourcedir.tar.gz"
PLAN = "byoa_launch.json"
HERE = Path(__file__).parent / "launcher"


def collect(program: Program) -> pack.Code:
    """The user's own files by their names in the job; what the code's fingerprint is made of."""
    if not program.is_sent:
        return pack.Code()
    return pack.collect(program.script, program.source, program.dependencies)


def ours(program: Program, code: pack.Code) -> dict[str, Path | bytes]:
    """The launcher, what it is to start, and worker_toolkit unless the user has one."""
    start = (
        {"shell": program.shell}
        if program.shell
        else {"program": code.program, "arguments": list(program.arguments)}
    )
    found: dict[str, Path | bytes] = {LAUNCHER: HERE / LAUNCHER, PLAN: json.dumps(start).encode()}
    if not any(name.startswith("worker_toolkit") for name in code.files):
        toolkit = HERE / "worker_toolkit"
        found |= {f"worker_toolkit/{path.name}": path for path in sorted(toolkit.glob("*.py"))}
    return found


def send(program: Program, code: pack.Code, place: Place, source: str, as_files: bool) -> None:
    """Puts the code where the job's channel `code` looks; Processing wants it as plain files."""
    whole = {**code.files, **ours(program, code)}
    place.storage.write(source + ARCHIVE, pack.pack(whole))
    if as_files:
        for name, content in whole.items():
            data = content if isinstance(content, bytes) else content.read_bytes()
            place.storage.write(source + name, data)
