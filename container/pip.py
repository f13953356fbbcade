"""The words that run pip, for a job and for an endpoint. Light: `serve` starts with them."""

from __future__ import annotations

import sys

FILE = "requirements.txt"
#: A source's queue.py or platform.py is not the standard library's; what pip starts is as ever.
SAFE = ("-P",) if sys.version_info >= (3, 11) else ()
PIP = (
    *(sys.executable, *SAFE, "-m", "pip", "install"),
    *("--disable-pip-version-check", "--root-user-action=ignore"),
)
# Shorter than pip's own 15 s and 5 tries: without a network it would try for minutes.
DEFAULTS = {"PIP_DEFAULT_TIMEOUT": "15", "PIP_RETRIES": "2", "PIP_NO_INPUT": "1"}
