"""A shell that runs the scripts of shell tasks, with a command of the user's own."""

from __future__ import annotations

import shlex
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from byoa.pipeline.clients.base import Client
from byoa.plan.errors import ByoaError, UsageError

CODE = "{{path_to_code}}"


class ShellClient(Client):
    """Runs `run_template` on a file that holds the script."""

    def __init__(
        self,
        run_template: str = f"bash {CODE}",
        subprocess_run_kwargs: Mapping[str, Any] | None = None,
    ) -> None:
        self.run_template = run_template
        kwargs = subprocess_run_kwargs or {}
        self.subprocess_run_kwargs = {key: kwargs[key] for key in kwargs if key != "check"}
        if "path_to_code" not in run_template:
            raise UsageError(f"ShellClient: run_template {run_template!r} does not say {CODE}.")

    @property
    def connection(self) -> Any:
        raise NotImplementedError("ShellClient does not need a connection")

    def execute(self, code: str) -> None:
        """Runs the script; what it says goes to the task's log as it is said."""
        with tempfile.TemporaryDirectory(prefix="byoa-shell-") as folder:
            script = Path(folder, "script")
            script.write_text(code)
            words = [
                word if CODE not in word else word.replace(CODE, str(script))
                for word in shlex.split(self.run_template.replace("{{ path_to_code }}", CODE))
            ]
            sys.stdout.flush()
            done = subprocess.run(words, check=False, **self.subprocess_run_kwargs)
        if done.returncode:
            said = [text(done.stdout), text(done.stderr)]
            raise ByoaError(
                f"{shlex.join(words)} ended with exit code {done.returncode}. "
                + " ".join(filter(None, said))
            )

    def close(self) -> None:
        pass


def text(said: str | bytes | None) -> str:
    """The end of what a program wrote, where the user's settings caught it."""
    return (said.decode(errors="replace") if isinstance(said, bytes) else said or "")[-2000:]
