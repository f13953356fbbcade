"""Learns the last column of CSV files from the others. Script mode: hyperparameters come as
arguments, folders as SM_* variables. Without a training channel it makes some data itself."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

import torch


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--learning_rate", type=float, default=0.05)
    parser.add_argument("--hidden", type=int, default=16)
    arguments, _ = parser.parse_known_args()

    rows = read(os.environ.get("SM_CHANNEL_TRAINING"))
    inputs, targets = rows[:, :-1], rows[:, -1:]
    model = network(inputs.shape[1], arguments.hidden)
    optimizer = torch.optim.Adam(model.parameters(), lr=arguments.learning_rate)

    # SageMaker keeps this folder over a spot interruption, and byoa over the runs of one task
    kept = Path(os.environ.get("SM_CHECKPOINT_DIR", "/opt/ml/checkpoints")) / "checkpoint.pt"
    begun = 0
    if kept.is_file():
        state = torch.load(kept, weights_only=True)
        if state["inputs"] == inputs.shape[1] and state["hidden"] == arguments.hidden:
            model.load_state_dict(state["model"])
            optimizer.load_state_dict(state["optimizer"])
            begun = state["epoch"]

    for epoch in range(begun, arguments.epochs):
        optimizer.zero_grad()
        loss = torch.nn.functional.mse_loss(model(inputs), targets)
        loss.backward()
        optimizer.step()
        if (epoch + 1) % 10 == 0 or epoch + 1 == arguments.epochs:
            print(f"epoch={epoch + 1} loss={loss.item():.6f};", flush=True)
        save(
            kept,
            {
                "epoch": epoch + 1,
                "inputs": inputs.shape[1],
                "hidden": arguments.hidden,
                "model": model.state_dict(),
                "optimizer": optimizer.state_dict(),
            },
        )

    save(
        Path(os.environ.get("SM_MODEL_DIR", "model")) / "model.pt",
        {
            "inputs": inputs.shape[1],
            "hidden": arguments.hidden,
            "model": model.state_dict(),
        },
    )


def network(inputs: int, hidden: int) -> torch.nn.Module:
    return torch.nn.Sequential(
        torch.nn.Linear(inputs, hidden), torch.nn.ReLU(), torch.nn.Linear(hidden, 1)
    )


def read(folder: str | None) -> torch.Tensor:
    """The rows of every CSV file of the channel."""
    if folder is None:
        torch.manual_seed(0)
        inputs = torch.rand(200, 3)
        return torch.cat([inputs, inputs.sum(1, keepdim=True)], 1)
    files = sorted(Path(folder).glob("*.csv"))
    lines = [line for file in files for line in file.read_text().split()]
    if not lines:
        raise SystemExit(f"{folder} holds no *.csv with rows of numbers: give some with --data")
    return torch.tensor([[float(cell) for cell in line.split(",")] for line in lines])


def save(path: Path, state: dict[str, object]) -> None:
    """Writes beside the file and moves it there: a stop leaves the old one or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.save(state, path.with_suffix(".part"))
    path.with_suffix(".part").replace(path)


if __name__ == "__main__":
    main()
