"""The pure parts: configuration files, shards, manifests, docker's words, networks, names."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from byoa.local import opt_ml
from byoa.local.channels import Part, below, manifest, shard
from byoa.local.container import Container, Mount
from byoa.local.docker_words import arguments_of, environment_words, mount_words
from byoa.local.job import JobError, failure_reason
from byoa.local.metrics import Metrics
from byoa.local.networks import loopback_addresses
from byoa.local.places import here, led
from byoa.local.resources import arn, check_name
from byoa.plan.errors import ServiceError

NAMES = st.text(st.characters(codec="utf-8", exclude_characters="\0/"), min_size=1, max_size=20)


def test_hosts_are_sorted_as_text():
    hosts = opt_ml.hosts({"ResourceConfig": {"InstanceType": "ml.c5.large", "InstanceCount": 11}})
    assert [host.name for host in hosts][-2:] == ["algo-10", "algo-11"]
    config = opt_ml.resource_config(hosts[1], hosts, "eth0")
    assert config["current_host"] == "algo-2"
    assert config["hosts"][:3] == ["algo-1", "algo-10", "algo-11"]
    assert config["instance_groups"][0]["hosts"] == config["hosts"]


def test_a_list_of_instance_types_means_the_first():
    preferences = [{"InstanceType": "ml.g5.xlarge"}, {"InstanceType": "ml.g4dn.xlarge"}]
    resources = {"InstancePreferences": preferences, "InstanceCount": 1}
    (host,) = opt_ml.hosts({"ResourceConfig": resources})
    assert host.instance_type == "ml.g5.xlarge"


@given(st.lists(NAMES, unique=True, max_size=30), st.integers(1, 7))
def test_every_object_belongs_to_one_host(names: list[str], hosts: int):
    objects = [(name, f"s3://b/{name}") for name in names]
    parts = [shard(objects, Part(rank, hosts)) for rank in range(hosts)]
    assert sorted(one for part in parts for one in part) == sorted(objects)
    sizes = [len(part) for part in parts]
    assert max(sizes) - min(sizes) <= 1


@given(NAMES)
def test_a_name_below_an_address_is_the_file_of_that_name(name: str):
    from byoa.local.folder_storage import path_of

    if name not in {".", ".."}:
        assert path_of(below("file:///home/x/", name)) == Path("/home/x") / name
    assert below("s3://b/x/", name) == f"s3://b/x/{name}"


def test_a_manifest():
    content = json.dumps([{"prefix": "s3://b/p/"}, "a", "deep/b"]).encode()
    assert manifest("s3://b/m", content) == [("a", "s3://b/p/a"), ("deep/b", "s3://b/p/deep/b")]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"no json", "is no manifest. Write"),
        (b"[]", "is no manifest"),
        (b"{}", "is no manifest"),
        (b'["a"]', "is no manifest"),
        (b'[{"prefix": "s3://b/"}, "../../etc/passwd"]', "lies outside of its prefix"),
        (b'[{"prefix": "s3://b/"}, "/etc/passwd"]', "lies outside of its prefix"),
    ],
)
def test_a_manifest_that_cannot_be(content: bytes, said: str):
    with pytest.raises(JobError, match="Data download failed: ") as caught:
        manifest("s3://b/m", content)
    assert said in str(caught.value)


@given(st.binary(max_size=100) | st.recursive(
    st.none() | st.integers() | st.text(), st.lists
).map(lambda found: json.dumps(found).encode()))  # fmt: skip
def test_no_manifest_breaks_anything(content: bytes):
    try:
        found = manifest("s3://b/m", content)
    except JobError:
        return
    assert all(isinstance(name, str) for name, _ in found)


@given(st.binary(max_size=6000), st.integers(1, 255))
def test_a_failure_reason_fits_and_tells_the_exit_code(tmp_path_factory, text: bytes, code: int):
    folder = tmp_path_factory.mktemp("ml")
    (folder / "output").mkdir()
    (folder / "output" / "failure").write_bytes(text)
    reason = failure_reason(folder, code)
    assert reason.startswith("AlgorithmError: ")
    assert reason.endswith(f", exit code: {code}")
    assert len(reason) <= 1024


def test_a_failure_that_is_a_link_is_not_read(tmp_path: Path):
    (tmp_path / "output").mkdir()
    (tmp_path / "secret").write_text("secret")
    (tmp_path / "output/failure").symlink_to(tmp_path / "secret")
    assert failure_reason(tmp_path, 1) == "AlgorithmError: , exit code: 1"


def test_a_long_failure_keeps_its_first_characters(tmp_path: Path):
    (tmp_path / "output").mkdir()
    (tmp_path / "output/failure").write_text("first " + "x" * 5000 + " last")
    reason = failure_reason(tmp_path, 3)
    assert reason.startswith("AlgorithmError: first xxx")
    assert "last" not in reason


def test_metrics_take_the_last_number_of_each():
    definitions = [
        {"Name": "loss", "Regex": r"loss=([0-9.e+-]+|nan);"},
        {"Name": "none", "Regex": "none=([0-9]+)"},
        {"Name": "no group", "Regex": "loss"},
    ]
    metrics = Metrics(definitions)
    for line in ("loss=1;", "loss=nan; loss=1e-05;", "loss=...;"):
        metrics.feed(line)
    assert [(one["MetricName"], one["Value"]) for one in metrics.final()] == [("loss", 1e-05)]


def test_dockers_words():
    container = Container(
        image="an/image",
        base=Path("/x"),
        entrypoint=("sh", "-c"),
        arguments=("exit 0",),
        mounts=(Mount(source=Path("/a"), target="/opt/ml/input", read_only=True),),
        network="none",
        known_hosts={"algo-1": "127.0.0.1"},
        user="1000",
        read_only=True,
        capabilities=False,
        tmpfs={"/tmp": "size=10m"},
        memory_mb=100,
        cpus=0.5,
        labels={"byoa.job": "/j"},
    )
    words = arguments_of(container)
    assert words[-4:] == ["--entrypoint=sh", "an/image", "-c", "exit 0"]
    assert {
        "--init", "--shm-size=64m", "--network=none", "--add-host=algo-1:127.0.0.1",
        "--user=1000", "--read-only", "--cap-drop=ALL", "--security-opt=no-new-privileges",
        "--tmpfs=/tmp:size=10m", "--memory=100m", "--memory-swap=100m", "--cpus=0.5",
        "--label=byoa.job=/j", "--mount=type=bind,source=/a,target=/opt/ml/input,readonly",
    } <= set(words)  # fmt: skip
    assert not [word for word in words if word.startswith(("--publish", "--privileged"))]


def test_without_shared_memory_there_is_no_dev_shm():
    words = arguments_of(Container(image="i", base=Path("/x"), shm_mb=0))
    assert "--ipc=none" in words and not [word for word in words if "shm" in word]


def test_a_port_is_published_on_loopback_alone():
    words = arguments_of(Container(image="i", base=Path("/x"), serves=True))
    assert "--publish=127.0.0.1::8080" in words


@given(NAMES)
def test_any_path_can_be_mounted(name: str):
    if "\n" in name or "\r" in name:
        return
    (fields,) = csv.reader([mount_words(Mount(source=Path("/a") / name, target="/b"))])
    assert fields == ["type=bind", f"source={Path('/a') / name}", "target=/b"]


@given(st.lists(NAMES, unique=True, min_size=1, max_size=20))
def test_loopback_addresses_are_different_and_sorted_for_a_few(names: list[str]):
    addresses = loopback_addresses(names)
    assert len(set(addresses.values())) == len(names)
    assert all(address.startswith("127.") for address in addresses.values())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("/opt/ml", "/base"),
        ("/opt/ml/input/data", "/base/input/data"),
        ("/opt/mlops", "/opt/mlops"),
        ("s3://b/opt/ml/x", "s3://b/opt/ml/x"),
        ("--path=/opt/ml/x", "--path=/base/x"),
    ],
)
def test_where_opt_ml_is_for_a_process(text: str, expected: str):
    assert led(text, Path("/base")) == expected


@pytest.mark.parametrize("name", ["", "a b", "-a", "a-", "a_b", "ä", "a" * 64, "a\n", "../x", 7])
def test_a_name_that_aws_refuses(name: Any):
    with pytest.raises(ServiceError, match="failed to satisfy"):
        check_name("CreateTrainingJob", "trainingJobName", name)


def test_names_and_arns():
    for name in ("a", "A1", "a--b", "a" * 63):
        check_name("CreateTrainingJob", "trainingJobName", name)
    made = arn("training-job", "My-Job", "eu-west-3")
    assert made == "arn:aws:sagemaker:eu-west-3:123456789012:training-job/my-job"


@pytest.mark.parametrize(
    ("inside", "expected"),
    [
        ("/opt/ml/checkpoints", "checkpoints"),
        ("/opt/ml/checkpoints/", "checkpoints"),
        ("/opt/mlops/x", "elsewhere/opt/mlops/x"),
        ("/mnt/x", "elsewhere/mnt/x"),
    ],
)
def test_where_a_path_of_the_container_is(inside: str, expected: str):
    assert here(inside, Path("/base")) == Path("/base") / expected


def test_values_of_variables_are_on_no_command_line_and_change_no_command_of_ours(monkeypatch):
    monkeypatch.setenv("MINE", "1")
    given = {
        "TOKEN": "secret\nof two lines",
        "LD_PRELOAD": "/x.so",
        "https_proxy": "p",
        "MINE": "2",
    }
    passed, words = environment_words(given)
    assert passed == {"TOKEN": "secret\nof two lines"}
    assert words[1::2] == ["TOKEN", "LD_PRELOAD=/x.so", "https_proxy=p", "MINE=2"]
    assert set(words[::2]) == {"--env"}


def test_a_secret_that_we_have_too_is_not_on_a_command_line(monkeypatch: pytest.MonkeyPatch):
    """The sandbox's own key, say: whoever reads it there could run programs as us."""
    for name in ("AWS_SECRET_ACCESS_KEY", "HTTPS_PROXY", "LD_LIBRARY_PATH"):
        monkeypatch.setenv(name, "hush")
        assert environment_words({name: "hush"}) == ({name: "hush"}, ["--env", name])
        assert environment_words({name: "other"}) == ({}, ["--env", f"{name}=other"])
