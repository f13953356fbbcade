"""`docker run IMAGE train`: what a job leaves, how it fails, how it stops and goes on."""

from __future__ import annotations

import json
import re
import time

import pytest

from tests.docker.conftest import wait_for

pytestmark = pytest.mark.docker


def test_leaves_a_model_and_a_report(trained):
    assert {path.name for path in (trained / "model").iterdir()} >= {
        "model.json",
        "model.safetensors",
    }
    assert (trained / "output/data/report.html").stat().st_size > 1000
    assert (trained / "output/data/metrics.jsonl").is_file()
    assert not (trained / "output/failure").exists()


def test_prints_the_metric_line(trained):
    number = r"(?:\d+(?:\.\d+)?(?:e[-+]\d+)?|nan)"
    line = (
        rf"epoch=1; train_loss={number}; validation_bbox_map={number}; "
        rf"validation_segm_map={number}; validation_segm_map50={number}; "
        rf"learning_rate={number}; images_per_second={number};"
    )
    assert re.search(line, (trained / "train.log").read_text())


def test_trains_when_nothing_is_said(docker, image, job_folder):
    """SageMaker's local mode passes no argument (contract item 73)."""
    root = job_folder(pictures=2)
    code, log = docker.run("--volume", f"{root}:/opt/ml", image)
    assert code == 0, log
    assert (root / "model/model.json").is_file()


def test_trains_as_another_user_with_nothing_but_opt_ml(docker, image, job_folder):
    root = job_folder(pictures=2)
    for path in [root, *root.rglob("*")]:
        path.chmod(0o777 if path.is_dir() else 0o666)
    code, log = docker.run(
        *("--user", "1000", "--read-only", "--tmpfs", "/tmp", "--network", "none"),
        *("--cap-drop", "ALL", "--volume", f"{root}:/opt/ml", image, "train"),
    )
    assert code == 0, log


def test_says_what_to_change(docker, image, job_folder):
    root = job_folder(pictures=2, learnin_rate="0.1")
    begin = time.monotonic()
    code, _ = docker.run("--volume", f"{root}:/opt/ml", image, "train")
    assert code != 0
    first = (root / "output/failure").read_text().splitlines()[0]
    assert "learnin_rate" in first and "learning_rate" in first
    assert time.monotonic() - begin < 30


def test_stopped_job_goes_on_where_it_was(docker, image, job_folder):
    """docker stop sends SIGTERM to PID 1, as SageMaker's StopTrainingJob and spot do."""
    root = job_folder(pictures=8, num_epochs="40", checkpoint_every="2")
    mount = f"{root}:/opt/ml"
    container = docker.start("--volume", mount, image, "train")
    wait_for(docker, container, "epoch=1;")
    docker("stop", "--time", "120", container)
    log = docker("logs", container)
    assert docker.exit_code(container) == 0, log
    left = sorted(path.name for path in (root / "checkpoints").rglob("*") if path.is_file())
    assert left, log
    settings = root / "input/config/hyperparameters.json"
    done = len(re.findall(r"epoch=\d+;", log))
    asked = {**json.loads(settings.read_text()), "num_epochs": str(done + 1)}
    settings.write_text(json.dumps(asked))
    code, second = docker.run("--volume", mount, image, "train")
    assert code == 0, second
    assert "epoch=1;" not in second
    assert f"epoch={done + 1};" in second
    assert (root / "model/model.json").is_file()
