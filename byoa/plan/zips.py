"""Zip archives whose bytes depend on names, modes and contents alone."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping

#: Content, and whether it is a program.
Files = Mapping[str, tuple[bytes, bool]]
#: How a stranger's zip may be packed. zipfile unpacks a few bytes of bzip2 or LZMA to gigabytes
#: at once, so that no limit could be kept.
SOUND = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


def zipped(files: Files, *, compressed: bool = True) -> bytes:
    """The archive. Without compression its bytes are the same whatever zlib a machine has."""
    into = io.BytesIO()
    with zipfile.ZipFile(into, "w") as file:
        for name, (data, program) in sorted(files.items()):
            entry = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            entry.create_system = 3  # Windows would write 0
            entry.external_attr = (0o755 if program else 0o644) << 16
            entry.compress_type = zipfile.ZIP_DEFLATED if compressed else zipfile.ZIP_STORED
            file.writestr(entry, data)
    return into.getvalue()
