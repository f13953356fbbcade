"""`serve` starts without the code that the ordinary endpoint does not use."""

from __future__ import annotations

import subprocess
import sys

import pytest
from werkzeug.http import HTTP_STATUS_CODES

from container.serving.answers import REASONS, status_line


@pytest.mark.parametrize(
    ("started", "left_out"),
    [
        ("container.serving.supervisor", "container.program"),  # a training job's
        ("container.serving.app", "container.serving.models"),  # many models'
        ("container.serving.gateway", "container.serving.models_api"),
        ("container.serving.http_worker", "flask"),
        ("container.serving.http_worker", "werkzeug"),
    ],
)
def test_what_is_not_used_is_not_loaded(started: str, left_out: str) -> None:
    look = f"import sys, {started}; print({left_out!r} in sys.modules)"
    found = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=True)
    assert found.stdout == "False\n"


def test_statuses_read_the_same_whoever_writes_them() -> None:
    assert {code: HTTP_STATUS_CODES[code].upper() for code in REASONS} == REASONS
    assert status_line(418) == "418 I'M A TEAPOT" and status_line(299) == "299 UNKNOWN"
