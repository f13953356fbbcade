"""What goes into a pipeline's images: the project's files, lock files, the Dockerfile."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase

from byoa.plan.errors import UsageError
from byoa.plan.ignore import rubbish, secret
from byoa.plan.pipeline.needs import matching

BASE_IMAGE = "python:3.12-slim"
#: Where the project lies in the image, and byoa beside it.
PROJECT = "/project"
LOCK = "requirements.lock.txt"
OWN = "byoa-requirements.txt"
#: From here on a file is worth a word: images are pulled by every job.
BIG = 10_000_000
#: https://user:password@host, https://token@host; git+ssh://git@host says nobody's secret.
LOGIN = re.compile(r"https?://(?![^/@\s]*\$\{)(?:[^/@\s:]*:[^/@\s]+|[^/@\s:]{20,})@")
DEFAULT = ""
FROM_HERE = ("git", "git_hash", "now", "user")
DOCKERFILE = f"""\
# Written by byoa pipeline init; yours to change. The context has project/, byoa/, and two lists of
# requirements: the project's lock file, and what byoa itself needs.
ARG BASE_IMAGE={BASE_IMAGE}
FROM ${{BASE_IMAGE}}
ENV PIP_BREAK_SYSTEM_PACKAGES=1 PYTHONUNBUFFERED=1 PYTHONPATH=/opt/byoa
COPY {LOCK} {OWN} /opt/byoa/
RUN python3 -m pip install --no-cache-dir -r /opt/byoa/{OWN} -r /opt/byoa/{LOCK}
COPY byoa /opt/byoa/byoa
COPY project {PROJECT}
WORKDIR {PROJECT}
"""
Say = Callable[[str], None]


@dataclass(frozen=True)
class Choice:
    """The files of a project that travel, by name, and sentences on what does not."""

    names: tuple[str, ...]
    said: tuple[str, ...] = ()


def chosen(
    tracked: Iterable[str], others: Iterable[str], include: Iterable[str], exclude: Iterable[str]
) -> Choice:
    """What git tracks and what is included, without what is excluded, caches and secrets.

    `others` are the files that git does not track. Patterns name files, folders, or `data/*.csv`.
    """
    include, exclude = list(include), list(exclude)
    names = [*tracked, *(name for name in others if covered(name, include))]
    names = sorted({name for name in names if not covered(name, exclude) and not idle(name)})
    hidden = {name: what for name in names if (what := secret_in(name))}
    said = [f"{name} looks like {what} and stays here" for name, what in hidden.items()]
    return Choice(tuple(name for name in names if name not in hidden), tuple(said))


def covered(name: str, patterns: Iterable[str]) -> bool:
    for pattern in patterns:
        plain = pattern.removeprefix("./").rstrip("/")
        if name == plain or name.startswith(f"{plain}/") or fnmatchcase(name, plain):
            return True
    return False


def idle(name: str) -> bool:
    parts = name.split("/")
    return parts[0] == ".byoa" or any(p.startswith(".git") or rubbish(p) for p in parts)


def secret_in(name: str) -> str | None:
    return next((what for part in name.split("/") if (what := secret(part))), None)


def hidden(name: str) -> str | None:
    """What a file looks like that does not travel by its own name, excluded or not."""
    return secret_in(name) or ("no part of the project" if idle(name) else None)


def renamed(names: Iterable[str], target: str) -> list[tuple[str, str]]:
    """Each file with its name in the image: env.TARGET.yaml is env.yaml there as well."""
    names = list(names)
    own = f"env.{target}.yaml"
    if own not in names:
        return [(name, name) for name in names]
    return [*((name, name) for name in names if name != "env.yaml"), (own, "env.yaml")]


def entry_of(names: Iterable[str], target: str) -> str:
    """The pipeline's file: pipeline.TARGET.yaml before pipeline.yaml."""
    own = f"pipeline.{target}.yaml"
    return own if own in set(names) else "pipeline.yaml"


def asked_for(text: str) -> set[str]:
    """Which placeholders of a file the image cannot work out: whoever submits says them."""
    return {name for name in re.findall(r"\{\{\s*(\w+)\s*\}\}", text) if name in FROM_HERE}


def locks(names: Iterable[str]) -> dict[str, str]:
    """Each image's lock file: by the pattern of its tasks, `__` standing for `*`; "" for all else.

    Soopervisor's names: requirements.lock.txt and requirements.fit-__.lock.txt.
    """
    found: dict[str, str] = {}
    for name in sorted(names):
        if match := re.fullmatch(r"requirements(?:\.([^/]+))?\.lock\.txt", name):
            found[(match[1] or DEFAULT).replace("__", "*")] = name
    return found


def logins(text: str) -> list[int]:
    """The lines of a lock file whose address says a password or a token; ${NAME} is none."""
    return [number for number, line in enumerate(text.splitlines(), 1) if LOGIN.search(line)]


def image_of(task: str, patterns: Iterable[str]) -> str:
    """Which image a task runs in, by its pattern: the exact name first, `fit-*` not `fitness`."""
    own = [pattern for pattern in patterns if pattern != DEFAULT]
    return task if task in own else matching(task, own)


def unused(patterns: Iterable[str], tasks: Iterable[str]) -> None:
    """Ends when a lock file is for no task."""
    tasks = list(tasks)
    lost = [one for one in patterns if one and not any(image_of(t, [one]) for t in tasks)]
    if lost:
        files = ", ".join(f"requirements.{one.replace('*', '__')}.lock.txt" for one in lost)
        raise UsageError(f"{files}: no task is called so. Rename the file, or remove it.")


def environment(dockerfile: str, lock: str, variables: Mapping[str, str]) -> str:
    """The hash of what tasks run in, without the project's own files: their code is told by name.

    Comments and order of a lock file are nothing.
    """
    lines = sorted(line.split("#")[0].strip() for line in lock.splitlines())
    said = repr((dockerfile, [line for line in lines if line], sorted(variables.items())))
    return f"environment-{hashlib.sha256(said.encode()).hexdigest()[:16]}"


def tag(pattern: str) -> str:
    """An image's tag in the repository."""
    if not pattern:
        return "latest"
    plain = re.sub(r"[^A-Za-z0-9_.-]+", "_", pattern).strip("._-")[:80]
    return f"{plain or 'task'}-{hashlib.sha256(pattern.encode()).hexdigest()[:6]}"
