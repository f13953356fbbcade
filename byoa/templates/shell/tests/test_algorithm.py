"""The algorithm alone, without an image or AWS: python -m pytest"""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "algorithm"))

from inference import model_fn, transform_fn  # noqa: E402


def test_it_learns_and_answers(tmp_path):
    where = {"SM_CHANNEL_TRAINING": str(ROOT / "data" / "training"), "SM_MODEL_DIR": str(tmp_path)}
    subprocess.run(
        ["bash", str(ROOT / "algorithm" / "train.sh")], env={**os.environ, **where}, check=True
    )
    answer, kind = transform_fn(model_fn(str(tmp_path)), "one fish, no bird", "text/plain", "*/*")
    assert answer == "one\t1\nfish\t4\nno\t0\nbird\t0\n"
    assert kind == "text/tab-separated-values"
