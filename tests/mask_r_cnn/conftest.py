"""A model as small as they come, for the tests that predict."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def tiny_model_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of an untrained model: it finds things all over a picture, always the same."""
    import torch

    from model import ModelInfo, build_model, save_model

    info = ModelInfo(
        backbone="mobilenet_v2_fpn",
        norm="group",
        class_names=("person", "traffic light"),
        category_ids=(3, 7),
        min_size=64,
        max_size=96,
        score_threshold=0.05,
        max_detections=20,
    )
    folder = tmp_path_factory.mktemp("tiny model")
    torch.manual_seed(0)
    save_model(folder, build_model(info).state_dict(), info)
    return folder
