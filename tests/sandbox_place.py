"""A sandbox for an example: its script, boto3's clients, and what is left in the end."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from byoa.sandbox import lifecycle
from byoa.sandbox.state import State


@dataclass(frozen=True)
class Place:
    """Where an example runs: what its script finds in its environment."""

    state: State
    project: str
    environ: Mapping[str, str]

    @classmethod
    @contextmanager
    def up(cls, home: Path, project: str, more: Mapping[str, str]) -> Iterator[Place]:
        """A sandbox of its own, down in the end whatever happened."""
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        said = {**os.environ, "PATH": path, "BYOA_HOME": str(home), "ON": "sandbox", **more}
        state, _ = lifecycle.up(home / "sandbox")
        try:
            yield cls(state, project, said)
        finally:
            lifecycle.down(home / "sandbox")

    def run(self, *words: str, seconds: float = 390) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            words, env=dict(self.environ), cwd=self.environ["BYOA_HOME"],
            text=True, capture_output=True, timeout=seconds,
        )  # fmt: skip

    def script(self, path: Path, steps: str, seconds: float = 390) -> str:
        """What the example's script prints; it must succeed."""
        done = self.run(str(path), *steps.split(), seconds=seconds)
        assert done.returncode == 0, f"{done.stdout[-3000:]}\n{done.stderr[-6000:]}"
        return done.stdout

    def client(self, service: str) -> Any:
        import boto3

        return boto3.client(
            service,
            region_name=self.state.region,
            endpoint_url=self.state.url,
            aws_access_key_id=self.state.access_key,
            aws_secret_access_key=self.state.secret_key,
        )

    def until_empty(self, seconds: float = 60) -> None:
        """`byoa teardown` finds nothing of the project any more, and SageMaker runs nothing."""
        words = ("byoa", "teardown", "-p", self.project, "--dry-run", "--delete-data", "--json")
        end = time.monotonic() + seconds
        while left := json.loads(self.run(*words, "--on", "sandbox").stdout):
            assert time.monotonic() < end, left
            time.sleep(1)
        sagemaker = self.client("sagemaker")
        assert sagemaker.list_endpoints()["Endpoints"] == []
        assert sagemaker.list_models()["Models"] == []
        assert self.client("s3").list_buckets()["Buckets"] == []

    def forget_images(self, repository: str) -> None:
        """The names that builds leave on this machine; layers stay, so that the next is quick."""
        listing = ["docker", "image", "ls", "--format", "{{.Repository}}:{{.Tag}}", repository]
        names = subprocess.run(listing, capture_output=True, text=True, check=True).stdout.split()
        if names:
            subprocess.run(
                ["docker", "image", "rm", "--no-prune", *names], capture_output=True, check=False
            )
