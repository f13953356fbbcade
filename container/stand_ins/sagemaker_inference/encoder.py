"""An array, or what can become one, in a known content type."""

from __future__ import annotations

import json
from io import BytesIO, StringIO
from typing import Any

from . import content_types, errors


def encode(array_like: Any, content_type: str) -> Any:
    """str for JSON and CSV, bytes for npy; an UnsupportedFormatError for anything else."""
    writer = _WRITERS.get(content_type.partition(";")[0].strip().lower())
    if writer is None:
        raise errors.UnsupportedFormatError(content_type)
    return writer(array_like)


def _json(array_like: Any) -> str:
    return json.dumps(array_like, default=_as_list)


def _as_list(value: Any) -> Any:
    """Arrays, numpy's numbers and tensors, wherever they stand in a structure."""
    if hasattr(value, "tolist"):
        return value.tolist()
    raise TypeError(f"a {type(value).__name__} is nothing that JSON can hold")


def _csv(array_like: Any) -> str:
    """A line a row; one number a line for an array of one dimension."""
    import numpy as np

    lines = StringIO()
    np.savetxt(lines, np.atleast_1d(_array(array_like)), delimiter=",", fmt="%s")
    return lines.getvalue()


def _npy(array_like: Any) -> bytes:
    import numpy as np

    array = _array(array_like)
    if array.dtype == object:  # words, as pandas keeps them: they need no pickle
        array = np.array(array.tolist())
    written = BytesIO()
    np.save(written, array)
    return written.getvalue()


def _array(array_like: Any) -> Any:
    """As a numpy array; a tensor from whatever device it is on."""
    import numpy as np

    if hasattr(array_like, "detach"):
        array_like = array_like.detach().cpu()
    return np.asarray(array_like)


_WRITERS = {
    content_types.JSON: _json,
    content_types.CSV: _csv,
    content_types.NPY: _npy,
}
SUPPORTED_CONTENT_TYPES = set(_WRITERS)
