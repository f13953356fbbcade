"""Held-out mask AP on Penn-Fudan: our `train` beside the plain torchvision detection recipe.

Both start from the same ImageNet MobileNetV2, learn from the same 120 pictures at the same
size for the same number of SGD steps, and are judged on the same 50 pictures.

    BYOA_TEST_DATA=… python benchmarks/penn_fudan.py            both, 600 steps at 320/512 px
    BYOA_TEST_DATA=… python benchmarks/penn_fudan.py --best     ours alone, 20 minutes on 2 cores
"""

from __future__ import annotations

import argparse
import json
import math
import os
import platform
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOM = Path(__file__).resolve().parent.parent / "mask_r_cnn"
sys.path.insert(0, str(ROOM))

import numpy as np
import torch
from pycocotools import mask as coco_mask
from torchvision.models.detection import MaskRCNN
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.ops import MultiScaleRoIAlign

from backbone import build_backbone
from channel import load_channel
from dataset import Dataset, rasterise, split
from evaluation import Detection, evaluate
from network import MOBILE_ANCHORS
from pictures import read_picture
from weights import load_weights

NEEDS = ("data",)
HELD_OUT = 50
# What a few hundred pictures want: strong variation, averaged weights, a rate that small
# pyramids stand thanks to their normalisation, and no more regions than there are people.
SMALL_DATA = {
    "learning_rate": 0.02,
    "lr_scheduler": "cosine",
    "augment": "strong",
    "rois_per_image": 128,
}


def penn_fudan(root: Path) -> tuple[Dataset, Dataset]:
    """120 pictures to train on, 50 held out, chosen by a fixed seed."""
    whole = load_channel(root / "PennFudanPed")
    return split(whole, HELD_OUT / len(whole.pictures), seed=0)


def plain_torchvision(
    training: Dataset, held_out: Dataset, weights: Path, options: argparse.Namespace
) -> dict[str, Any]:
    """The detection recipe of torchvision's own references, with gradient clipping."""
    torch.manual_seed(options.seed)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    model = _plain_model(weights, options).to(device)
    parameters = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.SGD(parameters, lr=options.rate, momentum=0.9, weight_decay=5e-4)
    batches = _plain_batches(training, options.batch, options.seed)
    began = time.perf_counter()
    model.train()
    for step in range(options.steps):
        warm = min(1.0, (step + 1) / 100)
        cosine = 0.5 * (1 + math.cos(math.pi * step / options.steps))
        for group in optimizer.param_groups:
            group["lr"] = options.rate * warm * cosine
        images, targets = next(batches)
        losses = model(
            [i.to(device) for i in images],
            [{k: v.to(device) for k, v in t.items()} for t in targets],
        )
        loss = sum(losses.values())
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, options.clip)
        optimizer.step()
    seconds = time.perf_counter() - began
    return {"seconds": seconds, **_judge(model, held_out, device)}


def _plain_model(weights: Path, options: argparse.Namespace) -> MaskRCNN:
    """torchvision's model over our pyramid: its own anchors' ratios, pooling and 512 regions."""
    backbone = build_backbone("mobilenet_v2_fpn", "frozen")
    levels = ["0", "1", "2"]
    model = MaskRCNN(
        backbone,
        num_classes=2,
        min_size=options.min_size,
        max_size=options.max_size,
        rpn_anchor_generator=AnchorGenerator(MOBILE_ANCHORS, ((0.5, 1.0, 2.0),) * 4),
        box_roi_pool=MultiScaleRoIAlign(levels, output_size=7, sampling_ratio=2),
        mask_roi_pool=MultiScaleRoIAlign(levels, output_size=14, sampling_ratio=2),
    )
    load_weights(model, weights)
    return model


def _plain_batches(training: Dataset, size: int, seed: int) -> Iterator[Any]:
    rng = np.random.default_rng(seed)
    while True:
        order = rng.permutation(len(training.pictures))
        for start in range(0, len(order) - size + 1, size):
            chosen = order[start : start + size]
            yield tuple(zip(*(_plain_example(training, i, rng) for i in chosen)))


