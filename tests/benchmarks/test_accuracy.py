"""The accuracy gates: runs of four steps, engines beside torchvision, and what figures say."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest
import torch

import _accuracy_report
import accuracy
import measure
from _accuracy_works import tiny
from _inference_gate import BASE, REDUCED, WAYS, drops
from _plain_torchvision import plain_model
from _training_runs import Clock, train
from evaluation import Detection
from model import load_model, predict
from model_info import read_info
from pictures import read_picture


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    """Two threads that wait for each other on a busy machine take ten times as long."""
    before = torch.get_num_threads()
    with patch.dict(os.environ, OMP_NUM_THREADS="1"):
        torch.set_num_threads(1)
        yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which a tiny run of ours has ended."""
    room = tmp_path_factory.mktemp("accuracy") / "tiny-ours-0"
    figures = train(tiny(), "ours", 0, room)
    (room / "run.json").write_text(json.dumps(figures))
    return room


def test_ours_is_judged_as_it_learns_and_leaves_its_model(room: Path) -> None:
    curve = json.loads((room / "run.json").read_text())["curve"]
    assert [point["step"] for point in curve] == [2, 4]
    assert 0 < curve[0]["seconds"] < curve[1]["seconds"]
    assert read_info(room / "model").class_names == ("ball", "crate", "star")


def test_plain_is_judged_at_the_same_steps(room: Path) -> None:
    figures = train(tiny(), "plain", 0, room.with_name("tiny-plain-0"))
    assert [point["step"] for point in figures["curve"]] == [2, 4]
    assert load_model(room.with_name("tiny-plain-0") / "model")[1].norm == "group"


def test_a_judgement_takes_no_time() -> None:
    clock = Clock()
    with clock.stopped():
        sum(range(2_000_000))
    assert clock() < 0.01


def test_every_engine_is_gated_once(room: Path) -> None:
    folder, kept = room.parent, room / "inference.json"
    accuracy.gate(folder, room / "model", "tiny", kept, only="openvino")
    first = accuracy.asked(kept)
    assert set(first) == {f"openvino {precision}" for precision in ("fp32", "bf16", "int8")}
    assert not accuracy.gated(folder, room.name)
    first["openvino int8"]["bbox"] = -1.0  # what is known is not asked again
    kept.write_text(json.dumps({"ap": first, "drop": {}}))
    accuracy.gate(folder, room / "model", "tiny", kept)
    assert accuracy.gated(folder, room.name)
    found = json.loads(kept.read_text())
    engines = {f"{engine} {precision}" for engine, precision in WAYS}
    assert found["ap"].keys() == {BASE, *engines, REDUCED}  # its pictures are JPEGs
    assert found["ap"].pop("openvino int8")["bbox"] == -1.0
    assert all(0 <= ap["bbox"] <= 100 for ap in found["ap"].values())
    assert found["drop"].keys() == {*engines, REDUCED}
    lower = {BASE: {"bbox": 50.0, "segm": 50.0}, "x": {"bbox": 50.0, "segm": 49.5}}
    assert drops(lower) == {"x": {"bbox": 0.0, "segm": 0.5}}


def test_torchvision_is_plain_and_the_same_function(room: Path) -> None:
    network, info = load_model(room / "model")
    sizes = (info.min_size, info.max_size)
    plain = plain_model(info.backbone, info.norm, info.num_classes, sizes)
    plain.load_state_dict(network.state_dict())
    assert not any("Bag" in type(m).__name__ for m in plain.modules())
    frozen = plain_model("mobilenet_v2_fpn", "frozen", 2, sizes)
    assert "FrozenBatchNorm2d" in {type(m).__name__ for m in frozen.modules()}
    assert not any("Folded" in type(m).__name__ for m in frozen.modules())
    # Of the working size already: how each of the two resizes plays no part.
    _, held_out = tiny().data(room.with_name("tiny_pictures"))
    image = read_picture(held_out.pictures[0].path)[:64, :96]
    ours = predict(network, replace(info, precision="fp32"), [image], score_threshold=0.05)[0]
    theirs = answers_of(plain.eval(), image)
    assert len(ours) == len(theirs) > 0
    assert np.allclose([d.score for d in ours], [d.score for d in theirs], atol=1e-3)


def answers_of(model: Any, image: Any) -> list[Detection]:
    """What torchvision's model finds in pixels."""
    with torch.inference_mode():
        found = model([torch.from_numpy(image.copy()).permute(2, 0, 1).float() / 255])[0]
    return [Detection(1, float(score), (0, 0, 0, 0)) for score in found["scores"]]


def run(recipe: str, seed: int, *curve: tuple[float, float]) -> dict[str, Any]:
    """A run with a mask AP at each second."""
    points = [{"seconds": s, "segm_map": ap, "bbox_map": ap} for s, ap in curve]
    last = curve[-1][1]
    return {
        "work": "w", "recipe": recipe, "seed": seed, "curve": points, "bbox_map": last,
        "segm_map": last,
    }  # fmt: skip


RUNS = [
    run("plain", 0, (100, 0.2), (200, 0.47), (300, 0.46)),
    run("plain", 1, (100, 0.45), (200, 0.5), (300, 0.52)),
    run("small", 0, (20, 0.3), (50, 0.46)),
    run("small", 1, (25, 0.45), (50, 0.5)),
    run("ours", 0, (50, 0.44), (100, 0.44)),
]


def test_time_to_the_ap_that_every_plain_seed_reaches() -> None:
    found = _accuracy_report.summarised(RUNS)
    assert found["time"]["segm_map"] == 0.45
    assert found["time"]["seconds"]["plain"] == {0: 200, 1: 100}
    assert found["time"]["seconds"]["ours"] == {0: None}  # it never got there
    assert found["time"]["times_shorter"] == {"small": 4.0}
    assert found["ours_minus_plain"]["segm_map"]["mean"] == pytest.approx(-0.02)


def test_the_report_is_json_and_a_plot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measure, "RESULTS", tmp_path)
    monkeypatch.setattr(measure, "ROOT", tmp_path)
    ap = {"openvino bf16": {"bbox": 50, "segm": 48}, "openvino int8": {"bbox": 51, "segm": 47.5}}
    gate = {"ap": ap, "drop": {"torch bf16": {"segm": 0.1}}}
    _accuracy_report.write_report([*RUNS, {**RUNS[2], "inference": gate}])
    summary = json.loads((tmp_path / "accuracy.json").read_text())["summary"]["w"]
    assert summary["small"]["drop"]["torch bf16"]["segm"]["most"] == 0.1
    assert summary["int8_minus_bf16"]["bbox"]["mean"] == 1
    assert summary["int8_minus_bf16"]["segm"]["mean"] == -0.5
    assert (tmp_path / "accuracy_w.png").stat().st_size > 5000
