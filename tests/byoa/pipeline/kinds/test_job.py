"""Tasks that are jobs, on this machine: real training, a real Processing job, a real endpoint."""

from __future__ import annotations

import json
import os
import signal
import tarfile
import threading
import time
from pathlib import Path

import pytest

from byoa.pipeline.job_tasks import facts_of, project_of
from byoa.pipeline.kinds import job
from byoa.pipeline.order import Order, order_for
from byoa.plan.errors import JobFailedError, UsageError
from byoa.plan.pipeline.model import Fingerprint, Pipeline, Product, Record, Source, Task
from byoa.plan.pipeline.records import file_name, written

ALGORITHM = Path(__file__).resolve().parents[3] / "small_algorithm"
LOSS = {"loss": r"loss=([0-9.]+);"}


@pytest.fixture
def root(home: Path, tmp_path: Path) -> Path:
    """A project's folder with one input, and the small algorithm in it."""
    folder = tmp_path / "work"
    (folder / "data").mkdir()
    (folder / "data" / "numbers.txt").write_text("1\n2\n")
    (folder / "algorithm").symlink_to(ALGORITHM)
    return folder


def train_task(name: str = "fit", **more) -> Task:
    options = {"on": "process", "inputs": {"training": "data"}, "metrics": LOSS}
    paths = {
        "model": f"models/{name}.tar.gz",
        "output": f"output/{name}",
        "metrics": f"{name}.json",
    }
    given = {
        "params": {"steps": 2},
        "source": Source(path="algorithm"),
        "products": {key: Product(path) for key, path in paths.items()},
        **more,
        "options": {**options, **more.get("options", {})},
    }
    return Task(name=name, kind="train", **given)


def ordered(root: Path, *tasks: Task) -> Order:
    """The order of the last of the tasks, written in place."""
    pipeline = Pipeline(name="pipeline", root=str(root), tasks={one.name: one for one in tasks})
    home = root / ".byoa/pipeline/pipeline"
    order = order_for(pipeline, tasks[-1], str(root), home=str(home))
    for place in order.products.values():
        Path(str(place)).parent.mkdir(parents=True, exist_ok=True)
    return order


def record(order: Order, task: str, metrics: dict[str, float]) -> None:
    folder = Path(order.home, "records")
    folder.mkdir(parents=True, exist_ok=True)
    made = Record(task=task, fingerprint=Fingerprint(), products={}, metrics=metrics)
    (folder / f"{file_name(task)}.json").write_text(written(made))


def test_a_training_job_leaves_its_products_and_figures(root: Path):
    task = train_task()
    order = ordered(root, task)
    job.train(task, order)
    with tarfile.open(root / "models/fit.tar.gz") as archive:
        archive.extract("model.json", root, filter="data")
    model = json.loads((root / "model.json").read_text())
    assert model["total"] == 3
    assert (root / "output/fit/algo-1.txt").read_text() == "ok"
    assert order.metrics == {"loss": 0.5} == json.loads((root / "fit.json").read_text())
    (root / "models/fit.tar.gz").unlink()
    job.train(task, ordered(root, task))  # the same again: the job's own record has it
    assert (root / "models/fit.tar.gz").is_file() and len(jobs_of(task, root)) == 1


def test_a_job_that_fails_says_why_and_one_without_the_product_too(root: Path):
    task = train_task(params={"how": "fail"})
    with pytest.raises(JobFailedError, match="the data is sour"):
        job.train(task, ordered(root, task))
    script = "import os; open(os.path.join(os.environ['SM_MODEL_DIR'], 'x'), 'w').close()"
    (root / "empty.py").write_text(script)
    products = {"output": Product("made")}
    task = train_task("empty", source=Source(path="empty.py"), products=products, params={})
    with pytest.raises(UsageError, match="left no output"):
        job.train(task, ordered(root, task))


def test_a_task_that_is_ended_stops_its_job(root: Path):
    task = train_task(params={"how": "wait"})
    order = ordered(root, task)

    def end() -> None:
        while not started(root):
            time.sleep(0.1)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=end, daemon=True).start()
    with pytest.raises(JobFailedError, match="stopped with its task"):
        job.train(task, order)
    (found,) = jobs_of(task, root)
    assert found["TrainingJobStatus"] in {"Stopping", "Stopped"}
    while found["TrainingJobStatus"] == "Stopping":
        time.sleep(0.1)
        (found,) = jobs_of(task, root)


