"""Configurations of docker's command line: one that may pull from our registry, one that may not.

The user's own configuration is never written to, and never read but for where the daemon is.
"""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from byoa.sandbox import sweep
from byoa.sandbox.registry import passwords
from byoa.sandbox.state import State

#: For jobs and endpoints, which AWS lets pull whenever they start.
FOR_EVER = 253402300799  # the end of the year 9999


def for_jobs(state: State) -> dict[str, str]:
    """The variables under which `docker pull` finds our registry's password."""
    word = f"{passwords.USER}:{passwords.make(state.token, FOR_EVER)}"
    auths = {state.registry: {"auth": base64.b64encode(word.encode()).decode()}}
    address = daemon()
    folder = write(Path(state.folder) / "docker", {"auths": auths})
    return {"DOCKER_CONFIG": str(folder), **({"DOCKER_HOST": address} if address else {})}


def daemon() -> str:
    """Where the daemon is that the user's current context means: a context is configuration."""
    if os.environ.get("DOCKER_HOST"):
        return ""
    return sweep.docker("context", "inspect", "--format", "{{.Endpoints.docker.Host}}").strip()


def write(folder: Path, content: Mapping[str, Any]) -> Path:
    """A configuration of its own, with the plugins (buildx) of this machine's user."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    own = Path.home() / ".docker" / "cli-plugins"
    plugins = {"cliPluginsExtraDirs": [str(own)]} if own.is_dir() else {}
    path = folder / "config.json"
    path.touch(mode=0o600)
    path.write_text(json.dumps({**plugins, **content}))
    return folder
