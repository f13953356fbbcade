"""TensorBoard's view of a job: the rows of metrics as scalar events."""

from __future__ import annotations

from pathlib import Path

Row = dict[str, float]


def write_events(folder: Path, rows: list[Row]) -> None:
    """Append an event a figure of each row; a resumed job goes on in a file of its own."""
    # Only a job that asks for it pays for the import.
    from tensorboardX import SummaryWriter

    with SummaryWriter(logdir=str(folder)) as writer:
        for row in rows:
            for name, value in row.items():
                if name not in ("epoch", "step"):
                    writer.add_scalar(name, value, global_step=int(row["step"]))
