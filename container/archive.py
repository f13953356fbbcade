"""Unpacks a source archive into one folder, and nothing anywhere else."""

from __future__ import annotations

import os
import shutil
import tarfile
import zlib
from pathlib import Path

from container.errors import ProgramError

MOST_MEMBERS = 100_000
MOST_BYTES = 10 << 30
_BITS = 0o755


def unpack(archive: Path, folder: Path) -> None:
    """Unpacks a tar (plain, gz, bz2 or xz). A member that would leave the folder is refused."""
    try:
        with tarfile.open(archive, "r:*") as tar:
            members = _checked(tar, archive)
            for member in members:
                _extract(tar, member, folder)
            # A link that led nowhere when it was made may lead out by now.
            for member in members:
                _stay_inside(folder / os.path.normpath(member.name), folder, member)
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
    """Writes one member with our owner and plain bits, over what an earlier one left there."""
    target = folder / os.path.normpath(member.name)
    _stay_inside(target if member.isdir() else target.parent, folder, member)
    if member.isdir():
        target.mkdir(parents=True, exist_ok=True)
        target.chmod(member.mode & _BITS | 0o700)
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    # Opening an existing link for writing would write to wherever it leads.
    target.unlink(missing_ok=True)
    if member.issym():
        target.symlink_to(member.linkname)
    elif member.islnk():
        original = folder / os.path.normpath(member.linkname)
        _stay_inside(original, folder, member)
        os.link(original, target)
    else:
        _write(tar, member, target)


def _write(tar: tarfile.TarFile, member: tarfile.TarInfo, target: Path) -> None:
    content = tar.extractfile(member)
    with target.open("xb") as file:
        if content is not None:
            shutil.copyfileobj(content, file)
    target.chmod(member.mode & _BITS | 0o600)


def _stay_inside(path: Path, folder: Path, member: tarfile.TarInfo) -> None:
    """Follows links to the real place: together they can lead out where each text does not."""
    real = Path(os.path.realpath(path))
    if not real.is_relative_to(os.path.realpath(folder)):
        raise ProgramError(
            f"{member.name!r} in the source archive leads through a link to {real}, outside the"
            " source folder. Remove the link."
        )
