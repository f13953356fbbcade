"""The box and mask heads (He et al. 2017) that no GPU is waited for in training.

Losses are torchvision's. On a GPU every picture has the same number of regions and of places for
positive ones, and what a picture lacks counts for nothing in the losses; on the CPU, where the size
of a tensor costs no waiting, what is lacking is left out of the computing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional
from torchvision.models.detection.roi_heads import RoIHeads
from torchvision.ops import clip_boxes_to_image

from box_math import FixedSizes, decode, encode, match, settle
from mask_targets import mask_targets

Target = dict[str, Tensor]
# cross_entropy counts no row with this label.
_NO_LABEL = -100
# Boxes of a picture that suppression looks at: 100 detections are far under it.
_CANDIDATES = 2048
_SMALLEST = 1e-2


@dataclass(frozen=True)
class Regions:
    """What a step learns from: regions of all pictures, picture after picture."""

    boxes: list[Tensor]  # [n, 4] of each picture
    places: list[Tensor]  # [n] which of the picture's objects each one is matched to
    labels: Tensor  # [all]; 0 is background, under 0 is no region
    moves: Tensor  # [all, 4] what the box head should say, 0 of background


class Heads(FixedSizes, RoIHeads):  # type: ignore[misc]
    """torchvision's heads, by modules, numbers and names."""

    def forward(
        self,
        features: dict[str, Tensor],
        proposals: list[Tensor],
        image_shapes: list[tuple[int, int]],
        targets: list[Target] | None = None,
    ) -> tuple[list[dict[str, Tensor]], dict[str, Tensor]]:
        """Detections of each picture and nothing, or in training nothing and the losses."""
        if not self.training:
            if not self.fixed(proposals[0]):
                found: tuple[Any, Any] = super().forward(features, proposals, image_shapes)
                return found
            return self._detect(features, proposals, image_shapes), {}
        if targets is None:
            raise ValueError("training needs targets")
        with torch.no_grad():
            regions = self._regions(proposals, targets)
        logits, moves = self._boxes(features, regions.boxes, image_shapes)
        losses = _box_losses(logits, moves, regions)
        losses["loss_mask"] = self._mask_loss(features, regions, image_shapes, targets)
        return [], losses

    def _boxes(
        self, features: dict[str, Tensor], boxes: list[Tensor], sizes: list[tuple[int, int]]
    ) -> tuple[Tensor, Tensor]:
        pooled = self.box_roi_pool(features, boxes, sizes)
        logits, moves = self.box_predictor(self.box_head(pooled))
        return logits, moves

    def _regions(self, proposals: Sequence[Tensor], targets: Sequence[Target]) -> Regions:
        """Proposals and the objects' own boxes, of which a fixed number is drawn."""
        wanted = [t["boxes"].to(proposals[0].dtype) for t in targets]
        every = _stacked([torch.cat(pair) for pair in zip(proposals, wanted)])
        matcher = self.proposal_matcher
        low, high = matcher.low_threshold, matcher.high_threshold
        pairs = [match(gt, boxes, low, high) for gt, boxes in zip(wanted, every)]
        empty = (every[..., 2:] <= every[..., :2]).any(-1)
        kinds = torch.where(empty, -1, torch.stack([kind for _, kind in pairs]))
        rows, positive, used = self.fg_bg_sampler(kinds)
        boxes = every.gather(1, rows[..., None].expand(-1, -1, 4))
        places = torch.stack([place for place, _ in pairs]).gather(1, rows)
        labels = torch.stack([_of(t["labels"], p, 0) for t, p in zip(targets, places)])
        labels = torch.where(positive, labels, torch.where(used, 0, _NO_LABEL))
        moves = torch.stack(
            [
                encode(_of(gt, place, 0.0), box, self.box_coder.weights)
                for gt, place, box in zip(wanted, places, boxes)
            ]
        )
        moves = torch.where(positive[..., None], moves, 0.0)
        if self.fixed(boxes):
            return Regions(list(boxes), list(places), labels.flatten(), moves.flatten(0, 1))
        pick = [[part[mask] for part, mask in zip(parts, used)] for parts in (boxes, places)]
        return Regions(pick[0], pick[1], labels[used], moves[used])

    def _mask_loss(
        self,
        features: dict[str, Tensor],
        regions: Regions,
        sizes: list[tuple[int, int]],
        targets: Sequence[Target],
    ) -> Tensor:
        """Positive regions only: the sampler has put them first."""
        labels = torch.split(regions.labels, [len(boxes) for boxes in regions.boxes])
        if self.fixed(regions.labels):
            most = [min(self.fg_bg_sampler.most_positive, len(mine)) for mine in labels]
        else:
            most = [int((mine > 0).sum()) for mine in labels]
        boxes = [mine[:n] for mine, n in zip(regions.boxes, most)]
        places = [mine[:n] for mine, n in zip(regions.places, most)]
        label = torch.cat([mine[:n] for mine, n in zip(labels, most)])
        pooled = self.mask_roi_pool(features, boxes, sizes)
        logits = self.mask_predictor(self.mask_head(pooled))
        side = logits.shape[-1]
        with torch.no_grad():
            wanted = mask_targets(targets, boxes, places, side)
        index = label.clamp(min=0).view(-1, 1, 1, 1).expand(-1, 1, side, side)
        own = logits.gather(1, index)[:, 0]
        counts = (label > 0).to(own.dtype)
        wrong = functional.binary_cross_entropy_with_logits(
            own, wanted, weight=counts.view(-1, 1, 1), reduction="sum"
        )
        mean: Tensor = wrong / (counts.sum() * side * side).clamp(min=1)
        return mean

    def _detect(
        self,
        features: dict[str, Tensor],
        proposals: list[Tensor],
        sizes: list[tuple[int, int]],
    ) -> list[dict[str, Tensor]]:
        """Detections on the host. The GPU is waited for twice a batch: for boxes, and for masks."""
        logits, moves = self._boxes(features, proposals, sizes)
        shape = (len(proposals), len(proposals[0]))
        found = self._best(
            logits.view(*shape, -1), moves.view(*shape, -1, 4), torch.stack(proposals), sizes
        )
        answers = [_detections(rows[rows[:, 4] > 0]) for rows in found.cpu()]
        if self.has_mask():
            boxes = [rows[: len(a["labels"]), :4] for rows, a in zip(found, answers)]
            self._add_masks(answers, features, boxes, sizes, found[..., 5].long())
        return answers

    def _best(
        self, logits: Tensor, moves: Tensor, proposals: Tensor, sizes: list[tuple[int, int]]
    ) -> Tensor:
        """[pictures, detections, 6]: box, score and label, best first; a score of 0 is none."""
        scores = functional.softmax(logits, -1)[..., 1:]
        classes = scores.shape[-1]
        best, rows = scores.flatten(1).topk(min(_CANDIDATES, scores[0].numel()))
        proposal, label = rows // classes, rows % classes + 1
        source = proposals.gather(1, proposal[..., None].expand(-1, -1, 4))
        chosen = moves[torch.arange(len(rows), device=rows.device)[:, None], proposal, label]
        boxes = decode(chosen, source, self.box_coder.weights)
        boxes = torch.stack([clip_boxes_to_image(b, size) for b, size in zip(boxes, sizes)])
        usable = (boxes[..., 2:] - boxes[..., :2] >= _SMALLEST).all(-1) & (best > self.score_thresh)
        boxes = boxes * usable[..., None]
        kept = settle(boxes, self.nms_thresh, label) & usable
        score, rows = torch.where(kept, best, 0.0).topk(min(self.detections_per_img, best.shape[1]))
        columns = torch.cat((boxes, label[..., None].to(boxes.dtype)), -1)
        columns = columns.gather(1, rows[..., None].expand(-1, -1, 5))
        return torch.cat((columns[..., :4], score[..., None], columns[..., 4:]), -1)

    def _add_masks(
        self,
        answers: list[dict[str, Tensor]],
        features: dict[str, Tensor],
        boxes: list[Tensor],
        sizes: list[tuple[int, int]],
        labels: Tensor,
    ) -> None:
        pooled = self.mask_roi_pool(features, boxes, sizes)
        logits = self.mask_predictor(self.mask_head(pooled))
        side = logits.shape[-1]
        counts = [len(mine) for mine in boxes]
        label = torch.cat([mine[:n] for mine, n in zip(labels, counts)])
        index = label.view(-1, 1, 1, 1).expand(-1, 1, side, side)
        masks = logits.gather(1, index).sigmoid().cpu()
        for answer, part in zip(answers, masks.split(counts)):
            answer["masks"] = part


