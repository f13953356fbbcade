"""multi_model.py at a size for tests: models make room for others, and memory does not grow."""

import json
import subprocess
import sys

import measure


def test_more_models_than_fit_are_asked_in_turn():
    script = measure.ROOT / "benchmarks" / "multi_model.py"
    done = subprocess.run([sys.executable, script, "--small"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    rounds = found["preloaded"]
    assert 1 <= rounds["loaded at the end"] < found["models"]
    first, second = (rounds[f"MiB after the {word} round"] for word in ("first", "second"))
    assert 0 < second < 1.1 * first
    assert 0 < rounds["warm ms"]["p50"] < rounds["cold ms"]["p50"]
