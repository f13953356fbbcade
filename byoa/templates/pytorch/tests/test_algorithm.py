"""The algorithm alone, without an image or AWS: python -m pytest"""

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "algorithm"))

import inference  # noqa: E402


def test_it_learns_goes_on_and_answers(tmp_path):
    where = {
        "SM_CHANNEL_TRAINING": str(ROOT / "data" / "training"),
        "SM_MODEL_DIR": str(tmp_path / "model"),
        "SM_CHECKPOINT_DIR": str(tmp_path / "checkpoints"),
    }
    said = ""
    for epochs in ("20", "60"):  # the second one goes on where the first one ended
        words = [sys.executable, str(ROOT / "algorithm" / "train.py"), "--epochs", epochs]
        environ = {**os.environ, **where}
        said = subprocess.run(words, env=environ, capture_output=True, text=True, check=True).stdout
    assert said.startswith("epoch=30 ")
    assert float(said.split("loss=")[-1].rstrip(";\n")) < 0.2

    model = inference.model_fn(str(tmp_path / "model"))
    rows = inference.input_fn("0.5,0.5,0.5\n1,0,0\n", "text/csv")
    answer, kind = inference.output_fn(inference.predict_fn(rows, model), "application/json")
    assert len(json.loads(answer)) == 2
    assert kind == "application/json"
