"""The seed's road in the sandbox, in containers: init, image, submit, look, fetch, break, go on.

The seed's tasks, get → sepal, petal → features → fits with a report each; eight fits, not twelve.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from byoa.pipeline.image import requirements
from tests.sandbox_place import Place
from tests.small_image import docker, small_image

__all__ = ["small_image"]
pytestmark = [pytest.mark.docker, pytest.mark.slow]

BUCKET, PARENT = "flowers-results", "iris"
PIPELINE = """\
clients:
  File: clients.store
tasks:
  - {source: steps.get, product: output/get.csv}
  - {source: steps.sepal, product: output/sepal.csv}
  - {source: steps.petal, product: output/petal.csv}
  - {source: steps.features, product: output/features.csv}
  - source: fit.py
    name: fit-[[model]]-[[n]]-[[criterion]]
    product:
      nb: output/fit-[[model]]-[[n]]-[[criterion]].html
      model: output/fit-[[model]]-[[n]]-[[criterion]].pickle
    grid: {model: [forest, boost], n: [1, 3], criterion: [gini, entropy]}
"""
STEPS = """\
import csv
from pathlib import Path

ROWS = [(5.1, 3.5, 1.4, 0.2, 0), (7.0, 3.2, 4.7, 1.4, 1), (6.3, 3.3, 6.0, 2.5, 2)]


def write(path, rows):
    with open(path, "w", newline="") as file:
        csv.writer(file).writerows(rows)


def read(path):
    with open(path, newline="") as file:
        return [[float(value) for value in row] for row in csv.reader(file)]


def get(product):
    write(product, ROWS)


def sepal(product, upstream):
    write(product, [[row[0] * row[1]] for row in read(upstream["get"])])


def petal(product, upstream):
    write(product, [[row[2] * row[3]] for row in read(upstream["get"])])


def features(product, upstream):
    parts = [read(upstream["get"]), read(upstream["sepal"]), read(upstream["petal"])]
    write(product, [sum(rows, []) for rows in zip(*parts)])
"""
FIT = """\
# # One fit

# + tags=["parameters"]
upstream = ["features"]
product = None
model = None
n = None
criterion = None
# -

import os
import pickle
import signal
from pathlib import Path

rows = Path(upstream["features"]).read_text().splitlines()
print(f"{model} with {n} by {criterion} on {len(rows)} rows")
TRAP

# + tags=["score"]
score = len(rows) / n
score
# -

Path(product["model"]).write_bytes(pickle.dumps({"model": model, "n": n}))
"""
CLIENTS = f"""\
from ploomber.clients import S3Client


def store():
    return S3Client("{BUCKET}", "{PARENT}")
"""


@pytest.fixture(scope="session")
def base(small_image: str) -> str:
    """The small image with what byoa needs in it: the project's own image adds nothing to it."""
    lines = " ".join(f"'{one}'" for one in requirements())
    text = (
        f"FROM {small_image}\nRUN pip install -q --break-system-packages --no-cache-dir {lines}\n"
    )
    name = f"byoa-small-pipeline:{hashlib.sha256(text.encode()).hexdigest()[:12]}"
    if docker("image", "inspect", name).returncode:
        words = ["docker", "build", "--force-rm", "--tag", name, "-"]
        environ = {**os.environ, "DOCKER_BUILDKIT": "0"}
        done = subprocess.run(words, input=text, text=True, capture_output=True, env=environ)
        assert done.returncode == 0, done.stdout + done.stderr
    return name


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    home = tmp_path_factory.mktemp("home")
    with Place.up(home, "flowers", {}) as made:
        yield made
        made.forget_images("byoa-flowers-pipelines")
        made.forget_images("127.0.0.1:*/byoa-flowers-pipelines")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("work") / "flowers"
    folder.mkdir()
    files = {"pipeline.yaml": PIPELINE, "steps.py": STEPS, "fit.py": FIT, "clients.py": CLIENTS}
    for name, text in files.items():
        (folder / name).write_text(text.replace("TRAP", ""))
    (folder / "requirements.lock.txt").write_text("")
    (folder / "credentials.json").write_text('{"aws_secret_access_key": "mine"}')
    for words in (["init", "-q"], ["add", "-A"]):
        subprocess.run(["git", "-C", str(folder), *words], check=True)
    return folder


def pipeline(
    place: Place, folder: Path, verb: str, *words: str
) -> subprocess.CompletedProcess[str]:
    environ = dict(place.environ)
    sandbox = [] if verb == "init" else ["--sandbox"]
    return subprocess.run(
        ["byoa", "pipeline", verb, *words, *sandbox],
        cwd=folder, env=environ, text=True, capture_output=True, timeout=300,
    )  # fmt: skip


def statuses(done: subprocess.CompletedProcess[str]) -> dict[str, str]:
    assert done.stdout, done.stderr[-3000:]
    return {one["task"]: one["status"] for one in json.loads(done.stdout)["tasks"]}


