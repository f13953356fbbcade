"""Scripts that others wrote for AWS's framework images: from `train` to a prediction, unchanged.

The files below fixtures/others are written as AWS's documentation shows it; none knows byoa.
"""

from __future__ import annotations

import io
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from tests import others_data as data
from tests.container.conftest import FIXTURES, Place
from tests.container.serving.serving_process import Reply, Serving

OTHERS = FIXTURES / "others"
NPY = "application/x-npy"


def trained(place: Place, example: str, program: str, **hyperparameters: object) -> Place:
    """The folder after `train` has run the example's program in script mode."""
    shutil.copytree(OTHERS / example, place.base / "code", dirs_exist_ok=True)
    (place.base / "code/requirements.txt").unlink(missing_ok=True)  # all of it is in .venv
    place.hyperparameters(sagemaker_program=program, **hyperparameters)
    assert place.train(OMP_NUM_THREADS="1") == 0, place.log
    return place


@contextmanager
def served(place: Place, program: str) -> Iterator[Serving]:
    """`serve` with the model and, as the SDK repacks it, the same source in model/code."""
    code = place.base / "model" / "code"
    if not code.exists():
        shutil.copytree(place.base / "code", code)
    environ = {"SAGEMAKER_PROGRAM": program, "BYOA_NGINX": "false", "BYOA_MODEL_THREADS": "1"}
    with Serving(place.base, environ) as serving:
        yield serving.wait_ready()


def array(reply: Reply) -> np.ndarray:
    assert reply.status == 200, reply
    assert reply.headers["content-type"] == NPY
    return np.asarray(np.load(io.BytesIO(reply.body)))


def npy(values: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, values)
    return buffer.getvalue()


def test_pytorch_mnist_with_nothing_but_model_fn(place: Place):
    data.write_mnist(place.channel("training"))
    trained(place, "pytorch_mnist", "mnist.py", **{"epochs": 4, "batch-size": 16, "lr": 0.05})
    assert "Test set: Accuracy: 50/50;" in place.log
    pictures, labels = data.digits(20, seed=7)
    asked = data.normalised(pictures)
    with served(place, "mnist.py") as serving:
        told = array(serving.post(npy(asked), {"Content-Type": NPY, "Accept": NPY}))
        assert told.shape == (20, 10)
        assert told.argmax(1).tolist() == labels.tolist()
        # numpy's own kind of number is float64: it is the model's that counts
        assert np.allclose(told, array(serving.post(
            npy(asked.astype(float)), {"Content-Type": NPY, "Accept": f"{NPY}, application/json"}
        )))  # fmt: skip
        as_json = serving.post(json.dumps(asked[:3].tolist()).encode())
        assert np.argmax(as_json.json, 1).tolist() == labels[:3].tolist()
        as_csv = serving.post(npy(asked[:3]), {"Content-Type": NPY, "Accept": "text/csv"})
        assert as_csv.headers["content-type"] == "text/csv"
        assert np.allclose(np.loadtxt(io.BytesIO(as_csv.body), delimiter=","), told[:3], atol=1e-5)
        refused = serving.post(b"x", {"Content-Type": "image/png"})
        assert (refused.status, refused.code) == (415, "unsupported_content_type")
        refused = serving.post(npy(asked), {"Content-Type": NPY, "Accept": "image/png"})
        assert (refused.status, refused.code) == (406, "not_acceptable")
        assert serving.post(b'{"instances": [1]}').code == "bad_input"


def test_scikit_learn_iris(place: Place):
    data.write_flowers(place.channel("train"))
    trained(place, "sklearn_iris", "iris.py", max_leaf_nodes=30)
    species, rows = data.flowers()
    with served(place, "iris.py") as serving:
        told = array(serving.post(npy(rows), {"Content-Type": NPY, "Accept": NPY}))
        assert told.tolist() == species
        lines = "\n".join(",".join(map(str, row)) for row in rows[:3])
        assert serving.post(lines.encode(), {"Content-Type": "text/csv"}).json == species[:3]
        alone = serving.post(lines.splitlines()[1].encode(), {"Content-Type": "text/csv"})
        assert alone.json == ["versicolor"], "one line is a table of one row"
        as_csv = serving.post(json.dumps(rows[:3].tolist()).encode(), {"Accept": "text/csv"})
        assert as_csv.body.decode().split() == species[:3]
        refused = serving.post(b"5.1,long,1,2", {"Content-Type": "text/csv"})
        assert (refused.status, refused.code) == (400, "bad_input")


def test_xgboost_with_the_script_alone_and_with_an_inference_script(place: Place):
    data.write_abalones(place.channel("train"), place.channel("validation"))
    words = {"max_depth": 4, "eta": 0.3, "objective": "reg:squarederror", "num_round": 30}
    trained(place, "xgboost_abalone", "abalone.py", **words)
    assert "validation-rmse" in place.log
    rings, rows = data.abalones()
    lines = data.libsvm(rings[160:164], rows[160:164]).encode()
    with served(place, "abalone.py") as serving:
        told = serving.post(lines, {"Content-Type": "text/libsvm"})
        assert np.allclose(told.json, rings[160:164], atol=1.5), told.json
        # without labels, as requests are
        bare = b"\n".join(line.partition(b" ")[2] for line in lines.splitlines())
        assert serving.post(bare, {"Content-Type": "text/x-libsvm"}).json == told.json
        # a CSV's first column is libsvm's column nought, which abalones have not
        csv = "\n".join(",".join(["", *map(str, row)]) for row in rows[160:164])
        as_csv = {"Content-Type": "text/csv; charset=utf-8", "Accept": "text/csv"}
        seen = serving.post(csv.replace(",0.0", ",").encode(), as_csv)
        assert np.allclose([float(one) for one in seen.body.split()], told.json, atol=1e-5)
        refused = serving.post(b"1 2", {"Content-Type": "text/libsvm"})
        assert (refused.status, refused.code) == (400, "bad_input")
    with served(place, "inference.py") as serving:
        whole = np.array(serving.post(lines, {"Content-Type": "text/libsvm"}).json)
        assert whole.shape == (4, 8)
        assert np.allclose(whole[:, 0], told.json)
        assert np.allclose(whole[:, 1:].sum(1), whole[:, 0], atol=1e-3), "contributions add up"


def test_a_bare_shell_script(place: Place):
    (place.channel("training") / "numbers.csv").write_text("1,10\n2,20\n3,60\n")
    shutil.copytree(OTHERS / "shell_program", place.base / "code")
    place.hyperparameters(column=2)
    assert place.train(SAGEMAKER_PROGRAM="train.sh") == 0, place.log
    assert "on algo-1, 2" in place.log
    with served(place, "") as serving:
        told = serving.post(b"30,31.5", {"Content-Type": "text/csv"})
        assert (told.status, told.json) == (200, [0, 1.5])
