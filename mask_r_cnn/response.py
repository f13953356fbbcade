"""Predictions as bytes: COCO results as JSON, a line a picture, a drawing, or a label map.

A detection of the JSON is a COCO result: `pycocotools.coco.COCO.loadRes` takes the list as it is.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from detection import Detection
from overlay import draw
from polygons import polygons
from rle import decode_part

JSON = "application/json"
JSON_LINES = "application/jsonlines"
PNG = "image/png"
NPY = "application/x-npy"


class RequestError(Exception):
    """What a client sent cannot be answered; the message says what to send instead."""

    def __init__(self, status_code: int, code: str, message: str) -> None:
        super().__init__(status_code, code, message)
        self.status_code, self.code, self.message = status_code, code, message

    def __str__(self) -> str:
        return self.message


@dataclass(frozen=True, slots=True)
class Answer:
    """What was found in one picture, or why that picture could not be used."""

    image_id: int
    image: NDArray[np.uint8] | None = None
    detections: Sequence[Detection] = ()
    error: RequestError | None = None


@dataclass(frozen=True, slots=True)
class Prediction:
    """The answers to one request, with the model's classes and the form of masks asked for.

    With an error there is no answer at all.
    """

    answers: Sequence[Answer]
    class_names: Sequence[str]
    category_ids: Sequence[int]
    segmentation: str = "rle"
    error: RequestError | None = None


def encode(prediction: Prediction, content_type: str) -> bytes:
    """A prediction in one of the four forms; its error is raised."""
    if prediction.error is not None:
        raise prediction.error
    return _ENCODERS[content_type](prediction)


def _json(prediction: Prediction) -> bytes:
    rows = [_row(answer, prediction) for answer in prediction.answers]
    return _dumped({"predictions": rows}) + b"\n"


def _json_lines(prediction: Prediction) -> bytes:
    rows = [_dumped(_row(answer, prediction)) for answer in prediction.answers]
    return b"".join(row + b"\n" for row in rows)


def _dumped(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode(
        "utf-8", "replace"
    )


def _row(answer: Answer, prediction: Prediction) -> dict[str, Any]:
    if answer.image is None:
        error = answer.error or RequestError(400, "bad_image", "the picture cannot be used")
        return {"error": {"code": error.code, "message": error.message}}
    height, width = answer.image.shape[:2]
    return {
        "height": height,
        "width": width,
        "detections": [
            _result(detection, answer.image_id, prediction) for detection in answer.detections
        ],
    }


def _result(detection: Detection, image_id: int, prediction: Prediction) -> dict[str, Any]:
    x0, y0, x1, y1 = detection.box
    result: dict[str, Any] = {
        "image_id": image_id,
        "category_id": prediction.category_ids[detection.label - 1],
        "category_name": prediction.class_names[detection.label - 1],
        "score": round(detection.score, 6),
        "bbox": [round(value, 3) for value in (x0, y0, x1 - x0, y1 - y0)],
    }
    if detection.rle is not None and prediction.segmentation == "rle":
        counts = detection.rle["counts"].decode("ascii")
        result["segmentation"] = {"size": detection.rle["size"], "counts": counts}
    elif detection.rle is not None and prediction.segmentation == "polygon":
        result["segmentation"] = polygons(decode_part(detection.rle))
    return result


def _png(prediction: Prediction) -> bytes:
    answer = _only(prediction, PNG)
    assert answer.image is not None
    drawn = draw(answer.image, answer.detections, prediction.class_names)
    buffer = io.BytesIO()
    Image.fromarray(drawn).save(buffer, "PNG", compress_level=3, pnginfo=_listed(prediction))
    return buffer.getvalue()


def _listed(prediction: Prediction) -> PngInfo:
    """What is drawn, as JSON in the PNG: a client has picture and figures of one request."""
    plain = replace(prediction, segmentation="none")
    text = _dumped(_row(_only(prediction, PNG), plain)["detections"]).decode()
    info = PngInfo()
    info.add_itxt("detections", text, zip=True)
    return info


def _npy(prediction: Prediction) -> bytes:
    """[height, width] uint16: n where the JSON's n-th detection is, from 1; the best one on top."""
    answer = _only(prediction, NPY)
    assert answer.image is not None
    labels = np.zeros(answer.image.shape[:2], np.uint16)
    for number, detection in reversed(list(enumerate(answer.detections, start=1))):
        if detection.rle is not None:
            part = decode_part(detection.rle)
            labels[part.place][part.bits] = number
    buffer = io.BytesIO()
    np.save(buffer, labels, allow_pickle=False)
    return buffer.getvalue()


def _only(prediction: Prediction, content_type: str) -> Answer:
    if len(prediction.answers) != 1:
        raise RequestError(
            406,
            "not_acceptable",
            f"{content_type} shows one picture and {len(prediction.answers)} were sent - send one, "
            f"or accept {JSON} or {JSON_LINES}",
        )
    answer = prediction.answers[0]
    if answer.image is None:
        raise answer.error or RequestError(400, "bad_image", "the picture cannot be used")
    return answer


_ENCODERS: dict[str, Callable[[Prediction], bytes]] = {
    JSON: _json,
    JSON_LINES: _json_lines,
    PNG: _png,
    NPY: _npy,
}
