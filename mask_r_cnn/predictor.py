"""The served Mask R-CNN: the functions that SageMaker's inference toolkit, and ours, call."""

from __future__ import annotations

import os
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from accept import choose
from detection import Detection
from engines import Engine, load_engine, preload
from model_info import ModelInfo
from options import Options, parse_options
from request import Limits, read_pictures
from response import NPY, PNG, Answer, Prediction, RequestError, encode

Place = tuple[int, int]  # of a request in its batch, and of a picture in its request


@dataclass(frozen=True, slots=True)
class Request:
    """The pictures of one request, those that cannot be used among them, and its options."""

    answers: Sequence[Answer]
    options: Options


def preload_fn(model_dir: str) -> None:
    """Load what the model processes of one server can share; our server forks them after it."""
    preload(Path(model_dir))


def model_fn(model_dir: str, context: Any = None) -> Engine:
    """Load the model of a training job, on the GPU that the server gives, else on the CPU."""
    _limits()  # what is wrong with them is the server's error, and no client's
    return load_engine(Path(model_dir), _gpu(context))


def warm_up_fn(model: Engine) -> None:
    """Predict once: the first client need not wait for what the first pass does."""
    model.warm_up()


def input_fn(body: bytes, content_type: str, context: Any = None) -> Request:
    """Decode a request; what is wrong with it is said here, before any computing.

    Our server gives the body as it was sent because `bytes` is declared; AWS's toolkit decodes
    JSON first.
    """
    options = parse_options(*_wishes(context))
    accepted = choose(_header(context, "accept"))
    answers = read_pictures(_as_bytes(body), content_type or "", _limits(), one=not _many_records())
    if accepted in (PNG, NPY) and len(answers) > 1:
        raise RequestError(
            406,
            "not_acceptable",
            f"{accepted} shows one picture and {len(answers)} were sent - send one, "
            "or accept application/json",
        )
    return Request(answers, options)


def predict_fn(item: Request, model: Engine, context: Any = None) -> Prediction:
    """Predict for one request."""
    return predict_batch_fn([item], model, [context])[0]


def predict_batch_fn(
    items: Sequence[Request], model: Engine, context: Sequence[Any] | None = None
) -> list[Prediction]:
    """Predict for several requests: pictures with the same options share a pass.

    A request of many pictures may take longer than its client waits: what is left of it then is
    not computed.
    """
    deadlines = [getattr(one, "deadline", None) for one in context or [None] * len(items)]
    found: dict[Place, list[Detection]] = {}
    late: set[int] = set()
    for options, places in _groups(items).items():
        step = model.at_once
        for start in range(0, len(places), step):
            late |= _late(deadlines)
            chunk = [place for place in places[start : start + step] if place[0] not in late]
            found.update(_predicted(items, chunk, options, model))
    return [
        _late_prediction(model.info) if place in late else _prediction(place, item, found, model)
        for place, item in enumerate(items)
    ]


def output_fn(prediction: Prediction, accept: str) -> tuple[bytes, str]:
    """The answer in the form that the client likes best."""
    content_type = choose(accept or "")
    return encode(prediction, content_type), content_type


def _as_bytes(body: object) -> bytes:
    return body.encode() if isinstance(body, str) else bytes(body)  # type: ignore[call-overload]


def _predicted(
    items: Sequence[Request], chunk: Sequence[Place], options: Options, model: Engine
) -> dict[Place, list[Detection]]:
    images = [items[item].answers[number].image for item, number in chunk]
    predicted = model.predict(
        [image for image in images if image is not None],
        score_threshold=options.score_threshold,
        max_detections=options.max_detections,
        masks=options.segmentation != "none",
    )
    return dict(zip(chunk, predicted, strict=True))


def _late(deadlines: Sequence[float | None]) -> set[int]:
    """The requests whose client has stopped waiting."""
    now = time.monotonic()
    return {place for place, end in enumerate(deadlines) if end is not None and now > end}


def _late_prediction(info: ModelInfo) -> Prediction:
    error = RequestError(
        504, "deadline", "the pictures took longer than the client waits - send fewer in a request"
    )
    return Prediction((), info.class_names, info.category_ids, error=error)


def _groups(items: Sequence[Request]) -> dict[Options, list[Place]]:
    """Places by what the network must do for them."""
    groups: dict[Options, list[Place]] = defaultdict(list)
    for place, item in enumerate(items):
        options = item.options
        if options.segmentation == "polygon":
            options = replace(options, segmentation="rle")
        usable = (n for n, answer in enumerate(item.answers) if answer.image is not None)
        groups[options] += [(place, number) for number in usable]
    return groups


def _prediction(
    place: int, item: Request, found: dict[Place, list[Detection]], model: Engine
) -> Prediction:
    answers = [
        replace(answer, detections=found.get((place, number), ()))
        for number, answer in enumerate(item.answers)
    ]
    info = model.info
    return Prediction(answers, info.class_names, info.category_ids, item.options.segmentation)


def _wishes(context: Any) -> tuple[dict[str, str], str]:
    query = getattr(context, "query", None) or {}
    return dict(query), _header(context, "x-amzn-sagemaker-custom-attributes")


def _header(context: Any, name: str) -> str:
    return "" if context is None else context.get_request_header(0, name) or ""


def _gpu(context: Any) -> int | None:
    """The number of the GPU that the server gives this process."""
    number = None if context is None else context.system_properties.get("gpu_id")
    return None if number is None else int(number)


@cache
def _limits() -> Limits:
    return Limits.from_environment(os.environ)


@cache
def _many_records() -> bool:
    """Whether a Batch Transform job packs records: then one bad record must not fail the others."""
    return os.environ.get("SAGEMAKER_BATCH_STRATEGY", "").upper() in ("MULTI_RECORD", "MULTIRECORD")
