"""mask-r-cnn:serve: small, without torch; serves what the other trains, and does not train."""

from __future__ import annotations

import json
import os
import subprocess
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.docker.conftest import post
from tests.docker.test_serve import HARDENED, wait_for_ping
from tests.mask_r_cnn.test_engines import folder_of, picture
from torch_engine import TorchEngine

pytestmark = pytest.mark.docker

LARGEST = 600_000_000


@pytest.fixture(scope="module")
def image() -> str:
    name = os.environ.get("BYOA_TEST_SERVE_IMAGE", "mask-r-cnn:serve")
    give_up = pytest.fail if os.environ.get("CI") else pytest.skip
    try:
        found = subprocess.run(
            ["docker", "image", "inspect", name], check=False, capture_output=True
        )
    except FileNotFoundError:
        give_up("docker is not on PATH")
    if found.returncode:
        give_up(f"no docker daemon, or no image {name}: run make image PACKAGES=serve first")
    return name


def test_is_small_and_says_what_it_is_for(module_docker, image):
    about = json.loads(module_docker("image", "inspect", image))[0]
    assert about["Size"] <= LARGEST
    labels = about["Config"]["Labels"]
    assert labels["byoa.only"] == "serve"
    assert labels["com.amazonaws.sagemaker.capabilities.accept-bind-to-port"] == "true"
    assert labels["com.amazonaws.sagemaker.capabilities.multi-models"] == "true"
    assert not [name for name in labels if "cuda" in name or name == "byoa.hyperparameters"]
    assert not [name for name in about["Config"]["Env"] if name.startswith(("NVIDIA", "TORCH"))]


def test_holds_no_torch_and_is_healthy(docker, image):
    packages = "find /opt/venv/lib -maxdepth 3"
    look = f"{packages} -iname '*torch*' -o -name nvidia -o -name 'openvino_telemetry*'"
    code, printed = docker.run(
        "--network", "none", image, "bash", "-c", f"{look}; echo .; {packages} -name numpy"
    )
    assert code == 0 and printed.startswith(".\n/opt/venv/lib/python3"), printed
    code, printed = docker.run("--user", "1000", image, "doctor")
    assert code == 0, printed
    assert "predictor; openvino" in printed and printed.endswith("healthy")


def test_does_not_train_and_leaves_a_failure_file(docker, image, tmp_path):
    mine = ("--user", f"{os.getuid()}:{os.getgid()}")
    code, printed = docker.run(*mine, "--volume", f"{tmp_path}:/opt/ml", image, "train")
    assert code == 1 and len(printed.splitlines()) == 1
    said = (tmp_path / "output" / "failure").read_text()
    assert said.splitlines()[0].startswith("ProgramError: This image only serves, it has no torch")


def test_answers_as_torch_does_with_half_a_core(docker, image, tmp_path):
    folder = folder_of(tmp_path / "model", "resnet18_fpn", "frozen")
    (folder / "model.safetensors").chmod(0o644)  # as `train` leaves it
    Image.fromarray(picture(80, 120)).save(tmp_path / "picture.png")
    container = docker.start(
        *("--init", "--cpus", "0.5", *HARDENED, "--volume", f"{folder}:/opt/ml/model:ro"),
        *("--volume", f"{tmp_path}/picture.png:/picture.png:ro", image, "serve"),
    )
    wait_for_ping(docker, container)
    (answer,) = post(docker, container, "/picture.png", "image/png")["predictions"]
    (theirs,) = TorchEngine(folder).predict([picture(80, 120)])
    assert len(answer["detections"]) == len(theirs) == 15
    for one in theirs:
        box = np.array(one.box) - [0, 0, *one.box[:2]]  # x, y, width, height
        found = nearest(answer["detections"], one.label, box)
        assert np.abs(box - found["bbox"]).max() < 0.1
        assert abs(one.score - found["score"]) < 2e-3
        assert found["segmentation"]["size"] == [80, 120]


def nearest(detections: list[dict[str, Any]], label: int, box: Any) -> dict[str, Any]:
    same = [each for each in detections if each["category_id"] == label]
    return min(same, key=lambda each: float(np.abs(box - each["bbox"]).max()))
