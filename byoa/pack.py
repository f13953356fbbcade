"""Packs a user's code into a .tar.gz whose bytes depend on names, contents and x-bits alone."""

from __future__ import annotations

import difflib
import hashlib
import io
import struct
import tarfile
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from byoa import files
from byoa.imports import local_imports
from byoa.plan import ignore
from byoa.plan.errors import UsageError

IGNORE_FILES = (".gitignore", ".byoaignore")
#: Code of this size is rarely meant: data belongs into a channel.
LARGE = 50 << 20


#: A file, or content that was made up.
Content = Path | bytes


@dataclass
class Code:
    """What is to be packed, by names in the archive."""

    files: dict[str, Content] = field(default_factory=dict)
    program: str = ""  #: the name of the entry point
    said: list[str] = field(default_factory=list)  #: sentences for the user

    def add(self, name: str, path: Path) -> None:
        if what := ignore.secret(path.name):
            raise UsageError(f"{path} looks like {what}: it is never packed.")
        self.files[name] = path


def collect(
    program: Path | str | None, source: Path | None = None, dependencies: Sequence[Path] = ()
) -> Code:
    """The folder, or the script with the local modules that it imports; dependencies beside it."""
    code = Code()
    if source is not None:
        if not source.is_dir():
            raise UsageError(f"{source} is no folder. Name the folder that holds the code.")
        add_folder(code, source, "")
        code.program = inside(source, Path(program)) if program else ""
    elif program is not None:
        add_script(code, Path(program))
    for path in dependencies:
        add_dependency(code, path)
    if code.program and code.program not in code.files:
        raise UsageError(
            f"The entry point {code.program} is not among the packed files: .gitignore, "
            ".byoaignore or its name keeps it out. Change that, or choose another."
        )
    code.said += large(code.files)
    return code


def add_script(code: Code, script: Path) -> None:
    if not script.is_file():
        raise UsageError(no_script(script))
    for path in local_imports(script) if script.suffix == ".py" else [script]:
        code.add(path.relative_to(script.parent).as_posix(), path)
    code.program = script.name


def no_script(script: Path) -> str:
    """Why this is none, and the one that was meant, as far as its folder tells."""
    if script.is_dir():
        return f"{script} is a folder. Name the script in it, too: -s {script} -e SCRIPT."
    beside = [one.name for one in script.parent.glob("*.*") if one.is_file()]
    near = difflib.get_close_matches(script.name, beside, 1)
    meant = f"Did you mean {script.with_name(near[0])}?" if near else "Name the script to run."
    return f"There is no {script}. {meant}"


def inside(source_dir: Path, entry_point: Path) -> str:
    """The entry point's name below the folder, whether it was given from there or from here."""
    for path in (source_dir / entry_point, entry_point):
        if path.is_file() and path.resolve().is_relative_to(source_dir.resolve()):
            return path.resolve().relative_to(source_dir.resolve()).as_posix()
    raise UsageError(f"There is no {entry_point} in {source_dir}. Name a script of that folder.")


def add_dependency(code: Code, path: Path) -> None:
    if not path.exists():
        raise UsageError(f"There is no {path}. Name a file or folder to go beside the script.")
    new = Code(said=code.said)
    name = path.resolve().name
    if path.is_dir():
        add_folder(new, path, f"{name}/")
    else:
        new.add(name, path)
    for each, file in new.files.items():
        if each in code.files and read(code.files[each]) != read(file):
            raise UsageError(f"{path} would replace {each} of the code. Rename one of them.")
    code.files.update(new.files)


def add_folder(code: Code, folder: Path, prefix: str) -> None:
    """All files of a folder but what .gitignore and .byoaignore name, rubbish and secrets."""
    found = files.look(folder, Ignored(folder, prefix, code.said).skip)
    code.said += [f"Not packed: {sentence}." for sentence in found.left_out]
    for name, file in sorted(found.files.items()):
        code.add(prefix + name, Path(file.path))


