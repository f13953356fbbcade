"""Whether a model may be served in int8: the job that made it measures, judges and writes it down.

Serving on a CPU takes 0.6 of the time in int8. Some models lose accuracy by it, so none is served
that way whose box or mask AP on the held-out pictures falls by more than 0.3 points, or that of a
class of which enough is held out by more than 2: a mean over many classes hides one of them.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch

from engine import Trainer
from evaluation import Evaluation
from instances import Picture
from int8_network import measured_ranges, use_int8
from job import Job
from model import ModelInfo, build_model
from network import Network
from pictures import read_picture
from quantization import Quantization, Range, fingerprint, save_quantization
from validate import Validator

_MOST_LOST = 0.003
# Of one class: models of one class moved by 0.5 points of box AP by chance, with 80 objects. The
# worst of many classes moves by more, and is not to say no by that: a judgement, not a measurement.
_MOST_LOST_OF_A_CLASS = 0.02
_FEWEST_OF_A_CLASS = 50
# With less to judge on, or a model that finds next to nothing, AP moves by more by chance.
_FEWEST_PICTURES = 20
_FEWEST_OBJECTS = 50
_LEAST_AP = 0.05
_PICTURES = 16  # more changed no range by much


def judge_int8(
    job: Job,
    trainer: Trainer,
    validator: Validator,
    info: ModelInfo,
    judged: Evaluation | None,
    stop: Callable[[], bool],
) -> str:
    """Write quantization.json of the trainer's network, on all ranks; what a log should say.

    A job that is to stop has its model already: it judges no further.
    """
    if job.chosen.quantize == "off" or job.chosen.precision == "fp32":
        return f"int8: off (quantize={job.chosen.quantize}, precision={job.chosen.precision})"
    lacking = _lacking(validator, judged)
    if judged is None or lacking:
        return f"int8: off for serving on CPUs, as {lacking}"
    began = time.monotonic()
    network = _copy(trainer.evaluated, info)
    leader = trainer.ranks.layout.leader
    ranges = ranges_from(network, info, job.training.pictures) if leader else None
    ranges = trainer.ranks.from_leader(ranges)
    use_int8(network, ranges)
    found = validator(network, info, stop)
    if found is None:
        return "int8: off for serving on CPUs, as the job was stopped before it was judged"
    if not leader:
        return ""
    metrics = {
        "bbox_map": judged.bbox["map"],
        "segm_map": judged.segm["map"],
        "int8_bbox_map": found.bbox["map"],
        "int8_segm_map": found.segm["map"],
    }
    worst = _worst_class(judged, found)
    if worst is not None:
        metrics["int8_worst_class_loss"] = worst.loss
    good = _good(metrics) and (worst is None or worst.loss <= _MOST_LOST_OF_A_CLASS)
    whose = fingerprint(trainer.evaluated.state_dict())
    save_quantization(job.folders.model, Quantization(ranges, whose, good, metrics))
    return _said(metrics, good, worst, time.monotonic() - began)


def _lacking(validator: Validator, judged: Evaluation | None) -> str:
    """Why nothing can be said of int8 by the held-out pictures, if so."""
    pictures = validator.truth.pictures
    objects = sum(not one.crowd for picture in pictures for one in picture.instances)
    if judged is None or len(pictures) < _FEWEST_PICTURES or objects < _FEWEST_OBJECTS:
        return (
            f"{len(pictures)} pictures with {objects} objects are held out: "
            f"{_FEWEST_PICTURES} with {_FEWEST_OBJECTS} would tell a loss of accuracy from chance"
        )
    if not min(judged.bbox["map"], judged.segm["map"]) >= _LEAST_AP:
        return f"box or mask AP is under {100 * _LEAST_AP:.0f} points: too little to lose any"
    return ""


def ranges_from(network: Network, info: ModelInfo, pictures: Sequence[Picture]) -> dict[str, Range]:
    """The layers' ranges over a few of the pictures, spread over all of them."""
    count = min(_PICTURES, len(pictures))
    chosen = (pictures[place * len(pictures) // count] for place in range(count))
    return measured_ranges(network, info, (read_picture(picture.path) for picture in chosen))


def _good(metrics: dict[str, float]) -> bool:
    """Whether little enough is lost; not where a figure is no number."""
    return all(
        metrics[name] - metrics[f"int8_{name}"] <= _MOST_LOST for name in ("bbox_map", "segm_map")
    )


@dataclass(frozen=True, slots=True)
class _OfClass:
    """What int8 takes of a class's AP; under 0 where the class gains."""

    name: str
    objects: int
    kind: str  # box or mask
    loss: float


def _worst_class(judged: Evaluation, found: Evaluation) -> _OfClass | None:
    """The class that loses most by boxes or by masks, of those with enough objects held out."""
    after = {row["category_id"]: row for row in found.per_class}
    losses = [
        _OfClass(row["name"], row["objects"], kind, row[name] - after[row["category_id"]][name])
        for row in judged.per_class
        if row["objects"] >= _FEWEST_OF_A_CLASS
        for kind, name in (("box", "bbox_map"), ("mask", "segm_map"))
    ]
    return max(losses, key=lambda one: math.inf if math.isnan(one.loss) else one.loss, default=None)


def _said(metrics: dict[str, float], good: bool, worst: _OfClass | None, seconds: float) -> str:
    box, mask, int8_box, int8_mask, *_ = (100 * value for value in metrics.values())
    return (
        f"int8: {'on' if good else 'off'} for serving on CPUs: box AP {int8_box:.1f} instead of "
        f"{box:.1f}, mask AP {int8_mask:.1f} instead of {mask:.1f} (allowed: "
        f"{100 * _MOST_LOST:.1f} less); {_said_of(worst)}; measured in {seconds:.0f} s"
    )


def _said_of(worst: _OfClass | None) -> str:
    if worst is None:
        return f"no class has {_FEWEST_OF_A_CLASS} objects held out, so none was judged alone"
    return (
        f"of the classes with {_FEWEST_OF_A_CLASS} objects held out {worst.name} ({worst.objects}) "
        f"loses most, {100 * worst.loss:.1f} points of {worst.kind} AP "
        f"(allowed: {100 * _MOST_LOST_OF_A_CLASS:.1f})"
    )


def _copy(network: Network, info: ModelInfo) -> Network:
    """The same network without what training has put around it."""
    fresh = build_model(info)
    fresh.load_state_dict(network.state_dict())
    device = next(network.parameters()).device
    found: Network = fresh.eval().to(device, memory_format=torch.channels_last)
    return found
