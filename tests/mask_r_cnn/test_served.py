"""Mask R-CNN through the real `serve`: the same good and bad requests, over HTTP."""

from __future__ import annotations

import io
import json
import random
import shutil
import urllib.parse
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.container.serving.conftest import FRONTS
from tests.container.serving.serving_process import Reply, Serving
from tests.mask_r_cnn.bodies import BAD, Case, b64, file_of, instances, npy_of, pixels
from tests.mask_r_cnn.test_bad_requests import SEEDS, mutated

ALGORITHM = Path(__file__).resolve().parents[2] / "mask_r_cnn"
PICTURE = file_of(pixels(60, 90))


def serving(folder: Path, model: Path, **environ: str) -> Serving:
    """Mask R-CNN with a model, not started yet."""
    shutil.copytree(model, folder / "model")
    return Serving(folder, {"BYOA_ALGORITHM": str(ALGORITHM), "OMP_NUM_THREADS": "1", **environ})


@pytest.fixture(scope="module", params=FRONTS)
def served(
    request: pytest.FixtureRequest,
    tiny_model_folder: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Serving]:
    """A tiny model behind each front end."""
    root = tmp_path_factory.mktemp("served")
    nginx = "true" if request.param == "nginx" else "false"
    with serving(root, tiny_model_folder, BYOA_NGINX=nginx) as started:
        yield started.wait_ready(120)


def post(served: Serving, case: Case) -> Reply:
    path = "/invocations"
    if case.query:
        path += "?" + urllib.parse.urlencode(case.query)
    headers = {"Content-Type": case.content_type, **case.headers}
    return served.request("POST", path, case.body, headers)


def post_picture(served: Serving, body: bytes, content_type: str, accept: str = "*/*") -> Reply:
    return post(served, Case("", 200, "", body, content_type, headers={"Accept": accept}))


@pytest.mark.parametrize("case", BAD, ids=lambda case: case.name)
def test_it_is_refused_and_the_worker_lives(case: Case, served: Serving) -> None:
    workers = served.model_pids()
    reply = post(served, case)
    assert (reply.status, reply.code) == (case.status, case.code), reply.body
    assert served.model_pids() == workers


def test_whatever_comes_is_never_our_failure(served: Serving) -> None:
    workers = served.model_pids()
    chance = random.Random(11)
    for number in range(150):
        content_type = chance.choice(list(SEEDS))
        body = mutated(chance.choice(SEEDS[content_type]), chance)
        query = {"score_threshold": "0.9"} if number % 3 else {}
        reply = post(served, Case("", 0, "", body, content_type, query))
        assert reply.status in (200, 400, 413, 422), (content_type, body, reply)
        if reply.status != 200:
            assert reply.code
    assert served.model_pids() == workers
    assert served.ping().status == 200


GOOD = {
    "png": ("image/png", PICTURE),
    "jpeg": ("image/jpeg", file_of(pixels(60, 90), "JPEG")),
    "webp": ("image/webp", file_of(pixels(60, 90), "WEBP")),
    "bmp": ("image/bmp", file_of(pixels(60, 90), "BMP")),
    "tiff": ("image/tiff", file_of(pixels(60, 90), "TIFF")),
    "octets": ("application/octet-stream", PICTURE),
    "npy": ("application/x-npy", npy_of(pixels(60, 90))),
    "b64": ("application/json", instances({"b64": b64(PICTURE)})),
    "list": ("application/json", json.dumps(pixels(60, 90).tolist()).encode()),
    "lines": ("application/jsonlines", json.dumps({"b64": b64(PICTURE)}).encode()),
}


@pytest.mark.parametrize("name", GOOD)
def test_every_type_is_answered(name: str, served: Serving) -> None:
    content_type, body = GOOD[name]
    reply = post_picture(served, body, content_type)
    assert reply.status == 200 and reply.headers["content-type"] == "application/json"
    (answer,) = reply.json["predictions"]
    assert (answer["height"], answer["width"]) == (60, 90) and answer["detections"]


def test_every_answer_has_its_type(served: Serving) -> None:
    def ask(accept: str) -> bytes:
        reply = post_picture(served, PICTURE, "image/png", accept)
        assert (reply.status, reply.headers["content-type"]) == (200, accept)
        return reply.body

    assert json.loads(ask("application/jsonlines"))["detections"]
    assert Image.open(io.BytesIO(ask("image/png"))).size == (90, 60)
    assert np.load(io.BytesIO(ask("application/x-npy"))).max() > 0


def test_options_come_by_query_and_by_header(served: Serving) -> None:
    query = Case("", 200, "", PICTURE, "image/png", {"max_detections": "2"})
    header = {"X-Amzn-SageMaker-Custom-Attributes": "max_detections=2"}
    by_header = Case("", 200, "", PICTURE, "image/png", headers=header)
    for case in (query, by_header):
        assert len(post(served, case).json["predictions"][0]["detections"]) == 2


def test_bad_requests_do_not_touch_their_neighbours(served: Serving) -> None:
    bad = [case for case in BAD if len(case.body) < 100_000]
    good = post_picture(served, PICTURE, "image/png").body

    def send(number: int) -> bool:
        if number % 2:
            case = bad[number % len(bad)]
            return post(served, case).status == case.status
        return post_picture(served, PICTURE, "image/png").body == good

    with ThreadPoolExecutor(6) as threads:
        assert all(threads.map(send, range(60)))


def test_more_pictures_than_time_cost_no_worker(tmp_path: Path, tiny_model_folder: Path) -> None:
    environ = {"SAGEMAKER_MODEL_SERVER_TIMEOUT": "2", "BYOA_NGINX": "false"}
    with serving(tmp_path, tiny_model_folder, **environ) as served:
        served.wait_ready(120)
        workers = served.model_pids()
        many = instances(*[{"b64": b64(PICTURE)}] * 900)
        assert post_picture(served, many, "application/json").status == 504
        replies = [post_picture(served, PICTURE, "image/png").status for _ in range(5)]
        assert replies[-1] == 200 and served.model_pids() == workers
