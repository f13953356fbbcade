"""A tiny predictor without torch: multiplies a number; bytes that are no number are counted."""

import json
import os
import time
from pathlib import Path


def model_fn(model_dir):
    path = Path(model_dir, "model.json")
    return json.loads(path.read_text()) if path.exists() else {"factor": 1}


def transform_fn(model, data, content_type, accept):
    text = data.decode("utf-8", "replace") if isinstance(data, bytes) else data
    try:
        number = float(text)
    except ValueError:
        return json.dumps({"bytes": len(data)}), "application/json"
    time.sleep(float(os.environ.get("SMALL_PAUSE", "0")))
    return json.dumps({"answer": number * model["factor"]}), "application/json"
