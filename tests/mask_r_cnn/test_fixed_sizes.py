"""What no GPU is waited for: the same numbers as torchvision's, from tensors of fixed sizes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import pytest
import torch
from torch import Tensor
from torch._subclasses.fake_tensor import DynamicOutputShapeException, FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode
from torchvision.models.detection._utils import BoxCoder, Matcher
from torchvision.models.detection.roi_heads import RoIHeads
from torchvision.models.detection.rpn import RegionProposalNetwork
from torchvision.ops import MultiScaleRoIAlign, box_iou, nms, roi_align

from box_math import decode, encode, match, one_by_one, settle
from canvas_align import canvas_align
from feeder import Feeder, ahead, pack, unpack
from heads import Heads
from loader import Batch
from network import Network, build_network
from roi_align import BagRoIAlign, _scales
from rpn import Proposer
from sampling import SeededSampler

SIZES = [(96, 128), (80, 128)]
Target = dict[str, Tensor]


class TorchvisionsSampler:
    """The rows of ours in torchvision's form: two masks a picture."""

    def __init__(self, ours: SeededSampler) -> None:
        self.ours = ours

    def __call__(self, matched: list[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
        """Chosen positives and chosen negatives."""
        longest = max(map(len, matched))
        padded = torch.stack(
            [torch.nn.functional.pad(m, (0, longest - len(m)), value=-1) for m in matched]
        )
        rows, positive, used = self.ours(padded)
        masks: tuple[list[Tensor], list[Tensor]] = ([], [])
        for index, mine in enumerate(matched):
            for found, which in zip(masks, (positive[index], used[index] & ~positive[index])):
                found.append(torch.zeros(len(mine), dtype=torch.uint8))
                found[-1][rows[index][which]] = 1
        return masks


def target(count: int, seed: int) -> Target:
    """Some boxes with masks that fill them."""
    generator = torch.Generator().manual_seed(seed)
    corner = torch.rand(count, 2, generator=generator) * torch.tensor([60.0, 40.0])
    boxes = torch.cat([corner, corner + torch.rand(count, 2, generator=generator) * 30 + 8], 1)
    masks = torch.zeros(count, 96, 128, dtype=torch.uint8)
    for mask, (x0, y0, x1, y1) in zip(masks, boxes.int().tolist()):
        mask[y0:y1, x0:x1] = 1
    labels = torch.randint(1, 3, (count,), generator=generator)
    return {"boxes": boxes, "labels": labels, "masks": masks}


@pytest.fixture(scope="module")
def network() -> Network:
    torch.manual_seed(0)
    network = build_network("mobilenet_v2_fpn", "group", 3, 20, rois_per_image=32)
    network.rpn._post_nms_top_n = {"training": 200, "testing": 100}
    for seeded in (network.rpn.fg_bg_sampler, network.roi_heads.fg_bg_sampler):
        seeded.seeds = [3, 4]
    return network


@pytest.fixture
def pictures() -> Tensor:
    generator = torch.Generator().manual_seed(1)
    return torch.randint(0, 256, (2, 3, 96, 128), dtype=torch.uint8, generator=generator)


def in_place(*arguments: Any) -> Tensor:
    """RoIAlign that takes a pixel's middle for the middle."""
    found: Tensor = roi_align(*arguments, aligned=True)
    return found


@contextmanager
def way(network: Network, name: str) -> Iterator[None]:
    """The network as torchvision would have it, as on the CPU, or as on a GPU."""
    samplers = network.rpn.fg_bg_sampler, network.roi_heads.fg_bg_sampler
    if name == "torchvision":
        network.rpn.__class__, network.roi_heads.__class__ = RegionProposalNetwork, RoIHeads
        network.rpn.fg_bg_sampler = TorchvisionsSampler(samplers[0])
        network.roi_heads.fg_bg_sampler = TorchvisionsSampler(samplers[1])
    network.rpn.fixed_sizes = network.roi_heads.fixed_sizes = name == "fixed sizes"
    # Masks are read in place, and not half a pixel beside (mask_targets).
    with patch("torchvision.models.detection.roi_heads.roi_align", in_place):
        yield
    network.rpn.__class__, network.roi_heads.__class__ = Proposer, Heads
    network.rpn.fg_bg_sampler, network.roi_heads.fg_bg_sampler = samplers


@pytest.mark.parametrize("counts", [(3, 5), (2, 0)])
def test_losses_and_gradients_are_torchvisions(
    network: Network, pictures: Tensor, counts: tuple[int, int]
) -> None:
    targets = [target(count, seed) for seed, count in enumerate(counts)]
    found = []
    for name in ("torchvision", "as on a CPU", "fixed sizes"):
        network.train().zero_grad()
        with way(network, name):
            for sampler in (network.rpn.fg_bg_sampler, network.roi_heads.fg_bg_sampler):
                getattr(sampler, "ours", sampler).seeds = [3, 4]
            losses = network(pictures, SIZES, targets, [3, 4])
        sum(losses.values()).backward()
        gradients = [p.grad.flatten() for p in network.parameters() if p.grad is not None]
        found.append((losses, torch.cat(gradients)))
    (theirs, their_gradient), *ours = found
    for losses, gradient in ours:
        assert losses.keys() == theirs.keys()
        for name, loss in losses.items():
            torch.testing.assert_close(loss, theirs[name], rtol=1e-4, atol=1e-6)
        assert (gradient - their_gradient).norm() < 1e-3 * their_gradient.norm()


def test_detections_of_fixed_sizes_are_torchvisions(network: Network, pictures: Tensor) -> None:
    network.eval().roi_heads.score_thresh = 0.3
    found = []
    for name in ("torchvision", "fixed sizes"):
        with way(network, name), torch.no_grad():
            found.append(network(pictures, SIZES))
    for theirs, ours in zip(*found):
        assert len(theirs["labels"]) == 20
        for name, values in theirs.items():
            torch.testing.assert_close(ours[name], values, rtol=1e-3, atol=1e-2)


def test_boxes_are_coded_and_matched_as_torchvision_does() -> None:
    generator = torch.Generator().manual_seed(0)
    corner, sides = torch.rand(2, 300, 2, generator=generator) * 50
    boxes = torch.cat([corner, corner + sides + 1], 1)
    moves, weights = torch.randn(300, 4, generator=generator), (10.0, 10.0, 5.0, 5.0)
    coder = BoxCoder(weights)
    assert torch.equal(decode(moves, boxes, weights), coder.decode_single(moves, boxes))
    torch.testing.assert_close(
        encode(boxes.flip(0), boxes, weights), coder.encode_single(boxes.flip(0), boxes)
    )
    for weak in (False, True):
        theirs = Matcher(0.6, 0.3, weak)(box_iou(boxes[:100], boxes))
        place, kind = match(boxes[:100], boxes, 0.3, 0.6, weak)
        ours = torch.where(kind > 0, place, torch.where(kind == 0, -1, -2))
        assert torch.equal(ours, theirs)


def test_settled_suppression_is_the_greedy_one() -> None:
    generator = torch.Generator().manual_seed(0)
    corner, sides = torch.rand(2, 3, 400, 2, generator=generator) * 60
    boxes = torch.cat([corner, corner + sides + 5], -1)
    boxes[0, 100:120] = 0  # no boxes: they take nothing away
    kept = one_by_one(boxes, 0.5)
    assert 0 < kept.sum() < kept.numel() and kept[0, 100:120].all()
    assert torch.equal(settle(boxes, 0.5), kept)
    labels = torch.randint(0, 3, (3, 400), generator=generator)
    by_label = settle(boxes, 0.5, labels)
    for label in range(3):
        mine = labels[1] == label
        left = nms(boxes[1, mine], torch.arange(int(mine.sum()), 0, -1.0), 0.5)
        assert by_label[1, mine].nonzero().flatten().tolist() == sorted(left.tolist())


def test_one_canvas_is_pooled_like_a_pyramid() -> None:
    generator = torch.Generator().manual_seed(0)
    corner = torch.rand(2, 40, 2, generator=generator) * torch.tensor([70.0, 40.0])
    sides = torch.rand(2, 40, 2, generator=generator) * torch.tensor([200.0, 150.0]) + 8
    boxes = [
        b.clamp(max=torch.tensor([128.0, 96.0] * 2)) for b in torch.cat([corner, corner + sides], 2)
    ]
    shapes = [(2, 8, 96 // stride, 128 // stride) for stride in (4, 8, 16, 32)]
    values = [torch.randn(shape, generator=generator) for shape in shapes]
    answers = []
    for ours in (False, True):
        maps = {str(i): v.clone().requires_grad_() for i, v in enumerate(values)}
        pool = BagRoIAlign(list(maps), output_size=7, sampling_ratio=2)
        if ours:
            scales = _scales(list(maps.values()), SIZES)
            level = pool._levels(torch.cat(boxes), scales)
            out = canvas_align(list(maps.values()), scales, boxes, level, ((7, 7), 2))
        else:
            out = MultiScaleRoIAlign(list(maps), 7, 2)(maps, boxes, SIZES)
        out.square().sum().backward()
        answers.append((out, *(m.grad for m in maps.values())))
    for theirs, mine in zip(*answers):
        torch.testing.assert_close(mine, theirs, rtol=1e-3, atol=1e-3)


class Copies(TorchDispatchMode):
    """Notes what goes between the host and the device: each makes the host wait."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[str] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """The operation, as ever."""
        out = func(*args, **(kwargs or {}))
        if func.__name__.startswith(("_to_copy", "copy_")):
            source = args[-1] if func.__name__.startswith("copy_") else args[0]
            if source.device.type != out.device.type:
                self.seen.append(f"{func} {tuple(out.shape)}")
        return out


@pytest.mark.parametrize("objects", [4, 0])
def test_a_training_step_on_a_gpu_is_computed_without_a_look_at_its_data(objects: int) -> None:
    """Tensors without data on a device that is not here: any look at them is an error."""
    with FakeTensorMode(), torch.device("cuda"):
        network = build_network("resnet18_fpn", "group", 3, 100, rois_per_image=64).train()
        targets = [
            {
                "boxes": torch.empty(count, 4),
                "labels": torch.empty(count, dtype=torch.int64),
                "masks": torch.empty(count, 40, 50, dtype=torch.uint8),
                "corners": torch.empty(count, 2, dtype=torch.int64),
            }
            for count in (objects, 2)
        ]
        pictures = torch.empty(2, 3, 96, 128, dtype=torch.uint8)
        network(pictures, SIZES, targets, [1, 2])  # constants are copied once, at the first step
        with Copies() as copies:
            losses = network(pictures, SIZES, targets, [1, 2])
    assert {str(loss.device) for loss in losses.values()} == {"cuda:0"}
    assert copies.seen == []


def test_a_prediction_on_a_gpu_waits_for_boxes_and_then_for_masks() -> None:
    with FakeTensorMode(), torch.device("cuda"), torch.no_grad():
        network = build_network("resnet18_fpn", "group", 3, 100, rois_per_image=64).eval()
        pictures = torch.empty(2, 3, 96, 128, dtype=torch.uint8)
        network.roi_heads.mask_roi_pool = None
        with pytest.raises(DynamicOutputShapeException), Copies() as copies:
            network(pictures, SIZES)  # until the host asks the first copy how many there are
    assert [c for c in copies.seen if "(2, 100, 6)" in c] == copies.seen[-1:]
    # Before it constants, made once: what pictures are normalised with, anchors of five levels.
    assert len(copies.seen) == 1 + 5 + 1


def some_batch(count: int) -> Batch:
    """A batch as the loader makes it, with targets of several kinds and sizes."""
    targets = [
        target(count, 0),
        {**target(0, 1), "corners": torch.zeros((0, 2), dtype=torch.int64)},
    ]
    return Batch(torch.randint(0, 255, (2, 3, 31, 33), dtype=torch.uint8), SIZES, targets, [1, 2])


def test_a_packed_batch_is_unpacked_as_it_was() -> None:
    batch = some_batch(3)
    back = unpack(pack(batch), batch)
    assert torch.equal(back.pictures, batch.pictures)
    assert (back.sizes, back.seeds) == (batch.sizes, batch.seeds)
    for mine, theirs in zip(back.targets, batch.targets, strict=True):
        assert mine.keys() == theirs.keys()
        assert all(
            torch.equal(mine[n], theirs[n]) and mine[n].dtype == theirs[n].dtype for n in mine
        )


def test_batches_come_in_order_and_a_failure_comes_through() -> None:
    def broken() -> Iterator[Batch]:
        yield from (some_batch(count) for count in (1, 2, 3))
        raise OSError("no such picture")

    arriving = ahead(broken(), lambda batch: len(batch.targets[0]["boxes"]), 2)
    assert [next(arriving) for _ in range(3)] == [1, 2, 3]
    with pytest.raises(OSError, match="no such picture"):
        next(arriving)
    early = ahead((some_batch(1) for _ in range(9)), id, 2)
    next(early)
    early.close()  # type: ignore[attr-defined]
    feeder = Feeder(torch.device("cpu"))
    assert len(list(feeder.batches(some_batch(1) for _ in range(3)))) == 3
    assert feeder.waited > 0


def test_gradients_lie_in_memory_as_their_weights(pictures: Tensor) -> None:
    """torch's fused optimisers do not look: they would add the wrong numbers to each other."""
    network = build_network("mobilenet_v2_fpn", "frozen", 3, 20, rois_per_image=8).train()
    network.to(memory_format=torch.channels_last)
    sum(network(pictures, SIZES, [target(2, 0), target(2, 1)], [1, 2]).values()).backward()
    learning = [p for p in network.parameters() if p.requires_grad and p.grad is not None]
    assert sum(p.dim() == 4 and p.shape[-1] > 1 and not p.is_contiguous() for p in learning) > 5
    assert all(p.grad is not None and p.grad.stride() == p.stride() for p in learning)
