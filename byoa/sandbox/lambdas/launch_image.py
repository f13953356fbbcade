"""A function that is an image: its own runtime client in a container, on our Runtime API."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

from byoa.local.docker import DockerError, docker
from byoa.local.sweep import labels
from byoa.plan.errors import ServiceError
from byoa.sandbox.lambdas import environment
from byoa.sandbox.lambdas.function import Function
from byoa.sandbox.lambdas.launch import Launched, root
from byoa.sandbox.state import State
from byoa.sandbox.supervise import LINUX, here

#: What a client in a container calls this machine where docker runs in a virtual one.
GATEWAY = "host.docker.internal"
#: Variables that mean something to docker's own client, or to what loads it.
DOCKERS = re.compile(r"(DOCKER|LD|SSL)_\w+|HOME|GODEBUG|(?i:\w+_proxy)")


def launch_image(function: Function, state: State, stream: str, runtime_api: str) -> Launched:
    """As Lambda runs it: read-only but for /tmp, and no more memory than the function has."""
    image = fetch(function, state)
    folder = Path(tempfile.mkdtemp(dir=root(state), prefix=f"{function.name[:40]}."))
    name = f"byoa-{folder.name.replace('_', '-')}"
    endpoint = "" if LINUX else state.url.replace("127.0.0.1", GATEWAY)
    address = runtime_api if LINUX else runtime_api.replace("127.0.0.1", GATEWAY)
    given = environment.variables(function, state, stream, address, endpoint)
    given.pop("PATH", None)  # the image's own
    flags = words(function, name, folder, root(state), given)
    process = subprocess.Popen(
        ["docker", "run", *flags, image, *command(function)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        env=clients(given),
    )
    return Launched(
        process,
        kill=lambda: kill(name, process),
        memory=lambda: 0,  # docker ends it itself
        tidy=lambda: shutil.rmtree(folder, ignore_errors=True),
    )


def clients(given: Mapping[str, str]) -> dict[str, str]:
    """What docker's client hands on: values stay out of its command line, which all can read."""
    handed = {name: value for name, value in given.items() if not DOCKERS.fullmatch(name)}
    return {**os.environ, **handed, "PATH": os.environ.get("PATH", os.defpath)}


def fetch(function: Function, state: State) -> str:
    """The image's name here, as fresh as the registry has it."""
    image = here(function.image, state)
    try:
        docker("pull", "--quiet", image)
    except DockerError as error:
        raise ServiceError(
            "ServiceException",
            f"The function's image {function.image} cannot be fetched: {error}",
            "Invoke",
            500,
        ) from error
    return image


def words(
    function: Function, name: str, folder: Path, home: Path, given: Mapping[str, str]
) -> list[str]:
    config = function.image_config
    entry, folder_inside = config.get("EntryPoint") or [], config.get("WorkingDirectory")
    return [
        "--rm", "--name", name, "--read-only", "--tmpfs", "/tmp:rw,exec,size=512m",
        "--memory", f"{function.memory}m", "--memory-swap", f"{function.memory}m",
        "--network", "host" if LINUX else "bridge", "--security-opt", "no-new-privileges",
        *(part for key, value in labels(folder, home).items() for part in
          ("--label", f"{key}={value}")),
        *(part for key, value in given.items() for part in
          ("--env", f"{key}={value}" if DOCKERS.fullmatch(key) else key)),
        *(["--entrypoint", entry[0]] if entry else []),
        *(["--workdir", folder_inside] if folder_inside else []),
    ]  # fmt: skip


def command(function: Function) -> list[str]:
    """What follows the image's name: the rest of the entry point, and the command."""
    config = function.image_config
    return [*(config.get("EntryPoint") or [])[1:], *(config.get("Command") or [])]


def kill(name: str, process: subprocess.Popen[bytes]) -> None:
    try:
        docker("rm", "--force", "--volumes", name)
    except DockerError:
        pass  # gone by itself
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
