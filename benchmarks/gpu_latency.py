"""Predictions on a GPU: JPEG to JSON one by one and in batches, and what HTTP leaves of that.

    python benchmarks/gpu_latency.py [--small] [--device cpu] [--model FOLDER]

The served functions of mask_r_cnn/predictor.py, called in this process: latency of one request at
800 px, 50th and 99th percentile; batches of eight with decoding and encoding in threads beside it;
and the real `serve` under load. Without --model the weights are random, and ten detections are
given out a picture. Goals on an H100: 12 ms, 150 pictures a second, 90 % of that through HTTP.
"""

from __future__ import annotations

import argparse
import io
import os
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

ALGORITHM = Path(__file__).resolve().parent.parent / "mask_r_cnn"
sys.path.insert(0, str(ALGORITHM))

import torch
from PIL import Image

import measure
from _load import post
from _looks import looked
from _scenes import write_scenes
from _servers import mask_r_cnn
from model import build_model, save_model
from model_info import ModelInfo

NEEDS = ("gpu",)
JSON, JPEG = "application/json", "image/jpeg"
AT_ONCE = 8
CLIENTS = 32


class Asked:
    """How a server would call the predictor."""

    def __init__(self, folder: Path, device: torch.device) -> None:
        import predictor

        self.predictor = predictor
        self.model = predictor.model_fn(str(folder))
        predictor.warm_up_fn(self.model)
        self.device = device

    def one(self, body: bytes) -> bytes:
        """The answer to one request."""
        item = self.predictor.input_fn(body, JPEG)
        answer, _ = self.predictor.output_fn(self.predictor.predict_fn(item, self.model), JSON)
        return bytes(answer)

    def latencies(self, bodies: list[bytes], count: int) -> list[float]:
        """Milliseconds of so many requests, one after the other."""
        found = []
        for number in range(count):
            began = time.perf_counter()
            self.one(bodies[number % len(bodies)])
            found.append(1000 * (time.perf_counter() - began))
        return found

    def rate(self, bodies: list[bytes], count: int, threads: int) -> float:
        """Pictures a second in batches: others are decoded and encoded while one is predicted."""
        wanted = [[bodies[(n + k) % len(bodies)] for k in range(AT_ONCE)] for n in range(count)]
        read, predict = self.predictor.input_fn, self.predictor.predict_batch_fn
        with ThreadPoolExecutor(threads) as pool:
            coming = [pool.submit(read, body, JPEG) for body in wanted[0]]
            began, answers = time.perf_counter(), []
            for after in [*wanted[1:], []]:
                items = [one.result() for one in coming]
                coming = [pool.submit(read, body, JPEG) for body in after]
                for found in predict(items, self.model):
                    answers.append(pool.submit(self.predictor.output_fn, found, JSON))
            for answer in answers:
                answer.result()
            return count * AT_ONCE / (time.perf_counter() - began)


def model_folder(room: Path, small: bool) -> Path:
    """A model with random weights that finds ten things in every picture."""
    sizes = (64, 96) if small else (800, 1333)
    info = ModelInfo(
        backbone="mobilenet_v2_fpn" if small else "resnet50_fpn",
        norm="frozen",
        class_names=("round", "pointed"),
        category_ids=(1, 2),
        min_size=sizes[0],
        max_size=sizes[1],
        score_threshold=0.0,
        max_detections=10,
    )
    torch.manual_seed(0)
    save_model(room / "model", build_model(info).state_dict(), info)
    return room / "model"


def jpegs(room: Path, size: tuple[int, int]) -> list[bytes]:
    """Pictures of the size that the model works at."""
    files = sorted(write_scenes(room / "scenes", 16, 8, size).glob("*.jpg"))
    return [as_jpeg(path) for path in files]


def as_jpeg(path: Path) -> bytes:
    """The picture as a camera would have it."""
    file = io.BytesIO()
    with Image.open(path) as image:
        image.convert("RGB").save(file, "JPEG", quality=90)
    return file.getvalue()


def through_http(model: Path, body: bytes, device: torch.device, seconds: int) -> dict[str, Any]:
    """Pictures a second through the real `serve`, and the clients' milliseconds."""
    variables = {
        "MASK_R_CNN_ENGINE": "torch",
        "SAGEMAKER_MODEL_SERVER_WORKERS": "1",
        "BYOA_QUEUE_SIZE": "256",
    }
    clients = CLIENTS if device.type == "cuda" else 2
    with mask_r_cnn(model, **variables) as server:
        post(server.port, server.path, body, clients, 1)
        load = post(server.port, server.path, body, clients, seconds)
    if load.errors:
        raise SystemExit(f"{load.errors} requests failed")
    return {"clients": clients, "pictures_a_second": round(load.rate, 1), "p50": load.p50}


def measured(room: Path, device: torch.device, small: bool, model: Path | None) -> dict[str, Any]:
    """All figures."""
    model = model or model_folder(room, small)
    bodies = jpegs(room, (96, 64) if small else (1333, 800))
    asked = Asked(model, device)
    count = 3 if small else 300
    asked.latencies(bodies, 2 if small else 30)
    found = asked.latencies(bodies, count)
    threads = max(2, min(16, len(os.sched_getaffinity(0))))
    asked.rate(bodies, 1 if small else 5, threads)
    rate = asked.rate(bodies, 2 if small else 60, threads)
    http = through_http(model, bodies[0], device, 1 if small else 20)
    return {
        "one_request_ms": {
            "p50": round(measure.percentile(found, 50), 2),
            "p99": round(measure.percentile(found, 99), 2),
        },
        "answer_bytes": len(asked.one(bodies[0])),
        "batches_of_8_pictures_a_second": round(rate, 1),
        "through_http": {**http, "share": round(http["pictures_a_second"] / rate, 3)},
        "waits_a_request": looked(device, lambda: asked.one(bodies[0])),
    }


def main() -> int:
    """Measure, print and keep."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--small", action="store_true", help="a small network at 64 px: a try")
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    parser.add_argument("--model", type=Path, help="the folder of a trained model")
    chosen = parser.parse_args()
    device = torch.device(chosen.device)
    if device.type == "cuda" and not torch.cuda.is_available():
        parser.error("no GPU is here: --device cpu --small tries it")
    os.environ["MASK_R_CNN_ENGINE"] = "torch"
    with tempfile.TemporaryDirectory() as room:
        result = measured(Path(room), device, chosen.small, chosen.model)
    print(result)
    if chosen.small or device.type == "cpu":
        return 0
    facts = {**measure.machine("torch", "torchvision"), "gpu": torch.cuda.get_device_name(device)}
    measure.save("gpu_latency", {**facts, **result})
    drawn = {name: float(value) for name, value in result["one_request_ms"].items()}
    measure.bars("gpu_latency", f"JPEG to JSON at 800 px, {facts['gpu']}", drawn, "ms")
    return 0


if __name__ == "__main__":
    sys.exit(main())