def _plain_example(training: Dataset, index: int, rng: np.random.Generator) -> Any:
    picture = training.pictures[index]
    image = torch.from_numpy(read_picture(picture.path).copy()).permute(2, 0, 1).float() / 255
    masks = torch.from_numpy(rasterise(picture, picture.height, picture.width))
    boxes = torch.tensor([i.box for i in picture.instances if not i.crowd]).reshape(-1, 4)
    labels = torch.tensor([i.label for i in picture.instances if not i.crowd])
    if rng.random() < 0.5:
        image, masks = image.flip(-1), masks.flip(-1)
        boxes = boxes[:, [2, 1, 0, 3]]
        boxes[:, [0, 2]] = picture.width - boxes[:, [0, 2]]
    return image, {"boxes": boxes.float(), "labels": labels, "masks": masks}


@torch.inference_mode()
def _judge(model: MaskRCNN, held_out: Dataset, device: torch.device) -> dict[str, Any]:
    model.eval()
    found: dict[int, list[Detection]] = {}
    for picture in held_out.pictures:
        image = torch.from_numpy(read_picture(picture.path).copy()).permute(2, 0, 1).float() / 255
        output = {k: v.cpu() for k, v in model([image.to(device)])[0].items()}
        masks = (output["masks"][:, 0] > 0.5).numpy().astype(np.uint8)
        rles = [coco_mask.encode(np.asfortranarray(mask)) for mask in masks]
        found[picture.image_id] = [
            Detection(int(label), float(score), tuple(box), rle)
            for label, score, box, rle in zip(
                output["labels"], output["scores"], output["boxes"].tolist(), rles
            )
        ]
    figures = evaluate(held_out, found)
    return {
        "segm_map": figures.segm["map"],
        "segm_map50": figures.segm["map50"],
        "bbox_map": figures.bbox["map"],
    }


def ours(root: Path, options: argparse.Namespace) -> dict[str, Any]:
    """Our train.py with the settings that we recommend for a small set on a CPU."""
    steps_per_epoch = 60
    chosen = {
        "backbone": "mobilenet_v2_fpn",
        "min_size": options.min_size,
        "max_size": options.max_size,
        "batch_size": options.batch,
        "num_epochs": max(1, options.steps // steps_per_epoch),
        "evaluate_every": 100,
        "validation_fraction": 0.2941,
        "seed": options.seed,
        "ema": options.ema,
        **SMALL_DATA,
    }
    arguments = [word for name, value in chosen.items() for word in (f"--{name}", str(value))]
    with tempfile.TemporaryDirectory() as folder:
        environ = {
            "SM_CHANNEL_TRAINING": str(root / "PennFudanPed"),
            "SM_CHANNEL_PRETRAINED": str(root / "weights"),
            "SM_MODEL_DIR": f"{folder}/model",
        }
        began = time.perf_counter()
        done = subprocess.run(
            [sys.executable, str(ROOM / "train.py"), *arguments],
            env={**os.environ, **environ},
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
    last = [line for line in done.stdout.splitlines() if line.startswith("epoch=")][-1]
    found = dict(re.findall(r"(\w+)=([^;]+);", last))
    keys = ("segm_map", "segm_map50", "bbox_map")
    figures = {key: float(found[f"validation_{key}"]) for key in keys}
    return {"seconds": time.perf_counter() - began, **chosen, **figures}


def main() -> int:
    """Run what was asked for and print each side's figures as a line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--best", action="store_true", help="ours alone, for 20 minutes on 2 cores")
    parser.add_argument("--only", choices=("ours", "plain"))
    parser.add_argument("--steps", type=int, default=600)
    parser.add_argument("--batch", type=int, default=2)
    parser.add_argument("--rate", type=float, default=0.01, help="of the plain recipe")
    parser.add_argument("--ema", type=float, default=0.99, help="of ours")
    parser.add_argument("--clip", type=float, default=5.0, help="of the plain recipe")
    parser.add_argument("--min-size", type=int, default=320)
    parser.add_argument("--max-size", type=int, default=512)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    if options.best:
        options.steps, options.min_size, options.max_size, options.only = 2040, 400, 640, "ours"
        options.ema = 0.998
    root = Path(os.environ["BYOA_TEST_DATA"])
    facts = {"machine": platform.machine(), "torch": torch.__version__}
    if options.only != "plain":
        print(json.dumps({"recipe": "ours", **facts, **ours(root, options)}), flush=True)
    if options.only != "ours":
        training, held_out = penn_fudan(root)
        weights = root / "weights" / "mobilenet_v2_imagenet.safetensors"
        found = plain_torchvision(training, held_out, weights, options)
        print(json.dumps({"recipe": "torchvision", **facts, **vars(options), **found}), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
