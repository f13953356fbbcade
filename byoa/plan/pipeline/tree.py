"""A folder's content as one digest: that of the sorted list of what its files hold."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping

from byoa.plan import sync
from byoa.plan.errors import ByoaError

#: A folder's digest begins with it, a file's is 64 hexadecimal digits alone.
TREE = "tree-"


def is_tree(digest: str) -> bool:
    return digest.startswith(TREE)


def listing(files: Mapping[str, tuple[str, int]]) -> bytes:
    """The list itself: each file's sha256 and size by its name below the folder, with slashes."""
    rows = {name: list(files[name]) for name in sorted(files)}
    return json.dumps({"version": 1, "files": rows}, separators=(",", ":")).encode()


def digest(files: Mapping[str, tuple[str, int]]) -> str:
    return digest_of(listing(files))


def digest_of(list_: bytes) -> str:
    return TREE + hashlib.sha256(list_).hexdigest()


def entries(list_: bytes, what: str) -> dict[str, tuple[str, int]]:
    """What a list says, if no name in it leaves its folder."""
    try:
        rows = json.loads(list_)["files"]
        found = {str(name): (str(one[0]), int(one[1])) for name, one in rows.items()}
    except (ValueError, TypeError, KeyError, IndexError, AttributeError) as error:
        raise ByoaError(f"{what} is no list of a folder's files. Run the task again.") from error
    bad = [f"{name!r} {why}" for name in found if (why := sync.bad_path(name, windows=False))]
    bad += [f"{name!r} is a file and a folder at once" for name in sync.clashes(list(found))]
    if bad:
        raise ByoaError(f"{what} cannot become a folder: {'; '.join(bad[:10])}.")
    return found
