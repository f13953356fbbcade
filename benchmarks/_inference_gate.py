"""The same weights asked by plain torchvision in float32 and by each of our engines: AP of each."""

from __future__ import annotations

import importlib.util
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any
from unittest.mock import patch

import torch
from torchvision.models.detection import MaskRCNN

from _plain_torchvision import plain_answers, plain_model
from dataset import Dataset
from engines import PRECISION, VARIABLE, load_engine
from evaluation import Detection, evaluate
from instances import Picture
from int8_gate import ranges_from
from model import load_model
from model_info import INFO_NAME, WEIGHTS_NAME, read_info
from pictures import read_picture
from quantization import QUANTIZATION_NAME, Quantization, fingerprint, save_quantization
from resize import resize_picture

Figures = dict[str, float]
BASE = "torchvision fp32"
# (engine, precision): what a user can choose. int8 is gated whatever the model's own job thought.
WAYS = (
    ("torch", "fp32"),
    ("torch", "bf16"),
    ("openvino", "fp32"),
    ("openvino", "bf16"),
    ("openvino", "int8"),
)
# JPEGs decoded at a half or less, as the loader does it in training and no engine in serving: the
# drop is what training and serving differ by.
REDUCED = "torch bf16, JPEG decoded as in training"
LOWEST_SCORE, MOST = 0.05, 100


def ways(held_out: Dataset) -> list[str]:
    """Every way in which these pictures can be asked for here, the base first."""
    has = importlib.util.find_spec("openvino") is not None
    found = [f"{engine} {precision}" for engine, precision in WAYS if has or engine != "openvino"]
    jpegs = all(picture.path.suffix == ".jpg" for picture in held_out.pictures)
    return [BASE, *found, *([REDUCED] if jpegs else [])]


def inference_gate(
    folder: Path, training: Dataset, held_out: Dataset, wanted: Sequence[str]
) -> Iterator[tuple[str, Figures]]:
    """Box and mask AP of a model folder on held-out pictures, in percent, by each of these ways."""
    with with_ranges(folder, training) as whole:
        for way in wanted:
            yield way, _figures(held_out, _asked(whole, way, held_out.pictures))


def _asked(folder: Path, way: str, pictures: Sequence[Picture]) -> dict[int, list[Detection]]:
    if way == BASE:
        return plain_answers(_plain(folder), pictures)
    engine, precision = ("torch", "bf16") if way == REDUCED else way.split()
    with patch.dict(os.environ, {VARIABLE: engine, PRECISION: precision}):
        return _answers(folder, pictures, reduced=way == REDUCED)


def drops(found: Mapping[str, Mapping[str, Any]]) -> dict[str, Figures]:
    """By how many points each way is below plain torchvision; negative is above."""
    base = found[BASE]
    return {
        way: {name: round(base[name] - figures[name], 3) for name in ("bbox", "segm")}
        for way, figures in found.items()
        if way != BASE
    }


def _plain(folder: Path) -> MaskRCNN:
    info = read_info(folder)
    sizes = (info.min_size, info.max_size)
    model = plain_model(info.backbone, info.norm, info.num_classes, sizes)
    model.load_state_dict(load_model(folder)[0].state_dict())
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS") or torch.get_num_threads()))
    return model.eval()


@contextmanager
def with_ranges(folder: Path, training: Dataset) -> Iterator[Path]:
    """The model's folder with a quantization.json, measured now where its job wrote none."""
    with tempfile.TemporaryDirectory() as text:
        place = Path(text)
        for name in (INFO_NAME, WEIGHTS_NAME):
            (place / name).symlink_to((folder / name).resolve())
        if (folder / QUANTIZATION_NAME).is_file():
            (place / QUANTIZATION_NAME).symlink_to((folder / QUANTIZATION_NAME).resolve())
        else:
            network, info = load_model(folder)
            ranges = ranges_from(network, info, training.pictures)
            save_quantization(place, Quantization(ranges, fingerprint(network.state_dict())))
        yield place


def _answers(
    folder: Path, pictures: Sequence[Picture], reduced: bool = False
) -> dict[int, list[Detection]]:
    engine = load_engine(folder, None)
    found = {}
    for picture in pictures:

        def reread(_: Any, height: int, width: int, path: Path = picture.path) -> Any:
            return resize_picture(read_picture(path, at_least=(height, width)), height, width)

        with patch("model.resize_picture", reread) if reduced else nullcontext():
            found[picture.image_id] = engine.predict(
                [read_picture(picture.path)], score_threshold=LOWEST_SCORE, max_detections=MOST
            )[0]
    return found


def _figures(held_out: Dataset, answers: dict[int, list[Detection]]) -> Figures:
    found = evaluate(held_out, answers)
    return {
        "bbox": round(100 * found.bbox["map"], 3),
        "segm": round(100 * found.segm["map"], 3),
    }
