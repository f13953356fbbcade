"""Requests that are right: every type in, every type out, alone and in company."""

from __future__ import annotations

import contextlib
import io
import json
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from pycocotools.coco import COCO

import predictor
from engines import Engine
from pixels import pixels_of_list, pixels_of_text
from predictor import Request
from request import Limits, read_pictures
from response import Prediction, RequestError
from rle import decode_mask
from tests.mask_r_cnn.bodies import b64, file_of, instances, npy_of, pixels
from tests.mask_r_cnn.test_bad_requests import Context
from torch_engine import TorchEngine

PICTURE = pixels(60, 90)


@pytest.fixture(scope="module")
def model(tiny_model_folder: Path) -> Engine:
    return predictor.model_fn(str(tiny_model_folder))


def ask(
    model: Engine, body: bytes, content_type: str, accept: str = "application/json", **query: str
) -> Any:
    item = predictor.input_fn(body, content_type, Context({"Accept": accept}, query))
    body, sent = predictor.output_fn(predictor.predict_fn(item, model), accept)
    assert sent == accept
    if accept == "application/json":
        return json.loads(body)["predictions"]
    if accept == "application/jsonlines":
        return [json.loads(line) for line in body.splitlines()]
    return (
        np.load(io.BytesIO(body)) if accept == "application/x-npy" else Image.open(io.BytesIO(body))
    )


EXACT: dict[str, tuple[str, Callable[[NDArray[np.uint8]], bytes]]] = {
    "png": ("image/png", file_of),
    "bmp": ("image/bmp", lambda array: file_of(array, "BMP")),
    "windows bmp": ("image/x-ms-bmp", lambda array: file_of(array, "BMP")),
    "tiff": ("image/tiff", lambda array: file_of(array, "TIFF")),
    "webp": ("image/webp", lambda array: file_of(array, "WEBP", lossless=True)),
    "sniffed png": ("application/octet-stream", file_of),
    "no type": ("", file_of),
    "another picture's type": ("image/jpeg; charset=binary", file_of),
    "npy": ("application/x-npy", npy_of),
    "npy, version 2": ("application/x-npy", lambda array: npy_of(array, (2, 0))),
    "npy, Fortran's order": ("application/x-npy", lambda array: npy_of(np.asfortranarray(array))),
    "sniffed npy": ("application/octet-stream", npy_of),
    "b64": ("application/json", lambda array: instances({"b64": b64(file_of(array))})),
    "b64 as a data URI": (
        "application/json; charset=utf-8",
        lambda array: instances({"b64": "data:image/png;base64," + b64(file_of(array))}),
    ),
    "b64 in lines of 76": (
        "application/json",
        lambda array: instances(
            {"b64": "\r\n".join(b64(file_of(array))[at : at + 76] for at in range(0, 99999, 76))}
        ),
    ),
    "json with a byte-order mark": (
        "application/json",
        lambda array: b"\xef\xbb\xbf" + instances({"b64": b64(file_of(array))}),
    ),
    "json in UTF-16": (
        "application/json",
        lambda array: instances({"b64": b64(file_of(array))}).decode().encode("utf-16"),
    ),
    "the AWS sample's list": (
        "application/json",
        lambda array: json.dumps(array.tolist()).encode(),
    ),
    "a list without spaces": (
        "application/json",
        lambda array: json.dumps(array.tolist(), separators=(",", ":")).encode(),
    ),
    "a list with line ends": (
        "application/json",
        lambda array: json.dumps(array.tolist(), indent=1).encode(),
    ),
    "a list of floats": (
        "application/json",
        lambda array: json.dumps(array.astype(float).tolist()).encode(),
    ),
    "a list as instance": ("application/json", lambda array: instances(array.tolist())),
    "a line": (
        "application/jsonlines",
        lambda array: json.dumps({"b64": b64(file_of(array))}).encode(),
    ),
    "a list as line": (
        "application/x-ndjson",
        lambda array: str(array.tolist()).encode() + b"\n\n",
    ),
}


def test_text_that_a_toolkit_decoded_is_read_too() -> None:
    text: Any = instances({"b64": b64(file_of(PICTURE))}).decode()
    (answer,) = predictor.input_fn(text, "application/json").answers
    assert answer.image is not None and (answer.image == PICTURE).all()


@pytest.mark.parametrize("name", EXACT)
def test_every_type_brings_the_same_pixels(name: str) -> None:
    content_type, encode = EXACT[name]
    item = predictor.input_fn(encode(PICTURE), content_type)
    (answer,) = item.answers
    assert answer.image is not None and (answer.image == PICTURE).all()
    assert answer.image.flags.writeable and answer.image.flags.c_contiguous


