"""The page at `/`: when it is served, what it may do, and what a browser makes of it."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from faster_coco_eval.core.mask import decode  # pycocotools' own warns under numpy 2
from matplotlib import cbook
from PIL import Image
from pycocotools import mask as coco_mask
from pycocotools.coco import COCO

from container.serving.playground.page import FOLDER, SCRIPTS, build
from container.serving.settings import Settings
from tests.container.serving.chromium import CHROMIUM, Chromium
from tests.container.serving.conftest import FRONTS, Serve
from tests.container.serving.serving_process import Serving, make_root

KEEP = os.environ.get("BYOA_SCREENSHOTS")  # a folder: look at what the browser saw
HOPPER = Path(cbook.get_sample_data("grace_hopper.jpg", asfileobj=False))  # 512 × 600
needs_browser = pytest.mark.skipif(CHROMIUM is None, reason="no chromium on PATH")


# When


@pytest.mark.parametrize(
    ("environ", "on"),
    [
        ({}, True),
        ({"SAGEMAKER_BIND_TO_PORT": "8081"}, True),
        ({"BYOA_PLAYGROUND": "false"}, False),
        ({"SAGEMAKER_SAFE_PORT_RANGE": "9000-9999"}, False),
        ({"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "/v2/credentials"}, False),
        ({"BYOA_SERVING_MODE": "serverless"}, False),
        ({"SAGEMAKER_BATCH": "true"}, False),
        ({"SAGEMAKER_BATCH": "true", "BYOA_PLAYGROUND": "true"}, True),
    ],
)  # fmt: skip
def test_it_is_on_at_home_and_off_on_sagemaker(environ: dict[str, str], on: bool):
    assert Settings.from_environment(environ).playground is on


def test_it_is_off_where_sagemaker_left_its_folder(tmp_path: Path):
    environ = {"SAGEMAKER_BASE_DIR": str(tmp_path)}
    assert Settings.from_environment(environ).playground
    (tmp_path / ".sagemaker_infra").mkdir()
    assert not Settings.from_environment(environ).playground


@pytest.mark.parametrize("front", FRONTS)
def test_it_is_served_with_its_policy(serve: Serve, front: str):
    serving = serve("sees", front=front).wait_ready()
    reply, page = serving.request("GET", "/"), build()
    assert (reply.status, reply.body) == (200, page.body)
    assert {name.lower(): value for name, value in page.headers.items()}.items() <= (
        reply.headers.items()
    )
    assert "set-cookie" not in reply.headers
    assert serving.request("POST", "/", b"x").code == "method_not_allowed"


def test_it_is_not_there_when_off(serve: Serve):
    serving = serve("sees", SAGEMAKER_SAFE_PORT_RANGE="9000-9999").wait_ready()
    reply = serving.request("GET", "/")
    assert (reply.status, reply.code) == (404, "not_found")


# What


def test_its_policy_allows_these_two_texts_and_no_others():  # fmt: skip
    page = build()
    policy = page.headers["Content-Security-Policy"]
    html = page.body.decode()
    for tag, directive in (("script", "script-src"), ("style", "style-src")):
        (text,) = re.findall(f"<{tag}>(.*?)</{tag}>", html, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{directive} 'sha256-{digest}';" in policy
    assert policy.startswith("default-src 'none';") and "unsafe" not in policy
    for word in ("connect-src 'self'", "frame-ancestors 'none'", "form-action 'none'"):
        assert word in policy


def test_it_is_one_file_that_needs_no_network():
    html = build().body.decode()
    assert not re.search(r"https?:(?!//localhost)|@import|url\(|\bsrc=|\bsrcset=|\bon\w+=", html)
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(", html)
    assert len(html) < 64_000
    assert {f"{name}.js" for name in SCRIPTS} == {path.name for path in FOLDER.glob("*.js")}


@pytest.mark.parametrize(
    ("ink", "ground"),
    [("ink", "page"), ("soft", "page"), ("ink", "inside"), ("ink", "marked"), ("soft", "inside"),
     ("on-accent", "accent"), ("bad", "bad-page")],
)  # fmt: skip
def test_its_words_can_be_read(ink: str, ground: str):
    css = (FOLDER / "style.css").read_text()
    schemes = [dict(re.findall(r"--([\w-]+): (#\w{6})", part)) for part in css.split("@media")[:2]]
    for scheme in schemes:
        dark, bright = sorted((luminance(scheme[ink]), luminance(scheme[ground])))
        assert (bright + 0.05) / (dark + 0.05) >= 4.5, scheme


def luminance(colour: str) -> float:
    values = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (v / 12.92 if v <= 0.03928 else ((v + 0.055) / 1.055) ** 2.4 for v in values)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


# In a browser


@pytest.fixture(scope="module")
def serving(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:  # fmt: skip
    root = make_root(tmp_path_factory.mktemp("playground") / "root", "sees")
    with Serving(root, {"BYOA_NGINX": "false"}) as started:
        yield started.wait_ready()


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chromium]:
    with Chromium(tmp_path_factory.mktemp("chromium")) as started:
        yield started


@pytest.fixture
def page(serving: Serving, browser: Chromium) -> Iterator[Chromium]:
    """The page, freshly opened; whatever the browser complains about ends the test."""
    browser.window(1280, 800)
    browser.open(f"http://127.0.0.1:{serving.port}/")
    yield browser
    assert browser.complaints == []


def ask(page: Chromium, answer: str = "hopper", path: Path = HOPPER) -> None:
    """Choose a picture and wait for everything that the page has to say about it."""
    page.evaluate(f"ui.query.value = 'answer={answer}'")
    page.choose_file("#file", path)
    page.wait("!ui.answer.hidden && (ui.status.textContent || ui.trouble.textContent)")


def keep(page: Chromium, name: str) -> None:
    if KEEP:
        page.screenshot(Path(KEEP) / f"{name}.png")


def decoded(data: str) -> bytes:
    return base64.b64decode(data.partition(",")[2])


def drawn_by(page: Chromium, mask: np.ndarray[Any, Any], tall: int, wide: int) -> Any:
    """What the page makes of pycocotools' run lengths of a mask, shown as tall × wide."""
    rle = coco_mask.encode(np.asfortranarray(mask, np.uint8))
    size, counts = list(map(int, rle["size"])), json.dumps(rle["counts"].decode())
    part = page.evaluate(
        f"(() => {{ const size = {size}, runs = readRuns({{ size, counts: {counts} }});"
        f"const part = partOfRuns(runs, size, [{tall}, {wide}]);"
        "return part && { ...part, bits: [...part.bits] } })()"
    )
    drawn = np.zeros((tall, wide), bool)
    if part:
        rows = slice(part["top"], part["top"] + part["height"])
        columns = slice(part["left"], part["left"] + part["width"])
        drawn[rows, columns] = np.reshape(part["bits"], (part["height"], part["width"]))
    return drawn


