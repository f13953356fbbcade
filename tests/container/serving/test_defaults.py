"""What stands in for functions that a handler leaves out, and for AWS's modules that it imports."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import zipfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from container import stand_ins
from container.serving import defaults, outcomes
from container.serving.context import Context
from container.serving.handler import Handler, HandlerError
from container.stand_ins.sagemaker_inference import decoder, encoder
from container.stand_ins.sagemaker_xgboost_container import tables
from tests.container.serving.conftest import Serve
from tests.container.serving.serving_process import Serving, make_root
from tests.container.test_script_mode import wheel


def handler(**functions: Any) -> Handler:
    names = [name for name in Handler.__slots__ if name != "path"]
    return Handler(Path("inference.py"), **{**dict.fromkeys(names), **functions})


def same(item: Any, *_: Any) -> Any:
    return item


ESTIMATOR = SimpleNamespace(predict=lambda rows: rows.sum(1))


def test_what_the_author_wrote_stays():
    own = handler(model_fn=same, input_fn=same, predict_fn=same, output_fn=same)
    assert defaults.complete(own, object()) == own
    whole = handler(model_fn=same, transform_fn=same)
    assert defaults.complete(whole, object()) == whole
    batches = defaults.complete(handler(model_fn=same, predict_batch_fn=same), object())
    assert batches.predict_fn is None and batches.input_fn and batches.output_fn


def test_an_object_that_nobody_can_ask():
    with pytest.raises(
        HandlerError, match="gave a object, which has no predict: define predict_fn"
    ):
        defaults.complete(handler(model_fn=same), object())


@pytest.mark.parametrize(
    ("body", "content_type", "rows"),
    [
        ("1,2\n3,4\n", "text/csv", [[1, 2], [3, 4]]),
        ("1,2", "text/csv; header=absent", [[1, 2]]),
        ("1\n2\n", "text/csv", [[1], [2]]),
        ("1;;3", "text/csv", [[1, float("nan"), 3]]),
        ("[[1, 2]]", "application/json", [[1, 2]]),
    ],
)
def test_tables(body: str, content_type: str, rows: list[list[float]]):
    read = defaults.complete(handler(model_fn=same), ESTIMATOR).input_fn
    assert read is not None
    table = read(body, content_type)
    assert table.dtype == np.float32 and np.array_equal(table, rows, equal_nan=True)


@pytest.mark.parametrize("body", ["", "\n", "1,2\n3\n", "a,b", "[[1], [1, 2]]", '{"a": 1}', "nope"])
def test_bodies_that_are_no_table_are_the_clients_error(body: str):
    with pytest.raises(ValueError):
        defaults.read_table(
            body, "text/csv" if not body.startswith(("[", "{")) else "application/json"
        )


def test_a_pickle_in_a_request_is_not_opened():
    buffer = io.BytesIO()
    np.save(buffer, np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(ValueError, match="allow_pickle=False"):
        decoder.decode(buffer.getvalue(), "application/x-npy")


@pytest.mark.parametrize(
    ("accept", "kind", "body"),
    [
        ("application/json", "application/json", "[[1.0, 2.5]]"),
        ("image/png, text/csv;q=0.5, */*", "text/csv", "1.0,2.5\n"),
        ("image/png, */*;q=0.1", "application/json", "[[1.0, 2.5]]"),
    ],
)
def test_the_first_that_the_client_accepts(accept: str, kind: str, body: str):
    assert defaults.write(np.array([[1, 2.5]]), accept) == (body, kind)


def test_tensors_numbers_and_words_can_be_written():
    torch = pytest.importorskip("torch")
    deep = {"scores": torch.tensor([0.5], requires_grad=True), "n": np.int64(3)}
    assert json.loads(encoder.encode(deep, "application/json")) == {"scores": [0.5], "n": 3}
    assert encoder.encode(deep["scores"], "text/csv") == "0.5\n"
    words = np.load(io.BytesIO(encoder.encode(np.array(["a", "bc"], object), "application/x-npy")))
    assert words.tolist() == ["a", "bc"]
    with pytest.raises(TypeError, match="a complex is nothing that JSON can hold"):
        encoder.encode([1j], "application/json")


def test_a_response_object_is_an_answer(serve: Serve):
    serving = serve("responds").wait_ready()
    table = serving.post(b"[[1, 2]]", {"Accept": "text/csv"})
    assert (table.status, table.body) == (200, b"1,2\n")
    assert table.headers["content-type"] == "text/csv"
    other = serving.post(b"[[1, 2]]", {"Accept": "text/plain"})
    assert (other.status, other.body, other.headers["x-mine"]) == (202, b"none", "1")
    refused = serving.post(b"x", {"Content-Type": "image/png"})
    assert (refused.status, refused.code) == (415, "unsupported_content_type")


def test_requirements_beside_the_predictor_are_installed(tmp_path: Path):
    root, site = make_root(tmp_path / "ml", "needs_a_package"), str(tmp_path / "site")
    wheel(root / "model" / "code" / "wheels")
    environ = {"PIP_TARGET": site, "PYTHONPATH": site, "BYOA_NGINX": "false"}
    with Serving(root, environ) as serving:
        assert serving.wait_ready().post(b"1,2\n", {"Content-Type": "text/csv"}).json == [3]
        file = root / "model" / "code" / "requirements.txt"
        assert f"serve: installing {file}\n" in serving.output()
        assert "tinydep 1.0\n" in serving.output()


def test_requirements_that_cannot_be_had_end_the_container(tmp_path: Path):
    root = make_root(tmp_path / "ml", "needs_a_package")
    with Serving(root, {"PIP_TARGET": str(tmp_path / "site"), "BYOA_NGINX": "false"}) as serving:
        assert serving.wait_end() == 1
        assert "No matching distribution found for tinydep==1.0" in serving.output()
        assert "requirements.txt could not be installed (pip says why above)" in serving.output()


@pytest.mark.filterwarnings("ignore:.torch.jit:DeprecationWarning")
def test_a_scripted_network_needs_no_model_fn(tmp_path: Path):
    torch = pytest.importorskip("torch")
    module = torch.nn.Linear(2, 1, bias=False)
    torch.nn.init.ones_(module.weight)
    program = torch.jit.trace(module, torch.zeros(1, 2))
    program.save(str(tmp_path / "other.pth"))
    model = defaults.load_scripted(str(tmp_path))
    whole = defaults.complete(handler(), model)
    assert whole.input_fn and whole.predict_fn and whole.output_fn
    told = whole.predict_fn(whole.input_fn("[[1, 2], [3, 4]]", "application/json"), model)
    assert whole.output_fn(told, "application/json")[0] == "[[3.0], [7.0]]"
    (tmp_path / "more.pt").write_bytes(b"")
    with pytest.raises(HandlerError, match=r"\(there: more.pt, other.pth\)"):
        defaults.load_scripted(str(tmp_path))


def test_lines_of_libsvm():
    text = "1 1:0.5 3:2  # a comment\n\n0 qid:4 2:1\n"
    labels, matrix = tables.libsvm_rows(text)
    assert labels == [1, 0]
    assert matrix.toarray().tolist() == [[0, 0.5, 0, 2], [0, 0, 1, 0]]
    labels, matrix = tables.libsvm_rows("1:1\n5 2:1")
    assert labels is None and matrix.shape == (2, 3)
    with pytest.raises(ValueError, match="line 2 of the libsvm data holds '7', no index:value"):
        tables.libsvm_rows("1 1:1\n0 7\n")


def test_stand_ins_say_what_they_have_not():
    script = (
        "import sys; sys.path.append(sys.argv[1])\n"
        "from six import BytesIO; assert BytesIO(b'x').read() == b'x'\n"
        "from sagemaker_containers import entry_point\n"
        "from sagemaker_containers.beta.framework import env, modules, transformer, encoders\n"
        "from sagemaker_xgboost_container import distributed\n"
        "assert encoders.csv_to_numpy('1,2', 'int').tolist() == [1, 2]\n"
        "for part in (entry_point, distributed, env, modules, transformer):\n"
        "    try: part.something\n"
        "    except AttributeError as error: print(error)\n"
    )
    words = [sys.executable, "-c", script, stand_ins.FOLDER]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    told = done.stdout.splitlines()
    assert len(told) == 5 and all("something" in line for line in told)


def test_a_model_with_functions_of_its_own_stays_as_its_author_left_it():
    torch = pytest.importorskip("torch")
    model = torch.nn.Sequential(torch.nn.Linear(2, 1), torch.nn.Dropout()).train()
    whole = handler(input_fn=lambda body, kind: body, predict_fn=lambda item, model: item)
    found = defaults.complete(whole, model)
    assert model.training and found.input_fn is whole.input_fn
    assert found.predict_fn is whole.predict_fn and found.output_fn is not None
    defaults.complete(handler(input_fn=lambda body, kind: body), model)
    assert not model.training, "whom we ask, we prepare"


def test_an_npz_that_would_fill_the_memory_is_refused():
    sent = io.BytesIO()
    with zipfile.ZipFile(sent, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("data.npy", bytes(decoder.NPZ_BYTES + 1))
    with pytest.raises(ValueError, match="far more than sent"):
        decoder.decode(sent.getvalue(), "application/x-npz")
    with pytest.raises(ValueError, match="no npz"):
        decoder.decode(b"PK", "application/x-npz")


@pytest.mark.parametrize(
    ("headers", "status", "kind"),
    [
        ({"X-A": "b\r\nX-C: d"}, 200, "text/plain"),
        ({"X A": "b"}, 200, "text/plain"),
        ({}, 99, "text/plain"),
        ({}, 200, "text/plain\r\nX-C: d"),
    ],
)
def test_a_response_that_http_has_not_is_no_answer(headers: Any, status: int, kind: str):
    made = SimpleNamespace(
        headers=headers, status_code=status, content_type=kind, get_data=lambda: b"x"
    )
    with pytest.raises(ValueError, match="plain ASCII"):
        outcomes.success(made, "*/*", Context({}))


def test_a_responses_numbers_are_texts_and_its_framing_is_ours():
    headers = {"X-Score": np.float32(1), "Transfer-Encoding": "chunked", "Connection": "close"}
    made = SimpleNamespace(
        headers=headers, status_code=201, content_type="text/plain", get_data=lambda: b"x"
    )
    answer = outcomes.success(made, "*/*", Context({}))
    assert (answer.status, answer.headers) == (201, {"X-Score": "1.0"})
