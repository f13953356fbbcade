"""The same weights asked by plain torchvision in float32 and by each of our engines: AP of each."""

from __future__ import annotations

import importlib.util
import json
import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any
from unittest.mock import patch

import torch
from torchvision.models.detection import MaskRCNN

from _plain_torchvision import plain_answers, plain_model
from dataset import Dataset
from engines import VARIABLE, load_engine
from evaluation import Detection, evaluate
from instances import Picture
from model import load_model
from model_info import INFO_NAME, WEIGHTS_NAME, read_info
from pictures import read_picture
from resize import resize_picture

Figures = dict[str, float]
BASE = "torchvision fp32"
# (engine, precision): what a user can choose, the default last.
WAYS = (("torch", "fp32"), ("torch", "bf16"), ("openvino", "fp32"), ("openvino", "bf16"))
# JPEGs decoded at a half or less, as the loader does it in training and no engine in serving: the
# drop is what training and serving differ by.
REDUCED = "torch bf16, JPEG decoded as in training"
LOWEST_SCORE, MOST = 0.05, 100


def inference_gate(folder: Path, held_out: Dataset) -> dict[str, Figures]:
    """Box and mask AP of a model folder on held-out pictures, in percent, by each way."""
    pictures = held_out.pictures
    found = {BASE: _figures(held_out, plain_answers(_plain(folder), pictures))}
    for engine, precision in WAYS:
        if engine == "openvino" and importlib.util.find_spec("openvino") is None:
            continue
        with _as(folder, engine, precision) as place:
            answers = _answers(place, pictures)
        found[f"{engine} {precision}"] = _figures(held_out, answers)
    if all(picture.path.suffix == ".jpg" for picture in pictures):
        with _as(folder, "torch", "bf16") as place:
            found[REDUCED] = _figures(held_out, _answers(place, pictures, reduced=True))
    return found


def drops(found: dict[str, Figures]) -> dict[str, Figures]:
    """By how many points each way is below plain torchvision; negative is above."""
    base = found[BASE]
    return {
        way: {name: round(base[name] - value, 3) for name, value in figures.items()}
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
def _as(folder: Path, engine: str, precision: str) -> Iterator[Path]:
    """The model's folder with another precision in its description, for that engine."""
    with tempfile.TemporaryDirectory() as place, patch.dict(os.environ, {VARIABLE: engine}):
        told = json.loads((folder / INFO_NAME).read_text(encoding="utf-8"))
        text = json.dumps({**told, "precision": precision})
        (Path(place) / INFO_NAME).write_text(text, encoding="utf-8")
        (Path(place) / WEIGHTS_NAME).symlink_to((folder / WEIGHTS_NAME).resolve())
        yield Path(place)


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
