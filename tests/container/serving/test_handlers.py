"""Users' predictors, as files, in real processes: each convention, and each way to go wrong."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from container.serving.model_files import contents
from tests.container.serving.conftest import Serve
from tests.container.serving.serving_process import Serving


def order(serving: Serving, **what: object):
    return serving.post(json.dumps(what).encode())


def test_four_functions_only(serve: Serve):
    serving = serve("four_functions", BYOA_MODEL_THREADS="1").wait_ready()
    answer = serving.post(b"21").json
    assert answer["value"] == 42
    assert answer["threads"] == "1"
    assert not answer["torch"], "serve imported torch, the predictor did not"
    assert serving.post(b"\xff" * 7, {"Content-Type": "image/jpeg"}).json["value"] == 14


def test_transform_fn(serve: Serve):
    serving = serve("transform_only").wait_ready()
    plain = serving.post(b"x,y", {"Content-Type": "text/csv", "Accept": "text/plain"})
    assert (plain.status, plain.body) == (200, b"model x,y text/csv")
    assert plain.headers["content-type"] == "text/plain"
    default = serving.post(b"{}")
    assert default.headers["content-type"] == "application/json"
    assert default.json == "model {}"
    refused = serving.post(b"refuse", {"Content-Type": "text/csv"})
    assert (refused.status, refused.code) == (500, "predictor_failed")


def test_a_global_that_is_not_safe_between_requests(serve: Serve):
    serving = serve("unsafe_global", SAGEMAKER_MODEL_SERVER_WORKERS="2").wait_ready()
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda i: serving.post(str(i).encode()).json, range(60)))
    assert answers == [[i, i] for i in range(60)]


def test_one_bad_item_does_not_fail_its_batch(serve: Serve):
    serving = serve("batches", BYOA_MAX_BATCH="4", BYOA_BATCH_DELAY_MS="2000").wait_ready()

    def together(*bodies: object) -> list[tuple[int, object]]:
        with ThreadPoolExecutor(4) as pool:
            replies = pool.map(lambda body: serving.post(json.dumps(body).encode()), bodies)
            return [(r.status, r.json if r.status == 200 else r.code) for r in replies]

    assert together(0, 1, 2, 4) == [(200, [i, 4]) for i in (0, 1, 2, 4)], "no batch was made"
    assert together(0, "bad", 2, 4) == [
        (200, [0, 1]),
        (500, "predictor_failed"),
        (200, [2, 1]),
        (200, [4, 1]),
    ]
    assert together(0, 1, 2, 3) == [(200, [i, 3]) for i in (0, 1, 2)] + [(400, "bad_input")]
    assert together(0, 1, 2, "unspeakable")[:3] == [(200, [i, 4]) for i in (0, 1, 2)]
    assert [status for status, _ in together(0, 1, 2, "short")] == [200, 200, 200, 500]
    assert len(serving.model_pids()) == 1
    assert "died" not in serving.output()


@pytest.mark.parametrize(
    ("fixture", "environ", "status", "sentence", "traceback"),
    [
        (
            "import_error",
            {},
            1,
            "importing {code}/inference.py failed: ModuleNotFoundError: No module named"
            " 'a_module_that_nobody_has'",
            "import a_module_that_nobody_has",
        ),
        (
            "no_functions",
            {},
            1,
            "{code}/inference.py has no predict_fn, and its model_fn gave a NoneType, which has no",
            "",
        ),
        ("empty", {}, 1, "{code}/inference.py has no model_fn, no input_fn, no predict_fn", ""),
        (
            "broken_model",
            {},
            1,
            "model_fn in {code}/inference.py failed: FileNotFoundError: [Errno 2]",
            'return open(os.path.join(model_dir, "weights.bin"))',
        ),
        ("exits_while_loading", {"EXIT": "3"}, 3, "model_fn in {code}/inference.py failed:", ""),
        ("exits_while_loading", {"EXIT": "0"}, 1, "model_fn in {code}/inference.py failed:", ""),
        ("exits_while_loading", {"EXIT": "kill"}, 137, "model process 0 could not load", ""),
        ("four_functions", {"SAGEMAKER_PROGRAM": "mine.py"}, 1, "no predictor found", ""),
    ],
)
def test_a_model_that_cannot_load_ends_the_container(
    serve: Serve, fixture: str, environ: dict[str, str], status: int, sentence: str, traceback: str
):
    serving = serve(fixture, **environ)
    assert serving.wait_end() == status
    lines = [line for line in serving.output().splitlines() if "as root" not in line]
    code = serving.folder / "model" / "code"
    assert lines[1].startswith("serve: " + sentence.format(code=code)), serving.output()
    assert traceback in serving.output()


def test_who_misses_a_file_is_shown_those_that_are_there(serve: Serve):
    serving = serve("broken_model")
    assert serving.wait_end() == 1
    model = serving.folder / "model"
    assert f"serve: {model} holds code/inference.py\n" in serving.output()


def test_the_contents_of_a_folder_in_a_few_words(tmp_path: Path):
    assert contents(tmp_path) == contents(tmp_path / "nowhere") == "no file"
    (tmp_path / "nested").mkdir()
    for name in ["nested/model.bin", *(f"{number:02}" for number in range(12))]:
        (tmp_path / name).touch()
    assert contents(tmp_path / "nested") == "model.bin"
    assert contents(tmp_path).startswith("00, 01, 02, ")
    assert contents(tmp_path).endswith(", 11, …")


def test_errors_of_a_predictor(serve: Serve):
    serving = serve("told").wait_ready()
    pid = serving.model_pids()
    for what, where, status, code in [
        ("value", "input_fn", 400, "bad_input"),
        ("recursion", "input_fn", 400, "bad_input"),
        ("key", "input_fn", 500, "predictor_failed"),
        ("value", "predict_fn", 500, "predictor_failed"),
        ("value", "output_fn", 500, "predictor_failed"),
        ("teapot", "input_fn", 418, "teapot"),
        ("teapot", "predict_fn", 418, "teapot"),
        ("odd", "predict_fn", 500, "predictor_failed"),
        ("memory", "input_fn", 503, "out_of_memory"),
        ("memory", "predict_fn", 503, "out_of_memory"),
        ("sys.exit", "predict_fn", 500, "predictor_failed"),
        ("panic", "predict_fn", 500, "predictor_failed"),
        ("interrupt", "predict_fn", 500, "predictor_failed"),
        ("unspeakable", "input_fn", 500, "predictor_failed"),
    ]:
        reply = order(serving, **{"do": what, "in": where})
        assert (reply.status, reply.code) == (status, code), (what, where)
        assert "secret detail" not in reply.body.decode(), "a 500 names the type only"
    assert serving.post(b"not json").code == "bad_input"
    assert serving.post(b"\xff\xfe").code == "bad_input"
    assert "KeyError: 'secret detail'" in serving.output(), "the log has the traceback"
    assert order(serving, do="nothing").status == 200
    assert serving.model_pids() == pid


def test_what_output_fn_may_return(serve: Serve):
    serving = serve("told").wait_ready()
    for what, status, body in [
        ("str", 200, b"text"),
        ("bytes", 200, b"\x00\xff"),
        ("bytearray", 200, b"array"),
        ("dict", 200, b'{"a": 1}'),
        ("none", 200, b"null"),
        ("number", 200, b"1.5"),
        ("numbers", 200, b'{"a": [[1, 2]], "b": 0.5}'),
        ("triple", 200, b"[1, 2, 3]"),
        ("no type", 200, b"text"),
    ]:
        reply = serving.post(
            json.dumps({"do": "return", "what": what}).encode(), {"Accept": "text/x-mine;q=1, */*"}
        )
        assert (reply.status, reply.body) == (status, body)
        assert reply.headers["content-type"] == "text/x-mine"
    assert order(serving, do="return", what="array").json == [1, 2]
    for what in ("object", "content type", "lazily", "array of what", "pair"):
        reply = order(serving, do="return", what=what)
        assert (reply.status, reply.code) == (500, "predictor_failed"), what
    log = serving.output()
    assert "output_fn gave a generator: return bytes, str or what JSON can hold" in log
    assert "output_fn gave a pair, and its second is a list: return a body, or" in log


def test_a_request_that_kills_its_process_fails_alone(serve: Serve):
    serving = serve("told", SAGEMAKER_MODEL_SERVER_WORKERS="2").wait_ready()
    with ThreadPoolExecutor(12) as pool:
        deadly = pool.submit(order, serving, do="die")
        others = [pool.submit(order, serving, do="sleep", seconds=0.02) for _ in range(40)]
        reply = deadly.result()
        assert (reply.status, reply.code) == (500, "model_process_died")
        assert [other.result().status for other in others] == [200] * 40
    serving.wait_ping(200)
    assert "model process" in serving.wait_output("died (exit status 7): restarting it in")
    assert order(serving, do="abort").code == "model_process_died"
    assert order(serving).status == 200


def test_a_request_whose_process_died_once_is_answered(serve: Serve, tmp_path: Path):
    serving = serve("told").wait_ready()
    assert order(serving, do="die once", mark=str(tmp_path / "mark")).status == 200


def test_a_process_that_lost_its_gpu_is_replaced(serve: Serve, tmp_path: Path):
    serving = serve("told").wait_ready()
    pids = serving.model_pids()
    assert order(serving, do="cuda once", mark=str(tmp_path / "mark")).status == 200
    assert serving.model_pids() != pids
    assert "model process 0 has lost its GPU: replacing it" in serving.output()
    assert "RuntimeError: CUDA error: device-side assert triggered" in serving.output()


def test_a_leaking_predictor_is_replaced_in_time(serve: Serve):
    serving = serve("leaks", BYOA_MODEL_MEMORY_MB="100").wait_ready()
    replies = [serving.post() for _ in range(40)]
    assert [reply.status for reply in replies] == [200] * 40
    assert len({reply.json for reply in replies}) >= 3
    assert "uses" in serving.output() and "does the predictor leak?" in serving.output()
    assert serving.memory() < 400 << 20


def test_a_model_that_is_larger_than_its_share_is_no_leak(serve: Serve):
    serving = serve("told", BYOA_MODEL_MEMORY_MB="16").wait_ready()
    pids = serving.model_pids()
    assert [order(serving).status for _ in range(5)] == [200] * 5
    assert serving.model_pids() == pids


def test_a_predictor_that_prints_a_lot(serve: Serve):
    serving = serve("chatty").wait_ready()
    for _ in range(5):
        assert serving.post(b"{}").status == 200
    assert serving.output().count("o" * 4000) == 5 * 128


def test_context_and_custom_attributes(serve: Serve, front: str):
    serving = serve("with_context", front=front).wait_ready()
    custom = "X-Amzn-SageMaker-Custom-Attributes"
    reply = serving.request(
        "POST",
        "/invocations?score_threshold=0.5&x=%ff",
        b"",
        {custom: "a=1", "Content-Type": "image/png", "X-Amzn-SageMaker-Inference-Id": "id-7"},
    )
    seen = reply.json
    assert seen["custom"] == "a=1"
    assert seen["query"]["score_threshold"] == "0.5"
    assert seen["has_deadline"]
    assert seen["model_dir"] == str(serving.folder / "model")
    assert seen["gpu_id"] is None
    assert custom.lower() not in reply.headers, "echoed without being asked to"
    assert serving.access_log()[-1]["inference_id"] == "id-7"
    told = serving.post(json.dumps([custom, "b=2"]).encode())
    assert told.headers[custom.lower()] == "b=2"
    for name, value in [
        ("Content-Length", "1"),
        ("X-A", "b\r\nSet-Cookie: c"),
        ("X\n", "b"),
        ("X Y", "b"),
        ("X-A", "€"),
    ]:
        assert serving.post(json.dumps([name, value]).encode()).status == 400


def test_each_process_has_its_own_gpu(serve: Serve):
    serving = serve(
        "devices", CUDA_VISIBLE_DEVICES="GPU-a,GPU-b", SAGEMAKER_MODEL_SERVER_WORKERS=""
    ).wait_ready()
    with ThreadPoolExecutor(8) as pool:
        seen = [tuple(each.json) for each in pool.map(lambda _: serving.post(), range(16))]
    assert set(seen) == {("GPU-a", 0), ("GPU-b", 0)}
    hidden = serve("devices", CUDA_VISIBLE_DEVICES="-1").wait_ready()
    assert hidden.post().json == ["-1", None]


def test_the_access_log_says_where_the_time_went(serve: Serve):
    serving = serve("told").wait_ready()
    order(serving, do="sleep", seconds=0.05)
    line = serving.access_log()[-1]
    assert line["path"] == "/invocations" and line["status"] == 200
    assert 50 <= line["model_ms"] < line["ms"] < 1000
    assert {"queue_ms", "decode_ms", "encode_ms", "bytes_in", "bytes_out"} <= set(line)
