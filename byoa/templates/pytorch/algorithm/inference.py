"""Answers rows of numbers: the handlers of the SageMaker inference toolkit."""

from __future__ import annotations

import json
from pathlib import Path

import torch

from train import network


def model_fn(model_dir: str) -> torch.nn.Module:
    state = torch.load(Path(model_dir) / "model.pt", weights_only=True)
    model = network(state["inputs"], state["hidden"])
    model.load_state_dict(state["model"])
    return model.eval()


def input_fn(body: bytes | str, content_type: str) -> torch.Tensor:
    text = body if isinstance(body, str) else body.decode()
    if content_type == "application/json":
        return torch.tensor(json.loads(text), dtype=torch.float32)
    return torch.tensor([[float(cell) for cell in line.split(",")] for line in text.split()])


def predict_fn(item: torch.Tensor, model: torch.nn.Module) -> list[float]:
    with torch.no_grad():
        return model(item).squeeze(1).tolist()


def output_fn(prediction: list[float], accept: str) -> tuple[str, str]:
    return json.dumps(prediction), "application/json"
