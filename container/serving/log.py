"""What `serve` prints: sentences on stderr, one JSON line a request on stdout."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping
from contextlib import suppress


def say(sentence: str) -> None:
    """One line on stderr, whole, whatever the other processes print."""
    line = f"serve: {' '.join(sentence.split())}\n"
    with suppress(OSError):  # nobody reads any more: no reason to stop serving
        os.write(2, line.encode(errors="replace"))


def access(line: Mapping[str, object]) -> None:
    """One request on stdout."""
    stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    with suppress(OSError):
        os.write(1, json.dumps({"time": stamp, **line}).encode() + b"\n")
