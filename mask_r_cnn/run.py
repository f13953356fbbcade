"""One rank's run of a checked job: set up, train, judge, keep the best, report."""

from __future__ import annotations

import errno
import json
import math
import os
import platform
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
import torchvision
from torch import Tensor

from augment import Augmentation
from checkpoint import load_newest, save_checkpoint
from console import StepDisplay, metric_line
from distributed import PEER_LOST, Ranks, layout_of, lost_peer
from engine import Trainer
from errors import DataError, InputError, TrainingError
from evaluation import Evaluation
from job import Job
from loader import Loader, epoch_order
from model import ModelInfo, build_model, load_model, read_info, save_model
from network import Network
from validate import Validator
from weights import find_weights, load_weights


def run_job(job: Job) -> None:
    """Train to the end or to a SIGTERM; what was reached is in the model and checkpoint folders."""
    layout = layout_of(job.environ)
    device = _device(layout.local_rank)
    _set_up_torch(job, device)
    with _named_errors(job):
        ranks = Ranks(layout, device)
        try:
            Run(job, ranks).train()
        finally:
            ranks.leave()


class Run:
    """The state of one run, from the first weights to the report."""

    def __init__(self, job: Job, ranks: Ranks) -> None:
        self.job, self.ranks, self.chosen = job, ranks, job.chosen
        self._agree_on_classes()
        self.network, self.info = _starting_point(job, ranks)
        threads = _loader_threads(job, ranks)
        chosen = job.chosen
        augmentation = Augmentation(chosen.augment, chosen.min_size, chosen.max_size)
        # Every rank of a sharded job sees other pictures, so it must draw other orders too.
        seed = chosen.seed + (ranks.layout.rank if job.sharded else 0)
        self.loader = Loader(job.training.pictures, augmentation, seed, threads)
        self.trainer = Trainer(self.network, chosen, ranks, self.loader)
        self.validator = Validator(job.validation, ranks, job.sharded)
        self.best: tuple[dict[str, Tensor], ModelInfo] | None = None
        self.last: Evaluation | None = None
        self._seed = seed

    def train(self) -> None:
        """All epochs; ends early on SIGTERM or when the mask AP no longer rises."""
        stopping: list[int] = []
        previous = signal.signal(signal.SIGTERM, lambda number, _: stopping.append(number))
        try:
            self._announce()
            self._resume()
            while self.trainer.progress.epoch < self.chosen.num_epochs and not self._enough():
                if not self._epoch(lambda: bool(stopping)):
                    self._say("SIGTERM: stopped after this step")
                    self._checkpoint()
                    self._keep_something()
                    return
            self._finish()
        finally:
            signal.signal(signal.SIGTERM, previous)
            self.loader.close()

    def _epoch(self, stop: Any) -> bool:
        progress = self.trainer.progress
        order = self._order(progress.epoch)
        display = StepDisplay(len(order), self.chosen.num_epochs)
        every = self.chosen.checkpoint_every

        def after_step(done: int) -> None:
            if self.ranks.layout.leader:
                sums = progress.sums
                loss = sum(v for k, v in sums.items() if k != "steps") / max(1, sums.get("steps", 0))
                display.show(progress.epoch + 1, done, loss)
            if every and progress.step % every == 0 and done < len(order):
                self._checkpoint()

        if not self.trainer.run_epoch(order, stop, after_step):
            display.end_epoch()
            return False
        display.end_epoch()
        self._judge(self.trainer.finish_epoch())
        self._checkpoint()
        return True

    def _order(self, epoch: int) -> list[list[int]]:
        """This rank's batches of an epoch; every rank gets the same number of them."""
        layout, size = self.ranks.layout, self.chosen.batch_size
        pictures = self.job.training.pictures
        if not self.job.sharded:
            whole = epoch_order(pictures, size * layout.world_size, self._seed, epoch)
            return [b[layout.rank * size : (layout.rank + 1) * size] for b in whole]
        own = epoch_order(pictures, size, self._seed, epoch)
        # Hosts with fewer pictures start over: a rank that ends early would hang the others.
        return [own[i % len(own)] for i in range(self.ranks.largest(len(own)))]

    def _judge(self, row: dict[str, float]) -> None:
        self.last = self.validator(self.trainer.evaluated, self.info)
        progress = self.trainer.progress
        if self.last is not None:
            row["validation_bbox_map"] = self.last.bbox["map"]
            row["validation_segm_map"] = self.last.segm["map"]
            row["validation_segm_map50"] = self.last.segm["map50"]
        progress.history.append(row)
        self._say(metric_line(row))
        score = row.get("validation_segm_map", math.nan)
        # Without held-out pictures nothing can be compared: the newest weights are kept.
        if math.isnan(score) or score > progress.best:
            progress.best = -math.inf if math.isnan(score) else score
            progress.best_epoch = progress.epoch
            self._keep(row)
        if self.ranks.layout.leader:
            _write_rows(self.job.folders.output / "metrics.jsonl", progress.history)

    def _keep(self, row: dict[str, float]) -> None:
        if self.ranks.layout.leader:
            info = _with_metrics(self.info, row)
            state = {k: v.detach().cpu().clone() for k, v in self.trainer.evaluated.state_dict().items()}
            self.best = (state, info)
            save_model(self.job.folders.model, state, info)

    def _keep_something(self) -> None:
        """A stopped job still leaves a model: the best so far, else the weights as they are."""
        if self.best is None:
            self._keep({})

    def _enough(self) -> bool:
        patience, progress = self.chosen.early_stopping_patience, self.trainer.progress
        return bool(patience) and progress.epoch - progress.best_epoch >= patience > 0

    def _checkpoint(self) -> None:
        if not self.ranks.layout.leader:
            return
        state = {**self.trainer.state(), "job": self._identity(), "best": None}
        if self.best is not None:
            state["best"] = {"state": self.best[0], "info": json.dumps(asdict(self.best[1]))}
        save_checkpoint(self.job.folders.checkpoints, self.trainer.progress.step, state)

    def _resume(self) -> None:
        found = load_newest(self.job.folders.checkpoints) if self.ranks.layout.leader else None
        name, state = self.ranks.from_leader(None if found is None else (found[0].name, found[1])) or (None, None)
        if state is None:
            return
        self._check_identity(name, state["job"])
        self.trainer.restore(state)
        progress = self.trainer.progress
        steps = len(self._order(progress.epoch))
        if state["job"]["order"] != self._identity()["order"]:
            # Another batch size or other pictures: the half-done epoch can't be continued.
            progress.step, progress.sums = progress.epoch * steps, {}
            self._say("the batches are others than before: this epoch starts over")
        if state["best"] is not None and self.ranks.layout.leader:
            info = json.loads(state["best"]["info"])
            info["class_names"], info["category_ids"] = tuple(info["class_names"]), tuple(info["category_ids"])
            self.best = (state["best"]["state"], ModelInfo(**info))
            save_model(self.job.folders.model, *self.best)
        self._say(f"resumed from {name}: epoch {progress.epoch + 1}, step {progress.step}")

    def _identity(self) -> dict[str, Any]:
        """What a checkpoint must share with a job that wants to go on from it."""
        c, pictures = self.chosen, self.job.training.pictures
        order = [len(pictures), c.batch_size, c.seed, c.accumulate, self.ranks.layout.world_size]
        return {
            "backbone": c.backbone,
            "optimizer": c.optimizer,
            "norm": self.info.norm,
            "classes": list(self.info.class_names),
            "order": order,
        }

    def _check_identity(self, name: str, before: dict[str, Any]) -> None:
        now = self._identity()
        for key in ("backbone", "optimizer", "norm", "classes"):
            if before[key] != now[key]:
                raise DataError(
                    f"{name} is of a job with {key} {before[key]}, this one has {now[key]}. Give this "
                    "job a checkpoint folder of its own, or the same settings."
                )

    def _finish(self) -> None:
        if self.best is None:
            self._keep({})
        if not self.ranks.layout.leader:
            return
        best_state, best_info = self.best  # type: ignore[misc]
        self.trainer.evaluated.load_state_dict(best_state)
        from summary import write_summary

        write_summary(self.job, self.trainer, self.validator, best_info)
        self._say(f"model of epoch {self.trainer.progress.best_epoch} is in {self.job.folders.model}")

    def _agree_on_classes(self) -> None:
        mine = (self.job.training.class_names, self.job.training.category_ids, len(self.job.training.pictures))
        everyone = self.ranks.gather(mine)
        if any(other[:2] != everyone[0][:2] for other in everyone):
            raise DataError(
                f"the hosts see different classes ({mine[0]} here, {everyone[0][0]} on the first). Give the "
                "annotations in a FullyReplicated channel, sharded are only the pictures."
            )
        if any(other[2] == 0 for other in everyone):
            raise DataError(
                f"{sum(o[2] == 0 for o in everyone)} of {len(everyone)} hosts or GPUs got no training picture "
                "(fewer objects than hosts). Use fewer instances, or FullyReplicated."
            )

    def _announce(self) -> None:
        job, world = self.job, self.ranks.layout.world_size
        self._say(
            f"{len(job.training.pictures)} pictures to train on, {len(self.validator)} held out, "
            f"classes: {', '.join(job.training.class_names[:20])}"
        )
        self._say(
            f"{self.chosen.backbone} on {world} x {self.ranks.device.type} in {self.trainer.precision}, "
            f"batch {self.chosen.batch_size * world}, torch {torch.__version__}"
        )

    def _say(self, text: str) -> None:
        if self.ranks.layout.leader:
            print(text, flush=True)


