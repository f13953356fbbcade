"""Every hyperparameter of this Mask R-CNN: its type, default, range and reason, in one block.

`python hyperparameters.py --schema` prints them as JSON, `--markdown` as the page of the guide.
Standard library only: a typing mistake is told before torch is imported.
"""

from __future__ import annotations

import difflib
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from arguments import pairs, read
from console import metric_definitions
from description import as_markdown, as_schema
from errors import HyperparameterError
from rules import Rule, choice, flag, number, rules_of, whole_number, whole_numbers

BACKBONES = (
    "resnet50_fpn",
    "resnet50_fpn_v2",
    "resnet18_fpn",
    "mobilenet_v2_fpn",
    "mobilenet_v3_large_fpn",
)


@dataclass(frozen=True)
class Hyperparameters:
    """The knobs of one training job."""

    # How long, and on how much at once
    num_epochs: int = whole_number(
        10, 1, 100_000, "Passes over the training channel.", unit="epochs"
    )
    batch_size: int = whole_number(
        2, 1, 1024, "Pictures in a step on each GPU (or on the CPU).", unit="pictures"
    )
    accumulate: int = whole_number(
        1, 1, 1024, "Batches whose gradients are summed before a step.", unit="batches"
    )
    num_classes: int | None = whole_number(
        None, 2, 100_000, "Classes, background included.", unset="counted in the data"
    )

    # The optimiser; the defaults are torchvision's detection recipe for two pictures a step
    optimizer: str = choice("sgd", ("sgd", "adamw"), "What takes the steps.")
    learning_rate: float = number(
        0.005, 0, 10, "Step size after the warm-up, for batch_size x accumulate.", above=True
    )
    momentum: float = number(0.9, 0, 0.999, "Momentum of sgd; beta 1 of adamw.")
    weight_decay: float = number(0.0005, 0, 1, "Pull of the weights to zero.")
    # Small backbones diverge within the first epoch without it, so it is on by default
    gradient_clip: float = number(
        5.0, 0, 10_000, "Longest gradient (L2 norm) that is applied; 0 clips nothing."
    )
    lr_scheduler: str = choice(
        "step", ("step", "multistep", "cosine"), "How the learning rate falls."
    )
    lr_step_size: int = whole_number(
        3, 1, 100_000, "Epochs between two falls of the step scheduler.", unit="epochs"
    )
    lr_milestones: tuple[int, ...] | None = whole_numbers(
        1,
        100_000,
        "Epochs after which the multistep scheduler falls, such as 6,8.",
        unit="epochs",
        unset="after 60 % and 85 % of the epochs",
    )
    lr_gamma: float = number(0.1, 0, 1, "Factor of each fall of step and multistep.", above=True)
    warmup_steps: int = whole_number(
        100, 0, 1_000_000, "Steps over which the learning rate rises at the start.", unit="steps"
    )
    ema: float = number(
        0.0, 0, 0.99999, "Decay of the averaged weights that are evaluated and kept; 0 keeps none."
    )
    evaluate_every: int = whole_number(
        1, 1, 100_000, "Epochs between two judgements on the held-out pictures.", unit="epochs"
    )
    early_stopping_patience: int = whole_number(
        0, 0, 100_000, "Epochs with no better mask AP that end the job; 0 never does.",
        unit="epochs",
    )  # fmt: skip

    # The model
    backbone: str = choice("resnet50_fpn", BACKBONES, "The network that sees.")
    pretrained: str = choice(
        "coco",
        ("coco", "imagenet", "none"),
        "Weights to start from: baked into the image; the channel pretrained wins over this.",
    )
    trainable_layers: int = whole_number(
        3, 0, 6, "Stages of a pretrained backbone that learn, counted from the top.", unit="stages"
    )
    rois_per_image: int = whole_number(
        512, 8, 4096, "Proposals of a picture that the heads learn from.", unit="regions"
    )
    score_threshold: float = number(0.05, 0, 1, "Lowest score of a detection that is given out.")
    max_detections: int = whole_number(
        100, 1, 10_000, "Most detections given out for a picture.", unit="detections"
    )

    # The pictures
    min_size: int = whole_number(
        800, 32, 8192, "Shorter side of a picture as the model sees it.", unit="pixels"
    )
    max_size: int = whole_number(
        1333, 32, 8192, "Longer side of a picture, which wins over min_size.", unit="pixels"
    )
    augment: str = choice(
        "flip",
        ("none", "flip", "multiscale", "strong"),
        "flip mirrors; multiscale also varies the size; strong also crops and changes colours.",
    )
    validation_fraction: float = number(
        0.1, 0, 0.9, "Part of training that is held out when there is no validation channel."
    )

    # The machine
    precision: str = choice(
        "auto", ("auto", "fp32", "bf16", "fp16"), "Arithmetic; auto takes the fastest safe one."
    )
    quantize: str = choice(
        "auto",
        ("auto", "off"),
        "auto lets CPUs serve in int8 if that costs at most 0.3 points of held-out box and mask "
        "AP, which it measures at the end.",
    )
    compile: str = choice(
        "auto",
        ("auto", "on", "off"),
        "Whether torch.compile is used; auto never does. Needs a C compiler, on GPUs Triton too.",
    )
    num_workers: int | None = whole_number(
        None,
        0,
        256,
        "Threads that decode pictures for each GPU.",
        unit="threads",
        unset="from the cores of the machine",
    )
    checkpoint_every: int = whole_number(
        200, 0, 1_000_000, "Steps between two checkpoints; 0 writes one an epoch.", unit="steps"
    )
    seed: int = whole_number(0, 0, 2**31 - 1, "Start of every random choice.")
    deterministic: bool = flag(False, "Give up speed for the same weights at every run.")
    tensorboard: bool = flag(False, "Also write TensorBoard events, to /opt/ml/output/tensorboard.")