@pytest.mark.browser
@needs_browser
def test_masks_are_those_of_pycocotools(page: Chromium):
    random = np.random.default_rng(7)
    masks = [random.random((h, w)) < p for h, w, p in ((1, 1, 1), (5, 3, 0.5), (40, 60, 0.2))]
    masks += [np.zeros((4, 4), bool), np.ones((4, 4), bool), np.ones((9, 7), bool)]
    masks.append(np.kron(masks[1], np.ones((99, 77))) > 0)  # long runs
    for mask in masks:
        assert np.array_equal(drawn_by(page, mask, *mask.shape), mask)


@pytest.mark.browser
@needs_browser
@pytest.mark.parametrize("counts", ["'0'", "'\\u0001'", "'o'", "[4, -1, 1]", "[1, 2]", "[4.5]"])
def test_counts_that_are_none_are_refused(page: Chromium, counts: str):
    script = f"readRuns({{ size: [2, 2], counts: {counts} }})"
    said = page.evaluate(
        f"(() => {{ try {{ return {script} }} catch (error) {{ return 'no' }} }})()"
    )
    assert said == "no"


@pytest.mark.browser
@needs_browser
def test_a_shown_pixel_has_the_bit_below_its_middle(page: Chromium):
    mask = np.random.default_rng(3).random((50, 70)) < 0.4
    for tall, wide in ((25, 35), (17, 23), (110, 150)):
        rows = ((np.arange(tall) + 0.5) * 50 / tall).astype(int)
        columns = ((np.arange(wide) + 0.5) * 70 / wide).astype(int)
        assert np.array_equal(drawn_by(page, mask, tall, wide), mask[np.ix_(rows, columns)])


