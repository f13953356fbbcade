"""Unpacks a source archive into one folder, and nothing anywhere else."""

from __future__ import annotations

import os
import tarfile
import zlib
from pathlib import Path

from container.errors import ProgramError

MOST_MEMBERS = 100_000
MOST_BYTES = 10 << 30
_FILE_BITS = 0o755


def unpack(archive: Path, folder: Path) -> None:
    """Unpacks a tar (plain, gz, bz2 or xz). A member that would leave the folder is refused."""
    try:
        with tarfile.open(archive, "r:*") as tar:
            for member in _checked(tar, archive):
                _extract(tar, member, folder)
    except (tarfile.TarError, EOFError, zlib.error, UnicodeError, ValueError) as error:
        raise ProgramError(
            f"{archive} is not a whole tar archive ({error}). Make it again, with"
            " tar -czf sourcedir.tar.gz -C your_folder ."
        ) from None
    except OSError as error:
        raise ProgramError(
            f"{archive} cannot be unpacked into {folder}: {error.strerror or error}."
            " Make it again, or make room."
        ) from None


def _checked(tar: tarfile.TarFile, archive: Path) -> list[tarfile.TarInfo]:
    members, size = [], 0
    for member in tar:
        members.append(member)
        size += member.size if member.isreg() else 0
        if len(members) > MOST_MEMBERS or size > MOST_BYTES:
            raise ProgramError(
                f"{archive} unpacks to more than {MOST_MEMBERS:,} files or {MOST_BYTES >> 30} GB."
                " Send code only, and data as a channel."
            )
        _check(member, archive)
    return members


def _check(member: tarfile.TarInfo, archive: Path) -> None:
    if why := _objection(member):
        raise ProgramError(
            f"{archive} holds {member.name!r}, {why}. Make the archive from inside your folder:"
            " tar -czf sourcedir.tar.gz -C your_folder ."
        )


def _objection(member: tarfile.TarInfo) -> str:
    if not (member.isreg() or member.isdir() or member.issym() or member.islnk()):
        return "which is a device or a pipe"
    if "\0" in member.name + member.linkname or _leaves(member.name):
        return "which would be written outside the source folder"
    if member.issym() and _leaves(os.path.join(os.path.dirname(member.name), member.linkname)):  # noqa: PTH118, PTH120
        return f"a link to {member.linkname!r}, outside the source folder"
    if member.islnk() and _leaves(member.linkname):
        return f"a link to {member.linkname!r}, outside the source folder"
    return ""


def _leaves(name: str) -> bool:
    """Whether a path, followed as text, is absolute or climbs above where it starts."""
    if name.startswith(("/", "\\")):
        return True
    depth = 0
    for part in name.split("/"):
        depth += {"": 0, ".": 0, "..": -1}.get(part, 1)
        if depth < 0:
            return True
    return False


def _extract(tar: tarfile.TarFile, member: tarfile.TarInfo, folder: Path) -> None:
    """Writes one member, with our owner and plain bits.

    A link that an earlier member made could lead the path out where the text does not, so the real
    place is looked at too.
    """
    target = folder / member.name
    real = Path(os.path.realpath(target.parent))
    if not real.is_relative_to(os.path.realpath(folder)):
        raise ProgramError(
            f"{member.name!r} in the source archive would be written through a link to {real}."
            " Remove the link from the archive."
        )
    member.mode = (member.mode & _FILE_BITS) | (0o700 if member.isdir() else 0o600)
    member.uid, member.gid, member.uname, member.gname = os.getuid(), os.getgid(), "", ""
    # Every member was checked above; older Pythons know no filters, newer ones ask for one.
    tar.extraction_filter = getattr(tarfile, "fully_trusted_filter", None)
    tar.extract(member, folder)
