"""One request on one CPU thread, JPEG in and JSON out: the AWS sample's way, torchvision's, ours.

Five ways in turns, CPU time, from the bytes of a 640 x 480 JPEG to the bytes of the answer:
 sample       stock torchvision, picture by PIL, json.dumps of all that the model gives as lists;
 torchvision  the same model, masks pasted, thresholded and encoded by pycocotools, JSON;
 ours torch, ours openvino   input_fn, predict_fn and output_fn of mask_r_cnn/predictor.py;
 ours int8    the last one in int8, as it serves a model whose training job found it good enough.
All have the same weights: random ones whose normalisations know the picture (`_random_models.py`);
time does not depend on what is found, only on how much. Ten detections come out because every way
is asked for the ten best. The AWS sample's way is what its documentation describes, not its code.

Then, for our default engine: what the first request of a size costs that it never had.

    python benchmarks/one_request.py [--small] [--model FOLDER --picture JPEG]
"""

from __future__ import annotations

import argparse
import io
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar
from unittest.mock import patch

os.environ["OMP_NUM_THREADS"] = "1"
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "mask_r_cnn"))

import numpy as np
import torch
from PIL import Image
from pycocotools import mask as coco_mask
from torchvision.models.detection import MaskRCNN
from torchvision.transforms.functional import to_tensor

import measure
import predictor
from _plain_torchvision import plain_model
from _random_models import calibrated, folder_of, info_of, scene
from engines import PRECISION, VARIABLE, Engine
from int8_network import measured_ranges
from model import load_model
from model_info import read_info
from quantization import QUANTIZATION_NAME, Quantization, fingerprint, save_quantization

PACKAGES = ("torch", "torchvision", "openvino", "numpy", "pillow", "pycocotools")
SAMPLE, PLAIN = "sample", "torchvision"
TORCH, OPENVINO, INT8 = "ours torch", "ours openvino", "ours int8"
# name: engine and precision, what MASK_R_CNN_ENGINE and MASK_R_CNN_PRECISION say
OURS = {
    TORCH: ("torch", "auto"),
    OPENVINO: ("openvino", "bf16"),
    INT8: ("openvino", "int8"),
}
DETECTIONS = 10
# backbone, short side, rounds
SETTINGS = (("resnet50_fpn", 512, 5), ("resnet50_fpn", 800, 3), ("mobilenet_v2_fpn", 512, 7))
Way = Callable[[bytes], bytes]


class Client:
    """What the server's context tells predictor.py of a request."""

    deadline = None

    query: ClassVar = {"max_detections": str(DETECTIONS)}

    def get_request_header(self, index: int, name: str) -> str:
        """No header is sent."""
        return ""


def main() -> int:
    """Measure, save, draw."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--small", action="store_true", help="tiny pictures; nothing is written")
    parser.add_argument("--model", type=Path, help="a trained model's folder; nothing is written")
    parser.add_argument("--picture", type=Path, help="the JPEG to ask it about")
    chosen = parser.parse_args()
    small = chosen.small
    torch.set_num_threads(1)
    if chosen.model is not None:
        print(json.dumps(trained(chosen.model, chosen.picture.read_bytes()), indent=1))
        return 0
    settings = (("mobilenet_v2_fpn", 64, 2),) if small else SETTINGS
    with tempfile.TemporaryDirectory() as place:
        found = {
            f"{backbone} {side} px": one_setting(Path(place), backbone, side, rounds)
            for backbone, side, rounds in settings
        }
        engine = OpenVino(Path(place) / f"{settings[-1][0]}-{settings[-1][1]}")
        result = {
            "machine": measure.machine(*PACKAGES),
            "requests": found,
            "first_of_a_size": first_requests(engine.loaded, 4 if small else 12),
        }
    print(json.dumps(result, indent=1))
    if not small:
        measure.save("one_request", result)
        draw(found)
    return 0


class OpenVino:
    """Our default engine of a model folder, in int8, warm."""

    def __init__(self, folder: Path) -> None:
        with patch.dict(os.environ, {VARIABLE: "openvino", PRECISION: "int8"}):
            self.loaded = predictor.model_fn(str(folder))
        predictor.warm_up_fn(self.loaded)


def one_setting(place: Path, backbone: str, side: int, rounds: int) -> dict[str, Any]:
    """Milliseconds, bytes and detections of every way, and the ratios."""
    width, height = (640, 480) if side >= 512 else (160, 120)
    buffer = io.BytesIO()
    scene(width, height).save(buffer, "JPEG", quality=90)
    body = buffer.getvalue()
    return compared(random_ways(place, info_of(backbone, side), body), body, rounds)


def trained(folder: Path, body: bytes) -> dict[str, Any]:
    """The same of a trained model, whose proposals are fewer."""
    info = read_info(folder)
    sizes = (info.min_size, info.max_size)
    plain = plain_model(info.backbone, info.norm, info.num_classes, sizes).eval()
    plain.load_state_dict(load_model(folder)[0].state_dict())
    return compared(ways_of(plain, folder), body, rounds=7)


def compared(ways: dict[str, Way], body: bytes, rounds: int) -> dict[str, Any]:
    """The ways in turns."""
    answers = {name: way(body) for name, way in ways.items()}
    times = measure.interleaved(
        {name: lambda way=way: way(body) for name, way in ways.items()},  # type: ignore[misc]
        rounds,
    )
    return {
        "milliseconds": measure.milliseconds(times),
        "times_as_fast": {
            name: {peer: round(measure.ratio(times, peer, name), 2) for peer in (SAMPLE, PLAIN)}
            for name in OURS
            if name in ways
        },
        "answer_bytes": {name: len(answer) for name, answer in answers.items()},
        "detections": {name: counted(answer) for name, answer in answers.items()},
        "jpeg_bytes": len(body),
        "rounds": rounds,
    }


def random_ways(place: Path, info: Any, body: bytes) -> dict[str, Way]:
    """The five ways with one set of random weights."""
    image = Image.open(io.BytesIO(body)).convert("RGB")
    plain = calibrated(info, to_tensor(image))
    folder = folder_of(plain, info, place / f"{info.backbone}-{info.min_size}")
    network, _ = load_model(folder)
    ranges = measured_ranges(network, info, iter([np.array(image)]))
    save_quantization(folder, Quantization(ranges, fingerprint(network.state_dict())))
    return ways_of(plain, folder)


def ways_of(plain: MaskRCNN, folder: Path) -> dict[str, Way]:
    """The ways from a JPEG to JSON: plain torchvision's model, and its folder for ours."""
    plain.roi_heads.detections_per_img = DETECTIONS
    ways: dict[str, Way] = {
        SAMPLE: lambda jpeg: sample_way(plain, jpeg),
        PLAIN: lambda jpeg: plain_way(plain, jpeg),
    }
    for name, (engine, precision) in OURS.items():
        if precision == "int8" and not (folder / QUANTIZATION_NAME).is_file():
            continue  # trained without held-out pictures
        with patch.dict(os.environ, {VARIABLE: engine, PRECISION: precision}):
            model = predictor.model_fn(str(folder))
        torch.set_num_threads(1)
        ways[name] = lambda jpeg, model=model: our_way(model, jpeg)  # type: ignore[misc]
    return ways


