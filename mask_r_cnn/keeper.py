"""What outlives the process: the best model, the checkpoints, the rows of metrics."""

from __future__ import annotations

import json
import math
import os
from dataclasses import asdict, replace
from typing import Any

from torch import Tensor

from checkpoint import load_newest, save_checkpoint
from distributed import Ranks
from engine import Trainer
from errors import DataError
from evaluation import Evaluation
from events import write_events
from job import Job
from model import ModelInfo, info_from, save_model

Row = dict[str, float]


class Keeper:
    """Saves and restores for one run; only the leader touches the disk."""

    def __init__(self, job: Job, ranks: Ranks, trainer: Trainer, info: ModelInfo) -> None:
        self._job, self._ranks, self._trainer, self._info = job, ranks, trainer, info
        self.best: tuple[dict[str, Tensor], ModelInfo] | None = None
        self.judged: Evaluation | None = None  # of the kept model, on every rank

    def keep_model(self, row: Row, judged: Evaluation | None = None) -> None:
        """Make the weights as they are now the job's model, with the figures of `row`."""
        self.judged = judged
        if self._ranks.layout.leader:
            figures = {key: value for key, value in row.items() if not math.isnan(value)}
            state = self._trainer.evaluated.state_dict()
            copied = {key: value.detach().cpu().clone() for key, value in state.items()}
            self.best = (copied, replace(self._info, metrics=figures))
            save_model(self._job.folders.model, *self.best)

    def write_rows(self) -> None:
        """Write metrics.jsonl anew: one line an epoch."""
        if self._ranks.layout.leader:
            rows = self._trainer.progress.history
            path = self._job.folders.output / "metrics.jsonl"
            path.parent.mkdir(parents=True, exist_ok=True)
            temporary = path.with_name(f".{path.name}.tmp")
            temporary.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
            os.replace(temporary, path)
            if self._job.chosen.tensorboard:
                write_events(self._job.folders.events, rows[-1:])

    def checkpoint(self) -> None:
        """Write all that resuming needs.

        The best model is in it: /opt/ml/model is lost when a spot instance is.
        """
        if not self._ranks.layout.leader:
            return
        state = {**self._trainer.state(), "job": self.identity(), "best": None}
        if self.best is not None:
            state["best"] = {"state": self.best[0], "info": json.dumps(asdict(self.best[1]))}
        save_checkpoint(self._job.folders.checkpoints, self._trainer.progress.step, state)

    def resume(self) -> tuple[str, bool] | None:
        """Take over the newest whole checkpoint: its name, and whether its batches are ours."""
        found = load_newest(self._job.folders.checkpoints) if self._ranks.layout.leader else None
        shared = self._ranks.from_leader(None if found is None else (found[0].name, found[1]))
        if shared is None:
            return None
        name, state = shared
        self._check(name, state["job"])
        self._trainer.restore(state)
        if state["best"] is not None and self._ranks.layout.leader:
            self.best = (state["best"]["state"], info_from(json.loads(state["best"]["info"])))
            save_model(self._job.folders.model, *self.best)
        return name, state["job"]["order"] == self.identity()["order"]

    def identity(self) -> dict[str, Any]:
        """What a checkpoint must share with a job that wants to go on from it."""
        chosen, pictures = self._job.chosen, self._job.training.pictures
        world = self._ranks.layout.world_size
        return {
            "backbone": chosen.backbone,
            "optimizer": chosen.optimizer,
            "norm": self._info.norm,
            "classes": list(self._info.class_names),
            "order": [len(pictures), chosen.batch_size, chosen.seed, chosen.accumulate, world],
        }

    def _check(self, name: str, before: dict[str, Any]) -> None:
        now = self.identity()
        for key in ("backbone", "optimizer", "norm", "classes"):
            if before[key] != now[key]:
                raise DataError(
                    f"{name} is of a job with {key} {before[key]}, this one has {now[key]}. "
                    "Give this job a checkpoint folder of its own, or the same settings."
                )