GREY = Image.fromarray(PICTURE[..., 0])
ODD: dict[str, tuple[str, bytes]] = {
    "jpeg": ("image/jpeg", file_of(PICTURE, "JPEG")),
    "jpg": ("image/jpg", file_of(PICTURE, "JPEG")),
    "progressive jpeg": ("image/jpeg", file_of(PICTURE, "JPEG", progressive=True)),
    "cmyk jpeg": ("image/jpeg", file_of(Image.fromarray(PICTURE).convert("CMYK"), "JPEG")),
    "grey": ("image/png", file_of(GREY)),
    "palette": ("image/png", file_of(GREY.convert("P"))),
    "black and white": ("image/png", file_of(GREY.convert("1"))),
    "16 bit": ("image/png", file_of(PICTURE[..., 0].astype(np.uint16) * 257)),
    "alpha": ("image/png", file_of(GREY.convert("RGBA"))),
    "grey alpha": ("image/png", file_of(GREY.convert("LA"))),
    "gif": ("image/gif", file_of(GREY, "GIF")),
    "grey npy": ("application/x-npy", npy_of(PICTURE[..., 0])),
    "grey npy of one channel": ("application/x-npy", npy_of(PICTURE[..., :1])),
}


@pytest.mark.parametrize("name", ODD)
def test_odd_pictures_are_answered(name: str, model: Engine) -> None:
    content_type, body = ODD[name]
    (answer,) = ask(model, body, content_type)
    assert (answer["height"], answer["width"]) == (60, 90)


def test_a_turned_picture_is_upright(model: Engine) -> None:
    turned = Image.fromarray(PICTURE)
    exif = turned.getexif()
    exif[0x0112] = 6
    (answer,) = ask(model, file_of(turned, "JPEG", exif=exif), "image/jpeg")
    assert (answer["height"], answer["width"]) == (90, 60)
    assert all(d["segmentation"]["size"] == [90, 60] for d in answer["detections"])


def test_the_json_goes_into_pycocotools(model: Engine) -> None:
    answers = ask(
        model, instances({"b64": b64(file_of(PICTURE))}, PICTURE[:40].tolist()), "application/json"
    )
    truth = COCO()
    truth.dataset = {
        "info": {},
        "images": [{"id": 1, "height": 60, "width": 90}, {"id": 2, "height": 40, "width": 90}],
        "categories": [{"id": 3, "name": "person"}, {"id": 7, "name": "traffic light"}],
        "annotations": [],
    }
    with contextlib.redirect_stdout(io.StringIO()):
        truth.createIndex()
        results = truth.loadRes([d for answer in answers for d in answer["detections"]])
    loaded = results.loadAnns(results.getAnnIds(imgIds=[2]))
    assert len(loaded) == len(answers[1]["detections"]) > 0
    assert results.annToRLE(loaded[0])["size"] == [40, 90]
    found = model.predict([PICTURE[:40]])[0]
    assert (decode_mask(loaded[0]["segmentation"]) == decode_mask(found[0].rle or {})).all()


def test_a_drawing_carries_the_list_of_what_is_drawn(model: Engine) -> None:
    (answer,) = ask(model, file_of(PICTURE), "image/png", segmentation="none")
    drawn = ask(model, file_of(PICTURE), "image/png", "image/png")
    assert json.loads(drawn.text["detections"]) == answer["detections"] != []


def test_a_detection_has_what_coco_asks_for(model: Engine) -> None:
    (answer,) = ask(model, file_of(PICTURE), "image/png")
    best = answer["detections"][0]
    assert list(answer) == ["height", "width", "detections"]
    assert list(best) == [
        "image_id",
        "category_id",
        "category_name",
        "score",
        "bbox",
        "segmentation",
    ]
    assert (best["image_id"], best["category_id"] in (3, 7)) == (1, True)
    assert best["category_name"] == {3: "person", 7: "traffic light"}[best["category_id"]]
    scores = [detection["score"] for detection in answer["detections"]]
    assert scores == sorted(scores, reverse=True) and 0 < scores[0] <= 1
    x, y, width, height = best["bbox"]
    assert 0 <= x <= x + width <= 90.001 and 0 <= y <= y + height <= 60.001


