"""The failures that torch and the system report in their own words, told in the user's."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from distributed import PEER_LOST, lost_peer
from errors import InputError, TrainingError
from hyperparameters import Hyperparameters


@contextmanager
def told_plainly(chosen: Hyperparameters) -> Iterator[None]:
    """Turn out-of-memory, a full disk and a lost peer into a TrainingError that says what to do."""
    try:
        yield
    except InputError:
        raise
    except (OSError, RuntimeError) as error:
        sentence = _sentence(error, chosen)
        if sentence is None:
            raise
        raise TrainingError(sentence) from error


def _sentence(error: OSError | RuntimeError, chosen: Hyperparameters) -> str | None:
    text, first = str(error), (str(error).splitlines() or [""])[0][:300]
    tried = (
        f"batch_size={chosen.batch_size}, min_size={chosen.min_size}, max_size={chosen.max_size}"
    )
    if isinstance(error, torch.cuda.OutOfMemoryError):
        return f"out of GPU memory with {tried}. Lower batch_size, then min_size."
    if "not enough memory" in text or "can't allocate memory" in text:
        return f"out of memory with {tried}. Lower batch_size, then min_size."
    full = isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)
    if full or "No space left on device" in text:
        return f"the disk is full: {first}. Give the job a larger volume."
    if (isinstance(error, OSError) and error.errno == errno.EFBIG) or "File too large" in text:
        return f"a file is larger than is allowed: {first}. Raise the limit (ulimit -f) or quota."
    if isinstance(error, OSError) and error.errno in (errno.EROFS, errno.EACCES, errno.EPERM):
        return (
            f"writing failed: {first}. The model, output and checkpoint folders must be writable."
        )
    if isinstance(error, RuntimeError) and lost_peer(error):
        return f"{PEER_LOST} ({first}). Its own log and failure say why."
    return None
