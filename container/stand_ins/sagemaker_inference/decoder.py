"""Bytes or text of a known content type, as a numpy array."""

from __future__ import annotations

import json
import zipfile
from io import BytesIO, StringIO
from typing import Any

from . import content_types, errors

#: What an npz may be unpacked: so much, or so many times its own size.
NPZ_BYTES = 1 << 28
NPZ_TIMES = 20


def decode(obj: Any, content_type: str) -> Any:
    """The array that a body holds; an UnsupportedFormatError for a content type of no array."""
    reader = _READERS.get(content_type.partition(";")[0].strip().lower())
    if reader is None:
        raise errors.UnsupportedFormatError(content_type)
    return reader(obj)


def text(body: Any) -> str:
    """A body as text, however it came."""
    return body if isinstance(body, str) else bytes(body).decode("utf-8-sig")


def _json(body: Any) -> Any:
    import numpy as np

    return np.array(json.loads(text(body)))


def _csv(body: Any) -> Any:
    import numpy as np

    return np.genfromtxt(StringIO(text(body)), delimiter=",")


def _npy(body: Any) -> Any:
    """No pickles: AWS's reader accepts them, and a pickle in a request runs its sender's code."""
    import numpy as np

    return np.load(BytesIO(body), allow_pickle=False)


def _npz(body: Any) -> Any:
    """A sparse matrix; not one that was packed to fill the memory."""
    import scipy.sparse  # type: ignore[import-untyped]

    try:
        with zipfile.ZipFile(BytesIO(body)) as archive:
            size = sum(each.file_size for each in archive.infolist())
    except zipfile.BadZipFile as error:
        raise ValueError(f"the body is no npz: {error}") from None
    if size > max(NPZ_BYTES, NPZ_TIMES * len(body)):
        raise ValueError(f"the npz has {size} bytes unpacked, far more than sent: send parts")
    return scipy.sparse.load_npz(BytesIO(body))


_READERS = {
    content_types.JSON: _json,
    content_types.CSV: _csv,
    content_types.NPY: _npy,
    content_types.NPZ: _npz,
}
