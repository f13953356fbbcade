"""A docker image of a few seconds: the harness and tests/small_algorithm, without torch.

`from tests.small_image import small_image` (or name it in a conftest) and ask for the fixture.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
ALGORITHM = ROOT / "tests" / "small_algorithm"
BASE = "debian:bookworm-slim"
DOCKERFILE = f"""\
FROM {BASE}
RUN apt-get update -qq \\
    && DEBIAN_FRONTEND=noninteractive apt-get install -qq --yes --no-install-recommends \\
        ca-certificates nginx-light python3 python3-pip >/dev/null \\
    && pip install --quiet --break-system-packages --no-cache-dir flask gunicorn gevent packaging \\
        prometheus-client \\
    && rm -rf /var/lib/apt/lists/*
ENV PATH=/opt/byoa/container/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \\
    BYOA_ALGORITHM=/opt/byoa/small_algorithm PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
COPY container /opt/byoa/container
COPY small_algorithm /opt/byoa/small_algorithm
RUN chmod 0755 /opt/byoa/container/bin/* && python3 -m compileall -q /opt/byoa && mkdir -p /opt/ml
LABEL byoa.test.small=1 com.amazonaws.sagemaker.capabilities.multi-models=true
WORKDIR /opt/byoa
CMD ["train"]
"""


def docker(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["docker", *words],
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env={**os.environ, "DOCKER_BUILDKIT": "0"},
    )


def files() -> list[tuple[str, Path]]:
    """What the image is made of: (name in the build folder, file)."""
    return sorted(
        (f"{folder.name}/{path.relative_to(folder).as_posix()}", path)
        for folder in (ROOT / "container", ALGORITHM)
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    )


def tag() -> str:
    """byoa-small:<hash of everything that goes in>: the same content is built once."""
    content = hashlib.sha256(DOCKERFILE.encode())
    for name, path in files():
        content.update(f"{name}\0".encode() + hashlib.sha256(path.read_bytes()).digest())
    return f"byoa-small:{content.hexdigest()[:12]}"


def build(folder: Path) -> str:
    """The image's name; built if it is not there."""
    name = tag()
    if docker("image", "inspect", name).returncode == 0:
        return name
    for relative, path in files():
        (folder / relative).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, folder / relative)
    (folder / "Dockerfile").write_text(DOCKERFILE)
    built = docker("build", "--force-rm", "--tag", name, str(folder))
    assert built.returncode == 0, built.stdout
    return name


@pytest.fixture(scope="session")
def small_image(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The small image's name; a test without a daemon or the base is skipped, and says so."""
    give_up = pytest.fail if os.environ.get("CI") else pytest.skip
    try:
        found = docker("image", "inspect", BASE)
    except FileNotFoundError:
        give_up("docker is not on PATH")
    if found.returncode:
        give_up(f"no docker daemon, or no image {BASE}: run .ci/base_image.sh first")
    return build(tmp_path_factory.mktemp("small"))
