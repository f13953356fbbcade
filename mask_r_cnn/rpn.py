"""The region proposal network (Ren et al. 2015) that no GPU is waited for.

torchvision's looks at the data a dozen times a picture: which boxes are large enough, which anchors
were drawn. Here every tensor has a size known beforehand, and where a picture has fewer proposals
the rest are boxes of no area. Only what is used is computed: boxes of the best anchors, targets of
the drawn ones. Proposals and losses are torchvision's.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional
from torchvision.models.detection.image_list import ImageList
from torchvision.models.detection.rpn import RegionProposalNetwork
from torchvision.ops import clip_boxes_to_image

from box_math import FixedSizes, decode, encode, match, one_by_one, settle

Target = dict[str, Tensor]
# As many sizes of pictures as are met in a while; a set of anchors takes 4 MB at 800 px.
_SIZES_KEPT = 8
_ANYWHERE = (1.0, 1.0, 1.0, 1.0)


class Proposer(FixedSizes, RegionProposalNetwork):  # type: ignore[misc]
    """torchvision's region proposal network, by modules, numbers and names."""

    def forward(
        self, images: ImageList, features: dict[str, Tensor], targets: list[Target] | None = None
    ) -> tuple[list[Tensor], dict[str, Tensor]]:
        """Proposals [n, 4] of each picture, best first, and the losses in training."""
        maps = list(features.values())
        answers = self.head(maps)
        logits = torch.cat([_flat(part, 1) for part in answers[0]], 1)[..., 0]
        moves = torch.cat([_flat(part, 4) for part in answers[1]], 1)
        counts = [part.shape[1] * part.shape[2] * part.shape[3] for part in answers[0]]
        anchors = self._anchors(images, maps)
        with torch.no_grad():
            boxes = self._proposals(logits, moves, anchors, counts, images.image_sizes)
        if not self.training:
            return boxes, {}
        if targets is None:
            raise ValueError("training needs targets")
        return boxes, self._losses(logits, moves, anchors, [t["boxes"] for t in targets])

    def _anchors(self, images: ImageList, maps: Sequence[Tensor]) -> Tensor:
        """[n, 4] over all levels, made once for each size of pictures."""
        grids = [(int(m.shape[-2]), int(m.shape[-1])) for m in maps]
        key = (tuple(images.tensors.shape[-2:]), tuple(grids), maps[0].device)
        kept: dict[object, Tensor] = self.__dict__.setdefault("_kept_anchors", {})
        if key not in kept:
            height, width = images.tensors.shape[-2:]
            strides = [(height // h, width // w) for h, w in grids]
            # Anchors made while predicting are used in training, too.
            with torch.inference_mode(False), torch.no_grad():
                self.anchor_generator.set_cell_anchors(torch.float32, maps[0].device)
                made = torch.cat(self.anchor_generator.grid_anchors(grids, strides))
            for old in list(kept)[: len(kept) - _SIZES_KEPT + 1]:
                del kept[old]
            kept[key] = made
        return kept[key]

    def _proposals(
        self,
        logits: Tensor,
        moves: Tensor,
        anchors: Tensor,
        counts: Sequence[int],
        sizes: Sequence[tuple[int, int]],
    ) -> list[Tensor]:
        """The best boxes of each picture, of which none covers another one of its level."""
        found = []
        start = 0
        for count in counts:
            level = slice(start, start + count)
            best, rows = logits[:, level].topk(min(count, self.pre_nms_top_n()), 1)
            moved = moves[:, level].gather(1, rows[..., None].expand(-1, -1, 4))
            found.append(self._level(best, decode(moved, anchors[level][rows], _ANYWHERE), sizes))
            start += count
        scores, boxes = (torch.cat(parts, 1) for parts in zip(*found))
        best, rows = scores.topk(min(scores.shape[1], self.post_nms_top_n()), 1)
        boxes = boxes.gather(1, rows[..., None].expand(-1, -1, 4))
        if not self.fixed(boxes):
            return [each[score >= 0] for each, score in zip(boxes, best)]
        return list((boxes * (best >= 0)[..., None]).unbind())

    def _level(
        self, logits: Tensor, boxes: Tensor, sizes: Sequence[tuple[int, int]]
    ) -> tuple[Tensor, Tensor]:
        """Scores and boxes of one level; a score under 0 is no proposal."""
        boxes = torch.stack([clip_boxes_to_image(b, size) for b, size in zip(boxes, sizes)])
        scores = logits.sigmoid()
        usable = (boxes[..., 2:] - boxes[..., :2] >= self.min_size).all(-1)
        usable &= scores >= self.score_thresh
        boxes = boxes * usable[..., None]
        suppress = settle if self.fixed(boxes) else one_by_one
        return torch.where(suppress(boxes, self.nms_thresh) & usable, scores, -1.0), boxes

    def _losses(
        self, logits: Tensor, moves: Tensor, anchors: Tensor, wanted: Sequence[Tensor]
    ) -> dict[str, Tensor]:
        with torch.no_grad():
            matcher = self.proposal_matcher
            low, high = matcher.low_threshold, matcher.high_threshold
            pairs = [match(boxes, anchors, low, high, weak=True) for boxes in wanted]
            rows, positive, used = self.fg_bg_sampler(torch.stack([kind for _, kind in pairs]))
            targets = torch.stack(
                [
                    _targets(boxes, place[drawn], anchors[drawn])
                    for boxes, (place, _), drawn in zip(wanted, pairs, rows)
                ]
            )
        drawn_logits = logits.gather(1, rows)
        drawn_moves = moves.gather(1, rows[..., None].expand(-1, -1, 4))
        drawn = used.sum()
        right = functional.binary_cross_entropy_with_logits(
            drawn_logits, positive.to(logits.dtype), weight=used.to(logits.dtype), reduction="sum"
        )
        # Not times 0: a target that is none may be no number.
        targets = torch.where(positive[..., None], targets, 0.0)
        drawn_moves = torch.where(positive[..., None], drawn_moves, 0.0)
        near = functional.smooth_l1_loss(drawn_moves, targets, beta=1 / 9, reduction="sum")
        return {"loss_objectness": right / drawn, "loss_rpn_box_reg": near / drawn}


def _flat(answer: Tensor, numbers: int) -> Tensor:
    """[N, anchors * numbers, H, W] as [N, H * W * anchors, numbers]."""
    split = answer.view(len(answer), -1, numbers, *answer.shape[-2:])
    return split.permute(0, 3, 4, 1, 2).flatten(1, 3)


def _targets(wanted: Tensor, place: Tensor, anchors: Tensor) -> Tensor:
    """What the network should say of these anchors; nothing where nothing is wanted."""
    if not len(wanted):
        return torch.zeros_like(anchors)
    return encode(wanted[place], anchors, _ANYWHERE)
