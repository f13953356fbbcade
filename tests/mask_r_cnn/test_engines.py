"""Both engines give the same answers, and the one for CPUs needs no torch."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image
from safetensors.torch import load_file, save_file
from torch import nn

import engines
from detection import Detection
from errors import DataError
from model import ModelInfo, build_model, save_model
from model_info import WEIGHTS_NAME
from openvino_engine import OpenVinoEngine
from resize import resize_array, resize_picture
from rle import decode_mask
from tests.mask_r_cnn.bodies import file_of
from torch_engine import TorchEngine

MODELS = [
    ("resnet50_fpn", "frozen"),
    ("resnet50_fpn_v2", "batch"),
    ("resnet18_fpn", "group"),
    ("mobilenet_v2_fpn", "group"),
    ("mobilenet_v3_large_fpn", "frozen"),
]
ROOM = Path(engines.__file__).parent


def picture(height: int, width: int, seed: int = 0) -> NDArray[np.uint8]:
    """Coloured clouds: noise of single pixels would look the same everywhere once resized."""
    coarse = np.random.default_rng(seed).integers(0, 256, (height // 8, width // 8, 3), np.uint8)
    return np.array(Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC))


def folder_of(place: Path, backbone: str, norm: str) -> Path:
    """An untrained model with statistics and mask edges such as a trained one has."""
    info = ModelInfo(backbone, norm, ("a", "b"), (1, 2), 96, 192, 0.05, 15, "fp32")  # type: ignore[arg-type]
    torch.manual_seed(1)
    model = build_model(info)
    for module in model.modules():
        if hasattr(module, "running_mean"):
            module.running_mean.normal_(0, 0.1)
            module.running_var.uniform_(0.8, 1.5)
            nn.init.uniform_(module.weight, 0.7, 1.1)
            nn.init.normal_(module.bias, 0, 0.1)
    model.roi_heads.mask_predictor.mask_fcn_logits.weight.data *= 50
    save_model(place, model.state_dict(), info)
    return place


def partner(one: Detection, others: list[Detection]) -> Detection:
    """What is nearest to a detection among those of its class: equal scores may change places."""
    same = [other for other in others if other.label == one.label]
    return min(same, key=lambda other: float(np.abs(np.subtract(one.box, other.box)).max()))


def overlap(one: Detection, other: Detection) -> float:
    assert one.rle and other.rle
    first, second = decode_mask(one.rle) > 0, decode_mask(other.rle) > 0
    union = int((first | second).sum())
    return int((first & second).sum()) / union if union else 1.0


@pytest.mark.parametrize(("backbone", "norm"), MODELS)
def test_engines_find_the_same(backbone: str, norm: str, tmp_path: Path) -> None:
    folder = folder_of(tmp_path, backbone, norm)
    by_torch, by_openvino = TorchEngine(folder), OpenVinoEngine(folder)
    for image in (picture(80, 120), picture(140, 70, seed=1)):  # a batch has other margins
        (theirs,), (ours,) = by_torch.predict([image]), by_openvino.predict([image])
        assert len(ours) == len(theirs) == 15
        for one in theirs:
            other = partner(one, ours)
            assert np.abs(np.subtract(one.box, other.box)).max() < 0.05
            assert abs(one.score - other.score) < 1e-3
            assert overlap(one, other) > 0.99


def file_pages(name: str) -> int:
    """Bytes of a file that this process holds."""
    held, named = 0, False
    for line in Path("/proc/self/smaps").read_text().splitlines():
        if "-" in line.partition(" ")[0]:
            named = line.endswith(name)
        elif named and line.startswith("Rss:"):
            held += int(line.split()[1]) * 1024
    return held


@pytest.mark.skipif(not Path("/proc/self/smaps").exists(), reason="Linux tells")
def test_the_files_own_weights_are_let_go_and_not_missed(tmp_path: Path) -> None:
    """They are a third of a small model's memory, which counts where many models are served."""
    folder, file = folder_of(tmp_path, "mobilenet_v2_fpn", "group"), str(tmp_path / WEIGHTS_NAME)
    engine, image = OpenVinoEngine(folder), picture(80, 120)
    before = engine.predict([image])
    read = file_pages(file)
    engine.warm_up()
    assert file_pages(file) < 4e6 < read
    assert engine.predict([image]) == before
    assert file_pages(file) < 4e6


ALONE = """
import sys
for name in ("torch", "torchvision", "faster_coco_eval", "pycocotools"):
    sys.modules[name] = None
sys.path.insert(0, sys.argv[1])
import predictor
model = predictor.model_fn(sys.argv[2])
predictor.warm_up_fn(model)
item = predictor.input_fn(open(sys.argv[3], "rb").read(), "image/jpeg")
body, kind = predictor.output_fn(predictor.predict_fn(item, model), sys.argv[4])
sys.stdout.buffer.write(body)
assert not any(name.startswith("openvino_telemetry") for name in sys.modules)
"""


