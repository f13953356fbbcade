"""One rank's run of a checked job: set up, train, judge, keep the best, report."""

from __future__ import annotations

import math
import os
import signal
from collections.abc import Callable, Mapping
from contextlib import suppress

import torch

from augment import Augmentation
from console import StepDisplay, metric_line
from cores import compute_threads, cores
from distributed import Ranks, layout_of
from engine import Trainer
from errors import DataError, TrainingError
from failures import told_plainly
from job import Job
from keeper import Keeper
from loader import Loader, epoch_order, tall
from start import starting_point
from validate import Validator


def run_job(job: Job) -> None:
    """Train to the end or to a SIGTERM; what was reached is in the model and checkpoint folders."""
    layout = layout_of(job.environ)
    device = _device(layout.local_rank)
    _set_up_torch(job, device)
    with told_plainly(job.chosen):
        ranks = Ranks(layout, device)
        try:
            ranks.share_failure(None)
            Run(job, ranks).train()
        finally:
            ranks.leave()


def tell_peers(environ: Mapping[str, str], failure: str) -> None:
    """Join the other ranks only to say that this one can not go on: they would wait for it."""
    layout = layout_of(environ)
    with suppress(TrainingError, RuntimeError):
        ranks = Ranks(layout, _device(layout.local_rank))
        try:
            ranks.share_failure(failure)
        finally:
            ranks.leave()