def parse(argv: Sequence[str]) -> Hyperparameters:
    """Reads `--name value` arguments; one HyperparameterError tells everything that is wrong."""
    rules = rules_of(Hyperparameters)
    found, strays = pairs(argv)
    problems = [f"{word!r} belongs to no --name" for word in strays]
    values: dict[str, Any] = {}
    for written, text in found:
        name = written.replace("-", "_")
        if name in rules:
            values[name] = _value(name, text, rules[name], problems)
        elif not _reserved(name):
            problems.append(_unknown(written, list(rules)))
    if not problems:
        result = Hyperparameters(**values)
        problems = _contradictions(result)
    if problems:
        raise HyperparameterError(_sentence(problems))
    return result


def _value(name: str, text: str, rule: Rule, problems: list[str]) -> Any:
    try:
        return read(text, rule)
    except (ValueError, OverflowError):
        given = text if len(text) <= 60 else text[:57] + "..."
        problems.append(f"{name} is {given!r}, but it must be {rule.allowed()}")
        return None


def _reserved(name: str) -> bool:
    """Tells the names that SageMaker and its SDK add by themselves."""
    return name.startswith("sagemaker_") or name in (
        "_tuning_objective_metric",
        "default_user_module_name",
    )


def _unknown(name: str, names: list[str]) -> str:
    near = difflib.get_close_matches(name.replace("-", "_"), names, n=1, cutoff=0.5)
    advice = f"did you mean {near[0]}?" if near else "see `train --describe` for all names"
    return f"there is no hyperparameter {name[:60]!r} - {advice}"


def _contradictions(chosen: Hyperparameters) -> list[str]:
    problems = []
    if chosen.max_size < chosen.min_size:
        problems.append(
            f"max_size is {chosen.max_size}, but it must be at least min_size ({chosen.min_size})"
        )
    return problems


def _sentence(problems: list[str]) -> str:
    if len(problems) == 1:
        return problems[0]
    listed = "; ".join(f"({place}) {text}" for place, text in enumerate(problems, start=1))
    return f"{len(problems)} hyperparameters are wrong: {listed}"


def schema() -> dict[str, Any]:
    """Every hyperparameter, and the metrics that a job prints, as plain data: for who drives it."""
    return {**as_schema(Hyperparameters), "metrics": metric_definitions()}


def main(argv: Sequence[str]) -> int:
    """Prints the schema (`--schema`) or the page of the guide (`--markdown`)."""
    page = list(argv) == ["--markdown"]
    sys.stdout.write(
        as_markdown(Hyperparameters) if page else json.dumps(schema(), indent=2) + "\n"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
