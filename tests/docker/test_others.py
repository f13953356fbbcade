"""Scripts that others wrote for AWS's framework images, in docker: from `train` to a prediction.

scikit-learn, XGBoost and a bare shell script in one image without torch; PyTorch in the project's.
"""

from __future__ import annotations

import io
import json
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tests import others_data as data
from tests.docker.conftest import Docker, ping
from tests.small_image import docker as plain_docker
from tests.small_image import small_image

__all__ = ["small_image"]
pytestmark = [pytest.mark.docker, pytest.mark.timeout(600)]
OTHERS = Path(__file__).resolve().parents[1] / "container" / "fixtures" / "others"
FRAMEWORKS = "byoa-test-frameworks:latest"
NPY = "application/x-npy"
ASK = """\
import sys, urllib.request
content_type, accept = sys.argv[1:]
request = urllib.request.Request("http://127.0.0.1:8080/invocations", sys.stdin.buffer.read(),
    {"Content-Type": content_type, "Accept": accept})
sys.stdout.buffer.write(urllib.request.urlopen(request, timeout=60).read())
"""


@pytest.fixture(scope="module")
def frameworks(small_image: str) -> Iterator[str]:
    """The harness, scikit-learn and XGBoost; what else a script wants it installs itself."""
    made = subprocess.run(
        ["docker", "build", "--quiet", "--tag", FRAMEWORKS, "-"], text=True, capture_output=True,
        input=f"FROM {small_image}\nENV PIP_BREAK_SYSTEM_PACKAGES=1\n"
        "RUN pip install --quiet --no-cache-dir joblib pandas scikit-learn xgboost-cpu\n",
    )  # fmt: skip
    assert made.returncode == 0, made.stderr
    yield FRAMEWORKS
    plain_docker("rmi", "--force", FRAMEWORKS)


class Job:
    """A folder for /opt/ml with an example's source, and the containers that run on it."""

    def __init__(self, docker: Docker, image: str, root: Path, example: str) -> None:
        self.docker, self.image, self.root = docker, image, root
        shutil.copytree(OTHERS / example, root / "code")
        for name in ("model", "output", "input/config"):
            (root / name).mkdir(parents=True)

    def channel(self, name: str) -> Path:
        path = self.root / "input/data" / name
        path.mkdir(parents=True)
        return path

    def train(self, program: str, **hyperparameters: object) -> str:
        """Runs `train` in script mode; its log."""
        words = {name: str(value) for name, value in hyperparameters.items()}
        words["sagemaker_program"] = program
        (self.root / "input/config/hyperparameters.json").write_text(json.dumps(words))
        mounted = ("--init", "--volume", f"{self.root}:/opt/ml")
        code, log = self.docker.run(*mounted, self.image, "train")
        assert code == 0, log
        return log

    def serve(self, program: str) -> str:
        """A container that serves the model with the same source in model/code."""
        code = self.root / "model/code"
        if not code.exists():
            shutil.copytree(self.root / "code", code)
        mounted = ("--init", "--volume", f"{self.root}/model:/opt/ml/model:ro")
        named = ("--env", f"SAGEMAKER_PROGRAM={program}")
        name = self.docker.start(*mounted, *named, self.image, "serve")
        until_ready(self.docker, name)
        return name


def until_ready(docker: Docker, name: str, seconds: float = 100) -> None:
    end = time.monotonic() + seconds
    while not ping(docker, name).startswith("200"):
        assert time.monotonic() < end, docker("logs", name)
        time.sleep(0.2)


def ask(name: str, body: bytes, content_type: str, accept: str = "application/json") -> bytes:
    """The answer's body, asked for from inside."""
    words = ["docker", "exec", "-i", name, "python3", "-c", ASK, content_type, accept]
    done = subprocess.run(words, input=body, capture_output=True, timeout=60)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


def npy(values: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, values)
    return buffer.getvalue()


def test_scikit_learn_iris(docker: Docker, frameworks: str, tmp_path: Path):
    job = Job(docker, frameworks, tmp_path, "sklearn_iris")
    data.write_flowers(job.channel("train"))
    assert "installing /opt/ml/code/requirements.txt" in job.train("iris.py", max_leaf_nodes=30)
    name = job.serve("iris.py")
    assert "installing /opt/ml/model/code/requirements.txt" in docker("logs", name)
    species, rows = data.flowers()
    assert np.load(io.BytesIO(ask(name, npy(rows), NPY, NPY))).tolist() == species
    lines = "\n".join(",".join(map(str, row)) for row in rows[:3])
    assert json.loads(ask(name, lines.encode(), "text/csv")) == species[:3]


def test_xgboost_abalone(docker: Docker, frameworks: str, tmp_path: Path):
    job = Job(docker, frameworks, tmp_path, "xgboost_abalone")
    data.write_abalones(job.channel("train"), job.channel("validation"))
    words = {"max_depth": 4, "eta": 0.3, "objective": "reg:squarederror", "num_round": 30}
    assert "validation-rmse" in job.train("abalone.py", **words)
    rings, rows = data.abalones()
    lines = data.libsvm(rings[160:164], rows[160:164]).encode()
    told = json.loads(ask(job.serve("abalone.py"), lines, "text/libsvm"))
    assert np.allclose(told, rings[160:164], atol=1.5)
    whole = np.array(json.loads(ask(job.serve("inference.py"), lines, "text/libsvm")))
    assert np.allclose(whole[:, 0], told)


def test_a_bare_shell_script(docker: Docker, frameworks: str, tmp_path: Path):
    job = Job(docker, frameworks, tmp_path, "shell_program")
    (job.channel("training") / "numbers.csv").write_text("1,10\n2,20\n3,60\n")
    assert "column 2 of /opt/ml/input/data/training" in job.train("train.sh", column=2)
    name = job.serve("")
    assert json.loads(ask(name, b"30,31.5", "text/csv")) == [0, 1.5]


def test_pytorch_mnist(docker: Docker, image: str, tmp_path: Path):
    job = Job(docker, image, tmp_path, "pytorch_mnist")
    data.write_mnist(job.channel("training"))
    log = job.train("mnist.py", **{"epochs": 4, "batch-size": 16, "lr": 0.05})
    assert "Test set: Accuracy: 50/50;" in log
    pictures, labels = data.digits(20, seed=7)
    body = npy(data.normalised(pictures))
    told = np.load(io.BytesIO(ask(job.serve("mnist.py"), body, NPY, NPY)))
    assert told.argmax(1).tolist() == labels.tolist()
