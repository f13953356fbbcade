"""Answers rows of numbers: the handlers of the SageMaker inference toolkit."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import joblib
import numpy as np


def model_fn(model_dir: str) -> Any:
    return joblib.load(Path(model_dir) / "model.joblib")


def input_fn(body: bytes | str, content_type: str) -> np.ndarray:
    text = body if isinstance(body, str) else body.decode()
    if content_type == "application/json":
        return np.atleast_2d(json.loads(text))
    return np.loadtxt(io.StringIO(text), delimiter=",", ndmin=2)


def predict_fn(item: np.ndarray, model: Any) -> np.ndarray:
    return model.predict(item)


def output_fn(prediction: np.ndarray, accept: str) -> tuple[str, str]:
    return json.dumps(prediction.tolist()), "application/json"
