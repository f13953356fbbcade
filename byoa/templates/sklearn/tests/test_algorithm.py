"""The algorithm alone, without an image or AWS: python -m pytest"""

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "algorithm"))

import inference  # noqa: E402


def test_it_learns_and_answers(tmp_path):
    where = {"SM_CHANNEL_TRAINING": str(ROOT / "data" / "training"), "SM_MODEL_DIR": str(tmp_path)}
    words = [sys.executable, str(ROOT / "algorithm" / "train.py"), "--trees", "20"]
    environ = {**os.environ, **where}
    said = subprocess.run(words, env=environ, capture_output=True, text=True, check=True).stdout
    assert float(said.split("score=")[1].rstrip(";\n")) > 0.5

    model = inference.model_fn(str(tmp_path))
    rows = inference.input_fn("0.5,0.5,0.5\n1,0,0\n", "text/csv")
    answer, _ = inference.output_fn(inference.predict_fn(rows, model), "application/json")
    first, second = json.loads(answer)
    assert second > first  # the sum 2a - b + c/2 is larger there
