"""int8: the graph is what torch judges, strangers' files are read with care, the job decides."""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from openvino import Core, Model, PartialShape, Type, op
from openvino import opset15 as ops
from safetensors.torch import load_file
from torch import nn
from torchvision.ops import FrozenBatchNorm2d

import openvino_engine
from engines import PRECISION
from errors import DataError
from evaluation import FIGURES, Evaluation
from fold import fold_frozen_norms
from graph_layers import Layers
from graph_values import integers, sharing
from hyperparameters import parse
from int8_gate import judge_int8
from int8_network import Int8Layer, measured_ranges, use_int8
from model import load_model, predict, save_model
from model_info import WEIGHTS_NAME
from openvino_engine import OpenVinoEngine
from quantization import (
    QUANTIZATION_NAME,
    Quantization,
    eight_bits,
    fingerprint,
    int8_layers,
    read_quantization,
    save_quantization,
    steps_of,
)
from tests.mask_r_cnn.test_engines import folder_of, picture
from torch_engine import TorchEngine

IMAGE = picture(80, 120)


@pytest.fixture(autouse=True)
def a_processor_with_int8(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What the tests run on may not compute in int8; then it is slow, and right all the same."""
    told = tmp_path / "cpuinfo"
    told.write_text("flags\t: fpu avx512_vnni sse\n")
    monkeypatch.setattr(openvino_engine, "_CPU_INFO", told)
    return told


def quantized(folder: Path, int8: bool = True) -> Path:
    """The folder with the ranges of one picture."""
    network, info = load_model(folder)
    ranges = measured_ranges(network, info, iter([IMAGE]))
    assert set(ranges) == set(int8_layers(network.state_dict()))
    save_quantization(folder, Quantization(ranges, fingerprint(network.state_dict()), int8))
    return folder


def by_openvino(layer: Callable[[Layers, Any], Any], state: Any, ends: Any, x: Any) -> list[Any]:
    """What the graph's layer `one` gives, also when its answer goes two ways."""
    shape = PartialShape([-1, *x.shape[1:]])
    with sharing():
        given = op.Parameter(Type.f32, shape)
        weights = {name: value.numpy() for name, value in state.items()}
        y = layer(Layers(weights, {"one": ends}), given)
        ways = [ops.result(y), ops.result(ops.reduce_mean(y, integers(-1), True))]
        graph = Model(ways, [given], "layer")
    compiled = Core().compile_model(graph, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    return [np.array(value) for value in compiled(x).values()]


CONVS = {
    "frozen": lambda: nn.Sequential(nn.Conv2d(8, 6, 3, 2, 1, bias=False), FrozenBatchNorm2d(6)),
    "plain": lambda: nn.Sequential(nn.Conv2d(8, 6, 3, 2, 1)),
    "no bias": lambda: nn.Sequential(nn.Conv2d(8, 6, 3, 2, 1, bias=False)),
    "group": lambda: nn.Sequential(nn.Conv2d(8, 6, 3, 2, 1, bias=False), nn.GroupNorm(2, 6)),
}


@pytest.mark.parametrize("kind", CONVS)
@pytest.mark.parametrize("low", [0.0, -2.0])
def test_the_graph_computes_what_torch_judges(kind: str, low: float) -> None:
    torch.manual_seed(3)
    net = CONVS[kind]()
    for name, value in [*net.named_parameters(), *net.named_buffers()]:
        if value.is_floating_point() and not name.startswith("0.weight"):
            nn.init.uniform_(value, 0.5, 1.5)
    x = torch.rand(1, 8, 10, 10) * (2.2 - low) + low  # some are over the range
    state = {
        name.replace("0.", "one.").replace("1.", "norm."): v for name, v in net.state_dict().items()
    }
    norm = "norm" if len(net) > 1 else ""
    exact = net(x).detach().numpy()
    fold_frozen_norms(net)
    net[0] = Int8Layer(net[0], (low, 2.0))
    judged = net(x).detach().numpy()
    served, mean = by_openvino(
        lambda layers, given: layers.conv(given, "one", norm, stride=2),
        state,
        (low, 2.0),
        x.numpy(),
    )
    near = 2e-5 * np.abs(judged).max()
    assert np.abs(served - judged).max() < near
    assert np.abs(mean - judged.mean(-1, keepdims=True)).max() < near
    assert near < np.abs(judged - exact).max() < 0.2 * np.abs(exact).max()


def test_a_fully_connected_layer_computes_what_torch_judges() -> None:
    torch.manual_seed(3)
    layer, x = nn.Linear(40, 7), torch.randn(5, 40)
    ends = (float(x.min()), float(x.max()))
    state = {f"one.{name}": value for name, value in layer.state_dict().items()}
    judged = Int8Layer(layer, ends)(x).detach().numpy()
    served, _ = by_openvino(
        lambda layers, given: layers.linear(given, "one"), state, ends, x.numpy()
    )
    assert np.abs(served - judged).max() < 1e-5
    assert 1e-4 < np.abs(layer(x).detach().numpy() - judged).max() < 0.05


def test_half_precision_judges_the_same() -> None:
    torch.manual_seed(3)
    layer, x = nn.Conv2d(64, 8, 3), torch.rand(1, 64, 9, 9)
    int8 = Int8Layer(layer, (0.0, 1.0))
    exact = int8(x)
    for dtype in (torch.bfloat16, torch.float16):
        with torch.autocast("cpu", dtype):
            answer = int8(x.to(dtype).float())
        assert answer.dtype == dtype
        assert (answer - exact).abs().max() < 0.02 * exact.abs().max()


def test_whole_numbers_come_back_within_half_a_step() -> None:
    weight = np.random.default_rng(0).normal(0, 0.3, (6, 5, 3, 3)).astype(np.float32)
    weight[2] = 0
    whole, size = eight_bits(weight)
    off = np.abs(whole * size.reshape(-1, 1, 1, 1) - weight)
    assert (off <= 0.501 * size.reshape(-1, 1, 1, 1)).all()
    assert np.abs(whole).max(axis=(1, 2, 3)).tolist() == [127, 127, 0, 127, 127, 127]
    assert (steps_of((0.0, 5.1)).low, steps_of((0.0, 5.1)).high) == (0, 255)
    assert steps_of((-2.54, 1.0)).size == pytest.approx(0.02)


def weights_of(folder: Path) -> dict[str, Any]:
    return {name: value.numpy() for name, value in load_file(folder / WEIGHTS_NAME).items()}


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model with ranges, not to be written to."""
    return quantized(folder_of(tmp_path_factory.mktemp("small"), "mobilenet_v2_fpn", "group"))


def test_what_is_computed_in_which_precision(
    small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, a_processor_with_int8: Path
) -> None:
    folder = tmp_path / "model"
    shutil.copytree(small, folder)

    def ranges(precision: str, wanted: str = "") -> int:
        monkeypatch.setenv(PRECISION, wanted)
        _, info = load_model(folder)
        said = replace(info, precision=precision)
        return len(openvino_engine.int8_ranges(folder, weights_of(folder), said))

    every = ranges("auto")
    assert every > 30
    assert ranges("fp32") == ranges("auto", "bf16") == ranges("auto", "fp32") == 0
    assert ranges("fp32", "int8") == every
    found = json.loads((folder / QUANTIZATION_NAME).read_text())
    (folder / QUANTIZATION_NAME).write_text(json.dumps({**found, "int8": False}))
    assert ranges("auto") == 0 and ranges("auto", "int8") == every
    (folder / QUANTIZATION_NAME).write_text(json.dumps(found))
    a_processor_with_int8.write_text("flags\t: fpu avx2 sse\n")
    assert ranges("auto") == 0
    (folder / QUANTIZATION_NAME).unlink()
    assert ranges("auto") == 0
    with pytest.raises(DataError, match="MASK_R_CNN_PRECISION=int8 needs"):
        ranges("auto", "int8")
    with pytest.raises(ValueError, match="set it to auto, fp32, bf16, int8"):
        ranges("auto", "int4")


def test_a_model_is_served_in_int8(small: Path, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    shutil.copytree(small, folder)
    told = json.loads((folder / "model.json").read_text())
    (folder / "model.json").write_text(json.dumps({**told, "precision": "auto"}))
    found = read_quantization(folder, weights_of(folder))
    assert found is not None
    engine = OpenVinoEngine(folder)
    (served,) = engine.predict([IMAGE])
    (judged,) = judged_network(folder, found.ranges)
    assert len(served) == len(judged) == 15
    computed = [
        node.get_rt_info()["primitiveType"].astype(str).lower().endswith("_i8")
        for node in engine._compiled.get_runtime_model().get_ops()
        if node.get_rt_info()["layerType"].astype(str) in ("Convolution", "FullyConnected")
    ]
    calls = [name for name in found.ranges if name.startswith("rpn")] * 3  # once for each level
    assert sum(computed) == len(found.ranges) + len(calls)


def judged_network(folder: Path, ranges: dict[str, Any]) -> list[Any]:
    network, info = load_model(folder)
    use_int8(network, ranges)
    return predict(network, info, [IMAGE])


def test_what_is_no_range_is_not_kept(small: Path) -> None:
    network, info = load_model(small)
    with torch.no_grad():
        network.rpn.head.conv[0][0].bias.fill_(math.inf)  # what follows is given no numbers
        network.roi_heads.box_head.fc6.bias.fill_(1e9)
    ranges = measured_ranges(network, info, iter([IMAGE]))
    assert "rpn.head.conv.0.0" in ranges and "roi_heads.box_head.fc7" not in ranges


def test_torch_has_no_int8(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(PRECISION, "bf16")
    assert TorchEngine(small).info.precision == "bf16"
    monkeypatch.setenv(PRECISION, "int8")
    with pytest.raises(ValueError, match="OpenVINO's alone"):
        TorchEngine(small)


WRONG = [
    ("format", 2),
    ("int8", "yes"),
    ("weights", 1),
    ("ranges", {"roi_heads.box_head.fc6": [0, math.inf]}),
    ("ranges", {"roi_heads.box_head.fc6": [0, math.nan]}),
    ("ranges", {"roi_heads.box_head.fc6": [1, 2]}),
    ("ranges", {"roi_heads.box_head.fc6": [-1, 1e30]}),
    ("ranges", {"roi_heads.box_head.fc6": [True, 1]}),
    ("ranges", {"roi_heads.box_head.fc6": 3}),
    ("ranges", {"backbone.body.1.conv.0.0": [0, 1]}),  # depthwise
    ("ranges", {"roi_heads.box_head.fc9": [0, 1]}),
    ("ranges", [1]),
    ("metrics", 3),
]


@pytest.mark.parametrize(("key", "value"), WRONG)
def test_a_file_that_does_not_fit_is_told(
    key: str, value: Any, small: Path, tmp_path: Path
) -> None:
    told = json.loads((small / QUANTIZATION_NAME).read_text())
    (tmp_path / QUANTIZATION_NAME).write_text(json.dumps({**told, key: value}))
    with pytest.raises(DataError, match=r"quantization\.json does not fit this model: .*remove"):
        read_quantization(tmp_path, weights_of(small))


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)


@given(change=st.dictionaries(st.sampled_from(["format", "weights", "int8", "ranges"]), JSON))
def test_any_file_is_read_or_told(
    small: Path, tmp_path_factory: pytest.TempPathFactory, change: dict[str, Any]
) -> None:
    place = tmp_path_factory.getbasetemp()
    told = json.loads((small / QUANTIZATION_NAME).read_text())
    (place / QUANTIZATION_NAME).write_text(json.dumps({**told, **change}))
    layers = {"a.weight": np.zeros((4, 4)), "roi_heads.box_predictor.cls_score.weight": np.ones(3)}
    try:
        found = read_quantization(place, layers)
    except DataError:
        return
    assert found is not None and found.ranges.keys() <= set(layers)


def evaluation(box: float, mask: float, **classes: tuple[int, float, float]) -> Evaluation:
    """Figures over all, and of each class its objects, box and mask AP."""
    rows = [
        {"category_id": name, "name": name, "objects": objects, "bbox_map": b, "segm_map": m}
        for name, (objects, b, m) in classes.items()
    ]
    return Evaluation(dict.fromkeys(FIGURES, box), dict.fromkeys(FIGURES, mask), rows)


class Verdict:
    """Stands for a validator: what it holds out, and what it will find."""

    def __init__(self, found: Evaluation, pictures: int, objects: int) -> None:
        one = SimpleNamespace(instances=[SimpleNamespace(crowd=False)] * objects)
        none = SimpleNamespace(instances=[SimpleNamespace(crowd=True)] * 9)
        self.truth = SimpleNamespace(pictures=[one, *[none] * (pictures - 1)])
        self.found = found

    def __call__(self, network: Any, info: Any, stop: Any) -> Evaluation | None:
        return None if stop() else self.found


def judge(
    folder: Path,
    judged: Evaluation | None,
    found: Evaluation,
    *words: str,
    pictures: int = 20,
    objects: int = 50,
    stop: bool = False,
) -> str:
    network, info = load_model(folder)
    training: Any = SimpleNamespace(pictures=())
    job: Any = SimpleNamespace(
        chosen=parse(words), training=training, folders=SimpleNamespace(model=folder)
    )
    ranks: Any = SimpleNamespace(layout=SimpleNamespace(leader=True), from_leader=lambda x: x)
    trainer: Any = SimpleNamespace(evaluated=network, ranks=ranks)
    validator: Any = Verdict(found, pictures, objects)
    return judge_int8(job, trainer, validator, info, judged, lambda: stop)


@pytest.mark.parametrize(
    ("box", "mask", "on"),
    [(0.5, 0.4, True), (0.4971, 0.3971, True), (0.496, 0.4, False), (0.5, math.nan, False)],
)
def test_int8_is_on_only_where_accuracy_stays(
    box: float, mask: float, on: bool, small: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "model"
    shutil.copytree(small, folder)
    said = judge(folder, evaluation(0.5, 0.4), evaluation(box, mask))
    assert said.startswith(f"int8: {'on' if on else 'off'} for serving on CPUs: box AP")
    found = read_quantization(folder, weights_of(folder))
    assert found is not None and found.int8 is on and found.metrics["segm_map"] == 0.4


@pytest.mark.parametrize(
    ("objects", "aps", "on", "words"),
    [
        (50, (0.6, 0.379), False, "rare (50) loses most, 2.1 points of mask AP (allowed: 2.0)"),
        (50, (0.579, 0.5), False, "rare (50) loses most, 2.1 points of box AP (allowed: 2.0)"),
        (50, (math.nan, 0.4), False, "rare (50) loses most, nan points of box AP"),
        (50, (0.581, 0.381), True, "rare (50) loses most, 1.9 points of"),
        (49, (0.2, 0.2), True, "common (900) loses most, -1.0 points of"),
    ],
)
def test_no_class_may_lose_much(
    objects: int, aps: tuple[float, float], on: bool, words: str, small: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "model"
    shutil.copytree(small, folder)
    before = evaluation(0.5, 0.4, common=(900, 0.5, 0.4), rare=(objects, 0.6, 0.4))
    after = evaluation(0.5, 0.4, common=(900, 0.51, 0.41), rare=(objects, *aps))
    said = judge(folder, before, after)
    assert said.startswith(f"int8: {'on' if on else 'off'} for serving on CPUs: box AP 50.0")
    assert words in said
    found = read_quantization(folder, weights_of(folder))
    assert found is not None and found.int8 is on


def test_a_log_says_that_no_class_was_judged_alone(small: Path, tmp_path: Path) -> None:
    folder, few = tmp_path / "model", evaluation(0.5, 0.4, a=(49, 0.5, 0.4), b=(3, 0.5, 0.4))
    shutil.copytree(small, folder)
    assert "no class has 50 objects held out, so none was judged alone" in judge(folder, few, few)


def test_a_job_that_is_to_stop_judges_no_further(small: Path, tmp_path: Path) -> None:
    folder, good = tmp_path / "model", evaluation(0.5, 0.5)
    network, info = load_model(small)
    save_model(folder, network.state_dict(), info)
    assert "the job was stopped" in judge(folder, good, good, stop=True)
    assert read_quantization(folder, weights_of(folder)) is None


@pytest.mark.parametrize("precision", ["bf16", "fp32"])
def test_who_does_not_want_int8_need_not_mend_its_file(
    precision: str, small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "model"
    shutil.copytree(small, folder)
    (folder / "quantization.json").write_text("{")
    monkeypatch.setenv("MASK_R_CNN_PRECISION", precision)
    assert OpenVinoEngine(folder).info.class_names


def test_nobody_judges_where_int8_is_not_wanted(small: Path, tmp_path: Path) -> None:
    folder, good = tmp_path / "model", evaluation(0.5, 0.5)
    network, info = load_model(small)
    save_model(folder, network.state_dict(), info)
    assert "19 pictures with 50 objects are held out" in judge(folder, good, good, pictures=19)
    assert "20 pictures with 49 objects are held out" in judge(folder, good, good, objects=49)
    assert "AP is under 5 points" in judge(folder, evaluation(0.5, 0.04), good)
    assert "AP is under 5 points" in judge(folder, evaluation(math.nan, 0.5), good)
    assert "quantize=off" in judge(folder, good, good, "--quantize", "off")
    assert "precision=fp32" in judge(folder, good, good, "--precision", "fp32")
    assert not (folder / QUANTIZATION_NAME).exists()


def test_new_weights_take_old_ranges_away(small: Path, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    shutil.copytree(small, folder)
    network, info = load_model(folder)
    save_model(folder, network.state_dict(), info)
    assert not (folder / QUANTIZATION_NAME).exists()


def test_judging_leaves_the_network_as_it_was(small: Path) -> None:
    network, info = load_model(small)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    measured_ranges(network, info, iter([IMAGE]))
    after = network.state_dict()
    assert all(torch.equal(value, after[name]) for name, value in before.items())
    assert not any(module._forward_pre_hooks for module in network.modules())
