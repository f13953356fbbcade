"""A folder that stands in for S3: the same addresses, only that they begin with file://.

Addresses are percent-encoded, names below them are not. Every write is one rename, so that
readers in other processes see whole objects.
"""

from __future__ import annotations

import os
import shutil
import sys
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote, unquote

from byoa import files
from byoa.plan import sync
from byoa.plan.errors import NotFoundError, UsageError
from byoa.plan.storage import Progress, Stored, Synced


def address(path: Path) -> str:
    """A path as a file:// address."""
    return "file://" + quote(os.fsencode(path.absolute()))


def path_of(uri: str) -> Path:
    """The path that a file:// address means. UsageError for any other address."""
    if not uri.startswith("file:///"):
        raise UsageError(f"{uri}: here addresses begin with file:///. Use --on sagemaker for S3.")
    path = Path(unquote(uri.removeprefix("file://"), errors="surrogateescape"))
    if ".." in path.parts:
        raise UsageError(f"{uri}: an address with '..' in it. Name the folder itself.")
    return path


class FolderStorage:
    """Objects as files below a folder; see Storage."""

    def __init__(self, root: Path) -> None:
        self.root, self.base = root.absolute(), address(root)

    def sync(
        self, folder: Path, uri: str, *, delete: bool = False, progress: Progress | None = None
    ) -> Synced:
        here = files.look(folder)
        target = path_of(uri)
        there = files.look(target) if target.is_dir() else files.Folder(target)
        remote = {one.name: one for one in self._stored(there, there.files)}
        etags = files.etags(here, sync.to_hash(here.sizes(), remote))
        todo = sync.decide(here.sizes(), etags, remote, {}, delete)
        sent = 0
        for count, name in enumerate(todo.uploaded, 1):
            copy(here.files[name], target / name)
            sent += here.files[name].size
            if progress:
                progress(sent, todo.sent_bytes, count, len(todo.uploaded))
        for name in todo.deleted:
            remove(target / name, target)
        now = self.fingerprint(uri.rstrip("/") + "/")
        return replace(todo, fingerprint=now, left_out=tuple(here.left_out))

    def fingerprint(self, uri: str) -> str:
        return sync.fingerprint(self.objects(uri))

    def objects(self, uri: str) -> Iterator[Stored]:
        path = path_of(uri)
        if path.is_dir() or (path.is_file() and not uri.endswith("/")):
            there = files.look(path)
            names = sorted(there.files)
            for some in (names[:1], names[1:]):  # who asks whether there is any reads one
                yield from self._stored(there, some)

    def _stored(self, there: files.Folder, names: Iterable[str]) -> list[Stored]:
        if there.root.is_relative_to(self.root):
            there.looked = sys.maxsize  # files here are replaced, never written in their place
        etags = files.etags(there, names)
        return [Stored(name, there.files[name].size, etag) for name, etag in etags.items()]

    def read(self, uri: str) -> bytes:
        try:
            return path_of(uri).read_bytes()
        except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
            raise NotFoundError(f"{uri} is not there.") from None

    def write(self, uri: str, data: bytes, *, only_new: bool = False) -> bool:
        path = path_of(uri)
        if not only_new:
            files.replace(path, data)
            return True
        whole = path.with_name(files.PARTIAL + uuid.uuid4().hex)
        files.replace(whole, data)
        try:
            os.link(whole, path)  # appears with all its content, or was there
        except FileExistsError:
            return False
        finally:
            whole.unlink()
        return True

    def upload(self, path: Path, uri: str, progress: Progress | None = None) -> None:
        file = files.one(path)
        copy(file, path_of(uri))
        if progress:
            progress(file.size, file.size, 1, 1)

    def download(self, uri: str, folder: Path, progress: Progress | None = None) -> list[Path]:
        source = path_of(uri)
        if not source.exists():
            raise NotFoundError(f"There is nothing at {uri}.")
        found = files.look(source)
        total, done, written = sum(found.sizes().values()), 0, []
        for name, file in sorted(found.files.items()):
            copy(file, folder / name)
            written.append(folder / name)
            done += file.size
            if progress:
                progress(done, total, len(written), len(found.files))
        return written

    def delete(self, uri: str) -> int:
        path = path_of(uri)
        if not uri.endswith("/"):
            there = path.is_file()
            path.unlink(missing_ok=True) if there else None
            return int(there)
        if not path.is_relative_to(self.root):
            raise UsageError(f"{uri} is not below {self.base}: delete that folder yourself.")
        count = len(files.look(path).files) if path.is_dir() else 0
        shutil.rmtree(path, ignore_errors=not count)
        return count


def copy(file: files.LocalFile, target: Path) -> None:
    """Copies one file, which must not change meanwhile, to a name that appears at the end."""
    with files.arriving(target) as partial:
        try:
            shutil.copyfile(file.path, partial)
            after = Path(file.path).stat()
        except FileNotFoundError:
            raise files.ChangedError([file.path]) from None
        if files.stamp(after) != file.stamp:
            raise files.ChangedError([file.path])
        partial.chmod(partial.stat().st_mode | after.st_mode & 0o111)


def remove(path: Path, root: Path) -> None:
    """Deletes a file, and the folders above it that it leaves empty."""
    path.unlink()
    for above in path.parents:
        if above == root:
            return
        try:
            above.rmdir()
        except OSError:
            return
