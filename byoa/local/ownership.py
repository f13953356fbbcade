"""Files that a container's root wrote, made ours: read, sent and deleted without being root."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from byoa.local.container import PROCESS, Mount
from byoa.local.docker import DockerError, docker
from byoa.local.docker_words import mount_words


def give_to_us(folder: Path, image: str) -> None:
    """Hands everything below a folder to the user who runs this, through a container's root."""
    if os.geteuid() == 0 or image.startswith(PROCESS):
        return
    ids = f"{os.getuid()}:{os.getgid()}"
    words = ["--entrypoint", "chown", image, "-R", ids, "/mine"]
    try:
        mount = mount_words(Mount(source=folder, target="/mine"))
        docker("run", "--rm", "--network", "none", "--user", "0", "--mount", mount, *words)
    except DockerError as error:
        print(f"{folder} keeps files of root: {error}", flush=True)


def remove_tree(folder: Path, image: str) -> None:
    """Deletes a folder, whoever wrote it, read-only folders in it too."""
    give_to_us(folder, image)
    for parent, names, _ in os.walk(folder):
        for name in names:
            path = Path(parent) / name
            if not path.is_symlink():
                path.chmod(0o700)
    shutil.rmtree(folder, ignore_errors=True)
