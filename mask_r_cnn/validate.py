"""Judging the network on held-out pictures, the work shared by all ranks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from dataset import Dataset, instance_rle
from distributed import Ranks
from evaluation import Detection, Evaluation, Judge
from instances import Instance, Picture, Rle
from model import ModelInfo, predict
from network import LOWEST_SCORE, Network
from pictures import read_picture

_BATCH = {"cpu": 1, "cuda": 8}


class Validator:
    """COCO figures of a network on one held-out set, whose truth is made ready only once."""

    def __init__(self, held_out: Dataset, ranks: Ranks, sharded: bool) -> None:
        self._ranks = ranks
        rank, world = ranks.layout.rank, ranks.layout.world_size
        mine = held_out.pictures if sharded else held_out.pictures[rank::world]
        # With sharded channels picture ids of two hosts may be equal: they become (rank, place).
        self.own = [
            replace(_with_rles(picture), image_id=place * world + rank)
            for place, picture in enumerate(mine)
        ]
        gathered = [p for share in ranks.gather(self.own) for p in share]
        self.truth = replace(held_out, pictures=tuple(gathered))
        self._judge = Judge(self.truth) if ranks.layout.leader else None

    def __len__(self) -> int:
        return len(self.truth.pictures)

    def __call__(
        self, network: Network, info: ModelInfo, stop: Callable[[], bool] | None = None
    ) -> Evaluation | None:
        """The figures, on every rank; None when nothing is held out, or a rank is to stop."""
        if not self.truth.pictures:
            return None
        training = network.training
        network.eval()
        found = self._ranks.gather(self._predictions(network, info, stop))
        network.train(training)
        if stop is not None and self._ranks.any(stop()):
            return None
        merged = {key: value for share in found for key, value in share.items()}
        result = self._judge(merged) if self._judge else None
        return self._ranks.from_leader(result)  # type: ignore[no-any-return]

    def _predictions(
        self, network: Network, info: ModelInfo, stop: Callable[[], bool] | None
    ) -> dict[int, list[Detection]]:
        device = next(network.parameters()).device
        size, found = _BATCH[device.type], {}
        for start in range(0, len(self.own), size):
            if stop is not None and stop():
                break
            group = self.own[start : start + size]
            images = [read_picture(picture.path) for picture in group]
            answers = predict(network, info, images, score_threshold=LOWEST_SCORE)
            found.update({p.image_id: answer for p, answer in zip(group, answers)})
        return found


def _with_rles(picture: Picture) -> Picture:
    """The picture with every mask decoded to RLE: other ranks may not have its files."""

    def turned(instance: Instance) -> Instance:
        return replace(instance, segmentation=Rle(instance_rle(picture, instance)["counts"]))

    return replace(picture, instances=tuple(turned(i) for i in picture.instances))
