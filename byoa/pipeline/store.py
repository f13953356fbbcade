"""Products by the hash of their content, in S3 or in a folder that stands in for it.

    BASE/objects/<sha256>        a file's bytes; what is there is never sent or written again
    BASE/objects/tree-<sha256>   the list of a folder's files (plan.pipeline.tree)
    BASE/<name>                  documents: records, manifests, events

Data is sent before the document that names it, so whoever reads a document finds its data.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import uuid
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from byoa import files
from byoa.plan.errors import ByoaError, NotFoundError
from byoa.plan.pipeline import tree
from byoa.plan.storage import Storage

#: From so many on one listing of the store is quicker than asking for each.
MANY = 40
OBJECTS = "objects/"
#: Folders that are not yet what they will be; `.byoa-` keeps them out of every listing.
ARRIVING = files.PARTIAL + "folder-"


@dataclass(frozen=True)
class Content:
    """Some product's bytes: what they are called in the store, how many there are."""

    digest: str
    size: int


class ContentStore:
    """Objects by content and documents by name, below one address of a Storage."""

    def __init__(self, storage: Storage, base: str = "", workers: int = 8) -> None:
        self.storage, self.workers = storage, workers
        self.base = (base or storage.base).rstrip("/")

    def uri(self, name: str) -> str:
        return f"{self.base}/{name}"

    def has(self, digests: Iterable[str]) -> set[str]:
        """Those of the digests that the store holds (of a folder: its list, sent last)."""
        wanted = set(digests)
        if len(wanted) >= MANY:
            return wanted & self.held()
        with ThreadPoolExecutor(self.workers) as pool:
            there = list(pool.map(self.holds, wanted))
        return {digest for digest, held in zip(wanted, there) if held}

    def held(self) -> set[str]:
        """All that the store holds, from one listing."""
        return {one.name for one in self.storage.objects(self.uri(OBJECTS))}

    def holds(self, digest: str) -> bool:
        return next(iter(self.storage.objects(self.uri(OBJECTS + digest))), None) is not None

    def put(self, path: Path, digest: str = "") -> Content:
        """Sends a file or a folder, unless the store has it; a known digest saves reading it."""
        if path.is_dir():
            return self._put_tree(path, digest)
        before = files.one(path)
        if digest and self.holds(digest):
            return Content(digest, before.size)
        found = sha256(path)
        if digest and found != digest:
            raise files.ChangedError([str(path)])
        if not self.holds(found):
            self._send(before, found)
        return Content(found, before.size)

    def _put_tree(self, folder: Path, digest: str) -> Content:
        here = files.look(folder)
        size = sum(here.sizes().values())
        if digest and self.holds(digest):
            return Content(digest, size)
        names = list(here.files)
        with ThreadPoolExecutor(self.workers) as pool:
            sums = dict(zip(names, pool.map(lambda name: sha256(here.files[name].path), names)))
            list_ = tree.listing({name: (sums[name], here.files[name].size) for name in names})
            if digest not in ("", tree.digest_of(list_)):
                raise files.ChangedError([str(folder)])
            there = self.has(sums.values())
            new = {one: here.files[name] for name, one in sums.items() if one not in there}
            list(pool.map(lambda one: self._send(new[one], one), new))
        self.storage.write(self.uri(OBJECTS + tree.digest_of(list_)), list_)
        return Content(tree.digest_of(list_), size)

    def _send(self, file: files.LocalFile, digest: str) -> None:
        """One file under its digest; if it changed meanwhile the store keeps nothing of it."""
        uri = self.uri(OBJECTS + digest)
        self.storage.upload(Path(file.path), uri)
        if files.stamp(Path(file.path).stat()) != file.stamp:
            self.storage.delete(uri)
            raise files.ChangedError([file.path])

    def fetch(self, digest: str, path: Path) -> None:
        """Makes `path` that very content, checked, in one rename; what is there already stays."""
        if tree.is_tree(digest):
            self._fetch_tree(digest, path)
        elif not (path.is_file() and sha256(path) == digest):
            with folder_beside(path) as beside:
                os.replace(self._download(digest, beside), path)

    def _fetch_tree(self, digest: str, folder: Path) -> None:
        uri = self.uri(OBJECTS + digest)
        list_ = self.storage.read(uri)
        if tree.digest_of(list_) != digest:
            self._damaged(uri)
        entries = tree.entries(list_, uri)
        with folder_beside(folder) as beside:
            new = beside / "new"
            new.mkdir()
            with ThreadPoolExecutor(self.workers) as pool:
                list(pool.map(lambda name: self.fetch(entries[name][0], new / name), entries))
            if folder.is_dir() and not folder.is_symlink():
                os.replace(folder, beside / "old")
            os.replace(new, folder)

    def _download(self, digest: str, folder: Path) -> Path:
        uri = self.uri(OBJECTS + digest)
        (found,) = self.storage.download(uri, folder)
        if sha256(found) != digest:
            self._damaged(uri)
        return found

    def _damaged(self, uri: str) -> None:
        """What is not what its name says goes, so that the next one who has it sends it anew."""
        with suppress(Exception):  # who may only read says so all the same
            self.storage.delete(uri)
        raise ByoaError(f"{uri} is damaged: its content is not what its name says. Run again.")

    def publish(self, name: str, document: bytes, products: Mapping[str, Path]) -> None:
        """Sends products, by digest, and then the document that names them."""
        for digest, path in products.items():
            self.put(path, digest)
        self.write(name, document)

    def write(self, name: str, data: bytes, *, only_new: bool = False) -> bool:
        """A document; with only_new False comes back when it was there already."""
        return self.storage.write(self.uri(name), data, only_new=only_new)

    def read(self, name: str) -> bytes:
        """A document. NotFoundError when it is not there."""
        return self.storage.read(self.uri(name))

    def find(self, name: str) -> bytes | None:
        """A document, or None."""
        try:
            return self.read(name)
        except NotFoundError:
            return None

    def names(self, below: str) -> list[str]:
        """The documents below a name that ends in "/", sorted."""
        return sorted(one.name for one in self.storage.objects(self.uri(below)))


def sha256(path: str | Path) -> str:
    """The hash of a file's bytes as they are now."""
    digest = hashlib.sha256()
    with open(path, "rb") as source:
        while block := source.read(files.BLOCK):
            digest.update(block)
    return digest.hexdigest()


@contextmanager
def folder_beside(path: Path) -> Iterator[Path]:
    """An empty folder on the same disk as `path`; what is left in it goes in the end."""
    folder = path.parent / (ARRIVING + uuid.uuid4().hex)
    folder.mkdir(parents=True)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