class Ignored:
    """What of a folder stays at home. The deepest ignore file that knows a name decides."""

    def __init__(self, folder: Path, prefix: str, said: list[str]) -> None:
        self.folder, self.prefix, self.said = folder.resolve(), prefix, said
        self.specs: dict[Path, Any] = {}
        above = [self.folder, *self.folder.parents]
        top = next((i for i, path in enumerate(above) if (path / ".git").exists()), 0)
        self.outer = above[1 : top + 1]  # up to the root of the repository
        if self.decided(self.folder, True, self.outer):
            self.outer = []  # the folder itself is ignored, and asked for by name

    def skip(self, name: str) -> bool:
        path = self.folder / name.rstrip("/")
        inner = [above for above in path.parents if above.is_relative_to(self.folder)]
        if ignore.rubbish(path.name):
            return True
        if self.decided(path, name.endswith("/"), [*inner, *self.outer]):
            return True
        if what := ignore.secret(path.name):
            self.said.append(f"Not packed: {self.prefix}{name} looks like {what}.")
        return what is not None

    def decided(self, path: Path, folder: bool, above: Sequence[Path]) -> bool:
        for at in above:
            if at not in self.specs:
                self.specs[at] = read_spec(at)
            name = path.relative_to(at).as_posix() + "/" * folder
            answer = self.specs[at] and self.specs[at].check_file(name).include
            if answer is not None:
                return bool(answer)
        return False


def read_spec(folder: Path) -> Any:
    """The ignore files of one folder as a pattern; .byoaignore has the last word."""
    from pathspec import GitIgnoreSpec

    lines = []
    for name in IGNORE_FILES:
        if (folder / name).is_file():
            lines += (folder / name).read_text(errors="replace").splitlines()
    return GitIgnoreSpec.from_lines(lines) if lines else None


def read(content: Content) -> tuple[bytes, bool]:
    """The bytes, and whether they are a program."""
    if isinstance(content, bytes):
        return content, False
    return content.read_bytes(), bool(content.stat().st_mode & 0o100)


def digests(found: Mapping[str, Content]) -> dict[str, str]:
    """The SHA-256 of each file, with "x:" before it where the file is a program."""
    result = {}
    for name, content in sorted(found.items()):
        data, program = read(content)
        result[name] = "x:" * program + hashlib.sha256(data).hexdigest()
    return result


def fingerprint(found: Mapping[str, Content]) -> str:
    """Names, contents and x-bits as one hash, whatever zlib makes of them."""
    lines = "".join(f"{name}\0{digest}\n" for name, digest in digests(found).items())
    return hashlib.sha256(lines.encode("utf-8", "surrogateescape")).hexdigest()


def pack(found: Mapping[str, Content]) -> bytes:
    """A .tar.gz: sorted, of nobody, of no time, with two kinds of mode."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.GNU_FORMAT) as tar:
        for name, content in sorted(found.items()):
            data, program = read(content)
            info = tarfile.TarInfo(name)
            info.size, info.mode = len(data), 0o755 if program else 0o644
            tar.addfile(info, io.BytesIO(data))
    return gzipped(buffer.getvalue())


def gzipped(data: bytes) -> bytes:
    """Gzip with a header that names no time, no file and no system."""
    squeezed = zlib.compressobj(6, zlib.DEFLATED, -zlib.MAX_WBITS)
    body = squeezed.compress(data) + squeezed.flush()
    tail = struct.pack("<LL", zlib.crc32(data), len(data) & 0xFFFFFFFF)
    return b"\x1f\x8b\x08\0\0\0\0\0\0\xff" + body + tail


def large(found: Mapping[str, Content]) -> list[str]:
    sizes = {n: len(c) if isinstance(c, bytes) else c.stat().st_size for n, c in found.items()}
    if sum(sizes.values()) < LARGE:
        return []
    most = sorted(sizes, key=lambda name: -sizes[name])[:3]
    return [
        f"The code is {sum(sizes.values()) >> 20} MB, most of it {', '.join(most)}. Data travels "
        "better in a channel; name what stays at home in .byoaignore."
    ]