class Run:
    """One run, from the first weights to the report."""

    def __init__(self, job: Job, ranks: Ranks) -> None:
        self.job, self.ranks, self.chosen = job, ranks, job.chosen
        self._check_shares()
        network, self.info, said = starting_point(job)
        self._say(f"starting weights: {said}")
        augmentation = Augmentation(self.chosen.augment, self.chosen.min_size, self.chosen.max_size)
        # Every rank of a sharded job sees other pictures, so it must draw other orders too.
        self._seed = self.chosen.seed + (ranks.layout.rank if job.sharded else 0)
        threads = _loader_threads(job, ranks)
        self._tall = tall(job.training.pictures)
        self.loader = Loader(job.training.pictures, augmentation, self._seed, threads)
        self.trainer = Trainer(network, self.chosen, ranks, self.loader)
        self.validator = Validator(job.validation, ranks, job.sharded)
        self.keeper = Keeper(job, ranks, self.trainer, self.info)

    def train(self) -> None:
        """All epochs; ends early on SIGTERM or when the mask AP no longer rises."""
        stopping: list[int] = []
        previous = signal.signal(signal.SIGTERM, lambda number, _: stopping.append(number))
        try:
            self._announce()
            self._resume()
            while self.trainer.progress.epoch < self.chosen.num_epochs and not self._enough():
                if not self._epoch(lambda: bool(stopping)):
                    self._stopped()
                    return
            self._finish(lambda: bool(stopping))
        finally:
            signal.signal(signal.SIGTERM, previous)
            self.loader.close()

    def _epoch(self, stop: Callable[[], bool]) -> bool:
        """The rest of the current epoch and its judgement; False when `stop` cut it short."""
        progress = self.trainer.progress
        order = self._order(progress.epoch)
        display = StepDisplay(len(order), self.chosen.num_epochs)
        every = self.chosen.checkpoint_every

        def after_step(done: int) -> None:
            if self.ranks.layout.leader:
                display.show(progress.epoch + 1, done, progress.mean_loss())
            if every and progress.step % every == 0 and done < len(order):
                self.keeper.checkpoint()

        whole = self.trainer.run_epoch(order, stop, after_step)
        display.end_epoch()
        if whole:
            self._judge(self.trainer.finish_epoch())
            self.keeper.checkpoint()
        return whole

    def _order(self, epoch: int) -> list[list[int]]:
        """This rank's batches of an epoch; every rank gets the same number of them."""
        layout, size = self.ranks.layout, self.chosen.batch_size
        if not self.job.sharded:
            whole = epoch_order(self._tall, size * layout.world_size, self._seed, epoch)
            return [b[layout.rank * size : (layout.rank + 1) * size] for b in whole]
        own = epoch_order(self._tall, size, self._seed, epoch)
        # Hosts with fewer pictures start over: a rank that ends early would hang the others.
        return [own[i % len(own)] for i in range(self.ranks.largest(len(own)))]

    def _judge(self, row: dict[str, float]) -> None:
        progress = self.trainer.progress
        due = progress.epoch % self.chosen.evaluate_every == 0
        found = None
        if due or progress.epoch == self.chosen.num_epochs:
            found = self.validator(self.trainer.evaluated, self.info)
            if found is not None:
                row["validation_bbox_map"] = found.bbox["map"]
                row["validation_segm_map"] = found.segm["map"]
                row["validation_segm_map50"] = found.segm["map50"]
        progress.history.append(row)
        self._say(metric_line(row))
        score = row.get("validation_segm_map", math.nan)
        # Without held-out pictures nothing can be compared: the newest weights are kept.
        if not len(self.validator) or score > progress.best:
            progress.best = -math.inf if math.isnan(score) else score
            progress.best_epoch = progress.epoch
            self.keeper.keep_model(row, found)
        self.keeper.write_rows()

    def _enough(self) -> bool:
        patience, progress = self.chosen.early_stopping_patience, self.trainer.progress
        return 0 < patience <= progress.epoch - progress.best_epoch

    def _resume(self) -> None:
        found = self.keeper.resume()
        if found is None:
            return
        name, same_batches = found
        progress = self.trainer.progress
        if not same_batches:
            # Another batch size or other pictures: the half-done epoch can't be continued.
            progress.step, progress.sums = progress.epoch * len(self._order(progress.epoch)), {}
            self._say("the batches are others than before: this epoch starts over")
        self._say(f"resumed from {name}: epoch {progress.epoch + 1}, step {progress.step}")

    def _stopped(self) -> None:
        """A stopped job leaves a checkpoint, and a model: the best so far, else what there is."""
        self.keeper.checkpoint()
        if self.keeper.best is None:
            self.keeper.keep_model({})
        self._say(f"stopped by SIGTERM after step {self.trainer.progress.step}; checkpoint written")

    def _finish(self, stop: Callable[[], bool]) -> None:
        if self.keeper.best is None and self.ranks.layout.leader:
            self.keeper.keep_model({})
        from int8_gate import judge_int8
        from summary import write_summary

        kept = self.keeper.best, self.keeper.judged
        judged = write_summary(self.job, self.trainer, self.validator, *kept)
        try:
            said = judge_int8(self.job, self.trainer, self.validator, self.info, judged, stop)
        except (OSError, RuntimeError) as error:  # the model is there, and answers without it
            if self.ranks.layout.world_size > 1:
                raise  # the others wait for this one
            said = f"int8: off for serving on CPUs, as judging it failed: {str(error)[:200]}"
        self._say(said)
        progress = self.trainer.progress
        self._say(f"the model of epoch {progress.best_epoch} is in {self.job.folders.model}")

    def _check_shares(self) -> None:
        """All ranks must see the same classes, and each at least one picture."""
        training = self.job.training
        mine = (training.class_names, training.category_ids, len(training.pictures))
        everyone = self.ranks.gather(mine)
        if any(other[:2] != everyone[0][:2] for other in everyone):
            raise DataError(
                f"the hosts see different classes ({mine[0]} here, {everyone[0][0]} on the first). "
                "Give the annotations in a FullyReplicated channel; shard only the pictures."
            )
        empty = sum(other[2] == 0 for other in everyone)
        if empty:
            raise DataError(
                f"{empty} of {len(everyone)} hosts or GPUs got no training picture (fewer objects "
                "than hosts). Use fewer instances, or FullyReplicated."
            )

    def _announce(self) -> None:
        training, world = self.job.training, self.ranks.layout.world_size
        names = ", ".join(training.class_names[:20])
        self._say(
            f"{len(training.pictures)} pictures to train on, {len(self.validator)} held out, "
            f"classes: {names}"
        )
        notes = ", ".join(f"{what}: {count}" for what, count in training.notes.items())
        if notes:
            self._say(f"left out or corrected: {notes}")
        self._say(
            f"{self.chosen.backbone} on {world} x {self.ranks.device.type} in "
            f"{self.trainer.precision}, batch {self.chosen.batch_size * world}, "
            f"torch {torch.__version__}"
        )

    def _say(self, text: str) -> None:
        if self.ranks.layout.leader:
            print(text, flush=True)


def _device(local_rank: int) -> torch.device:
    if not torch.cuda.is_available():
        return torch.device("cpu")
    torch.cuda.set_device(local_rank)
    return torch.device("cuda", local_rank)


def _set_up_torch(job: Job, device: torch.device) -> None:
    if device.type == "cpu":
        torch.set_num_threads(compute_threads(int(job.environ.get("LOCAL_WORLD_SIZE") or 1)))
    torch.backends.cuda.matmul.allow_tf32 = True
    torch.backends.cudnn.allow_tf32 = True
    if job.chosen.deterministic:
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
        torch.use_deterministic_algorithms(True)


def _loader_threads(job: Job, ranks: Ranks) -> int:
    if job.chosen.num_workers is not None:
        return job.chosen.num_workers
    return 1 if ranks.device.type == "cpu" else max(2, min(16, cores()))