def test_options_shape_the_answer(model: Engine) -> None:
    body = file_of(PICTURE)
    (all_of_them,) = ask(model, body, "image/png", score_threshold="0")
    (three,) = ask(model, body, "image/png", max_detections="3")
    (none,) = ask(model, body, "image/png", score_threshold="1")
    (bare,) = ask(model, body, "image/png", segmentation="none")
    (outlines,) = ask(model, body, "image/png", segmentation="polygon")
    assert len(three["detections"]) == 3 and none["detections"] == []
    assert three["detections"] == all_of_them["detections"][:3]
    assert "segmentation" not in bare["detections"][0]
    assert bare["detections"][0]["bbox"] == three["detections"][0]["bbox"]
    parts = [part for d in outlines["detections"] for part in d["segmentation"]]
    assert parts and all(len(part) >= 6 and len(part) % 2 == 0 for part in parts)


@pytest.mark.parametrize("threshold", [0.0, 0.05, 0.35, 0.38, 0.5])
def test_what_is_not_asked_for_is_not_computed_and_changes_nothing(
    threshold: float, model: Engine
) -> None:
    (everything,) = model.predict([PICTURE], score_threshold=0, max_detections=1000)
    for limit in (1, 7, 1000):
        (some,) = model.predict([PICTURE], score_threshold=threshold, max_detections=limit)
        assert some == [one for one in everything if one.score >= threshold][:limit]
    assert len(everything) > model.info.max_detections, "a request may ask for more than that"


def test_masks_that_nobody_wants_are_not_computed(tiny_model_folder: Path) -> None:
    model = TorchEngine(tiny_model_folder)
    calls: list[int] = []
    head = model.network.roi_heads.mask_head
    hook = head.register_forward_hook(lambda *_: calls.append(1))
    try:
        (bare,) = model.predict([PICTURE], masks=False)
        assert calls == []
        (whole,) = model.predict([PICTURE])
        assert calls == [1]
    finally:
        hook.remove()
    assert [replace(one, rle=None) for one in whole] == bare


def test_attributes_of_sagemaker_are_options(model: Engine) -> None:
    headers = {"X-Amzn-SageMaker-Custom-Attributes": "max_detections=2;segmentation=none"}
    item = predictor.input_fn(file_of(PICTURE), "image/png", Context(headers, {}))
    answer = json.loads(predictor.output_fn(predictor.predict_fn(item, model), "")[0])
    assert len(answer["predictions"][0]["detections"]) == 2


def test_lines_answer_lines(model: Engine) -> None:
    lines = b"\n".join(
        json.dumps({"b64": b64(file_of(PICTURE[:n]))}).encode() for n in (20, 30, 40)
    )
    answers = ask(model, lines, "application/jsonlines", "application/jsonlines")
    assert [answer["height"] for answer in answers] == [20, 30, 40]


def test_a_broken_picture_among_others_is_its_own_error(model: Engine) -> None:
    body = instances({"b64": b64(file_of(PICTURE))}, {"b64": "!"}, {"b64": b64(b"x" * 50)}, 7)
    good, *bad = ask(model, body, "application/json")
    assert good["detections"]
    assert [answer["error"]["code"] for answer in bad] == [
        "bad_base64",
        "unsupported_image",
        "bad_json",
    ]


def test_pictures_share_the_limit_of_their_request() -> None:
    limits = Limits(pixels=PICTURE.shape[0] * PICTURE.shape[1] * 2 + 5)
    for one in ({"b64": b64(file_of(PICTURE))}, PICTURE.tolist()):
        first, second, third = read_pictures(instances(one, one, one), "application/json", limits)
        assert first.image is not None and second.image is not None
        assert third.error is not None and third.error.status_code == 413


def test_the_limit_is_set_by_the_environment() -> None:
    assert Limits.from_environment({}) == Limits()
    assert Limits.from_environment({"BYOA_MAX_PIXELS": " 99 "}).pixels == 99
    for text in ("many", "-1", "0", "1e6"):
        with pytest.raises(ValueError, match="BYOA_MAX_PIXELS"):
            Limits.from_environment({"BYOA_MAX_PIXELS": text})


def test_outlines_and_rles_share_a_pass() -> None:
    one, other, last = (
        predictor.input_fn(file_of(PICTURE), "image/png", Context({}, {"segmentation": form}))
        for form in ("rle", "polygon", "none")
    )
    places = list(predictor._groups([one, other, last]).values())
    assert places == [[(0, 0), (1, 0)], [(2, 0)]]


def test_a_record_of_a_batch_job_is_its_own_error_even_alone(
    monkeypatch: pytest.MonkeyPatch, model: Engine
) -> None:
    body = b'{"b64": "!"}\n'
    with pytest.raises(RequestError):
        predictor.input_fn(body, "application/jsonlines")
    monkeypatch.setenv("SAGEMAKER_BATCH_STRATEGY", "MULTI_RECORD")
    predictor._many_records.cache_clear()
    try:
        (answer,) = ask(model, body, "application/jsonlines", "application/jsonlines")
    finally:
        predictor._many_records.cache_clear()
    assert answer["error"]["code"] == "bad_base64"


