"""Our sync against `aws s3 sync`, both against one S3 on loopback: `s3_sync.py [--pairs N]`.

Each pair runs both, one after the other in turns, a first sync and a second of the same folder.
The server is moto's and slow: wall time is mostly its own. CPU seconds are the client's alone,
the whole process from start to exit.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from importlib.metadata import version
from pathlib import Path

RESULTS = Path(__file__).with_name("results") / "s3_sync.json"
BUCKET = "bench"
OURS = """
import sys
from pathlib import Path
from byoa.aws.session import Session
from byoa.aws.storage import S3Storage
storage = S3Storage(Session(region="us-east-1").client("s3"), "s3://bench")
storage.sync(Path(sys.argv[1]), sys.argv[2])
"""
Figures = dict[str, float]


@contextmanager
def server(log: Path) -> Iterator[str]:
    """moto's S3 in a process of its own; its address."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    with log.open("w") as said, subprocess.Popen(command, stdout=said, stderr=said) as process:
        try:
            while True:
                try:
                    socket.create_connection(("127.0.0.1", port), 1).close()
                    break
                except OSError:
                    time.sleep(0.1)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()


def empty(address: str) -> None:
    """A server without objects but with the bucket."""
    for path, method in (("/moto-api/reset", "POST"), (f"/{BUCKET}", "PUT")):
        request = urllib.request.Request(address + path, method=method)
        urllib.request.urlopen(request, timeout=60).close()


def measured(command: list[str], environment: dict[str, str]) -> Figures:
    """Wall and CPU seconds of one process, from its start to its exit."""
    began = time.monotonic()
    process = subprocess.Popen(command, env=environment)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{command[:3]} failed: {process.returncode}")
    return {"wall": time.monotonic() - began, "cpu": usage.ru_utime + usage.ru_stime}


def pair(folder: Path, address: str, scratch: Path, turn: int) -> dict[str, Figures]:
    """Both programs, in an order that changes with the turn; first and second sync each."""
    environment = os.environ | {
        "AWS_ENDPOINT_URL": address, "AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_DEFAULT_REGION": "us-east-1", "AWS_EC2_METADATA_DISABLED": "true",
        "BYOA_HOME": tempfile.mkdtemp(dir=scratch), "PYTHONWARNINGS": "ignore",
    }  # fmt: skip
    aws = str(Path(sys.executable).with_name("aws"))
    commands = {
        "byoa": [sys.executable, "-c", OURS, str(folder), f"s3://{BUCKET}/byoa/"],
        "aws": [aws, "s3", "sync", "--only-show-errors", str(folder), f"s3://{BUCKET}/aws/"],
    }
    empty(address)
    figures = {}
    for name in sorted(commands, reverse=bool(turn % 2)):
        figures[f"{name} first"] = measured(commands[name], environment)
    for name in sorted(commands, reverse=bool(turn % 2)):
        figures[f"{name} second"] = measured(commands[name], environment)
    return figures


def summary(pairs: list[dict[str, Figures]]) -> dict[str, object]:
    """Medians of the seconds, and of the ratios within each pair."""
    middle = {
        name: {
            kind: round(statistics.median(one[name][kind] for one in pairs), 3)
            for kind in ("wall", "cpu")
        }
        for name in pairs[0]
    }
    ratios = {
        f"aws / byoa, {run}, {kind}": round(
            statistics.median(one[f"aws {run}"][kind] / one[f"byoa {run}"][kind] for one in pairs),
            2,
        )
        for run in ("first", "second")
        for kind in ("wall", "cpu")
    }
    return {"pairs": len(pairs), "seconds": middle, "ratios": ratios}


def many(folder: Path, count: int) -> Path:
    for number in range(count):
        path = folder / f"{number % 100}" / f"{number}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"%d" % number * 200)
    return folder


def large(folder: Path, megabytes: int) -> Path:
    folder.mkdir()
    with (folder / "large.bin").open("wb") as target:
        for _ in range(megabytes):
            target.write(os.urandom(1 << 20))
    return folder


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=3)
    parser.add_argument("--files", type=int, default=10_000, help="0 leaves them out")
    parser.add_argument("--megabytes", type=int, default=256, help="0 leaves it out")
    arguments = parser.parse_args()
    results: dict[str, object] = {
        "date": date.today().isoformat(),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "python": platform.python_version(),
        "versions": {name: version(name) for name in ("boto3", "awscli", "moto")},
    }
    with tempfile.TemporaryDirectory() as name, server(Path(name) / "log") as address:
        scratch, folders = Path(name), {}
        if arguments.files:
            title = f"{arguments.files} files of 1 KB"
            folders[title] = many(scratch / "many", arguments.files)
        if arguments.megabytes:
            title = f"one file of {arguments.megabytes} MB"
            folders[title] = large(scratch / "large", arguments.megabytes)
        time.sleep(3)  # hashes of files that are just being written are not kept
        for title, folder in folders.items():
            pairs = [pair(folder, address, scratch, turn) for turn in range(arguments.pairs)]
            results[title] = summary(pairs)
            print(title, json.dumps(results[title], indent=2))
    kept = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    RESULTS.write_text(json.dumps(kept | results, indent=2) + "\n")


if __name__ == "__main__":
    main()
