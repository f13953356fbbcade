"""Which files a sync sends, leaves and deletes: by content, from two listings.

ETags are S3's: the MD5 of an object, or the MD5 of its parts' MD5s with their number.
https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity-upload.html
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence

from byoa.plan.storage import Stored, Synced

#: The AWS CLI's threshold and part size: what it uploaded is recognised.
PART = 8 << 20
MOST_PARTS = 10_000
MOST_KEY_BYTES = 1024


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


def decide(
    sizes: Mapping[str, int],
    etags: Mapping[str, str],
    remote: Mapping[str, Stored],
    known: Mapping[str, Sequence[str]],
    delete: bool,
) -> Synced:
    """What there is to do; `known` says [our ETag, the store's] where the store's is no MD5."""
    same = {
        name
        for name, etag in etags.items()
        if remote[name].etag == etag or tuple(known.get(name, ())) == (etag, remote[name].etag)
    }
    gone = tuple(sorted(remote.keys() - sizes.keys()))
    uploads = tuple(sorted(sizes.keys() - same))
    return Synced(
        uploaded=uploads,
        unchanged=tuple(sorted(same)),
        deleted=gone if delete else (),
        extra=() if delete else gone,
        sent_bytes=sum(sizes[name] for name in uploads),
    )


def fingerprint(objects: Iterable[Stored]) -> str:
    """Names and contents as one hex hash, whatever the order of the listing."""
    listed = sorted((one.name, one.size, one.etag) for one in objects)
    return hashlib.sha256(json.dumps(listed).encode()).hexdigest()


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
    pieces = (name.replace("\\", "/") if windows else name).split("/")
    if "\0" in name or {"", ".", ".."} & set(pieces):
        return "is no path below a folder"
    return "is no name on Windows" if windows and set(name) & set(':*?"<>|') else None


def clashes(names: Iterable[str]) -> list[str]:
    """Names that would have to be a file and a folder at once."""
    known = set(names)
    folders = {name[:at] for name in known for at, letter in enumerate(name) if letter == "/"}
    return sorted(known & folders)
