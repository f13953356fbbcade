"""What HTTP leaves of a model's own throughput, and how soon /ping answers meanwhile.

    python benchmarks/serving_throughput.py [--small] [--only "5 ms"] [--model DIR --picture JPEG]

A predictor that keeps one core busy for 5, 20 and 100 ms, and Mask R-CNN (random weights, or a
trained model's folder), run in as many processes as there are cores: called in a loop with no
server, and behind `serve` with 8, 16, 32 and 64 clients, in turns: each run of clients is compared
with the loop's runs just before and just after.
Goals: at least 95 % of the loop's rate; the 99th percentile of /ping below 50 ms while every worker
computes. Clients and the HTTP tier share the cores with the workers, so what they cost shows.
"""

from __future__ import annotations

import argparse
import http.client
import io
import json
import os
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

ALGORITHM = Path(__file__).resolve().parent.parent / "mask_r_cnn"
sys.path.insert(0, str(ALGORITHM))

import measure
from _load import picture, post
from _servers import Server, mask_r_cnn, ours, until_idle
from _spin import CALL, Alone, alone, predictor

CLIENTS = (8, 16, 32, 64)
SECONDS = {5: 1, 20: 1, 100: 3}
MODEL, MODEL_SECONDS = "Mask R-CNN", 6
GAP = 0.02  # between two pings
QUEUE = {"BYOA_QUEUE_SIZE": "256"}
MODEL_CALL = """
import sys
sys.path.insert(0, {algorithm!r})
import predictor
model = predictor.model_fn({folder!r})
predictor.warm_up_fn(model)
body = open({picture!r}, "rb").read()

def call():
    item = predictor.input_fn(body, "image/jpeg")
    predictor.output_fn(predictor.predict_fn(item, model), "application/json")
"""


def main() -> None:
    """Measure, print, write results/serving_throughput.json and .png."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--small", action="store_true", help="one size of work, for a moment")
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--only", help="5 ms, 20 ms, 100 ms or Mask R-CNN; the others stay")
    parser.add_argument("--model", type=Path, help="a trained model's folder")
    parser.add_argument("--picture", type=Path, help="a JPEG for it")
    chosen = parser.parse_args()
    if chosen.small:
        with spinning(20) as (loop, server, body):
            print("20 ms", measured(loop, server, body, (8,), 1, 1))
        return
    result = kept() if chosen.only else {}
    for work, seconds in SECONDS.items():
        if chosen.only in (None, f"{work} ms"):
            with spinning(work) as (loop, server, body):
                found = measured(loop, server, body, CLIENTS, chosen.turns, seconds)
            result[f"{work} ms"] = found
            print(f"{work} ms", found, flush=True)
    if chosen.only in (None, MODEL):
        with tempfile.TemporaryDirectory() as room:
            jpeg = chosen.picture or write_picture(Path(room))
            folder = chosen.model or random_model(Path(room), jpeg)
            with predicting(folder, jpeg) as (loop, server, body):
                found = measured(loop, server, body, CLIENTS, min(3, chosen.turns), MODEL_SECONDS)
        result[MODEL] = {"model": "trained" if chosen.model else "random", **found}
        print(MODEL, result[MODEL], flush=True)
    facts = {"turns": chosen.turns, "share of the predictor's own rate": result}
    measure.save("serving_throughput", {**measure.machine("gunicorn", "gevent"), **facts})
    bars = {
        f"{name}, {count} clients": 100 * found["share"][str(count)]
        for name, found in result.items()
        for count in CLIENTS
    }
    title = "Rate through HTTP / rate without a server"
    measure.bars("serving_throughput", title, bars, "%")


def kept() -> dict[str, Any]:
    """The results of before."""
    path = measure.RESULTS / "serving_throughput.json"
    found = json.loads(path.read_text())["share of the predictor's own rate"]
    return dict(found)


@contextmanager
def spinning(work: int) -> Iterator[tuple[Alone, Server, bytes]]:
    """The loop, the server and a body for a predictor that takes so many milliseconds."""
    cores, source = len(os.sched_getaffinity(0)), predictor(work)
    with alone(source + CALL, cores) as loop, ours(source, **QUEUE) as server:
        yield loop, server, picture()


@contextmanager
def predicting(folder: Path, jpeg: Path) -> Iterator[tuple[Alone, Server, bytes]]:
    """The same for a Mask R-CNN and a picture."""
    cores = len(os.sched_getaffinity(0))
    names = {"algorithm": str(ALGORITHM), "folder": str(folder), "picture": str(jpeg)}
    with ExitStack() as stack:
        loop = stack.enter_context(alone(MODEL_CALL.format(**names), cores))
        server = stack.enter_context(mask_r_cnn(folder, **QUEUE))
        yield loop, server, jpeg.read_bytes()


def write_picture(room: Path) -> Path:
    """A JPEG of 640 x 480."""
    from _random_models import scene

    scene(640, 480).save(room / "picture.jpg", quality=90)
    return room / "picture.jpg"


def random_model(room: Path, jpeg: Path) -> Path:
    """A MobileNetV2 that works at 320 px."""
    from PIL import Image
    from torchvision.transforms.functional import to_tensor

    from _random_models import calibrated, folder_of, info_of

    info = info_of("mobilenet_v2_fpn", 320, 512)
    with Image.open(io.BytesIO(jpeg.read_bytes())) as image:
        plain = calibrated(info, to_tensor(image.convert("RGB")))
    return folder_of(plain, info, room / "model")


def measured(
    loop: Alone, server: Server, body: bytes, clients: tuple[int, ...], turns: int, seconds: int
) -> dict[str, Any]:
    """Shares by number of clients and /ping's milliseconds."""
    own: list[float] = []
    shares: dict[int, list[float]] = {count: [] for count in clients}
    loop.rate(0.5)
    post(server.port, server.path, body, 8, 1)
    until_idle(server, body)
    own.append(loop.rate(seconds))
    for count in [count for _ in range(turns) for count in clients]:
        load = post(server.port, server.path, body, count, seconds)
        assert not load.errors, load
        until_idle(server, body)
        own.append(loop.rate(seconds))
        shares[count].append(load.rate / statistics.mean(own[-2:]))
    pings = pinged(server, body, max(3, seconds * turns // 2))
    return {
        "own rate": round(statistics.median(own), 1),
        "share": {str(count): round(statistics.median(each), 3) for count, each in shares.items()},
        "share of all": round(
            statistics.median(one for each in shares.values() for one in each), 3
        ),
        "ping p50 ms": round(measure.percentile(pings, 50), 2),
        "ping p99 ms": round(measure.percentile(pings, 99), 2),
        "pings": len(pings),
    }


def pinged(server: Server, body: bytes, seconds: int) -> list[float]:
    """Milliseconds of every /ping, each over a connection of its own, while 16 clients post."""
    load = threading.Thread(target=post, args=(server.port, server.path, body, 16, seconds))
    load.start()
    time.sleep(0.2)
    found = []
    while load.is_alive():
        began = time.perf_counter()
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=5)
        connection.request("GET", "/ping")
        answer = connection.getresponse()
        answer.read()
        assert answer.status == 200
        connection.close()
        found.append((time.perf_counter() - began) * 1000)
        time.sleep(GAP)
    load.join()
    return found


if __name__ == "__main__":
    main()
