"""Training jobs, from request to describe; tests/docker/test_local_training.py runs these too."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.local_home import Home

#: Writes what a program finds in its container to the model.
LOOK = """
import json, os, pathlib
config = pathlib.Path(os.environ["SM_INPUT_CONFIG_DIR"])
base = config.parents[1]
found = {
    "config": {path.name: json.loads(path.read_text()) for path in config.iterdir()},
    "environ": dict(os.environ),
    "base": str(base),
    "tree": sorted(str(path.relative_to(base)) for path in base.rglob("*")),
}
pathlib.Path(os.environ["SM_MODEL_DIR"], "seen.json").write_text(json.dumps(found))
"""
FAST = {"MetricDefinitions": [{"Name": "loss", "Regex": r"loss=([0-9.]+);"}]}


def seen(home: Home, name: str = "job") -> Any:
    return json.loads(home.unpacked(name)["seen.json"])


def test_a_job_trains_on_its_channel_and_leaves_its_model(home: Home):
    home.put("numbers/a.txt", "1\n2\n")
    home.put("numbers/deep/b.txt", "4\n")
    record = home.train(
        InputDataConfig=[home.channel("training", home.uri("numbers/"))],
        HyperParameters={"factor": "3", "steps": "2"},
        AlgorithmSpecification=FAST,
    )
    assert record["TrainingJobStatus"] == "Completed", (record, home.log())
    assert json.loads(home.unpacked()["model.json"]) == {
        "factor": 3.0,
        "total": 7.0,
        "started_at": 0,
    }
    assert home.unpacked(archive="output.tar.gz").keys() == {"algo-1.txt"}
    assert record["ModelArtifacts"]["S3ModelArtifacts"] == home.uri("out/job/output/model.tar.gz")
    (metric,) = record["FinalMetricDataList"]
    assert (metric["MetricName"], metric["Value"]) == ("loss", 0.5)
    assert home.statuses() == ["Starting", "Downloading", "Training", "Uploading", "Completed"]
    ends = [one["EndTime"] for one in record["SecondaryStatusTransitions"]]
    assert ends == sorted(ends)
    assert record["TrainingStartTime"] <= record["TrainingEndTime"]
    assert record["BillableTimeInSeconds"] == record["TrainingTimeInSeconds"] >= 1


def test_files_and_variables_are_those_of_sagemaker(home: Home):
    record = home.script(
        LOOK,
        HyperParameters={"a": "0.5", "text": '"x"'},
        Environment={"COLOUR": "red\nand green", "EMPTY": ""},
        InputDataConfig=[{**home.channel("data", home.put("d/x.csv", "1")), "ContentType": "csv"}],
        CheckpointConfig={"S3Uri": home.uri("state")},
    )
    assert record["TrainingJobStatus"] == "Completed", (record, home.log())
    found = seen(home)
    config = found["config"]
    assert config.keys() == {
        "hyperparameters.json",
        "inputdataconfig.json",
        "resourceconfig.json",
        "checkpointconfig.json",
    }
    base = found["base"]
    assert config["hyperparameters.json"] == {
        "a": "0.5",
        "text": '"x"',
        "sagemaker_program": "script.py",
        "sagemaker_submit_directory": f"{base}/input/data/code/sourcedir.tar.gz",
    }
    assert config["inputdataconfig.json"]["data"] == {
        "TrainingInputMode": "File",
        "S3DistributionType": "FullyReplicated",
        "RecordWrapperType": "None",
        "ContentType": "csv",
    }
    resources = config["resourceconfig.json"]
    assert resources["network_interface_name"] in {"eth0", "lo"}
    assert resources == {
        "current_host": "algo-1",
        "current_instance_type": "ml.m5.large",
        "current_group_name": "homogeneousCluster",
        "hosts": ["algo-1"],
        "instance_groups": [
            {
                "instance_group_name": "homogeneousCluster",
                "instance_type": "ml.m5.large",
                "hosts": ["algo-1"],
            }
        ],
        "network_interface_name": resources["network_interface_name"],
        "topology": None,
    }
    assert config["checkpointconfig.json"] == {"LocalPath": f"{base}/checkpoints"}
    environ = found["environ"]
    assert environ["TRAINING_JOB_NAME"] == "job"
    assert environ["TRAINING_JOB_ARN"] == record["TrainingJobArn"]
    assert environ["AWS_REGION"] == "us-east-1"
    assert environ["COLOUR"] == "red\nand green"
    assert environ["EMPTY"] == ""
    assert {"input/data/data/x.csv", "model", "output/data", "checkpoints"} <= set(found["tree"])


def test_without_a_checkpoint_config_there_is_no_file_of_it(home: Home):
    assert home.script(LOOK)["TrainingJobStatus"] == "Completed", home.log()
    assert "checkpointconfig.json" not in seen(home)["config"]
    assert "checkpoints" not in seen(home)["tree"]


def test_a_job_may_write_into_a_file_channel_and_never_reaches_its_source(home: Home):
    uri = home.put("words/a.csv", "kept")
    record = home.script(
        "import os, pathlib\n"
        "path = pathlib.Path(os.environ['SM_CHANNEL_WORDS'], 'a.csv')\n"
        "path.write_text('overwritten'); print('wrote it')\n",
        InputDataConfig=[home.channel("words", uri.removesuffix("a.csv"))],
    )
    assert record["TrainingJobStatus"] == "Completed", home.log()
    assert "wrote it" in home.log()
    assert (home.storage / "words/a.csv").read_text() == "kept"


def test_a_manifest_names_the_files_below_its_prefix(home: Home):
    home.put("pictures/a b.txt", "1")
    home.put("pictures/deep/b.txt", "2")
    home.put("pictures/left out.txt", "100")
    names = [{"prefix": home.uri("pictures/")}, "a b.txt", "deep/b.txt"]
    uri = home.put("lists/all.manifest", json.dumps(names))
    channel = home.channel("training", uri, S3DataType="ManifestFile")
    record = home.train(InputDataConfig=[channel])
    assert record["TrainingJobStatus"] == "Completed", (record, home.log())
    assert json.loads(home.unpacked()["model.json"])["total"] == 3


def test_two_hosts_find_each_other_and_are_merged(home: Home):
    for number in range(5):
        home.put(f"shards/{number}.txt", f"{10**number}\n")
    channels = [home.channel("all", home.uri("shards/"))]
    source = {"S3DataDistributionType": "ShardedByS3Key"}
    channels.append(home.channel("part", home.uri("shards/"), **source))
    record = home.script(
        "import json, os, pathlib, socket, time\n"
        "hosts, me = json.loads(os.environ['SM_HOSTS']), os.environ['SM_CURRENT_HOST']\n"
        "server = socket.create_server((me, 8000))\n"
        "other = [host for host in hosts if host != me][0]\n"
        "for _ in range(100):\n"
        "    try:\n"
        "        socket.create_connection((other, 8000), timeout=5).sendall(me.encode()); break\n"
        "    except OSError: time.sleep(0.1)\n"
        "heard = server.accept()[0].recv(100).decode()\n"
        "rank = hosts.index(me)\n"
        "def names(channel): return sorted(os.listdir(os.environ['SM_CHANNEL_' + channel]))\n"
        "seen = {'heard': heard == other, 'all': names('ALL'), 'part': names('PART')}\n"
        "pathlib.Path(os.environ['SM_MODEL_DIR'], f'{rank}.json').write_text(json.dumps(seen))\n"
        "pathlib.Path(os.environ['SM_OUTPUT_DATA_DIR'], f'{rank}.txt').write_text('x')\n",
        InputDataConfig=channels,
        ResourceConfig={"InstanceCount": 2},
    )
    assert record["TrainingJobStatus"] == "Completed", (record, home.log())
    found = {name: json.loads(text) for name, text in home.unpacked().items()}
    assert found["0.json"]["heard"] and found["1.json"]["heard"]
    assert found["0.json"]["all"] == found["1.json"]["all"] == [f"{n}.txt" for n in range(5)]
    parts = found["0.json"]["part"] + found["1.json"]["part"]
    assert sorted(parts) == found["0.json"]["all"]
    assert found["0.json"]["part"] and found["1.json"]["part"]
    assert home.unpacked(archive="output.tar.gz").keys() == {"0.txt", "1.txt"}
    assert [re.sub(r"\d{10}$", "N", one) for one in home.streams()] == [
        "job/algo-1-N",
        "job/algo-2-N",
    ]


def test_a_group_that_is_not_given_a_channel_does_not_see_it(home: Home):
    home.put("a/a.txt", "1")
    groups = [
        {"InstanceGroupName": name, "InstanceType": kind, "InstanceCount": 1}
        for name, kind in (("leaders", "ml.c5.large"), ("others", "ml.m5.large"))
    ]
    request = home.request(
        HyperParameters=home.code(
            "import json, os, pathlib\n"
            "seen = {'channels': json.loads(os.environ['SM_CHANNELS']), \n"
            "    'group': os.environ['SM_CURRENT_INSTANCE_GROUP'], \n"
            "    'type': os.environ['SM_CURRENT_INSTANCE_TYPE']}\n"
            "name = os.environ['SM_CURRENT_HOST'] + '.json'\n"
            "pathlib.Path(os.environ['SM_MODEL_DIR'], seen['group']).write_text(json.dumps(seen))\n"
        ),
        InputDataConfig=[
            home.channel("code", home.uri("source/")),
            home.channel("a", home.uri("a/"), InstanceGroupNames=["others"]),
        ],
    )
    request["ResourceConfig"] = {"InstanceGroups": groups, "VolumeSizeInGB": 1}
    home.sagemaker.create_training_job(**request)
    assert home.wait()["TrainingJobStatus"] == "Completed", home.log()
    found = {name: json.loads(text) for name, text in home.unpacked().items()}
    assert found["leaders"] == {"channels": ["code"], "group": "leaders", "type": "ml.c5.large"}
    assert found["others"]["channels"] == ["a", "code"]


def test_the_entry_point_and_the_arguments_are_the_requests(home: Home):
    shell = ["python3", "-c", "import sys, json; print(json.dumps(sys.argv[1:]))"]
    for name, given, said in (
        ("neither", {"ContainerEntrypoint": shell}, []),
        ("both", {"ContainerEntrypoint": shell, "ContainerArguments": ["a", "b c", "*"]},
         ["a", "b c", "*"]),
    ):  # fmt: skip
        record = home.train(name, AlgorithmSpecification=given)
        assert record["TrainingJobStatus"] == "Completed", (record, home.log(name))
        assert json.loads(home.log(name)) == said
    given = {"ContainerArguments": ["train", "--steps", "1"]}
    assert home.train("arguments", AlgorithmSpecification=given)["TrainingJobStatus"] == "Completed"
    assert "step=1;" in home.log("arguments")
    assert "step=2;" not in home.log("arguments")


def test_long_odd_and_unfinished_lines_of_the_log(home: Home):
    record = home.script(
        "import sys\n"
        "out = sys.stdout.buffer\n"
        "out.write('ü'.encode() * 300_000 + b'\\n')\n"
        "out.write(b'10%\\r20%\\r\\n\\xff bytes\\n'); out.flush()\n"
        "print('to stderr', file=sys.stderr)\n"
        "out.write(b'no line end'); out.flush()\n"
    )
    assert record["TrainingJobStatus"] == "Completed", home.log()
    lines = home.log().splitlines()
    cut = [line for line in lines if line.startswith("ü")]
    assert [len(line.encode()) <= 256 * 1024 for line in cut] == [True] * 3
    assert "".join(cut) == "ü" * 300_000
    assert "10%#01520%" in lines
    assert "\ufffd bytes" in lines
    assert "to stderr" in lines
    assert any(line.startswith("no line end") for line in lines)


def test_a_process_never_sees_the_shells_credentials_and_isolated_not_the_homes(
    home: Home, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    (tmp_path / ".aws").mkdir()
    keys = "[default]\naws_access_key_id = x\naws_secret_access_key = y\n"
    (tmp_path / ".aws" / "credentials").write_text(keys)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "of the shell")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "of the shell")
    for name in ("AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE", "AWS_EC2_METADATA_DISABLED"):
        monkeypatch.delenv(name, raising=False)
    source = (
        "import botocore.session\n"
        "found = botocore.session.get_session().get_credentials()\n"
        "print('key:', found and found.access_key)\n"
    )
    home.script(source, "open")
    assert "key: x" in home.log("open")
    home.script(source, "shut", EnableNetworkIsolation=True)
    assert "key: None" in home.log("shut")


def test_an_isolated_job_reaches_nothing(home: Home):
    record = home.script(
        "import socket\n"
        "print('interfaces', [name for _, name in socket.if_nameindex()])\n"
        "try: socket.create_connection(('1.1.1.1', 53), timeout=3)\n"
        "except OSError as error: print('out', error.strerror)\n",
        EnableNetworkIsolation=True,
    )
    assert record["TrainingJobStatus"] == "Completed", home.log()
    if "isolation: this machine" in home.log():
        pytest.skip("this machine lets no process leave its network")
    assert "interfaces ['lo']" in home.log()
    assert "out Network is unreachable" in home.log()