def _box_losses(logits: Tensor, moves: Tensor, regions: Regions) -> dict[str, Tensor]:
    labels = regions.labels
    index = labels.clamp(min=0).view(-1, 1, 1).expand(-1, 1, 4)
    own = moves.view(len(labels), -1, 4).gather(1, index)[:, 0]
    own = torch.where((labels > 0)[:, None], own, 0.0)
    near = functional.smooth_l1_loss(own, regions.moves, beta=1 / 9, reduction="sum")
    return {
        "loss_classifier": functional.cross_entropy(logits, labels, ignore_index=_NO_LABEL),
        "loss_box_reg": near / (labels >= 0).sum(),
    }


def _detections(rows: Tensor) -> dict[str, Tensor]:
    return {"boxes": rows[:, :4], "scores": rows[:, 4], "labels": rows[:, 5].long()}


def _stacked(boxes: Sequence[Tensor]) -> Tensor:
    """[pictures, most boxes, 4], filled up with boxes of no area."""
    most = max(len(mine) for mine in boxes)
    return torch.stack([functional.pad(mine, (0, 0, 0, most - len(mine))) for mine in boxes])


def _of(values: Tensor, place: Tensor, otherwise: float) -> Tensor:
    """values[place], of no values `otherwise`."""
    if len(values):
        return values[place]
    return values.new_full((len(place), *values.shape[1:]), otherwise)
