"""Keeps OpenVINO's converter out of the process: to be imported before `openvino` is.

`import openvino` brings it where it can: half of the time that it takes, and a library that reports
every import to the makers.
"""

from __future__ import annotations

import sys

sys.modules.setdefault("openvino.tools.ovc", None)  # type: ignore[arg-type]
