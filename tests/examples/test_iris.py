"""The programs of examples/iris, as SageMaker runs them, without a container."""

from __future__ import annotations

import csv
import importlib
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

ALGORITHM = Path(__file__).resolve().parents[2] / "examples" / "iris" / "iris"
sys.path.append(str(ALGORITHM))  # last: mask_r_cnn has a train.py, too
flowers, preprocess = (importlib.import_module(name) for name in ("flowers", "preprocess"))


def run(program: str, *words: str, code: int = 0, environ: Mapping[str, str] = os.environ) -> str:
    done = subprocess.run(
        [sys.executable, str(ALGORITHM / program), *words], env={**os.environ, **environ},
        capture_output=True, text=True, timeout=120, cwd=ALGORITHM,
    )  # fmt: skip
    assert done.returncode == code, done.stderr
    return done.stdout if code == 0 else done.stderr


@pytest.fixture(scope="module")
def sample() -> list[list[str]]:
    return [line.split(",") for line in run("sample.py").splitlines()]


@pytest.fixture(scope="module")
def prepared(sample: list[list[str]], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("iris")
    (folder / "iris.data").write_text("\n".join(",".join(row) for row in sample) + "\n\n")
    said = run("preprocess.py", "--input-data", f"{folder}/iris.data", "--output-data", str(folder))
    assert said == "train: 120 flowers\ntest: 30 flowers\n"
    return folder


def table(path: Path) -> np.ndarray:
    with path.open() as lines:
        return np.array(list(csv.reader(lines)), dtype=float)


def test_the_scaler_knows_the_training_flowers_alone(prepared: Path, sample: list[list[str]]):
    train, test = (table(prepared / name / f"{name}.csv") for name in ("train", "test"))
    assert np.allclose(train[:, :4].mean(0), 0) and np.allclose(train[:, :4].std(0), 1)
    assert not np.allclose(test[:, :4].mean(0), 0, atol=1e-3)
    assert np.bincount(test[:, 4].astype(int)).tolist() == [10, 10, 10]
    scaling = flowers.Scaling.read(prepared / "train")
    everything = np.array([row[:4] for row in sample], dtype=float)
    assert not np.allclose(scaling.mean, everything.mean(0), atol=1e-4)


def test_the_test_flowers_are_flowers_of_the_file_and_of_no_training(
    prepared: Path, sample: list[list[str]]
):
    scaling = flowers.Scaling.read(prepared / "train")
    rows = np.concatenate([table(prepared / name / f"{name}.csv") for name in ("train", "test")])
    back = rows[:, :4] * scaling.scale + scaling.mean
    species = [scaling.species[int(label)] for label in rows[:, 4]]
    found = sorted((*np.round(row, 6).tolist(), name) for row, name in zip(back, species))
    assert found == sorted((*map(float, row[:4]), row[4]) for row in sample)


def test_it_trains_and_answers_in_centimetres(prepared: Path, tmp_path: Path):
    channels = {"SM_CHANNEL_TRAINING": f"{prepared}/train", "SM_MODEL_DIR": str(tmp_path)}
    said = run("train.py", environ={**channels, "SM_CHANNEL_VALIDATION": f"{prepared}/test"})
    accuracy = float(said.rpartition("validation_accuracy=")[2].rstrip(";\n"))
    assert accuracy >= 0.9
    ask = (
        "import predictor as p; m = p.model_fn('{}');"
        "print(p.output_fn(p.predict_fn(p.input_fn('{}', 'text/csv'), m), '{}')[0])"
    )
    asked = (str(tmp_path), "5.1,3.5,1.4,0.2\\n6.3,3.3,6.0,2.5\\n")
    told = subprocess.run(
        [sys.executable, "-c", ask.format(*asked, "text/csv")], cwd=ALGORITHM,
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    assert [line.split(",")[0] for line in told.split()] == ["Iris-setosa", "Iris-virginica"]


def test_a_stiffer_model_is_a_worse_one(prepared: Path, tmp_path: Path):
    channels = {"SM_CHANNEL_TRAIN": f"{prepared}/train", "SM_CHANNEL_TEST": f"{prepared}/test"}
    said = run("train.py", "--C", "0.000001", environ={**channels, "SM_MODEL_DIR": str(tmp_path)})
    assert float(said.rpartition("=")[2].rstrip(";\n")) < 0.9


def test_the_image_can_say_its_hyperparameters_and_metrics():
    schema = json.loads(run("hyperparameters.py", "--schema"))
    assert [one["name"] for one in schema["hyperparameters"]] == ["C", "max_iter"]
    assert [one["Name"] for one in schema["metrics"]][-1] == "validation_accuracy"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "The data holds nothing."),
        ("5.1,3.5,1.4,0.2,a\n4.9,3.0,1.4,0.2,b\n", "The data holds 1 a, 1 b."),
        ("5.1,3.5,1.4,0.2\n", "has 4 columns. A flower has 5: sepal_length,"),
        ("5.1,3.5,1.4,0.2,a\n5.1,long,1.4,0.2,a\n", "holds 'long', which is no length"),
        ("5.1,3.5,inf,0.2,a\n", "holds 'inf', which is no length"),
    ],
)
def test_data_that_cannot_be_used_is_told(text: str, said: str, tmp_path: Path):
    (tmp_path / "a.csv").write_text(text)
    out = str(tmp_path / "out")
    words = ("--input-data", str(tmp_path), "--output-data", out)
    assert said in run("preprocess.py", *words, code=1)


def test_a_head_line_and_missing_lengths_are_no_flowers(tmp_path: Path):
    text = (
        "sepal,width,petal,width,species\n1,2,3,4,a\n\n,2,3,4,a\n1,?,3,4,b\n2,2,3,4,b\n1,2,3,4,\n"
    )
    (tmp_path / "a.csv").write_text(text)
    rows, names = flowers.flowers(flowers.cells(flowers.csv_files(tmp_path)))
    assert names == ["a", "a", "b", "b"]
    assert np.isnan(rows).sum() == 2
    written = preprocess.prepare(rows, names, 0.5, 1, tmp_path)
    assert written == {"train": 2, "test": 2}
    assert np.isfinite(table(tmp_path / "train" / "train.csv")).all()
    assert np.isfinite(table(tmp_path / "test" / "test.csv")).all()


@given(st.lists(st.lists(st.text(max_size=4), max_size=7), max_size=8))
def test_any_rows_are_numbers_or_a_sentence(rows: list[list[str]]):
    try:
        numbers, names = flowers.flowers(rows)
    except flowers.DataError as error:
        assert str(error).startswith("The row ")
    else:
        assert numbers.shape == (len(names), 4)
        assert not np.isinf(numbers).any()