def jobs_of(task: Task, root: Path) -> list[dict[str, str]]:
    place = project_of(task, root).place
    return list(place.sagemaker.list_training_jobs()["TrainingJobSummaries"])


def started(root: Path) -> bool:
    logs = (root.parent / "home").rglob("*")
    return any(
        b"waiting" in path.read_bytes() for path in logs if path.suffix in {".log", ".jsonl"}
    )


def test_a_processing_job_reads_what_a_task_made(root: Path):
    (root / "double.py").write_text(
        "import os\nfrom pathlib import Path\n"
        "base = Path(os.environ.get('SAGEMAKER_BASE_DIR', '/opt/ml'), 'processing')\n"
        "n = float(next((base / 'input').rglob('numbers.txt')).read_text().split()[0])\n"
        "(base / 'output' / 'double.txt').write_text(str(n * float(os.environ['TIMES'])))\n"
    )
    get = Task(
        name="get", kind="function", source=Source(dotted="a.b"), products={"": Product("data")}
    )
    task = Task(
        name="double", kind="process", source=Source(path="double.py"), params={"TIMES": 4},
        products={"output": Product("made")}, upstream={"get": ("get",)},
        options={"on": "process", "inputs": {"numbers": {"upstream": "get"}}},
    )  # fmt: skip
    job.process(task, ordered(root, get, task))
    assert [path.read_text() for path in (root / "made").rglob("double.txt")] == ["4.0"]


def test_the_best_of_a_grid_serves(root: Path):
    tasks = [train_task(name, params={"factor": factor}) for name, factor in (("a", 1), ("b", 5))]
    for task in tasks:
        job.train(task, ordered(root, task))
    best = {"of": "*", "metric": "ap", "mode": "max"}
    deploy = Task(
        name="deploy", kind="deploy", source=Source(), products={"": Product("endpoint.json")},
        options={"on": "process", "image": "algorithm", "best": best}, upstream={"*": ("a", "b")},
    )  # fmt: skip
    order = ordered(root, *tasks, deploy)
    record(order, "a", {"ap": 0.25})
    record(order, "b", {"ap": 0.5})
    project = project_of(deploy, root)
    try:
        job.deploy(deploy, order)
        told = json.loads((root / "endpoint.json").read_text())
        assert told["task"] == "b" and told["value"] == 0.5 and told["status"] == "InService"
        assert told["among"] == {"a": 0.25, "b": 0.5}
        answer = project.place.runtime.invoke_endpoint(
            EndpointName=told["endpoint"], Body=b"2", ContentType="text/plain"
        )
        assert b"10" in answer["Body"].read()
    finally:
        from byoa.deploy import undeploy

        undeploy(project.place, told["endpoint"])


def test_an_endpoint_outlives_the_build_that_made_it(root: Path, byoa):
    (root / "pipeline.yaml").write_text(PIPELINE)
    assert byoa("pipeline", "build").code == 0
    told = json.loads((root / "endpoint.json").read_text())
    try:
        (root / "number").write_text("3")
        words = ("invoke", told["endpoint"], root / "number", "--on", "process")
        said = byoa(*words, "--content-type", "text/plain")
        assert said.code == 0 and said.json == {"answer": 6.0}
        assert "1 up to date" in byoa("pipeline", "plan", "--only", "deploy").out
    finally:
        assert byoa("undeploy", told["endpoint"], "--on", "process").code == 0


PIPELINE = """
tasks:
  - class: train
    name: fit
    source: algorithm
    on: process
    inputs: {training: data}
    product: {model: model.tar.gz}
  - class: deploy
    name: deploy
    on: process
    image: algorithm
    endpoint: small
    model: {upstream: fit}
    product: endpoint.json
"""


def test_what_a_job_reads_is_part_of_its_fingerprint(root: Path):
    task = train_task()
    before = facts_of(task, root)
    assert set(before.resources) == {"data"} and before.image
    (root / "data" / "numbers.txt").write_text("7\n")
    after = facts_of(task, root)
    assert after.resources != before.resources and after.image == before.image
