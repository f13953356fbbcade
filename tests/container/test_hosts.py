"""Hosts: who we are, who leads, and what happens when a name never appears."""

from __future__ import annotations

import socket
import time

import pytest

from container.errors import ConfigurationError, HostError
from container.hosts import (
    interfaces,
    network_variables,
    read_cluster,
    wait_for_hosts,
    wait_seconds,
)

THREE = {"current_host": "algo-2", "hosts": ["algo-1", "algo-10", "algo-2"]}


def never(_seconds: float) -> bool:
    time.sleep(0.01)
    return False


def test_the_rank_is_the_place_in_the_list_not_the_number_in_the_name():
    assert read_cluster(THREE).rank == 2


def test_no_file_is_a_cluster_of_one():
    cluster = read_cluster({})
    assert (cluster.hosts, cluster.current_host, cluster.rank) == (("algo-1",), "algo-1", 0)
    assert cluster.is_local


def test_null_is_as_nothing():
    names = ("current_instance_type", "current_group_name", "instance_groups", "topology")
    config = dict.fromkeys((*names, "network_interface_name"))
    assert read_cluster({"hosts": ["a"], **config}) == read_cluster({"hosts": ["a"]})


def test_an_instance_is_not_local():
    assert not read_cluster({**THREE, "current_instance_type": "ml.g5.xlarge"}).is_local
    assert read_cluster({**THREE, "current_instance_type": "local_gpu"}).is_local


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({"hosts": []}, "hosts is []. Make it a list of host names."),
        ({"hosts": "algo-1"}, "hosts is 'algo-1'"),
        ({"hosts": [1]}, "hosts is [1]"),
        ({"hosts": None}, "hosts is None"),
        ({"hosts": ["a", "b"]}, "current_host None is not one of hosts ['a', 'b']"),
        ({"hosts": ["a"], "current_host": "b"}, "current_host 'b' is not one of hosts"),
        ({"instance_groups": {}}, "instance_groups is not a list"),
        ({"instance_groups": [{"hosts": []}]}, "instance_groups is not a list of objects"),
    ],
)
def test_a_config_that_cannot_be(config, said):
    with pytest.raises(ConfigurationError) as caught:
        read_cluster(config)
    assert said in str(caught.value)


def test_nccl_is_told_the_hosts_real_name_and_an_interface_that_exists():
    """On SageMaker every host's own name is `aws`; local mode names an interface it lacks."""
    cluster = read_cluster({**THREE, "network_interface_name": "eth7"})
    assert network_variables(cluster, frozenset({"lo", "eth7"})) == {
        "NCCL_HOSTID": "algo-2",
        "NCCL_SOCKET_IFNAME": "eth7",
        "GLOO_SOCKET_IFNAME": "eth7",
    }
    assert network_variables(cluster, frozenset({"lo"})) == {"NCCL_HOSTID": "algo-2"}
    assert network_variables(read_cluster({}), frozenset({"eth0"})) == {}


def test_this_machine_has_a_loopback():
    assert "lo" in interfaces() or "lo0" in interfaces()


@pytest.mark.parametrize(
    ("environ", "seconds"),
    [
        ({"TRAINING_JOB_ARN": "arn:aws:sagemaker:eu-west-3:1:training-job/x"}, 300),
        ({}, 30),
        ({"BYOA_HOST_WAIT": "2.5"}, 2.5),
        ({"BYOA_HOST_WAIT": "-1"}, 0),
        ({"SM_STUDIO_LOCAL_MODE": "True"}, 0),
    ],
)
def test_how_long_to_wait(environ, seconds):
    assert wait_seconds(environ) == seconds


def test_a_wait_that_is_no_number():
    with pytest.raises(ConfigurationError, match="BYOA_HOST_WAIT is 'long'"):
        wait_seconds({"BYOA_HOST_WAIT": "long"})


def test_names_that_appear_late_are_waited_for():
    tries: list[str] = []

    def late(host: str) -> str:
        tries.append(host)
        if tries.count(host) < 3:
            raise socket.gaierror(-2, "Name or service not known")
        return "10.0.0.1"

    wait_for_hosts(read_cluster(THREE), 10, never, late)
    assert sorted(set(tries)) == ["algo-1", "algo-10"]  # our own name need not be known
    assert len(tries) == 6


def test_a_name_that_never_appears_is_told():
    def known(host: str) -> str:
        if host == "algo-10":
            raise socket.gaierror(-2, "Name or service not known")
        return "10.0.0.1"

    with pytest.raises(HostError) as caught:
        wait_for_hosts(read_cluster(THREE), 0.3, never, known)
    assert str(caught.value) == (
        "host algo-10 of this job got no address within 0.3 s. Look at the log of algo-10: the"
        " container there may not have started. BYOA_HOST_WAIT (seconds) allows a longer wait."
    )


def test_a_look_up_that_blocks_does_not_block_the_wait():
    with pytest.raises(HostError, match="hosts algo-1, algo-10"):
        wait_for_hosts(read_cluster(THREE), 0.2, never, lambda _host: time.sleep(1))


def test_a_stop_ends_the_wait():
    wait_for_hosts(read_cluster(THREE), 60, lambda _seconds: True, lambda _host: time.sleep(1))


def test_one_host_waits_for_nobody():
    wait_for_hosts(read_cluster({}), 60, never, pytest.fail)


def test_each_host_tells_its_own_ending(place, tmp_path):
    """Two hosts of one job: one succeeds, one fails; neither speaks for the other."""
    other = type(place)(tmp_path / "other")
    other.base.mkdir()
    hosts = ["127.0.0.1", "127.0.0.2"]
    for each, host, how in ((place, hosts[0], "in_a_fork"), (other, hosts[1], "exit_3")):
        each.config(
            "resourceconfig",
            {"current_host": host, "hosts": hosts, "network_interface_name": "lo"},
        )
        each.hyperparameters(how=how)
        each.start("fails")
    assert [each.running[0].wait(timeout=30) for each in (place, other)] == [0, 3]
    assert place.failure is None
    assert other.headline.startswith("ProgramFailed: train.py ended with exit code 3")


def test_a_program_on_many_hosts_is_told_the_interface(place):
    hosts = ["127.0.0.1", "127.0.0.2"]
    config = {"current_host": hosts[1], "hosts": hosts, "network_interface_name": "lo"}
    place.config("resourceconfig", config)
    assert place.train("echo", NCCL_HOSTID="mine") == 0, place.log
    environ = place.seen["environ"]
    assert environ["GLOO_SOCKET_IFNAME"] == "lo"
    assert environ["NCCL_HOSTID"] == "mine"  # what the user set stays
    assert environ["SM_MASTER_ADDR"] == "127.0.0.1"
    assert environ["SM_CURRENT_HOST_RANK"] == "1"
    assert environ["SM_HOST_COUNT"] == "2"
