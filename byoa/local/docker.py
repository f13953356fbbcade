"""A container of docker, through its command line: created, followed to its last line, removed."""

from __future__ import annotations

import json
import os
import subprocess
import threading
import uuid
from collections.abc import Mapping
from typing import Any

from byoa.local.container import Container, OnLine
from byoa.local.docker_words import arguments_of, environment_words
from byoa.local.lines import follow
from byoa.plan.errors import ByoaError, ServiceError


class DockerError(ByoaError):
    """Docker refused; its own words."""


def docker(*words: str, environ: Mapping[str, str] | None = None) -> str:
    """What a docker command prints."""
    try:
        done = subprocess.run(
            ["docker", *words],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            env={**os.environ, **(environ or {})},
            check=False,
        )
    except FileNotFoundError:
        raise DockerError(
            "docker is not on PATH. Install it, or run without it: --on process."
        ) from None
    if done.returncode:
        raise DockerError(done.stderr.strip() or f"docker {words[0]}: exit {done.returncode}")
    return done.stdout.strip()


def inspect(image: str) -> dict[str, Any]:
    """What docker knows of an image that is here; DockerError when it is not."""
    found = json.loads(docker("image", "inspect", image))
    return dict(found[0])


def need_docker(operation: str) -> None:
    """A sentence, before anything is made, when there is no docker to make it with."""
    try:
        docker("version", "--format", "{{.Server.Version}}")
    except DockerError as error:
        text = f"Docker does not answer: {error}"
        if "on PATH" not in text:
            text += " Start its daemon, or run without it: --on process."
        raise ServiceError("ServiceUnavailable", text, operation, 503) from None


class DockerHandle:
    """One container, by its name."""

    def __init__(self, container: Container, on_line: OnLine) -> None:
        self.name = f"byoa-{uuid.uuid4().hex[:16]}"
        self.address = ""
        passed, flags = environment_words(container.environment)
        docker("create", "--name", self.name, *flags, *arguments_of(container), environ=passed)
        try:
            self._attach(on_line)
            if container.serves:
                self.address = docker("port", self.name, "8080/tcp").splitlines()[0]
        except DockerError:
            if self._inspect().get("Running"):
                self.close()
                raise

    def _attach(self, on_line: OnLine) -> None:
        # Attached from before its first line to after its last one: none can be lost.
        self._process = subprocess.Popen(
            ["docker", "start", "--attach", self.name],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,  # apart: one could come in the middle of the other's line
            start_new_session=True,
        )
        self._logs = [
            threading.Thread(target=follow, args=(stream, on_line), daemon=True)
            for stream in (self._process.stdout, self._process.stderr)
        ]
        for thread in self._logs:
            thread.start()
        self._wait_until_started()

    def _wait_until_started(self) -> None:
        while self._process.poll() is None and self._inspect().get("Status") == "created":
            threading.Event().wait(0.05)

    def _inspect(self) -> dict[str, Any]:
        try:
            return dict(json.loads(docker("inspect", "--format", "{{json .State}}", self.name)))
        except DockerError:
            return {}

    def poll(self) -> int | None:
        attached = self._process.poll()
        if attached is None or any(thread.is_alive() for thread in self._logs):
            return None
        state = self._inspect()
        if state.get("Running"):  # our docker command died, not the container
            return None
        return int(state.get("ExitCode", attached))

    def terminate(self) -> None:
        self._signal("TERM")

    def kill(self) -> None:
        self._signal("KILL")

    def _signal(self, name: str) -> None:
        try:
            docker("kill", "--signal", name, self.name)
        except DockerError:
            pass  # it has ended already

    def why(self) -> str:
        state = self._inspect()
        if state.get("OOMKilled"):
            return "the container ran out of memory"
        return str(state.get("Error", ""))

    def close(self) -> None:
        remove(self.name)
        self._process.wait()
        for thread in self._logs:
            thread.join(timeout=5)


def start_container(container: Container, on_line: OnLine) -> DockerHandle:
    return DockerHandle(container, on_line)


def remove(name: str) -> None:
    try:
        docker("rm", "--force", "--volumes", name)
    except DockerError:
        pass
