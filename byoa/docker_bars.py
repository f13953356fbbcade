"""docker's build, push and pull with a bar where a terminal is; elsewhere docker's own lines."""

from __future__ import annotations

import fcntl
import os
import pty
import struct
import subprocess
import sys
import termios
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from byoa import progress, screen
from byoa.plan.look.docker import Layers, Steps
from byoa.progress import size

#: Wide enough that docker leaves no figure out.
COLUMNS = 200


def build(
    command: Sequence[str], folder: Path | None, environ: Mapping[str, str], text: str | None,
    *, what: str, loud: bool = False,
) -> int:  # fmt: skip
    """The exit code of a build; all that docker said is shown when it failed, or when `loud`."""
    if loud or not screen.is_live(sys.stderr):
        return subprocess.run(
            command, cwd=folder, env=environ, input=text, text=True, stdout=2, check=False
        ).returncode
    steps, said = Steps(), []
    with progress.moving(what) as bar, subprocess.Popen(
        command, cwd=folder, env=environ, text=True, errors="replace",
        stdin=subprocess.PIPE if text is not None else subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    ) as process:  # fmt: skip
        assert bar and process.stdout
        if process.stdin and text is not None:
            give(process, text)
        for line in process.stdout:
            said.append(line)
            steps.take(line)
            bar.set(steps.step - 1 if steps.step else 0, steps.steps, *steps.notes)
            bar.below = steps.below
    if process.returncode:
        screen.say("".join(said).rstrip())
    return process.returncode


def give(process: subprocess.Popen[str], text: str) -> None:
    """The Dockerfile to docker's stdin; why docker takes none of it, docker says itself."""
    assert process.stdin
    try:
        with process.stdin as stdin:
            stdin.write(text)
    except BrokenPipeError:
        pass


def transfer(verb: str, uri: str, environ: Mapping[str, str]) -> tuple[int, str]:
    """`docker push` or `pull`: its exit code and what it complained of."""
    if not screen.is_live(sys.stderr):
        quiet = ["docker", verb, "--quiet", uri]  # else a line a layer and state
        done = subprocess.run(
            quiet, env=environ, text=True, check=False, stdout=2, stderr=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
        )  # fmt: skip
        return done.returncode, done.stderr
    layers = Layers()
    words = {"push": "pushing", "pull": "pulling"}
    with progress.moving(f"{words[verb]} {uri.rpartition('/')[2]}") as bar:
        assert bar
        process, output = on_terminal(["docker", verb, uri], environ)
        with process:
            for text in output:
                layers.take(text)
                sent = (f"{size(layers.bytes)}",) if layers.bytes else ()
                bar.set(layers.part, 1.0, f"{layers.over} of {len(layers.known)} layers", *sent)
            assert process.stderr
            return process.wait(), process.stderr.read()


def on_terminal(
    command: Sequence[str], environ: Mapping[str, str]
) -> tuple[subprocess.Popen[str], Iterator[str]]:
    """A program that believes in a terminal of its own: docker tells bytes only to one."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, COLUMNS, 0, 0))
    process = subprocess.Popen(
        command, env=environ, text=True, errors="replace",
        stdin=subprocess.DEVNULL, stdout=theirs, stderr=subprocess.PIPE,
    )  # fmt: skip
    os.close(theirs)
    return process, read(ours)


def read(ours: int) -> Iterator[str]:
    try:
        while data := os.read(ours, 65536):
            yield data.decode("utf-8", "replace")
    except OSError:  # the other end is closed
        pass
    finally:
        os.close(ours)