@torch.inference_mode()
def sample_way(model: MaskRCNN, jpeg: bytes) -> bytes:
    """All that the model gives, as lists of numbers."""
    output = model([to_tensor(Image.open(io.BytesIO(jpeg)).convert("RGB"))])[0]
    return json.dumps({name: value.tolist() for name, value in output.items()}).encode()


@torch.inference_mode()
def plain_way(model: MaskRCNN, jpeg: bytes) -> bytes:
    """COCO results, the masks encoded by pycocotools."""
    output = model([to_tensor(Image.open(io.BytesIO(jpeg)).convert("RGB"))])[0]
    bits = (output["masks"][:, 0] > 0.5).numpy().astype(np.uint8)
    rles = [coco_mask.encode(np.asfortranarray(one)) for one in bits]
    results = [
        {
            "image_id": 1,
            "category_id": label,
            "score": score,
            "bbox": [x0, y0, x1 - x0, y1 - y0],
            "segmentation": {"size": rle["size"], "counts": rle["counts"].decode("ascii")},
        }
        for label, score, (x0, y0, x1, y1), rle in zip(
            output["labels"].tolist(), output["scores"].tolist(), output["boxes"].tolist(), rles
        )
    ]
    return json.dumps(results).encode()


def our_way(model: Engine, jpeg: bytes) -> bytes:
    """What a model process does with a request."""
    context = Client()
    item = predictor.input_fn(jpeg, "image/jpeg", context)
    return predictor.output_fn(predictor.predict_fn(item, model, context), "application/json")[0]


def counted(answer: bytes) -> int:
    """The detections in an answer of any of the ways."""
    told = json.loads(answer)
    if isinstance(told, list):
        return len(told)
    return len(told["scores"] if "scores" in told else told["predictions"][0]["detections"])


def first_requests(engine: Engine, sizes: int) -> dict[str, float]:
    """CPU time of the first request of a size by that of the next ones, over sizes never seen."""
    side, ratios = engine.info.min_size, []
    for number in range(sizes):
        long = side * (40 + 3 * number) // 32
        shape = (side, long) if number % 2 else (long, side)
        image = np.asarray(scene(shape[1], shape[0]))
        spent = [cpu_of(lambda image=image: engine.predict([image])) for _ in range(4)]  # type: ignore[misc]
        ratios.append(spent[0] / statistics.median(spent[1:]))
    return {"first": round(ratios[0], 3), "median": round(statistics.median(ratios), 3)}


def cpu_of(work: Callable[[], Any]) -> float:
    """CPU seconds of a call."""
    began = time.process_time()
    work()
    return time.process_time() - began


def draw(found: dict[str, Any]) -> None:
    """How many times as fast as the sample's way, one bar a way and setting."""
    values = {
        f"{name.removeprefix('ours ')}, {setting}": figures["times_as_fast"][name][SAMPLE]
        for setting, figures in found.items()
        for name in OURS
    }
    measure.bars(
        "one_request", "One request: times as fast as the AWS sample's way", values, "times"
    )


if __name__ == "__main__":
    raise SystemExit(main())
