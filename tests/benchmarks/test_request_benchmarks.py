"""The benchmarks of one request and of the engines at their smallest."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torchvision.transforms.functional import to_tensor

import engine_memory
import inference_engines
import one_request
from _random_models import calibrated, folder_of, info_of, scene


def test_every_way_finds_the_ten(tmp_path: Path) -> None:
    found = one_request.one_setting(tmp_path, "mobilenet_v2_fpn", 64, rounds=1)
    assert set(found["detections"].values()) == {10} and "ours int8" in found["times_as_fast"]
    assert found["answer_bytes"]["sample"] > 100 * found["answer_bytes"]["ours openvino"]
    model = one_request.OpenVino(tmp_path / "mobilenet_v2_fpn-64").loaded
    assert one_request.first_requests(model, 1)["first"] > 0


def test_the_dense_part_is_the_same_in_openvino(tmp_path: Path) -> None:
    info, image = info_of("resnet18_fpn", 64), scene(96, 64)
    plain = calibrated(info, to_tensor(image))
    folder = folder_of(plain, info, tmp_path)
    x = inference_engines._normalised(np.array(image))
    with torch.inference_mode():
        truth = [part.numpy() for part in inference_engines.Part(plain)(x)]
    dense = inference_engines._openvino(folder, x, "f32")
    assert inference_engines._error(dense.arrays(dense.run()), truth) < 1e-4


def test_memory_is_written_down(tmp_path: Path) -> None:
    found = engine_memory.memory(tmp_path, 3)
    assert sorted(found["mib"]) == [0, 1, 2, 3] and min(found["mib"].values()) > 0