def test_the_drawing_is_the_picture_with_marks(model: Engine) -> None:
    drawn = np.asarray(ask(model, file_of(PICTURE), "image/png", "image/png"))
    plain = np.asarray(ask(model, file_of(PICTURE), "image/png", "image/png", score_threshold="1"))
    assert (plain == PICTURE).all()
    assert drawn.shape == PICTURE.shape and (drawn != PICTURE).any()


def test_the_label_map_numbers_the_detections_of_the_json(model: Engine) -> None:
    labels = ask(model, file_of(PICTURE), "image/png", "application/x-npy")
    (answer,) = ask(model, file_of(PICTURE), "image/png")
    assert labels.shape == (60, 90) and labels.dtype == np.uint16
    best = decode_mask(answer["detections"][0]["segmentation"]).astype(bool)
    assert best.any() and (labels[best] == 1).all() and (labels[~best] != 1).all()


def together(model: Engine, *items: Request) -> list[Prediction]:
    return predictor.predict_batch_fn(items, model)


def test_a_batch_of_mixed_requests_is_each_alone(model: Engine) -> None:
    requests = [
        predictor.input_fn(file_of(PICTURE), "image/png", Context({}, query))
        for query in (
            {},
            {"max_detections": "2"},
            {"segmentation": "polygon"},
            {"segmentation": "none"},
            {"score_threshold": "0.4", "segmentation": "none"},
            {},
        )
    ]
    two = instances({"b64": b64(file_of(PICTURE[:50]))}, {"b64": "!"}, PICTURE[:30].tolist())
    requests.append(predictor.input_fn(two, "application/json"))
    for batched, item in zip(together(model, *requests), requests, strict=True):
        alone = predictor.predict_fn(item, model)
        assert predictor.output_fn(batched, "") == predictor.output_fn(alone, "")
    assert together(model) == []


def test_a_request_past_its_deadline_is_not_computed(model: Engine) -> None:
    three = instances(*({"b64": b64(file_of(PICTURE))} for _ in range(3)))
    requests = [predictor.input_fn(three, "application/json") for _ in range(3)]
    contexts = [Context({}, {}) for _ in requests]
    for context, seconds in zip(contexts, (0.0, 1000.0, 0.05), strict=True):
        context.deadline = time.monotonic() + seconds  # the last one ends while it is computed
    late, good, cut = predictor.predict_batch_fn(requests, model, contexts)
    assert len(good.answers) == 3 and all(answer.detections for answer in good.answers)
    for prediction in (late, cut):
        with pytest.raises(RequestError, match="send fewer in a request") as caught:
            predictor.output_fn(prediction, "")
        assert (caught.value.status_code, caught.value.code) == (504, "deadline")


def test_a_warm_model_predicts_as_a_cold_one(tiny_model_folder: Path, model: Engine) -> None:
    other = predictor.model_fn(str(tiny_model_folder), Context({}, {}))
    predictor.warm_up_fn(other)
    body = file_of(PICTURE)
    assert ask(other, body, "image/png") == ask(model, body, "image/png")


@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (7, 1), (5, 4)])
@pytest.mark.parametrize("style", [{"separators": (",", ":")}, {}, {"indent": 2}])
def test_a_list_is_read_as_json_reads_it(shape: tuple[int, int], style: dict[str, Any]) -> None:
    array = pixels(*shape)
    text = json.dumps(array.tolist(), **style).encode()
    read = pixels_of_text(text, 1000)
    assert read is not None and (read == array).all()
    assert (pixels_of_list(array.tolist(), 1000) == array).all()


@pytest.mark.parametrize(
    "text",
    [
        "[[[1,2,3]]", "[[[1,2,3]]]]", "[[[1,2,3],]]", "[[[1,,3]]]", "[[1,2,3]]", "[[[1,2,3]],[]]",
        "[[[1,2]]]", "[[[1,2,3]],[[1,2,3],[1,2,3]]]", "[[[1,2,3 4]]]", "[]", "[[]]", "[[[]]]", "1",
        "[[[1,2,3]][[1,2,3]]]", "[[[,1,2]]]", "[[[1,2,]]]", "]]", "[[[1,2,3.0]]]", "[[[-1,2,3]]]",
    ],
)  # fmt: skip
def test_what_is_no_picture_is_left_to_json(text: str) -> None:
    assert pixels_of_text(text.encode(), 1000) is None
