"""What clients get wrong: the right status, a sentence that helps, and never our failure."""

from __future__ import annotations

import io
import random
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

import predictor
from engines import Engine
from response import RequestError
from tests.mask_r_cnn.bodies import (
    BAD,
    Case,
    b64,
    file_of,
    instances,
    npy_header,
    npy_of,
    pixels,
)


class Context:
    """The part of the server's context that the predictor reads."""

    def __init__(self, headers: Mapping[str, str], query: Mapping[str, str]) -> None:
        self.headers = {name.lower(): value for name, value in headers.items()}
        self.query = dict(query)
        self.deadline: float | None = None
        self.system_properties = {"model_dir": "", "gpu_id": None}

    def get_request_header(self, index: int, name: str) -> str | None:
        return self.headers.get(name.lower())


@pytest.fixture(scope="module")
def model(tiny_model_folder: Path) -> Engine:
    return predictor.model_fn(str(tiny_model_folder))


def answer(case: Case, model: Engine) -> bytes:
    context = Context(case.headers, case.query)
    item = predictor.input_fn(case.body, case.content_type, context)
    prediction = predictor.predict_fn(item, model)
    return predictor.output_fn(prediction, case.headers.get("Accept", "application/json"))[0]


@pytest.mark.parametrize("case", BAD, ids=lambda case: case.name)
def test_it_is_refused_with_a_sentence_that_helps(case: Case, model: Engine) -> None:
    with pytest.raises(RequestError) as caught:
        answer(case, model)
    error = caught.value
    assert (error.status_code, error.code) == (case.status, case.code), error.message
    assert 20 < len(error.message) < 500
    assert " - " in error.message or "accept" in error.message
    assert error.message.isprintable()


def test_there_are_many_cases_and_each_has_a_name() -> None:
    assert len({case.name for case in BAD}) == len(BAD) >= 40


def mutated(data: bytes, chance: random.Random) -> bytes:
    """Bytes changed, cut, doubled or left out."""
    changed = bytearray(data)
    for _ in range(chance.randint(1, 12)):
        place = chance.randrange(len(changed) + 1)
        what = chance.random()
        if what < 0.6 and place < len(changed):
            changed[place] = chance.choice((0, 255, chance.randrange(256)))
        elif what < 0.8:
            del changed[place : place + chance.randint(1, 40)]
        else:
            changed[place:place] = changed[place : place + chance.randint(1, 40)]
    if chance.random() < 0.3:
        del changed[chance.randrange(len(changed) + 1) :]
    return bytes(changed)


SEEDS = {
    "image/jpeg": [
        file_of(pixels(30, 40), "JPEG"),
        file_of(pixels(30, 40), "JPEG", progressive=True),
        file_of(pixels(30, 40)[..., 0], "JPEG"),
    ],
    "image/png": [file_of(pixels(20, 30)), file_of(pixels(20, 30)[..., 0])],
    "image/webp": [file_of(pixels(20, 30), "WEBP"), file_of(pixels(20, 30), "WEBP", lossless=True)],
    "image/bmp": [file_of(pixels(9, 9), "BMP")],
    "image/tiff": [
        file_of(pixels(9, 9), "TIFF"),
        file_of(pixels(9, 9), "TIFF", compression="tiff_lzw"),
        file_of(pixels(9, 9), "TIFF", compression="jpeg"),
    ],
    "application/octet-stream": [file_of(pixels(9, 9), "GIF"), npy_of(pixels(9, 9))],
    "application/x-npy": [
        npy_of(pixels(9, 9)),
        npy_of(pixels(9, 9), (2, 0)),
        npy_header("{'descr': '|u1', 'fortran_order': True, 'shape': (2, 2, 3), }\n", bytes(12)),
    ],
    "application/json": [
        instances({"b64": b64(file_of(pixels(9, 9)))}, pixels(2, 2).tolist()),
        str(pixels(5, 4).tolist()).encode(),
        b'{"instances": [[[[0.5, 1e3, -7]]], null, {"b64": []}]}',
    ],
    "application/jsonlines": [
        b'{"b64": "' + b64(file_of(pixels(9, 9))).encode() + b'"}\n[[[1,2,3]]]'
    ],
}


@pytest.mark.parametrize("content_type", SEEDS)
def test_whatever_comes_is_answered_or_refused(content_type: str) -> None:
    chance = random.Random(content_type)
    refused = 0
    for _ in range(1000):
        body = mutated(chance.choice(SEEDS[content_type]), chance)
        if chance.random() < 0.05:
            body = chance.randbytes(chance.randrange(200))
        try:
            item = predictor.input_fn(body, content_type, Context({}, {}))
        except RequestError as error:
            assert error.status_code in (400, 413, 422)
            refused += 1
            continue
        for one in item.answers:
            assert (one.image is None) != (one.error is None)
            if one.image is not None:
                assert one.image.dtype == np.uint8 and one.image.shape[2] == 3
    assert refused > 20, "the mutations reach what they are for"


def test_any_options_are_taken_or_refused() -> None:
    chance = random.Random(5)
    letters = "score_threshold=0.5;,&nanmx detections\x00\n£1e9-+ "
    for _ in range(3000):
        text = "".join(chance.choice(letters) for _ in range(chance.randrange(40)))
        name, value = chance.choice(["score_threshold", "max_detections", text]), text
        headers = {"X-Amzn-SageMaker-Custom-Attributes": text, "Accept": text}
        try:
            predictor.input_fn(BAD[0].body or b"x", "image/png", Context(headers, {name: value}))
        except RequestError as error:
            assert error.status_code in (400, 406, 422)


def test_memory_is_not_taken_on_a_headers_word() -> None:
    import resource

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for case in BAD:
        if case.status == 413:
            with pytest.raises(RequestError):
                predictor.input_fn(case.body, case.content_type, Context({}, {}))
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 200_000, f"{grown} KiB"


def test_the_picture_that_is_drawn_is_the_one_that_came(model: Engine) -> None:
    case = Case("good", 200, "", file_of(pixels()), "image/png", headers={"Accept": "image/png"})
    assert answer(case, model).startswith(b"\x89PNG")
    assert io.BytesIO(answer(case, model)).getbuffer().nbytes > 1000
