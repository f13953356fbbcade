"""A function's variables on their way into its container."""

from __future__ import annotations

from pathlib import Path

import pytest

from byoa.sandbox.lambdas.function import Function
from byoa.sandbox.lambdas.launch_image import clients, words

FUNCTION = Function(
    name="f", version="$LATEST", arn="", region="us-east-1", role="", handler="", runtime="",
    memory=128, timeout=3, package="Image", image="i", log_group="g", log_format="Text",
    log_level="", environment={}, image_config={}, code=b"",
)  # fmt: skip


@pytest.mark.parametrize("name", ["DOCKER_HOST", "LD_PRELOAD", "HOME", "https_proxy"])
def test_no_variable_of_a_function_speaks_to_docker(name: str, tmp_path: Path):
    """They are the container's; the client on this machine keeps its own."""
    given = {name: "/function's", "TOKEN": "secret"}
    assert clients(given).get(name) != "/function's"
    assert clients(given)["TOKEN"] == "secret"
    line = words(FUNCTION, "n", tmp_path, tmp_path, given)
    assert f"{name}=/function's" in line and "TOKEN" in line
    assert not any("secret" in word for word in line)
