"""A real S3 API on loopback for the tests: moto's server in a process of its own."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

BUCKET = "a-bucket"


@pytest.fixture(scope="session")
def s3_address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Its address. Parts of an upload may be small, so that small files have many."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    log = (tmp_path_factory.mktemp("moto") / "log").open("w")
    server = subprocess.Popen(
        [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)],
        env=os.environ | {"S3_UPLOAD_PART_MIN_SIZE": "1"},
        stdout=log,
        stderr=log,
    )
    try:
        wait_for(port)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(10)
        log.close()


def wait_for(port: int) -> None:
    end = time.monotonic() + 60
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            assert time.monotonic() < end, "moto's server did not start"
            time.sleep(0.05)


@pytest.fixture
def s3(s3_address: str) -> Any:
    """A client of an S3 that holds one empty bucket."""
    reset = urllib.request.Request(f"{s3_address}/moto-api/reset", method="POST")
    urllib.request.urlopen(reset, timeout=30).close()
    client = s3_client(s3_address)
    client.create_bucket(Bucket=BUCKET)
    return client


def s3_client(address: str, **settings: Any) -> Any:
    import boto3
    from botocore.config import Config

    retries = settings.pop("retries", 0)
    return boto3.session.Session().client(
        "s3",
        endpoint_url=address,
        region_name="us-east-1",
        aws_access_key_id=settings.pop("key", "key"),
        aws_secret_access_key="secret",
        config=Config(retries={"max_attempts": retries}, max_pool_connections=32, **settings),
    )


def calls_of(client: Any) -> list[str]:
    """A list that grows by the name of each operation that the client sends from now on."""
    calls: list[str] = []

    def note(model: Any, **_: Any) -> None:
        calls.append(model.name)

    client.meta.events.register("before-call.s3", note)
    return calls


def write_files(folder: Path, contents: dict[str, bytes]) -> Path:
    """A folder with these files; names may hold slashes."""
    for name, data in contents.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return folder


def files_of(folder: Path) -> dict[str, bytes]:
    """The files of a folder, by name below it."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }
