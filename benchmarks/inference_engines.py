"""Engines beside each other on one CPU thread: torch, torch.compile, ONNX Runtime, OpenVINO.

The dense part of Mask R-CNN (ResNet-50, pyramid and RPN head at 512 x 704, where most of the time
goes) in every engine, in turns: CPU milliseconds, times as fast as plain torchvision in eager
float32, seconds from weights to the first answer, and the largest error of any output by its
largest value. Then whole models where an engine runs them: plain torchvision, and ours by torch and
by OpenVINO, boxes and masks included. Random weights (`_random_models.py`): what bfloat16 costs in
AP is measured with trained ones by benchmarks/accuracy.py.

    python benchmarks/inference_engines.py [--small]     goes on in the environment of the peers
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

os.environ["OMP_NUM_THREADS"] = "1"
HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "mask_r_cnn")]

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torchvision.transforms.functional import to_tensor

import measure
from _random_models import calibrated, folder_of, info_of, scene
from int8_network import measured_ranges
from model import load_model
from openvino_engine import OpenVinoEngine
from quantization import Range
from torch_engine import TorchEngine

Array = NDArray[np.float32]
EAGER = "torchvision, eager fp32"
PACKAGES = ("torch", "torchvision", "onnxruntime", "openvino", "numpy")


@dataclass(frozen=True)
class Dense:
    """An engine that is ready: a call gives all maps, logits and deltas."""

    run: Callable[[], Any]
    arrays: Callable[[Any], list[Array]]
    ready: float  # seconds from weights to the first answer


class Part(nn.Module):
    """The dense part of a model: pyramid and RPN head."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.backbone, self.head = model.backbone, model.rpn.head

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """The maps, then the logits and the deltas of each."""
        maps = list(self.backbone(x).values())
        logits, deltas = self.head(maps)
        return (*maps, *logits, *deltas)


def main() -> int:
    """Run in the peers' environment; measure, save, draw."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--small", action="store_true", help="tiny pictures; nothing is written")
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if not chosen.here:
        words = ["--small"] * chosen.small
        return subprocess.call([measure.peers(), __file__, "--here", *words])
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as place:
        # A container starts without what torch.compile made before.
        os.environ["TORCHINDUCTOR_CACHE_DIR"] = str(Path(place) / "inductor")
        result = measured(Path(place), chosen.small)
    print(json.dumps(result, indent=1))
    if not chosen.small:
        measure.save("inference_engines", result)
        values = {name: row["times_as_fast"] for name, row in result["dense"].items()}
        measure.bars(
            "inference_engines", "Dense part of R50-FPN: times as fast as eager", values, "times"
        )
    return 0


@torch.inference_mode()
def measured(place: Path, small: bool) -> dict[str, Any]:
    """Both tables."""
    backbone = "resnet18_fpn" if small else "resnet50_fpn"
    info = info_of(backbone, 64 if small else 512)
    image = scene(96, 64) if small else scene(704, 512)
    plain = calibrated(info, to_tensor(image))
    folder = folder_of(plain, info, place / "model")
    pixels = np.array(image)
    x = _normalised(pixels)
    rounds = 2 if small else 7
    return {
        "machine": measure.machine(*PACKAGES),
        "picture": [image.height, image.width],
        "dense": dense_table(dense_engines(plain, folder, x, pixels, small), rounds),
        "whole": whole_table(plain, folder, pixels, rounds),
    }


def dense_engines(
    plain: Any, folder: Path, x: Tensor, pixels: NDArray[np.uint8], small: bool
) -> dict[str, Dense]:
    """Every engine, loaded and asked once."""
    network, info = load_model(folder)
    ranges = measured_ranges(network, info, iter([pixels]))
    eager = Part(plain)
    ours = Part(network)
    last = x.contiguous(memory_format=torch.channels_last)
    found = {
        EAGER: _torch(lambda: eager, x),
        "ours, eager fp32": _torch(lambda: ours, last),
        "ours, eager bf16": _torch(lambda: ours, last, bf16=True),
    }
    if not small:
        found["torch.compile fp32"] = _torch(lambda: torch.compile(ours), last)
        found["torch.compile bf16"] = _torch(lambda: torch.compile(ours), last, bf16=True)
    found["ONNX Runtime fp32"] = _onnx_runtime(eager, x, folder / "dense.onnx")
    for precision in ("f32", "bf16"):
        found[f"OpenVINO {precision}"] = _openvino(folder, x, precision)
    found["OpenVINO int8"] = _openvino(folder, x, "bf16", ranges)
    return found


def _torch(make: Callable[[], Any], x: Tensor, bf16: bool = False) -> Dense:
    began = time.perf_counter()
    module = make()

    def run() -> Any:
        with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16, enabled=bf16):
            return module(x)

    run()
    ready = time.perf_counter() - began
    return Dense(run, lambda answer: [part.float().numpy() for part in answer], ready)


def _onnx_runtime(module: nn.Module, x: Tensor, path: Path) -> Dense:
    import onnxruntime  # type: ignore[import-not-found]  # only the peers' environment has it

    began = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(module, (x,), path, dynamo=False)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    feed = {session.get_inputs()[0].name: x.numpy()}
    session.run(None, feed)
    ready = time.perf_counter() - began
    return Dense(lambda: session.run(None, feed), list, ready)


def _openvino(
    folder: Path, x: Tensor, precision: str, ranges: Mapping[str, Range] | None = None
) -> Dense:
    from openvino import Core, Model, PartialShape, Type, op

    from graph import _rpn_head
    from graph_bodies import pyramid
    from graph_layers import Layers
    from graph_values import sharing
    from model_info import WEIGHTS_NAME, read_info
    from openvino_engine import _settings
    from weights_file import mapped_weights

    began = time.perf_counter()
    info, core = read_info(folder), Core()
    with sharing():
        layers = Layers(mapped_weights(folder / WEIGHTS_NAME), ranges)
        picture = op.Parameter(Type.f32, PartialShape([1, 3, -1, -1]))
        maps = pyramid(layers, info.backbone, picture)
        heads = [_rpn_head(layers, feature) for feature in maps]
        values = [*maps, *(head[0] for head in heads), *(head[1] for head in heads)]
        results = [op.Result(getattr(value, "output", lambda _, v=value: v)(0)) for value in values]
    settings = {**_settings(core, info), "INFERENCE_PRECISION_HINT": precision}
    request = core.compile_model(
        Model(results, [picture], "dense"), "CPU", settings
    ).create_infer_request()
    array = x.numpy()
    request.infer([array])
    ready = time.perf_counter() - began
    return Dense(
        lambda: request.infer([array], share_inputs=True, share_outputs=True),
        lambda answer: [np.array(part) for part in answer.values()],
        ready,
    )


def dense_table(engines: dict[str, Dense], rounds: int) -> dict[str, Any]:
    """A row an engine."""
    truth = engines[EAGER].arrays(engines[EAGER].run())
    times = measure.interleaved({name: one.run for name, one in engines.items()}, rounds)
    medians = measure.milliseconds(times)
    return {
        name: {
            "milliseconds": medians[name],
            "times_as_fast": round(measure.ratio(times, EAGER, name), 2),
            "seconds_to_ready": round(one.ready, 2),
            "largest_error": float(f"{_error(one.arrays(one.run()), truth):.1e}"),
        }
        for name, one in engines.items()
    }


def whole_table(plain: Any, folder: Path, pixels: NDArray[np.uint8], rounds: int) -> dict[str, Any]:
    """Milliseconds and times as fast of whole models, ten detections with their masks."""
    picture = to_tensor(pixels)
    plain.roi_heads.detections_per_img = 10
    ways: dict[str, Callable[[], Any]] = {EAGER: lambda: plain([picture])}
    for name, engine in (("torch", TorchEngine), ("openvino", OpenVinoEngine)):
        for precision in ("fp32", "bf16"):
            model = _as(engine, folder, precision)
            torch.set_num_threads(1)
            ways[f"ours, {name} {precision}"] = lambda model=model: model.predict(  # type: ignore[misc]
                [pixels], max_detections=10
            )
    times = measure.interleaved(ways, rounds)
    medians = measure.milliseconds(times)
    return {
        name: {
            "milliseconds": medians[name],
            "times_as_fast": round(measure.ratio(times, EAGER, name), 2),
        }
        for name in ways
    }


def _as(engine: Any, folder: Path, precision: str) -> Any:
    told = json.loads((folder / "model.json").read_text(encoding="utf-8"))
    (folder / "model.json").write_text(json.dumps({**told, "precision": precision}))
    return engine(folder)


def _error(found: list[Array], truth: list[Array]) -> float:
    return max(
        float(np.abs(one - true).max() / max(1e-9, float(np.abs(true).max())))
        for one, true in zip(found, truth, strict=True)
    )


def _normalised(pixels: NDArray[np.uint8]) -> Tensor:
    mean, std = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    planes: Tensor = (to_tensor(pixels) - mean.view(-1, 1, 1)) / std.view(-1, 1, 1)
    return planes[None]


if __name__ == "__main__":
    raise SystemExit(main())
