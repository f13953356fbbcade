"""The network: torchvision's names and functions, sampled by seed, saved and loaded whole."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from torchvision.models import mobilenet_v2, resnet18, resnet50
from torchvision.models.detection import maskrcnn_resnet50_fpn, maskrcnn_resnet50_fpn_v2
from torchvision.ops import FrozenBatchNorm2d

from backbone import build_backbone, freeze_stages
from errors import DataError, HyperparameterError
from fold import fold_frozen_norms
from hyperparameters import BACKBONES
from model import ModelInfo, build_model, load_model, predict, save_model
from network import build_network
from sampling import SeededSampler
from starting_weights import find_weights
from weights import load_weights

INFO = ModelInfo(
    backbone="mobilenet_v2_fpn",
    norm="frozen",
    class_names=("cat", "dog"),
    category_ids=(3, 7),
    min_size=64,
    max_size=96,
    score_threshold=0.05,
    max_detections=10,
    precision="fp32",
)


@pytest.mark.parametrize(
    ("name", "norm", "torchvisions"),
    [
        ("resnet50_fpn", "frozen", maskrcnn_resnet50_fpn),
        ("resnet50_fpn_v2", "batch", maskrcnn_resnet50_fpn_v2),
    ],
)
def test_coco_weights_of_torchvision_fit(
    name: str, norm: str, torchvisions: Callable[..., torch.nn.Module]
) -> None:
    with torch.device("meta"):
        theirs = torchvisions(weights=None, weights_backbone=None, num_classes=91).state_dict()
        ours = build_network(name, norm, 91, 100).state_dict()  # type: ignore[arg-type]
    shapes = {k: v.shape for k, v in ours.items() if not k.endswith("num_batches_tracked")}
    assert shapes == {k: v.shape for k, v in theirs.items() if not k.endswith("batches_tracked")}


@pytest.mark.parametrize("name", BACKBONES)
def test_every_backbone_learns_and_predicts(name: str) -> None:
    torch.manual_seed(0)
    norm = "batch" if name.endswith("_v2") else "group"
    network = build_network(name, norm, 2, 5, rois_per_image=8).train()  # type: ignore[arg-type]
    pictures = torch.randint(0, 256, (1, 3, 64, 64), dtype=torch.uint8)
    mask = torch.zeros((1, 64, 64), dtype=torch.uint8)
    mask[0, 10:40, 20:50] = 1
    box = torch.tensor([[20.0, 10.0, 50.0, 40.0]])
    target = {"boxes": box, "labels": torch.tensor([1]), "masks": mask}
    losses = network(pictures, [(64, 64)], [target], [1])
    sum(losses.values()).backward()
    assert all(torch.isfinite(loss) for loss in losses.values())
    assert network.backbone.fpn.layer_blocks[0][0].weight.grad.abs().sum() > 0
    found = network.eval()(pictures, [(64, 64)])[0]
    assert found["masks"].shape[1:] == (1, 28, 28)


@pytest.mark.parametrize("make", [resnet18, resnet50, mobilenet_v2])
def test_folded_norms_are_the_same_function_and_gradient(
    make: Callable[..., torch.nn.Module],
) -> None:
    torch.manual_seed(0)
    module = make(weights=None, norm_layer=FrozenBatchNorm2d).eval()
    for name, buffer in module.named_buffers():
        buffer.uniform_(0.5, 1.5) if name.endswith("var") else buffer.normal_(1.0, 0.1)
    keys = set(module.state_dict())
    pictures = torch.randn(2, 3, 32, 32)
    answers = []
    for fold in (False, True):
        if fold:
            assert fold_frozen_norms(module) == sum(k.endswith("running_var") for k in keys)
        module.zero_grad()
        out = module(pictures)
        out.square().mean().backward()
        gradients = [p.grad for p in module.parameters() if p.grad is not None]
        answers.append((out.detach(), torch.cat([g.flatten() for g in gradients])))
    assert set(module.state_dict()) == keys
    for plain, folded in zip(*answers):
        assert float((plain - folded).abs().max()) < 1e-4 * float(plain.abs().max())


@pytest.mark.parametrize("name", ["resnet18_fpn", "mobilenet_v2_fpn", "mobilenet_v3_large_fpn"])
def test_freezing_leaves_the_last_stages(name: str) -> None:
    counts = []
    for trainable in range(6):
        backbone = build_backbone(name, "frozen")
        freeze_stages(backbone, trainable)
        counts.append(sum(p.requires_grad for p in backbone.body.parameters()))
    assert counts[0] == 0
    assert counts == sorted(set(counts))
    assert counts[5] == len(list(build_backbone(name, "frozen").body.parameters()))


def test_boxes_are_decoded_in_float32_under_autocast() -> None:
    torch.manual_seed(0)
    network = build_network("mobilenet_v2_fpn", "group", 3, 50, rois_per_image=16)
    pictures = torch.randint(0, 256, (1, 3, 320, 512), dtype=torch.uint8)
    network.roi_heads.score_thresh = 0.0
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
        found = network.eval()(pictures, [(320, 512)])[0]
    assert found["boxes"].dtype == found["scores"].dtype == torch.float32
    # bfloat16 knows no number between 256 and 258: boxes decoded in it stand on a coarse grid.
    assert not torch.equal(found["boxes"], found["boxes"].bfloat16().float())


def test_a_picture_gets_the_same_rows_whatever_its_batch() -> None:
    matched = torch.randint(-1, 3, (2, 400), generator=torch.Generator().manual_seed(0))
    sampler = SeededSampler(64, 0.25, stream=0)
    sampler.seeds = [11, 12]
    together = sampler(matched)
    sampler.seeds = [12]
    alone = sampler(matched[1:])
    assert all(torch.equal(a[1], b[0]) for a, b in zip(together, alone))
    sampler.seeds = [13]
    assert not torch.equal(sampler(matched[1:]).rows, alone.rows)
    kinds = matched[1][alone.rows[0]]
    assert (kinds[:16] >= 1).all() and (kinds[16:] == 0).all()
    assert alone.positive[0].tolist() == [True] * 16 + [False] * 48
    assert alone.used.all() and len(set(alone.rows[0].tolist())) == 64


def test_few_positive_rows_are_made_up_for_and_few_rows_are_told() -> None:
    matched = torch.tensor([[0, 1, -1, 0, 0, 2, -1], [-1, -1, 1, 1, 1, -1, -1]])
    sampler = SeededSampler(6, 0.25, stream=1)
    sampler.seeds = [1, 2]
    rows, positive, used = sampler(matched)
    assert used.sum(1).tolist() == [4, 1]  # one positive at most, and all that is background
    assert positive.sum(1).tolist() == [1, 1]
    assert sorted(rows[0][used[0]].tolist())[-3:] in ([3, 4, 5], [1, 3, 4]) and used[0][:4].all()


def test_every_row_is_drawn_as_often_as_any_other() -> None:
    matched = torch.zeros((2000, 100), dtype=torch.int64)
    matched[:, 90:] = 1
    sampler = SeededSampler(20, 0.25, stream=0)
    sampler.seeds = range(2000)
    rows = sampler(matched).rows
    counts = torch.bincount(rows.flatten(), minlength=100).double()
    # 15 of 90 negative and 5 of 10 positive rows: four standard deviations of a binomial count.
    assert (counts[:90] - 2000 * 15 / 90).abs().max() < 4 * (2000 * (1 / 6) * (5 / 6)) ** 0.5
    assert (counts[90:] - 2000 * 0.5).abs().max() < 4 * (2000 * 0.25) ** 0.5
    pairs = torch.stack([(rows == one).any(1) for one in (3, 4, 50)]).double()
    assert torch.corrcoef(pairs).fill_diagonal_(0).abs().max() < 0.1


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    save_model(tmp_path / "model", build_model(INFO).state_dict(), INFO)
    return tmp_path / "model"


def test_a_saved_model_predicts_in_the_pictures_own_pixels(folder: Path) -> None:
    model, info = load_model(folder)
    assert info == INFO
    images = [np.full((40, 90, 3), 90, np.uint8), np.zeros((200, 100, 3), np.uint8)]
    found = predict(model, info, images, score_threshold=0.0, max_detections=3)
    assert [len(one) for one in found] == [3, 3]
    for detections, image in zip(found, images):
        for detection in detections:
            x0, y0, x1, y1 = detection.box
            assert -0.01 <= x0 < x1 <= image.shape[1] + 0.01
            assert -0.01 <= y0 < y1 <= image.shape[0] + 0.01
            assert detection.rle is not None
            assert list(detection.rle["size"]) == list(image.shape[:2])
    assert predict(model, info, [], masks=False) == []
    bare = predict(model, info, images[:1], score_threshold=0.0, masks=False)[0]
    assert all(detection.rle is None for detection in bare)


def test_a_batch_answers_as_each_picture_alone(folder: Path) -> None:
    model, info = load_model(folder)
    rng = np.random.default_rng(0)
    images = [rng.integers(0, 255, (64, 64, 3)).astype(np.uint8) for _ in range(3)]
    together = predict(model, info, images, score_threshold=0.0)
    for image, batched in zip(images, together):
        alone = predict(model, info, [image], score_threshold=0.0)[0]
        assert [d.label for d in alone] == [d.label for d in batched]
        np.testing.assert_allclose(
            [d.box for d in alone], [d.box for d in batched], rtol=1e-3, atol=1e-2
        )


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda f: (f / "model.json").unlink(), "holds no model"),
        (lambda f: (f / "model.json").write_text("[1]"), "is not a model description"),
        (lambda f: (f / "model.json").write_text("{"), "is not a model description"),
        (lambda f: _change(f, format=9), "has format 9"),
        (lambda f: _change(f, unknown=1), "is not a model description"),
        (lambda f: _change(f, format="1"), "is not a model description: format is '1'"),
        (lambda f: _change(f, min_size="64"), "is not a model description: min_size is '64'"),
        (lambda f: _change(f, category_ids=[3]), "2 class_names and 1 category_ids"),
        (lambda f: _change(f, backbone="resnet18_fpn"), "does not fit model.json"),
        (lambda f: (f / "model.safetensors").write_bytes(b"\0" * 40), "does not fit model.json"),
    ],
)
def test_a_broken_model_folder_is_told(
    folder: Path, damage: Callable[[Path], object], said: str
) -> None:
    damage(folder)
    with pytest.raises(DataError, match=said):
        load_model(folder)


def test_a_model_trained_in_half_precision_predicts_on_a_cpu(folder: Path) -> None:
    _change(folder, precision="fp16")
    model, info = load_model(folder)
    assert len(predict(model, info, [np.zeros((40, 50, 3), np.uint8)])) == 1


def _change(folder: Path, **changes: object) -> None:
    path = folder / "model.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def test_no_temporary_file_stays_when_writing_fails(folder: Path, tmp_path: Path) -> None:
    target = tmp_path / "other"
    (target / "model.json").mkdir(parents=True)
    with pytest.raises(OSError):
        save_model(target, load_file(folder / "model.safetensors"), INFO)
    assert not [p for p in target.iterdir() if p.name.startswith(".")]


def test_a_classifier_is_a_backbone(tmp_path: Path) -> None:
    torch.manual_seed(1)
    state = mobilenet_v2(weights=None).state_dict()
    path = tmp_path / "imagenet.pth"
    torch.save({"state_dict": {f"module.{k}": v for k, v in state.items()}}, path)
    network = build_model(INFO)
    assert load_weights(network, path).startswith("backbone from imagenet.pth")
    assert torch.equal(network.backbone.body["0"][0].weight, state["features.0.0.weight"])


def test_a_whole_model_of_other_classes_keeps_all_but_the_class_layers(folder: Path) -> None:
    network = build_model(replace(INFO, class_names=("a", "b", "c"), category_ids=(1, 2, 3)))
    said = load_weights(network, folder / "model.safetensors")
    assert "starts fresh: roi_heads.box_predictor.bbox_pred" in said
    saved = load_file(folder / "model.safetensors")
    assert torch.equal(network.rpn.head.cls_logits.weight, saved["rpn.head.cls_logits.weight"])


class _Harmful:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return (print, ("run",))


@pytest.mark.parametrize("content", ["pickle", "list", "text", "other", "empty"])
def test_weights_that_are_none_are_told(tmp_path: Path, content: str) -> None:
    path = tmp_path / "weights.pth"
    if content == "pickle":
        path.write_bytes(pickle.dumps(_Harmful(), protocol=2))
    elif content == "list":
        torch.save([torch.zeros(1)], path)
    elif content == "text":
        path.write_text("not weights")
    elif content == "other":
        torch.save(resnet18(weights=None).state_dict(), path)
    else:
        path.touch()
    with pytest.raises(DataError, match=r"weights\.pth"):
        load_weights(build_model(INFO), path)


def test_where_weights_come_from(tmp_path: Path) -> None:
    channel, baked = tmp_path / "channel", tmp_path / "baked"
    channel.mkdir()
    baked.mkdir()
    environ = {"BYOA_PRETRAINED_DIR": str(baked)}
    with pytest.raises(HyperparameterError, match="pretrained=coco was asked for"):
        find_weights("coco", "resnet50_fpn", None, environ)
    assert find_weights("none", "resnet50_fpn", None, environ) is None
    inside = baked / "coco-resnet50_fpn.safetensors"
    save_file({"x": torch.zeros(1)}, inside)
    assert find_weights("coco", "resnet50_fpn", None, environ) == inside
    with pytest.raises(DataError, match="exactly one weights file"):
        find_weights("coco", "resnet50_fpn", channel, environ)
    (channel / "mine.pth").touch()
    assert find_weights("coco", "resnet50_fpn", channel, environ) == channel / "mine.pth"
