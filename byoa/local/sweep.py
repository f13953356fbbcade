"""What a supervisor that was killed could not put away: its containers and networks."""

from __future__ import annotations

from pathlib import Path

from byoa.local.alive import WORK, is_alive
from byoa.local.docker import DockerError, docker, remove

#: Every container and network of ours carries the folder it belongs to, and the home.
LABEL = "byoa.job"
ROOT_LABEL = "byoa.root"


def labels(folder: Path, root: Path) -> dict[str, str]:
    return {LABEL: str(folder), ROOT_LABEL: str(root)}


def sweep(folder: Path) -> list[str]:
    """Removes the containers and networks of one folder; the names of what was removed."""
    wanted = f"label={LABEL}={folder}"
    try:
        names = docker("ps", "--all", "--quiet", "--filter", wanted).split()
        networks = docker("network", "ls", "--quiet", "--filter", wanted).split()
    except DockerError:
        return []  # without docker there is nothing of docker's
    for name in names:
        remove(name)
    for name in networks:
        try:
            docker("network", "rm", name)
        except DockerError:
            continue
    return [*names, *networks]


def sweep_all(root: Path) -> list[str]:
    """The same for every job and endpoint below a home whose supervisor is gone."""
    works = sorted(Path(root).glob(f"*/**/{WORK}"))
    dead = [work.parent for work in works if not is_alive(work.parent)]
    return [name for folder in dead for name in sweep(folder)]
