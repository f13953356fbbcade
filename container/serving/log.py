"""What `serve` prints: sentences on stderr, one JSON line a request on stdout."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Mapping


def say(sentence: str) -> None:
    """One line on stderr, whole, whatever the other processes print."""
    os.write(2, f"serve: {' '.join(sentence.split())}\n".encode(errors="replace"))


def access(line: Mapping[str, object]) -> None:
    """One request on stdout."""
    stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    sys.stdout.write(json.dumps({"time": stamp, **line}) + "\n")
    sys.stdout.flush()
