"""What every process of one `serve` shares: settings, a private folder, environment and user."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from container.serving.handler import candidates
from container.serving.log import say
from container.serving.privileges import Identity, decide
from container.serving.settings import Settings

PACKAGE_ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Decided once, before anything starts."""

    settings: Settings
    folder: Path
    environ: Mapping[str, str]
    identity: Identity | None

    @property
    def gateway_socket(self) -> Path:
        """Where nginx finds gunicorn."""
        return self.folder / "gateway.sock"

    @property
    def broker_socket(self) -> Path:
        """Where model processes find the broker."""
        return self.folder / "broker.sock"

    def give(self, path: Path) -> None:
        """Make a file of ours belong to the user that serves."""
        if self.identity:
            os.chown(path, self.identity.uid, self.identity.gid)


def survey(settings: Settings, folder: Path, environ: Mapping[str, str]) -> Surroundings:
    """Decide who to be, and where that user may write."""
    needed = [Path(sys.executable), PACKAGE_ROOT / "container", settings.root.model]
    needed += [path.parent for path in candidates(settings) if path.is_file()][:1]
    decision = decide(needed)
    if decision.reason:
        say(f"serving as root: {decision.reason}. Make it readable to run without root.")
    complete = {**environ, "PYTHONUNBUFFERED": "1"}
    complete["PYTHONPATH"] = os.pathsep.join(
        path for path in (str(PACKAGE_ROOT), environ.get("PYTHONPATH")) if path
    )
    if decision.identity or not os.access(environ.get("HOME", ""), os.W_OK):
        complete["HOME"] = str(folder)
    surroundings = Surroundings(settings, folder, complete, decision.identity)
    surroundings.give(folder)
    return surroundings
