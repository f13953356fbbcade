"""Starts real `serve` processes for tests, behind nginx and without."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.container.serving.serving_process import Serving, make_root

Serve = Callable[..., Serving]
HAS_NGINX = shutil.which("nginx") is not None
FRONTS = [
    pytest.param("nginx", marks=pytest.mark.skipif(not HAS_NGINX, reason="nginx is not on PATH")),
    "gunicorn",
]


@pytest.fixture(params=FRONTS)
def front(request: pytest.FixtureRequest) -> str:
    """Both front ends: what holds for one must hold for the other."""
    return str(request.param)


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    """serve("fixture", NAME="value", …) starts one; all are ended after the test."""
    with ExitStack() as stack:

        def start(fixture: str, *, front: str = "gunicorn", **environ: str) -> Serving:
            folder = tmp_path / f"{fixture}-{len(list(tmp_path.iterdir()))}"
            environ.setdefault("BYOA_NGINX", "true" if front == "nginx" else "false")
            return stack.enter_context(Serving(make_root(folder, fixture), environ))

        yield start