@pytest.mark.browser
@needs_browser
def test_small_decisions(page: Chromium):
    found = "[{number: 1, score: 0.3}, {number: 2, score: 0.9}, {number: 3, score: null}]"
    assert page.evaluate(f"atLeast({found}, 0.5).map((one) => one.number)") == [3, 2]
    assert page.evaluate(f"atLeast({found}, 0.3).map((one) => one.number)") == [3, 2, 1]
    header = 'queue;dur=0.5, model;desc="a";dur=41, total;dur=50, broken;dur=x, bare'
    times = page.evaluate(f"[...serverTimes({json.dumps(header)})]")
    assert times == [["queue", 0.5], ["model", 41], ["total", 50]]
    parts = page.evaluate(f"split(60, new Map({times}), [['draw', 5]])")
    assert parts == [
        ["network", 10], ["queue", 0.5], ["model", 41], ["server, rest", 8.5], ["draw", 5],
    ]  # fmt: skip
    assert page.evaluate("split(60, new Map(), [])") == [["network and server", 60]]
    curl = page.evaluate(
        "curlCommand(\"it's.png\", {contentType: 'image/png', accept: '*/*', query: 'a=1'})"
    )
    assert "--data-binary '@it'\\''s.png' '" in curl and curl.endswith("/invocations?a=1'")
    for value in ("3", "null", "[]", "[1]", "{}", "{predictions: [[1, 2]]}", "{detections: [3]}"):
        assert page.evaluate(f"readAnswer({value}, null)") is None, value


@pytest.mark.browser
@needs_browser
def test_a_picture_its_masks_and_the_slider(page: Chromium, serving: Serving, tmp_path: Path):
    page.wait("ui.health.textContent === 'The model is ready.'")
    ask(page)
    assert page.evaluate("ui.status.textContent").startswith(
        "5 of 7 detections at 0.50 or more: person 1.00, tie 0.96, cap 0.87,"
    )
    named = page.evaluate("[...ui.times.children].map((item) => item.textContent.split(' ')[0])")
    assert {"network", "queue", "decode", "model", "encode", "server,", "draw"} <= set(named)
    keep(page, "playground")
    before = len(serving.access_log())
    page.evaluate("ui.threshold.value = 0.95; ui.threshold.dispatchEvent(new Event('input'))")
    page.wait("ui.status.textContent.startsWith('2 of 7')")
    assert page.evaluate("[...ui.rows.rows].filter((row) => !row.hidden).length") == 2
    assert len(serving.access_log()) == before, "the slider asks nobody"

    results = page.evaluate("cocoResults(state.scene.visible)")
    truth = tmp_path / "truth.json"
    categories = [{"id": result["category_id"]} for result in results]
    images = [{"id": 1, "height": 600, "width": 512}]
    truth.write_text(json.dumps({"images": images, "annotations": [], "categories": categories}))
    assert len(COCO(truth).loadRes(results).anns) == 2

    png = page.evaluate(
        "fullSizePng(state.scene).then((blob) => new Promise((done) => {"
        "const reader = new FileReader(); reader.onload = () => done(reader.result);"
        "reader.readAsDataURL(blob) }))"
    )
    drawn = np.asarray(Image.open(io.BytesIO(decoded(png))).convert("RGB")).astype(int)
    photo = np.asarray(Image.open(HOPPER).convert("RGB")).astype(int)
    assert drawn.shape == photo.shape
    person = decode(results[0]["segmentation"]).astype(bool)
    inner = person[300:560, 30:470]  # away from labels and boxes
    change = np.abs(drawn - photo).sum(axis=2)[300:560, 30:470]
    assert np.median(change[inner]) > 60 and np.median(change[~inner]) < 12


@pytest.mark.browser
@needs_browser
def test_the_table_by_keyboard(page: Chromium):
    ask(page)
    page.evaluate("ui.colourBy.focus()")
    focused = "document.activeElement.textContent"
    page.press("Tab")
    assert page.evaluate(focused) == "1 person"
    page.press("ArrowDown")
    page.press("ArrowDown")
    assert page.evaluate(focused) == "3 cap"
    page.wait("state.scene.focus === 3")
    assert page.evaluate("document.querySelector('tr.marked').dataset.number") == "3"
    keep(page, "playground-focus")
    page.press("Enter")
    page.press("End")
    assert page.evaluate(focused) == "5 ribbon bar"
    page.press("Tab")
    assert page.evaluate(focused) == "Save COCO JSON", "the table is one stop"
    page.wait("state.scene.focus === 3")  # it was pinned
    page.press("Escape")
    page.wait("state.scene.focus === null")