def _starting_point(job: Job, ranks: Ranks) -> tuple[Network, ModelInfo]:
    """The network with its starting weights, and the description it will be saved with."""
    chosen = job.chosen
    torch.manual_seed(chosen.seed)
    source = None
    if job.folders.start is None:
        source = find_weights(chosen.pretrained, chosen.backbone, job.folders.pretrained, job.environ)
    info = _info(job, pretrained=source is not None or job.folders.start is not None)
    network = build_model(info, chosen.rois_per_image)
    if job.folders.start is not None:
        info, said = _continue_model(job, info, network)
        if ranks.layout.leader:
            print(said, flush=True)
    elif source is not None:
        said = load_weights(network, source)
        if ranks.layout.leader:
            print(f"starting weights: {said}", flush=True)
    if info.norm == "frozen":
        from backbone import freeze_stages

        freeze_stages(network.backbone, chosen.trainable_layers)
    return network, info


def _continue_model(job: Job, info: ModelInfo, network: Network) -> tuple[ModelInfo, str]:
    folder = job.folders.start
    assert folder is not None
    before = read_info(folder)
    if before.backbone != info.backbone:
        raise DataError(
            f"the model channel holds a {before.backbone} model, but backbone is {info.backbone}. "
            f"Set backbone={before.backbone}."
        )
    if before.class_names != info.class_names:
        said = load_weights(network, folder / "model.safetensors")
        return info, f"starting from the model channel ({said})"
    old, _ = load_model(folder)
    network.load_state_dict(old.state_dict())
    return info, "starting from the model channel, all layers"


