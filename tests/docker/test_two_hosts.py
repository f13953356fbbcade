"""Two containers on one docker network train one model with gloo, as two SageMaker hosts do."""

from __future__ import annotations

import json
import re

import pytest

pytestmark = [pytest.mark.docker, pytest.mark.slow]
HOSTS = ("algo-1", "algo-2")


def start_host(docker, image, network, root, host):
    return docker.start(
        *("--init", "--hostname", host, "--network", network, "--network-alias", host),
        *("--volume", f"{root}:/opt/ml", image, "train"),
    )


def test_two_hosts_train_one_model(docker, image, job_folder):
    network = docker.network()
    roots = {host: job_folder(HOSTS, host, pictures=6) for host in HOSTS}
    names = {host: start_host(docker, image, network, roots[host], host) for host in HOSTS}
    codes = {host: int(docker("wait", name)) for host, name in names.items()}
    logs = {host: docker("logs", name) for host, name in names.items()}
    assert codes == {"algo-1": 0, "algo-2": 0}, logs
    assert (roots["algo-1"] / "model/model.safetensors").is_file()
    assert not list((roots["algo-2"] / "model").iterdir())
    assert len(re.findall(r"^epoch=1;", logs["algo-1"], re.MULTILINE)) == 1
    assert not re.search(r"^epoch=1;", logs["algo-2"], re.MULTILINE)


def test_one_host_failing_ends_both_with_its_reason(docker, image, job_folder):
    network = docker.network()
    roots = {host: job_folder(HOSTS, host, pictures=4, num_epochs="50") for host in HOSTS}
    broken = roots["algo-2"] / "input/data/training/annotations.json"
    broken.write_text(json.dumps({"images": [], "annotations": [], "categories": []}))
    names = {host: start_host(docker, image, network, roots[host], host) for host in HOSTS}
    codes = {host: int(docker("wait", name)) for host, name in names.items()}
    assert all(codes.values()), codes
    failures = {host: roots[host] / "output/failure" for host in HOSTS}
    assert failures["algo-2"].read_text()
    assert len(failures["algo-1"].read_text()) <= 1024
