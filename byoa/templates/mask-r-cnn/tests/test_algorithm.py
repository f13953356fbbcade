"""The algorithm alone, without an image or AWS: python -m pytest"""

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
SMALL = (
    "--backbone",
    "resnet18_fpn",
    "--pretrained",
    "none",
    "--min_size",
    "64",
    "--max_size",
    "96",
)


def test_it_learns_and_answers(tmp_path):
    pictures = tmp_path / "training"
    make = [sys.executable, str(ROOT / "pictures.py"), str(pictures), "--count", "4"]
    subprocess.run(make, check=True)
    where = {
        "SM_CHANNEL_TRAINING": str(pictures),
        "SM_CHANNELS": '["training"]',
        "SM_MODEL_DIR": str(tmp_path / "model"),
        "SM_OUTPUT_DATA_DIR": str(tmp_path / "output"),
        "SM_CHECKPOINT_DIR": str(tmp_path / "checkpoints"),
        "SAGEMAKER_BASE_DIR": str(tmp_path),
    }
    words = [sys.executable, "train.py", *SMALL]
    environ = {**os.environ, **where}
    subprocess.run(words, env=environ, cwd=ROOT / "mask_r_cnn", check=True)
    info = json.loads((tmp_path / "model" / "model.json").read_text())
    assert info["class_names"] == ["ball", "crate", "star"]

    code = f"""
import predictor
model = predictor.model_fn({str(tmp_path / "model")!r})
body = open({str(pictures / "images" / "00001.jpg")!r}, "rb").read()
item = predictor.input_fn(body, "image/jpeg")
answer, _ = predictor.output_fn(predictor.predict_fn(item, model), "application/json")
print(answer.decode())
"""
    asked = [sys.executable, "-c", code]
    done = subprocess.run(
        asked, env=environ, cwd=ROOT / "mask_r_cnn", capture_output=True, text=True, check=True
    )
    assert "detections" in json.loads(done.stdout)["predictions"][0]
