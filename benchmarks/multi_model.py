"""A thousand models behind one `serve`: what loading, asking and making room for them cost.

    python benchmarks/multi_model.py [--small]

The models are scikit-learn forests on the disk; the budget holds about a fifth of them, and the
container unloads the least recently used by itself. Every model is asked in turn, twice: a cold
request loads its model, and unloads another. Beside that a warm model is asked all the time.
Goals: memory after the second round as after the first, within a tenth; no request fails; the
warm one's p99 below 50 ms while others are loaded.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import pickle
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import measure
from _servers import Server, ours

PREDICTOR = """
import json
import pathlib
import pickle

import numpy
import sklearn.ensemble


def model_fn(model_dir):
    return pickle.loads(pathlib.Path(model_dir, "model.pkl").read_bytes())


def transform_fn(model, data, content_type, accept):
    rows = numpy.array(json.loads(data)).reshape(-1, 4)
    return json.dumps(model.predict(rows).tolist()), "application/json"
"""
BODY = b"[5.1, 3.5, 1.4, 0.2]"


def main() -> None:
    """Measure, print, and write results/multi_model.json."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--small", action="store_true", help="12 models, for a moment")
    parser.add_argument("--models", type=int, default=1000)
    parser.add_argument("--memory", type=int, default=2048, help="MiB of all loaded models")
    chosen = parser.parse_args()
    if chosen.small:
        chosen.models, chosen.memory = 12, 64
    result: dict[str, Any] = {
        "models": chosen.models,
        "budget MiB": chosen.memory,
        "preloaded": round_trips(chosen.models, chosen.memory, "true"),
    }
    if not chosen.small:
        result["each imports for itself"] = one_load("false")
    print(json.dumps(result, indent=2))
    if not chosen.small:
        measure.save("multi_model", {**measure.machine("scikit-learn", "gunicorn"), **result})


def round_trips(count: int, memory: int, preload: str) -> dict[str, Any]:
    """All models in turn, twice; then one that is loaded, alone."""
    with many(count, memory, preload) as (client, server):
        cold: list[float] = []
        used, rounds = [], []
        client.load("warm", 0)
        alone = client.many_times("warm", min(300, 5 * count))
        with client.asking("warm") as beside:
            for _ in range(2):
                began = time.monotonic()
                for number in range(count):
                    cold.append(client.cold(number))
                rounds.append(time.monotonic() - began)
                used.append(memory_of(server.pid))
        return {
            "loads per second": round(2 * count / sum(rounds), 1),
            "loaded at the end": len(client.listed()),
            "cold ms": told(cold),
            "warm ms": told(alone),
            "warm while others load ms": told(beside),
            "MiB after the first round": used[0],
            "MiB after the second round": used[1],
        }


def one_load(preload: str) -> dict[str, Any]:
    """What a model costs in time and memory when it shares no libraries."""
    with many(3, 1024, preload) as (client, server):
        before = memory_of(server.pid)
        seconds = [client.load(f"alone-{number}", number) for number in range(3)]
        grown = (memory_of(server.pid) - before) / 3
        return {"load ms": told(seconds), "MiB a model": round(grown, 1)}


class Client:
    """Requests to one container, over one connection; each gives its seconds."""

    def __init__(self, port: int, models: Path) -> None:
        self.port, self.models = port, models
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)

    def send(self, method: str, path: str, body: bytes | None = None) -> tuple[float, Any]:
        """Seconds and the answer, which is a 200."""
        began = time.perf_counter()
        kind = "application/json" if body is None or body[:1] in b"[{" else "image/jpeg"
        self.connection.request(method, path, body, {"Content-Type": kind})
        answer = self.connection.getresponse()
        text = answer.read()
        assert answer.status == 200, (method, path, answer.status, text)
        return time.perf_counter() - began, json.loads(text)

    def load(self, name: str, number: int) -> float:
        body = {"model_name": name, "url": str(self.models / str(number) / "model")}
        return self.send("POST", "/models", json.dumps(body).encode())[0]

    def invoke(self, name: str) -> float:
        return self.send("POST", f"/models/{name}/invoke", BODY)[0]

    def cold(self, number: int) -> float:
        """Load and ask: what the first request for a model takes."""
        name = f"m{number}"
        if name in {one["modelName"] for one in self.listed()}:
            return self.invoke(name)
        return self.load(name, number) + self.invoke(name)

    def listed(self) -> list[dict[str, str]]:
        found: list[dict[str, str]] = []
        token = ""
        while True:
            page = self.send("GET", f"/models?limit=1000&next_page_token={token}")[1]
            found += page["models"]
            token = page.get("nextPageToken", "")
            if not token:
                return found

    def many_times(self, name: str, times: int) -> list[float]:
        return [self.invoke(name) for _ in range(times)]

    @contextmanager
    def asking(self, name: str) -> Iterator[list[float]]:
        """A model is asked all the time, over another connection; seconds of each request."""
        other, seconds, over = Client(self.port, self.models), [], threading.Event()

        def ask() -> None:
            while not over.wait(0.01):
                seconds.append(other.invoke(name))

        thread = threading.Thread(target=ask)
        thread.start()
        try:
            yield seconds
        finally:
            over.set()
            thread.join()


@contextmanager
def many(count: int, memory: int, preload: str) -> Iterator[tuple[Client, Server]]:
    """A running multi-model `serve` and its models on the disk."""
    with tempfile.TemporaryDirectory() as folder:
        models = Path(folder, "models")
        write_models(models, count)
        environ = {
            "SAGEMAKER_MULTI_MODEL": "true",
            "SAGEMAKER_BASE_DIR": folder,
            "BYOA_ALGORITHM": folder,
            "BYOA_MODELS_MEMORY_MB": str(memory),
            "BYOA_MODELS_EVICT": "lru",
            "BYOA_MODELS_PRELOAD": preload,
        }
        Path(folder, "inference.py").write_text(PREDICTOR)
        with ours(PREDICTOR, **environ) as server:
            client = Client(server.port, models)
            client.load("first", 0)  # the zygote has imported everything after it
            client.send("DELETE", "/models/first")
            yield client, server


def write_models(models: Path, count: int) -> None:
    """The same forest under many names: 50 trees on iris."""
    import sklearn.datasets
    import sklearn.ensemble

    features, labels = sklearn.datasets.load_iris(return_X_y=True)
    forest = sklearn.ensemble.RandomForestClassifier(50, random_state=0).fit(features, labels)
    data = pickle.dumps(forest)
    for number in range(count):
        folder = models / str(number) / "model"
        folder.mkdir(parents=True)
        (folder / "model.pkl").write_bytes(data)


def memory_of(pid: int) -> float:
    """MiB of a process and all below it, shared pages counted once."""
    total, ahead = 0, [pid]
    while ahead:
        one = ahead.pop()
        try:
            ahead += map(int, Path(f"/proc/{one}/task/{one}/children").read_text().split())
            smaps = Path(f"/proc/{one}/smaps_rollup").read_text()
        except OSError:
            continue
        total += next(int(line.split()[1]) for line in smaps.splitlines() if "Pss:" in line)
    return round(total / 1024, 1)


def told(seconds: list[float]) -> dict[str, float]:
    """The median and the slowest, in milliseconds."""
    percents = {"p50": 50, "p99": 99, "max": 100}
    return {
        name: round(1000 * measure.percentile(seconds, percent), 2)
        for name, percent in percents.items()
    }


if __name__ == "__main__":
    os.chdir(measure.ROOT)
    main()