def _info(job: Job, pretrained: bool) -> ModelInfo:
    chosen, training = job.chosen, job.training
    norm = "frozen" if pretrained else "group"
    if chosen.backbone.endswith("_v2") and chosen.backbone.startswith("resnet"):
        norm = "batch"
    return ModelInfo(
        backbone=chosen.backbone,
        norm=norm,  # type: ignore[arg-type]
        class_names=training.class_names,
        category_ids=training.category_ids,
        min_size=chosen.min_size,
        max_size=chosen.max_size,
        score_threshold=chosen.score_threshold,
        max_detections=chosen.max_detections,
        precision=chosen.precision,
        versions=versions(),
    )


def versions() -> dict[str, str]:
    """What the model was made with."""
    return {
        "python": platform.python_version(),
        "torch": torch.__version__,
        "torchvision": torchvision.__version__,
    }


def _with_metrics(info: ModelInfo, row: dict[str, float]) -> ModelInfo:
    from dataclasses import replace

    return replace(info, metrics={k: v for k, v in row.items() if not math.isnan(v)})


def _device(local_rank: int) -> torch.device:
    if not torch.cuda.is_available():
        return torch.device("cpu")
    torch.cuda.set_device(local_rank)
    return torch.device("cuda", local_rank)


def _set_up_torch(job: Job, device: torch.device) -> None:
    if device.type == "cpu":
        ranks = int(job.environ.get("LOCAL_WORLD_SIZE") or job.environ.get("BYOA_RANKS_PER_HOST") or 1)
        torch.set_num_threads(max(1, len(os.sched_getaffinity(0)) // ranks))
    torch.backends.cuda.matmul.allow_tf32 = True
    torch.backends.cudnn.allow_tf32 = True
    if job.chosen.deterministic:
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
        torch.use_deterministic_algorithms(True)


def _loader_threads(job: Job, ranks: Ranks) -> int:
    if job.chosen.num_workers is not None:
        return job.chosen.num_workers
    cores = len(os.sched_getaffinity(0))
    return 1 if ranks.device.type == "cpu" else max(2, min(16, cores))


def _write_rows(path: Path, rows: list[dict[str, float]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.tmp")
    temporary.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    os.replace(temporary, path)


@contextmanager
def _named_errors(job: Job) -> Iterator[None]:
    """Tell the failures that torch and the system report in their own words in the user's."""
    chosen = job.chosen
    tried = f"batch_size={chosen.batch_size}, min_size={chosen.min_size}, max_size={chosen.max_size}"
    try:
        yield
    except InputError:
        raise
    except torch.cuda.OutOfMemoryError as error:
        raise TrainingError(f"out of GPU memory with {tried}. Lower batch_size, then min_size.") from error
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise TrainingError(f"the disk is full: {error}. Give the job a larger volume.") from error
    except RuntimeError as error:
        if "not enough memory" in str(error) or "can't allocate memory" in str(error):
            raise TrainingError(f"out of memory with {tried}. Lower batch_size, then min_size.") from error
        if lost_peer(error):
            raise TrainingError(
                f"{PEER_LOST} ({str(error).splitlines()[0][:200]}). Its own log and failure say why."
            ) from error
        raise
