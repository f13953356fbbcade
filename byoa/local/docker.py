"""A container of docker, through its command line: created, followed to its last line, removed."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import threading
import uuid
from collections.abc import Iterator, Mapping
from typing import Any

from byoa.local.container import Container, Mount, OnLine
from byoa.local.lines import follow
from byoa.plan.errors import ServiceError


class DockerError(Exception):
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
        passed, flags = _environment(container.environment)
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


def _environment(environment: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
    """Values go through docker's own environment: on a command line everyone could read them."""
    passed, flags = {}, []
    for name, value in environment.items():
        if name in os.environ or name.startswith("DOCKER"):
            flags += ["--env", f"{name}={value}"]  # it would change what our docker command does
        else:
            passed[name] = value
            flags += ["--env", name]
    return passed, flags


def arguments_of(container: Container) -> list[str]:
    """The words after `docker create --name …`."""
    return [*_flags(container), container.image, *container.entrypoint[1:], *container.arguments]


def _flags(container: Container) -> Iterator[str]:
    yield from ("--init", "--hostname", "aws", f"--shm-size={container.shm_mb}m")
    for name, value in container.labels.items():
        yield f"--label={name}={value}"
    for mount in container.mounts:
        yield f"--mount={mount_words(mount)}"
    for path, options in container.tmpfs.items():
        yield f"--tmpfs={path}:{options}" if options else f"--tmpfs={path}"
    for name, address in container.known_hosts.items():
        yield f"--add-host={name}:{address}"
    if container.network:
        yield f"--network={container.network}"
    if container.address:
        yield f"--ip={container.address}"
    if container.serves and container.network != "none":
        yield "--publish=127.0.0.1::8080"
    yield from _limits(container)
    if container.entrypoint:
        yield f"--entrypoint={container.entrypoint[0]}"


def _limits(container: Container) -> Iterator[str]:
    if container.user:
        yield f"--user={container.user}"
    if container.read_only:
        yield "--read-only"
    if not container.capabilities:
        yield from ("--cap-drop=ALL", "--security-opt=no-new-privileges")
    if container.memory_mb:
        yield from (f"--memory={container.memory_mb}m", f"--memory-swap={container.memory_mb}m")
    if container.cpus:
        yield f"--cpus={container.cpus}"
    if container.gpus:
        yield "--gpus=all"


def mount_words(mount: Mount) -> str:
    """--mount's value is a line of CSV: a comma or a quote in a path is quoted as one."""
    fields = ["type=bind", f"source={mount.source}", f"target={mount.target}"]
    if mount.read_only:
        fields.append("readonly")
    text = io.StringIO()
    csv.writer(text, lineterminator="").writerow(fields)
    return text.getvalue()
