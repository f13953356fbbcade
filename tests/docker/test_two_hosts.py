"""Two containers on one docker network train one model with gloo, as two SageMaker hosts do."""

from __future__ import annotations

import re
import time

import pytest

from tests.docker.conftest import wait_for

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


def test_a_lost_host_ends_the_other_soon_and_says_so(docker, image, job_folder):
    network = docker.network()
    roots = {host: job_folder(HOSTS, host, pictures=4, num_epochs="200") for host in HOSTS}
    names = {host: start_host(docker, image, network, roots[host], host) for host in HOSTS}
    wait_for(docker, names["algo-1"], "epoch=1;")
    docker("kill", names["algo-2"])
    begin = time.monotonic()
    assert int(docker("wait", names["algo-1"])) != 0
    assert time.monotonic() - begin < 90
    failure = (roots["algo-1"] / "output/failure").read_text()
    assert "another rank of the job ended" in failure.splitlines()[0]
    assert len(failure) <= 1024