def change(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_the_seeds_road(place: Place, project: Path, base: str):
    place.client("s3").create_bucket(Bucket=BUCKET)
    made = pipeline(place, project, "init", "aws-env", "--memory", "512")
    assert made.returncode == 0, made.stderr
    change(
        project / "soopervisor.yaml",
        "aws-env:\n",
        f"aws-env:\n  base_image: {base}\n  write: ['s3://{BUCKET}/{PARENT}/']\n"
        "  task_resources: {fit-forest-*: {memory: 768, vcpus: 2}}\n",
    )
    assert "exclude: [output]" in (project / "soopervisor.yaml").read_text()

    done = pipeline(place, project, "submit", "aws-env", "--wait", "--json")
    assert done.returncode == 0, done.stderr[-4000:]
    assert "credentials.json looks like credentials and stays here" in done.stderr
    assert set(statuses(done).values()) == {"done"} and len(statuses(done)) == 12

    # what S3 has, as `aws s3 ls` shows it, and one of the reports
    listed = place.client("s3").list_objects_v2(Bucket=BUCKET, Prefix=f"{PARENT}/output/")
    names = {one["Key"].removeprefix(f"{PARENT}/output/") for one in listed["Contents"]}
    assert {"get.csv", "fit-forest-3-gini.html", "fit-boost-3-entropy.pickle"} <= names
    fetched = pipeline(place, project, "download", "fit-forest-3-gini")
    assert fetched.returncode == 0, fetched.stderr
    report = (project / "output/fit-forest-3-gini.html").read_text()
    assert "forest with 3 by gini on 3 rows" in report

    # what each got, as Batch has it
    batch = place.client("batch")
    (queue,) = batch.describe_job_queues()["jobQueues"]
    run = json.loads(pipeline(place, project, "status", "--json").stdout)
    jobs = {one["task"]: one["job"] for one in run["tasks"]}
    of = {}
    for task in ("fit-forest-1-gini", "fit-boost-1-gini"):
        (job,) = batch.describe_jobs(jobs=[jobs[task]])["jobs"]
        assert job["jobQueue"] == queue["jobQueueArn"]
        said = job["container"]["resourceRequirements"]
        of[task] = {one["type"]: one["value"] for one in said}
    assert of["fit-forest-1-gini"] == {"VCPU": "2", "MEMORY": "768"}
    assert of["fit-boost-1-gini"] == {"VCPU": "1", "MEMORY": "512"}

    image = json.loads(docker("image", "inspect", "byoa-flowers-pipelines:latest").stdout)[0]
    inside = docker("run", "--rm", image["Id"], "find", "/project", "-name", "*credentials*")
    assert inside.stdout.strip() == ""


def test_one_fails_one_is_killed_the_driver_dies_and_another_clone_goes_on(
    place: Place, project: Path, base: str, tmp_path: Path
):
    change(
        project / "fit.py",
        "rows = Path",
        'if (model, n, criterion) == ("forest", 1, "gini"):\n'
        '    raise ValueError("one tree is no forest")\n'
        'if (model, n, criterion) == ("boost", 1, "gini"):\n'
        "    os.kill(-1, signal.SIGKILL)\n"
        "rows = Path",
    )
    root = Path(__file__).resolve().parents[2]
    killed = [
        "python", str(root / "tests/byoa/pipeline/batch/killed.py"), "1", "after",
        "pipeline", "submit", "--sandbox",
        *("--until", "fit-forest-1-gini", "fit-forest-3-gini", "fit-boost-1-gini"),
    ]  # fmt: skip
    environ = {**place.environ, "PYTHONPATH": str(root)}
    done = subprocess.run(killed, cwd=project, env=environ, capture_output=True, text=True)
    assert done.returncode == -9, done.stderr[-3000:]

    clone = tmp_path / "flowers"
    shutil.copytree(project, clone, ignore=shutil.ignore_patterns(".byoa", "output"))
    ended = pipeline(place, clone, "resume", "--wait", "--json")
    assert ended.returncode == 1
    found: dict[str, Any] = {one["task"]: one for one in json.loads(ended.stdout)["tasks"]}
    failed = {name for name, one in found.items() if one["status"] == "failed"}
    assert failed == {"fit-forest-1-gini", "fit-boost-1-gini"}, found
    assert found["fit-forest-1-gini"]["reason"] == "ValueError: one tree is no forest"
    assert "exit code 137" in found["fit-boost-1-gini"]["reason"]
    assert found["fit-forest-3-gini"]["status"] == "done" and len(found) == 3
    log = pipeline(place, clone, "logs", "fit-forest-1-gini")
    assert "ValueError: one tree is no forest" in log.stdout


def test_nothing_of_it_stays(place: Place, project: Path):
    done = pipeline(place, project, "clean")
    assert done.returncode == 0, done.stderr
    batch = place.client("batch")
    assert batch.describe_job_queues()["jobQueues"] == []
    assert batch.describe_compute_environments()["computeEnvironments"] == []
    assert pipeline(place, project, "status").returncode == 1
