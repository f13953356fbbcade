"""Who the processes run as: nobody where we are root and nobody can read all that is needed."""

from __future__ import annotations

import ctypes
import os
import pwd
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

SERVICE_USER = "nobody"
_PR_SET_DUMPABLE = 4


@dataclass(frozen=True, slots=True)
class Identity:
    """A user and group to become."""

    uid: int
    gid: int


@dataclass(frozen=True, slots=True)
class Decision:
    """Whom to become (None: stay who we are) and, where that is root, why."""

    identity: Identity | None
    reason: str = ""


def decide(needed: Iterable[Path]) -> Decision:
    """Become nobody when root, unless that user could not read one of these trees."""
    if os.geteuid() != 0:
        return Decision(None)
    try:
        entry = pwd.getpwnam(SERVICE_USER)
    except KeyError:
        return Decision(None, f"there is no user {SERVICE_USER}")
    identity = Identity(entry.pw_uid, entry.pw_gid)
    obstacle = first_unreadable(identity, [path for path in needed if path.exists()])
    if obstacle:
        return Decision(None, f"{SERVICE_USER} cannot read {obstacle}")
    return Decision(identity)


class Becoming:
    """A forked process that becomes a user for good, unless that user cannot read a folder."""

    def __init__(self, identity: Identity, folder: Path) -> None:
        uid, gid = identity.uid, identity.gid
        os.setgroups([])
        os.setresgid(gid, gid, 0)  # the saved ones lead back
        os.setresuid(uid, uid, 0)
        self.obstacle = next(_unreadable([folder]), "")
        if self.obstacle:
            os.setresuid(0, 0, 0)
            os.setresgid(0, 0, 0)
        else:
            os.setresgid(gid, gid, gid)
            os.setresuid(uid, uid, uid)
            readable_again()


@contextmanager
def for_a_while(identity: Identity | None) -> Iterator[None]:
    """The block runs as this user: what it writes is theirs."""
    if identity is None:
        yield
        return
    os.setegid(identity.gid)
    os.seteuid(identity.uid)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(0)
        readable_again()


def readable_again() -> None:
    """Who changes its user can no more read what /proc says of itself, until it says this."""
    ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 1, 0, 0, 0)


def first_unreadable(identity: Identity, needed: Iterable[Path]) -> str:
    """The first path that this user cannot read, found out by trying as that user."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.setgroups([])
            os.setgid(identity.gid)
            os.setuid(identity.uid)
            os.write(writer, next(_unreadable(needed), "").encode()[:4000])
        except BaseException as error:  # the parent must not take silence for success
            os.write(writer, repr(error).encode()[:4000])
        finally:
            os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe:
        obstacle = pipe.read().decode()
    os.waitpid(pid, 0)
    return obstacle


def _unreadable(needed: Iterable[Path]) -> Iterator[str]:
    for top in needed:
        if not _readable(top):
            yield str(top)
        for folder, folders, files in os.walk(top):
            folders[:] = [name for name in folders if name != "__pycache__"]
            paths = (Path(folder) / name for name in [*folders, *files])
            yield from (str(path) for path in paths if not _readable(path))


def _readable(path: Path) -> bool:
    """A folder has to be entered, too. (Path.is_dir would raise where it cannot look.)"""
    if not os.access(path, os.R_OK):
        return False
    return not path.is_dir() or os.access(path, os.X_OK)
