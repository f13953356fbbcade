"""coco_evaluation.py at a size for tests: it runs, and every figure is pycocotools' own."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_the_figures_are_identical():
    done = subprocess.run(
        [sys.executable, ROOT / "benchmarks" / "coco_evaluation.py", "--small"],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("'equal_to_the_last_bit': 24, 'of': 24") == 2
