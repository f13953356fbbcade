"""Which files a sync sends, leaves and deletes: by content, from two listings.

ETags are S3's: the MD5 of an object, or the MD5 of its parts' MD5s with their number.
https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity-upload.html
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from byoa.plan.storage import Stored

#: The AWS CLI's threshold and part size: what it uploaded is recognised.
PART = 8 << 20
MOST_PARTS = 10_000
MOST_KEY_BYTES = 1024


@dataclass(frozen=True, slots=True)
class Todo:
    """What a sync has to do, by names in order."""

    uploads: tuple[str, ...]
    unchanged: tuple[str, ...]
    deletions: tuple[str, ...]
    extra: tuple[str, ...]  #: there, not here, and not to be deleted


def part_size(size: int, part: int = PART) -> int:
    """The size of a file's parts, a function of the file's size alone."""
    while part * MOST_PARTS < size:
        part *= 2
    return part


def parts(size: int, part: int = PART) -> list[tuple[int, int]]:
    """(offset, length) of every part; none for a file that travels in one request."""
    step = part_size(size, part)
    return [] if size < part else [(at, min(step, size - at)) for at in range(0, size, step)]


def joined_etag(digests: Sequence[bytes]) -> str:
    """The ETag of an object that was uploaded in parts, from the MD5s of the parts."""
    whole = hashlib.md5(b"".join(digests), usedforsecurity=False)
    return f"{whole.hexdigest()}-{len(digests)}"


def to_hash(sizes: Mapping[str, int], remote: Mapping[str, Stored]) -> list[str]:
    """The files whose content must be known: the others are new or have another size."""
    return [name for name in sizes if name in remote and remote[name].size == sizes[name]]


def unclear(etags: Mapping[str, str], remote: Mapping[str, Stored]) -> bool:
    """Whether an ETag differs, so that the record of encrypted objects is worth reading."""
    return any(remote[name].etag != etag for name, etag in etags.items())


def decide(
    sizes: Mapping[str, int],
    etags: Mapping[str, str],
    remote: Mapping[str, Stored],
    known: Mapping[str, Sequence[str]],
    delete: bool,
) -> Todo:
    """Compares content; `known` says [our ETag, the store's] where the store's is no MD5."""
    same = {
        name
        for name, etag in etags.items()
        if remote[name].etag == etag or tuple(known.get(name, ())) == (etag, remote[name].etag)
    }
    gone = tuple(sorted(remote.keys() - sizes.keys()))
    return Todo(
        uploads=tuple(sorted(sizes.keys() - same)),
        unchanged=tuple(sorted(same)),
        deletions=gone if delete else (),
        extra=() if delete else gone,
    )


def fingerprint(objects: Iterable[Stored]) -> str:
    """Names and contents as one hex hash, whatever the order of the listing."""
    whole = hashlib.sha256()
    for one in sorted(objects, key=lambda stored: stored.name):
        name = one.name.encode("utf-8", "surrogatepass")
        whole.update(b"%d:%b:%d:%b," % (len(name), name, one.size, one.etag.encode()))
    return whole.hexdigest()


def bad_key(key: str) -> str | None:
    """Why S3 cannot take a key or give it back; None when it can.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html
    """
    try:
        length = len(key.encode())
    except UnicodeEncodeError:
        return "is not valid UTF-8"
    if length > MOST_KEY_BYTES:
        return f"makes a key of {length} bytes, S3 takes {MOST_KEY_BYTES}"
    if any(
        (ord(letter) < 32 and letter not in "\t\n\r") or letter in "\ufffe\uffff" for letter in key
    ):
        return "holds a control character that S3 cannot list"
    return None


def bad_path(name: str, windows: bool) -> str | None:
    """Why an object's name cannot be a file below a folder; None when it can."""
    split = name.replace("\\", "/") if windows else name
    pieces = split.split("/")
    if "\0" in name or "" in pieces or "." in pieces or ".." in pieces:
        return "is no path below a folder"
    if windows and any(letter in name for letter in ':*?"<>|'):
        return "is no file name on Windows"
    return None


def clashes(names: Iterable[str]) -> list[str]:
    """Names that would have to be a file and a folder at once."""
    known = set(names)
    found = set()
    for name in known:
        above = name.rpartition("/")[0]
        while above:
            if above in known:
                found.add(above)
            above = above.rpartition("/")[0]
    return sorted(found)