@pytest.mark.parametrize("accept", ["application/json", "image/png"])
def test_a_request_is_answered_where_there_is_no_torch(
    accept: str, tiny_model_folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "picture.jpg").write_bytes(file_of(picture(60, 90), "JPEG"))
    words = [ROOM, tiny_model_folder, tmp_path / "picture.jpg", accept]
    done = subprocess.run(
        [sys.executable, "-c", ALONE, *map(str, words)], capture_output=True, timeout=60
    )
    assert done.returncode == 0, done.stderr.decode()
    if accept == "image/png":
        assert done.stdout.startswith(b"\x89PNG")
    else:
        (answer,) = json.loads(done.stdout)["predictions"]
        assert (answer["height"], answer["width"]) == (60, 90) and answer["detections"]


def test_openvinos_makers_are_told_nothing() -> None:
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); import openvino_engine; "
        "assert not any(name.startswith('openvino_telemetry') for name in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(ROOM)], capture_output=True, timeout=60)
    assert done.returncode == 0, done.stderr.decode()


def test_engines_agree_on_flat_pictures(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, "mobilenet_v2_fpn", "group")
    by_torch, by_openvino = TorchEngine(folder), OpenVinoEngine(folder)
    for size in ((1, 96), (19, 96), (45, 96), (96, 5)):
        image = np.random.default_rng(0).integers(0, 256, (*size, 3), np.uint8)
        (theirs,), (ours,) = by_torch.predict([image]), by_openvino.predict([image])
        assert len(ours) == len(theirs) == 15
        for one in theirs:
            other = partner(one, ours)
            assert np.abs(np.subtract(one.box, other.box)).max() < 0.05
            assert abs(one.score - other.score) < 1e-3


def test_no_detection_has_no_mask(tiny_model_folder: Path) -> None:
    engine = OpenVinoEngine(tiny_model_folder)
    assert engine.predict([picture(60, 90)], score_threshold=1.0) == [[]]
    (bare,) = engine.predict([picture(60, 90)], masks=False)
    assert bare and all(one.rle is None for one in bare)
    assert engine.predict([]) == []


@pytest.mark.parametrize(
    ("wanted", "gpu", "installed", "name"),
    [
        ("", False, ("torch", "openvino"), "openvino"),
        ("auto", True, ("torch", "openvino"), "torch"),
        ("auto", True, ("openvino",), "openvino"),
        ("", False, ("torch",), "torch"),
        (" Torch ", False, ("torch", "openvino"), "torch"),
        ("openvino", True, ("torch", "openvino"), "openvino"),
    ],
)
def test_the_choice(
    wanted: str, gpu: bool, installed: tuple[str, ...], name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: name in installed or None)
    assert engines.choice(wanted, gpu) == name


def test_an_unknown_engine_is_told(
    tiny_model_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(engines.VARIABLE, "onnx")
    with pytest.raises(ValueError, match="set it to auto, torch, openvino"):
        engines.load_engine(tiny_model_folder)


def other_classes(folder: Path) -> None:
    told = json.loads((folder / "model.json").read_text())
    told |= {"class_names": ["a", "b", "c"], "category_ids": [1, 2, 3]}
    (folder / "model.json").write_text(json.dumps(told))


def other_backbone(folder: Path) -> None:
    told = json.loads((folder / "model.json").read_text())
    (folder / "model.json").write_text(json.dumps(told | {"backbone": "resnet18_fpn"}))


def cut_short(folder: Path) -> None:
    data = (folder / WEIGHTS_NAME).read_bytes()
    (folder / WEIGHTS_NAME).write_bytes(data[: len(data) // 2])


def no_weights(folder: Path) -> None:
    (folder / WEIGHTS_NAME).write_bytes(b"not weights at all")


def a_vector(folder: Path) -> None:
    tensors = load_file(folder / WEIGHTS_NAME)
    name = "backbone.fpn.inner_blocks.0.0.weight"
    save_file({**tensors, name: tensors[name].flatten()}, folder / WEIGHTS_NAME)


def an_empty_file(folder: Path) -> None:
    (folder / WEIGHTS_NAME).write_bytes(b"")


@pytest.mark.parametrize(
    "spoil", [other_classes, other_backbone, cut_short, no_weights, a_vector, an_empty_file]
)
@pytest.mark.parametrize("engine", [OpenVinoEngine, TorchEngine])
def test_weights_of_another_model_are_told(
    engine: type, spoil: object, tiny_model_folder: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "model"
    shutil.copytree(tiny_model_folder, folder)
    assert callable(spoil)
    spoil(folder)
    with pytest.raises(DataError, match=r"does not fit model\.json: .*Copy both files"):
        engine(folder)


@pytest.mark.parametrize("size", [(64, 96), (33, 47), (171, 128)])
def test_training_and_serving_see_the_same_pixels(size: tuple[int, int]) -> None:
    image = picture(120, 168)
    served = resize_array(image, *size).astype(int)
    trained = resize_picture(image, *size).permute(1, 2, 0).numpy().astype(int)
    assert np.abs(served - trained).max() <= 1


@pytest.mark.parametrize("engine", [OpenVinoEngine, TorchEngine])
def test_where_nothing_is_likely_nothing_is_found(
    engine: type, tiny_model_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(f"{engine.__module__}.LEAST_OBJECTNESS", 1.1)
    assert engine(tiny_model_folder).predict([picture(60, 90)], score_threshold=0.0) == [[]]