@pytest.mark.browser
@needs_browser
def test_what_the_server_says_is_text(page: Chromium):
    ask(page, "nothing")
    said = page.evaluate("ui.trouble.textContent")
    assert said.startswith("422 bad_option: nothing is no answer <img src=x onerror=")
    keep(page, "playground-error")
    ask(page, "evil")
    assert "Detection 2 cannot be drawn" in page.evaluate("ui.trouble.textContent")
    names = page.evaluate("[...ui.rows.rows].map((row) => row.cells[0].textContent)")
    assert names[0].startswith("1 <img src=x onerror") and names[1:] == ["3 outline"]
    ask(page, "text")
    assert page.evaluate("ui.rawPart.open")
    page.wait("ui.raw.textContent.startsWith('setosa <img')")
    assert page.evaluate("document.title") == "Playground"
    assert page.evaluate("document.querySelectorAll('img, main script').length") == 0


@pytest.mark.browser
@needs_browser
def test_nothing_found_is_said(page: Chromium):
    ask(page, "empty")
    assert page.evaluate("ui.status.textContent") == "0 of 0 detections at 0.50 or more."


@pytest.mark.browser
@needs_browser
@pytest.mark.parametrize("how", ["drop", "paste"])
def test_dropping_and_pasting(page: Chromium, how: str):
    kind, field = (
        ("DragEvent", "dataTransfer") if how == "drop" else ("ClipboardEvent", "clipboardData")
    )
    page.evaluate(
        "(() => { const data = new DataTransfer(); data.items.add(new File(['x'], 'a.bin'));"
        f"document.body.dispatchEvent(new {kind}('{how}', "
        f"{{ {field}: data, bubbles: true, cancelable: true }})) }})()"
    )
    page.wait("!ui.answer.hidden && ui.status.textContent.includes('detections')")
    assert "application/octet-stream" in page.evaluate("ui.curl.value")
    assert page.evaluate("ui.canvas.width") > 100, "masks are on grey: the browser knows no a.bin"


@pytest.mark.browser
@needs_browser
def test_the_camera_is_off_when_the_reader_looks_away(page: Chromium):
    page.evaluate("ui.cameraStart.click()")
    page.wait("!ui.camera.hidden && ui.video.videoWidth > 0")
    page.evaluate("ui.cameraTake.click()")
    page.wait("!ui.answer.hidden && state.file.name === 'camera.jpg' && state.picture")
    live = "seenTracks.map((track) => track.readyState)"
    page.evaluate("var seenTracks = ui.video.srcObject.getTracks()")
    assert page.evaluate(live) == ["live"]
    page.evaluate(
        "Object.defineProperty(document, 'hidden', { value: true });"
        "document.dispatchEvent(new Event('visibilitychange'))"
    )
    assert page.evaluate(live) == ["ended"] and page.evaluate("ui.camera.hidden")


@pytest.mark.browser
@needs_browser
def test_a_hundred_on_a_large_picture(page: Chromium, tmp_path: Path):
    large = tmp_path / "large.jpg"
    Image.new("RGB", (4000, 3000), (70, 90, 110)).save(large, quality=30)
    ask(page, "many", large)
    assert page.evaluate("ui.status.textContent").startswith("54 of 100 detections")
    page.evaluate("ui.threshold.value = 0; ui.threshold.dispatchEvent(new Event('input'))")
    page.wait("ui.status.textContent.startsWith('100 of 100')")
    kept = page.evaluate(
        "state.answer.found.map(state.scene.layer).every((layer, index) =>"
        " layer && layer === state.scene.layer(state.answer.found[index]))"
    )
    assert kept, "masks are made once"
    assert page.evaluate("ui.canvas.width * ui.canvas.height") <= 3_100_000
    keep(page, "playground-many")


@pytest.mark.browser
@needs_browser
@pytest.mark.parametrize(("size", "dark"), [((320, 640), False), ((1280, 800), True)])
def test_narrow_and_dark(page: Chromium, tmp_path: Path, size: tuple[int, int], dark: bool):
    page.window(*size, dark=dark)
    ask(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= size[0]
    shot = tmp_path / "shot.png"
    page.screenshot(shot)
    corner: Any = Image.open(shot).convert("L").getpixel((2, 2))
    assert (corner < 60) == dark
    keep(page, f"playground-{size[0]}-{'dark' if dark else 'light'}")


@pytest.mark.browser
@needs_browser
def test_a_stranger_s_script_does_not_run(page: Chromium):
    page.evaluate(
        "(() => { const made = document.createElement('style');"
        "made.textContent = 'body { opacity: 0 }'; document.body.append(made) })()"
    )
    assert page.evaluate("getComputedStyle(document.body).opacity") == "1"
    assert any("Content Security Policy" in text for text in page.complaints), "they are noticed"
    page.complaints.clear()
