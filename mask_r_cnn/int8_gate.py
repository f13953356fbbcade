"""Whether a model may be served in int8: the job that made it measures, judges and writes it down.

Serving on a CPU takes 0.6 of the time in int8. Some models lose accuracy by it, so none is served
that way whose box or mask AP on the held-out pictures falls by more than 0.3 points.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

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
    good = _good(metrics)
    whose = fingerprint(trainer.evaluated.state_dict())
    save_quantization(job.folders.model, Quantization(ranges, whose, good, metrics))
    return _said(metrics, good, time.monotonic() - began)


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


def _said(metrics: dict[str, float], good: bool, seconds: float) -> str:
    box, mask, int8_box, int8_mask = (100 * value for value in metrics.values())
    return (
        f"int8: {'on' if good else 'off'} for serving on CPUs: box AP {int8_box:.1f} instead of "
        f"{box:.1f}, mask AP {int8_mask:.1f} instead of {mask:.1f} (allowed: "
        f"{100 * _MOST_LOST:.1f} less); measured in {seconds:.0f} s"
    )


def _copy(network: Network, info: ModelInfo) -> Network:
    """The same network without what training has put around it."""
    fresh = build_model(info)
    fresh.load_state_dict(network.state_dict())
    device = next(network.parameters()).device
    found: Network = fresh.eval().to(device, memory_format=torch.channels_last)
    return found
