"""`serve` starts without the code that the ordinary endpoint does not use."""

from __future__ import annotations

import subprocess
import sys

import pytest


@pytest.mark.parametrize(
    ("started", "left_out"),
    [
        ("container.serving.supervisor", "container.program"),  # a training job's
        ("container.serving.app", "container.serving.models"),  # many models'
        ("container.serving.gateway", "container.serving.models_api"),
    ],
)
def test_what_is_not_used_is_not_loaded(started: str, left_out: str) -> None:
    look = f"import sys, {started}; print({left_out!r} in sys.modules)"
    found = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=True)
    assert found.stdout == "False\n"
