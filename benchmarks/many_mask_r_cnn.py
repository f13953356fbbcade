"""A dozen Mask R-CNNs behind one multi-model `serve` on a CPU: loads, requests, memory, the budget.

    python benchmarks/many_mask_r_cnn.py [--small]

Copies of one model with a MobileNet (86 MB on the disk), each with files of its own. Cold is a load
and the first answer; memory is Pss, which counts shared pages once. Then the budget is too small
for all: how many fit before a 507, and what they really have. Last, models are asked at once.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import measure
from _servers import Server, free_port, running, wait_ready
from multi_model import Client, memory_of, told

sys.path.insert(0, str(measure.ROOT / "mask_r_cnn"))
SERVE = measure.ROOT / "container" / "bin" / "serve"
BUDGET = 1024  # MiB


def main() -> None:
    """Measure, print, and write results/many_mask_r_cnn.json."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--small", action="store_true", help="two models, nothing is written")
    parser.add_argument("--models", type=int, default=12)
    chosen = parser.parse_args()
    count = 2 if chosen.small else chosen.models
    with tempfile.TemporaryDirectory() as place:
        body = write_models(Path(place), count)
        result: dict[str, Any] = {"models": count, **one_by_one(Path(place), body, count)}
        if not chosen.small:
            result |= {"budget MiB": BUDGET, **until_507(Path(place), body, count)}
            result |= with_one_thread(Path(place), body, count)
    print(json.dumps(result, indent=2))
    if not chosen.small:
        measure.save("many_mask_r_cnn", {**measure.machine("openvino", "gunicorn"), **result})


def one_by_one(place: Path, body: bytes, count: int) -> dict[str, Any]:
    """All loaded, none unloaded: seconds and memory of each, then several asked at once."""
    with many(place, body) as (client, server):
        before = memory_of(server.pid)
        loads, firsts, used = [], [], []
        for number in range(count):
            loads.append(client.load(f"m{number}", number))
            firsts.append(client.invoke(f"m{number}"))
            used.append(memory_of(server.pid))
        warm = [client.invoke(f"m{number}") for _ in range(4) for number in range(count)]
        grown = (used[-1] - used[0]) / (count - 1)
        return {
            "load ms": told(loads),
            "first request ms": told(firsts),
            "warm ms": told(warm),
            "MiB without a model": before,
            "MiB of the first": round(used[0] - before, 1),
            "MiB of each further one": round(grown, 1),
            "requests a second": rates(client, count),
        }


def with_one_thread(place: Path, body: bytes, count: int) -> dict[str, Any]:
    """What a model's process with one thread gives, alone and beside others."""
    with many(place, body, OMP_NUM_THREADS="1") as (client, _):
        for number in range(4):
            client.load(f"m{number}", number)
            client.invoke(f"m{number}")
        warm = told(client.many_times("m0", 12))
        return {"one thread each": {"warm ms": warm, "requests a second": rates(client, count)}}


def rates(client: Asking, count: int) -> dict[str, float]:
    """Requests a second while some models are asked at once."""
    some = [models for models in (1, 2, 4) if models <= count]
    return {f"{models} asked at once": at_once(client, models) for models in some}


def at_once(client: Asking, models: int) -> float:
    """Requests a second of so many clients, each of a model of its own."""
    clients = [Asking(client.port, client.models, client.body) for _ in range(models)]
    threads = [
        threading.Thread(target=one.many_times, args=(f"m{number}", 12))
        for number, one in enumerate(clients)
    ]
    began = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return round(12 * models / (time.monotonic() - began), 1)


def until_507(place: Path, body: bytes, count: int) -> dict[str, Any]:
    """How many fit into the budget, and what they then really have."""
    with many(place, body, BYOA_MODELS_MEMORY_MB=str(BUDGET)) as (client, server):
        before = memory_of(server.pid)
        for number in range(count):
            if not client.loads(number):
                used = memory_of(server.pid) - before
                return {"fit before a 507": number, "MiB of those": round(used, 1)}
            client.many_times(f"m{number}", 2)
            time.sleep(1.1)  # its memory is looked at every second
        return {"fit before a 507": count}


class Asking(Client):
    """Requests with a picture."""

    def __init__(self, port: int, models: Path, body: bytes) -> None:
        super().__init__(port, models)
        self.body = body

    def invoke(self, name: str) -> float:
        return self.send("POST", f"/models/{name}/invoke", self.body)[0]

    def loads(self, number: int) -> bool:
        """Whether there was room for it."""
        try:
            self.load(f"m{number}", number)
        except AssertionError as refused:
            assert "no_memory" in str(refused), refused
            return False
        return True


@contextmanager
def many(place: Path, body: bytes, **environ: str) -> Iterator[tuple[Asking, Server]]:
    """A running multi-model `serve` of Mask R-CNN, as the serving image starts it."""
    port = free_port()
    variables = {
        "SAGEMAKER_MULTI_MODEL": "true",
        "SAGEMAKER_BASE_DIR": str(place),
        "SAGEMAKER_BIND_TO_PORT": str(port),
        "BYOA_BIND_TO_ADDRESS": "127.0.0.1",
        "BYOA_ALGORITHM": str(measure.ROOT / "mask_r_cnn"),
        "MASK_R_CNN_ENGINE": "openvino",
        **environ,
    }
    with running([sys.executable, str(SERVE)], str(place), variables) as pid:
        wait_ready(port, "/ping")
        client = Asking(port, place / "models", body)
        client.load("first", 0)  # the zygote has imported everything after it
        client.send("DELETE", "/models/first")
        yield client, Server(port, "/models", pid)


def write_models(place: Path, count: int) -> bytes:
    """The same model under many names, each copied; a picture to ask about."""
    from torchvision.transforms.functional import to_tensor

    from _random_models import calibrated, folder_of, info_of, scene

    info, picture = info_of("mobilenet_v2_fpn", 320, 512), scene(640, 480)
    first = place / "models" / "0" / "model"
    folder_of(calibrated(info, to_tensor(picture)), info, first)
    for number in range(1, count):
        shutil.copytree(first, place / "models" / str(number) / "model")
    data = io.BytesIO()
    picture.save(data, "JPEG")
    return data.getvalue()


if __name__ == "__main__":
    os.chdir(measure.ROOT)
    main()
