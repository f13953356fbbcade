"""Options of a request, and the type of its answer."""

from __future__ import annotations

import pytest

from accept import choose
from options import Options, parse_options
from response import RequestError


def test_the_query_wins_over_the_attributes() -> None:
    options = parse_options({"score_threshold": "0.5"}, "score_threshold=0.1;segmentation=polygon")
    assert options == Options(score_threshold=0.5, segmentation="polygon")


@pytest.mark.parametrize(
    "attributes",
    [
        "max_detections=3,segmentation=none",
        "max_detections=3&segmentation=none",
        " max_detections = 3 ; segmentation=none;",
    ],
)
def test_attributes_are_divided_by_what_people_use(attributes: str) -> None:
    assert parse_options({}, attributes) == Options(max_detections=3, segmentation="none")


@pytest.mark.parametrize("attributes", ["", "c000b4f9-df62-4c85-a0bf-7c525f9104a4", ";;", "trace"])
def test_attributes_that_are_no_options_are_left_alone(attributes: str) -> None:
    assert parse_options({}, attributes) == Options()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("score_threshold", "abc"), ("score_threshold", "nan"), ("score_threshold", "-0.1"),
        ("score_threshold", "1.1"), ("score_threshold", ""), ("score_threshold", "1e999"),
        ("max_detections", "0"), ("max_detections", "-1"), ("max_detections", "1.5"),
        ("max_detections", "1001"), ("max_detections", "٣"), ("max_detections", "9" * 5000),
        ("segmentation", "png"), ("segmentation", ""), ("Segmentation", "rle"), ("treshold", "1"),
        ("", ""),
    ],
)  # fmt: skip
def test_a_bad_option_names_the_good_ones(name: str, value: str) -> None:
    with pytest.raises(RequestError) as caught:
        parse_options({name: value})
    assert (caught.value.status_code, caught.value.code) == (422, "bad_option")
    message = caught.value.message
    assert "score_threshold (0 to 1), max_detections (1 to 1000) and segmentation" in message
    assert len(message) < 500


JSON, LINES, PNG, NPY = (
    "application/json",
    "application/jsonlines",
    "image/png",
    "application/x-npy",
)


@pytest.mark.parametrize(
    ("accept", "chosen"),
    [
        ("", JSON), ("*/*", JSON), ("application/*", JSON), ("image/*", PNG), (PNG, PNG),
        (NPY, NPY), (LINES, LINES), ("application/jsonl", LINES), ("application/x-ndjson", LINES),
        ("Image/PNG", PNG), ("application/json; charset=utf-8", JSON),
        ("text/html, image/png;q=0.4, application/json;q=0.3", PNG),
        ("application/json;q=0.1, image/png", PNG), ("application/json;q=0, */*", LINES),
        ("image/avif,image/webp,*/*;q=0.8", JSON), ("image/png;q=0.5;x=1,*/*;q=0.1", PNG),
        ("image/png;q=garbage", PNG), (",,;q=1", JSON), ("image/png, image/png;q=0", PNG),
    ],
)  # fmt: skip
def test_the_best_offer_is_chosen(accept: str, chosen: str) -> None:
    assert choose(accept) == chosen


@pytest.mark.parametrize("accept", ["text/csv", "image/jpeg", "application/json;q=0", "*/*;q=0.0"])
def test_what_cannot_be_offered_is_a_406(accept: str) -> None:
    with pytest.raises(RequestError, match="accept one of application/json") as caught:
        choose(accept)
    assert caught.value.status_code == 406
