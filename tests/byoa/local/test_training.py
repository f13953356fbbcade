"""Training jobs, from request to describe; tests/docker/test_local_training.py runs these too."""

from __future__ import annotations

import json
import re
import time
from typing import Any

import pytest

from byoa.plan.errors import ServiceError
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


def test_a_failure_is_told_in_its_first_1024_characters(home: Home):
    record = home.train(HyperParameters={"how": "fail"})
    assert record["TrainingJobStatus"] == "Failed"
    assert record["SecondaryStatus"] == "Failed"
    reason = record["FailureReason"]
    assert reason.startswith("AlgorithmError: ValueError: the data is sour xxx")
    assert reason.endswith(", exit code: 1")
    assert len(reason) <= 1024
    assert "ModelArtifacts" not in record or record["ModelArtifacts"]


def test_a_failure_without_a_word_tells_its_exit_code(home: Home):
    record = home.train(
        AlgorithmSpecification={
            "ContainerEntrypoint": ["sh"],
            "ContainerArguments": ["-c", "exit 7"],
        }
    )
    assert record["FailureReason"] == "AlgorithmError: , exit code: 7"


def test_a_failure_in_odd_characters_is_cut_between_them(home: Home):
    path = "os.environ['SM_OUTPUT_DIR'] + '/failure'"
    write = f"import os, sys; open({path}, 'wb').write({{}}); sys.exit(2)"
    many = home.script(write.format("('ü' * 3000).encode()"), "many")["FailureReason"]
    assert re.fullmatch("AlgorithmError: ü+, exit code: 2", many)
    assert len(many) == 1024
    broken = home.script(write.format(r"b'\xff\xfe bad'"), "broken")["FailureReason"]
    assert broken == "AlgorithmError: \ufffd\ufffd bad, exit code: 2"


def test_a_stop_gives_time_to_save_and_the_model_is_kept(home: Home):
    home.start(HyperParameters={"how": "wait"})
    home.wait_for_log("waiting")
    home.sagemaker.stop_training_job(TrainingJobName="job")
    assert home.describe()["TrainingJobStatus"] in {"Stopping", "Stopped"}
    record = home.wait()
    assert record["TrainingJobStatus"] == record["SecondaryStatus"] == "Stopped"
    assert home.statuses()[-4:] == ["Training", "Stopping", "Uploading", "Stopped"]
    assert "stopped: model saved" in home.log()
    assert json.loads(home.unpacked()["model.json"])["stopped"]
    assert "FailureReason" not in record


def test_who_does_not_hear_the_stop_is_killed(home: Home):
    home.start(HyperParameters={"how": "deaf"}, Environment={"BYOA_STOP_GRACE": "60"})
    home.wait_for_log("waiting")
    began = time.monotonic()
    home.sagemaker.stop_training_job(TrainingJobName="job")
    assert home.wait()["TrainingJobStatus"] == "Stopped"
    assert 2.5 < time.monotonic() - began < 15


def test_a_job_that_runs_too_long_is_stopped_and_keeps_what_it_saved(home: Home):
    record = home.train(
        HyperParameters={"how": "wait"}, StoppingCondition={"MaxRuntimeInSeconds": 2}
    )
    assert record["TrainingJobStatus"] == "Stopped"
    assert record["SecondaryStatus"] == "MaxRuntimeExceeded"
    assert json.loads(home.unpacked()["model.json"])["stopped"]


def test_checkpoints_are_there_before_while_and_after(home: Home):
    home.put("state/step.txt", "1")
    home.put("state/old.txt", "x")
    home.start_script(
        "import os, pathlib, time\n"
        "folder = pathlib.Path(os.environ['SM_CHECKPOINT_DIR'])\n"
        "print('found', (folder / 'step.txt').read_text(), flush=True)\n"
        "(folder / 'old.txt').unlink(); (folder / 'deep').mkdir()\n"
        "(folder / 'deep/new.txt').write_text('live'); print('written', flush=True)\n"
        "while time.monotonic() < float(os.environ['END']):\n"
        "    time.sleep(0.01)\n"
        "    draft = folder / 'draft'; draft.write_text('x'); draft.unlink()\n"
        "(folder / 'step.txt').write_text('2')\n",
        CheckpointConfig={"S3Uri": home.uri("state")},
        Environment={"END": str(time.monotonic() + 4)},
    )
    home.wait_for_log("written")
    state = home.storage / "state"
    end = time.monotonic() + 10
    while not (state / "deep/new.txt").exists() or (state / "old.txt").exists():
        assert time.monotonic() < end
        time.sleep(0.05)
    assert home.describe()["TrainingJobStatus"] == "InProgress"  # it is synced while it runs
    record = home.wait()
    assert record["TrainingJobStatus"] == "Completed", (record, home.log())
    assert "found 1" in home.log()
    assert (state / "step.txt").read_text() == "2"
    names = sorted(path.name for path in state.rglob("*") if path.is_file())
    assert names == ["new.txt", "step.txt"]


def test_a_spot_interruption_and_the_checkpoint_it_goes_on_from(home: Home):
    record = home.train(
        HyperParameters={"steps": "5", "pause": "0.6"},
        EnableManagedSpotTraining=True,
        StoppingCondition={"MaxRuntimeInSeconds": 60, "MaxWaitTimeInSeconds": 120},
        CheckpointConfig={"S3Uri": home.uri("state")},
        Tags=[{"Key": "byoa:interrupt-after", "Value": "1.5"}],
    )
    assert record["TrainingJobStatus"] == "Completed", (record, home.log())
    assert [one for one in home.statuses() if one != "Stopping"] == [
        *("Starting", "Downloading", "Training", "Interrupted"),
        *("Starting", "Downloading", "Training", "Uploading", "Completed"),
    ]
    started_at = json.loads(home.unpacked()["model.json"])["started_at"]
    assert 1 <= started_at <= 4
    assert f"starting at step {started_at}" in home.log()
    assert len(home.streams()) >= 1
    assert record["BillableTimeInSeconds"] <= record["TrainingTimeInSeconds"]


def test_several_interruptions(home: Home):
    record = home.train(
        HyperParameters={"steps": "8", "pause": "0.3"},
        EnableManagedSpotTraining=True,
        StoppingCondition={"MaxRuntimeInSeconds": 60, "MaxWaitTimeInSeconds": 120},
        CheckpointConfig={"S3Uri": home.uri("state")},
        Tags=[{"Key": "byoa:interrupt-after", "Value": "0.8, 0.8"}],
    )
    assert record["TrainingJobStatus"] == "Completed", (record, home.log())
    assert home.statuses().count("Interrupted") == 2
    assert home.log().count("starting at step") == 3


def test_spot_that_takes_too_long(home: Home):
    record = home.train(
        HyperParameters={"how": "wait"},
        EnableManagedSpotTraining=True,
        StoppingCondition={"MaxRuntimeInSeconds": 2, "MaxWaitTimeInSeconds": 2},
    )
    assert record["TrainingJobStatus"] == "Stopped"
    assert record["SecondaryStatus"] == "MaxWaitTimeExceeded"


def test_a_stop_while_data_is_downloaded(home: Home):
    for number in range(3000):
        home.put(f"many/{number}", "x")
    home.start(InputDataConfig=[home.channel("many", home.uri("many/"))])
    home.sagemaker.stop_training_job(TrainingJobName="job")
    record = home.wait()
    assert record["TrainingJobStatus"] == "Stopped"
    assert home.statuses() == ["Starting", "Downloading", "Stopped"]
    assert home.log() == ""


def test_an_interruption_needs_spot(home: Home):
    home.train(
        HyperParameters={"steps": "2", "pause": "0.4"},
        Tags=[{"Key": "byoa:interrupt-after", "Value": "0.1"}],
    )
    assert "Interrupted" not in home.statuses()


def test_tensorboard_events_are_synced(home: Home):
    record = home.script(
        "import os, pathlib\n"
        "folder = pathlib.Path(os.environ['SM_OUTPUT_DIR'], 'tensorboard'); folder.mkdir()\n"
        "(folder / 'events').write_text('e')\n",
        TensorBoardOutputConfig={"S3OutputPath": home.uri("board")},
    )
    assert record["TrainingJobStatus"] == "Completed", home.log()
    assert (home.storage / "board/job/tensorboard-output/events").read_text() == "e"


def test_an_uncompressed_model(home: Home):
    path = home.uri("out")
    record = home.train(OutputDataConfig={"S3OutputPath": path, "CompressionType": "NONE"})
    assert record["ModelArtifacts"]["S3ModelArtifacts"] == f"{path}/job/output/model/"
    assert (home.storage / "out/job/output/model/model.json").is_file()


def test_a_link_in_the_model_is_refused_with_a_sentence(home: Home):
    record = home.script(
        "import os\nos.symlink('/etc/hostname', os.environ['SM_MODEL_DIR'] + '/link')\n"
    )
    assert record["TrainingJobStatus"] == "Failed"
    assert "Artifact upload failed: model/link is a symbolic link" in record["FailureReason"]


def test_a_folder_that_became_a_link_is_not_followed(home: Home):
    """In a container root could make the machine's own files its output."""
    record = home.script(
        "import os, shutil\n"
        "for name in ('SM_OUTPUT_DATA_DIR', 'SM_CHECKPOINT_DIR'):\n"
        "    try: shutil.rmtree(os.environ[name])\n"
        "    except OSError: pass\n"
        "    else: os.symlink('/etc', os.environ[name])\n",
        CheckpointConfig={"S3Uri": home.uri("state")},
    )
    assert record["TrainingJobStatus"] == "Failed"
    assert "data is a symbolic link" in record["FailureReason"]
    assert not list((home.storage / "state").rglob("*"))


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


def test_a_host_that_fails_fails_the_job_and_stops_the_other(home: Home):
    began = time.monotonic()
    record = home.script(
        "import json, os, sys, time\n"
        "hosts = json.loads(os.environ['SM_HOSTS'])\n"
        "if os.environ['SM_CURRENT_HOST'] == hosts[1]: sys.exit('the second host is unwell')\n"
        "time.sleep(60)\n",
        ResourceConfig={"InstanceCount": 2},
    )
    assert time.monotonic() - began < 30
    assert record["TrainingJobStatus"] == "Failed"
    assert "the second host is unwell" in record["FailureReason"]


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


@pytest.mark.parametrize("what", ["nothing/", "nothing.csv"])
def test_data_that_is_not_there(home: Home, what: str):
    record = home.train(InputDataConfig=[home.channel("training", home.uri(what))])
    assert record["TrainingJobStatus"] == "Failed"
    assert record["FailureReason"].startswith("ClientError: Data download failed: ")
    assert what.rstrip("/") in record["FailureReason"]
    assert home.statuses()[-2:] == ["Downloading", "Failed"]


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


def test_nothing_of_the_hosts_is_left(home: Home):
    home.train()
    assert not list((home.root / "jobs/training/job/hosts").iterdir())


# --- what create refuses ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"name": "bad name!"}, "Value 'bad name!' at 'trainingJobName' failed to satisfy"),
        ({"name": "-x"}, "failed to satisfy"),
        ({"name": "x" * 64}, "failed to satisfy"),
        ({"RoleArn": ""}, "RoleArn"),
        ({"EnableManagedSpotTraining": True}, "MaxWaitTimeInSeconds"),
        ({"StoppingCondition": {"MaxWaitTimeInSeconds": 200}}, "on-demand"),
        (
            {"CheckpointConfig": {"S3Uri": "s3://b/x", "LocalPath": "/opt/ml/../../etc"}},
            "Value '/opt/ml/../../etc' at 'LocalPath' is no path in a container",
        ),
        (
            {"AlgorithmSpecification": {"TrainingImage": "process://"}},
            "has no algorithm in it. Name its folder",
        ),
        ({"HyperParameters": {"a": 1}}, "'a' is 1. Make it a string"),
        (
            {"Tags": [{"Key": "byoa:interrupt-after", "Value": "soon"}]},
            "is 'soon'. Give it seconds: 30, or 30,60.",
        ),
        (
            {"AlgorithmSpecification": {"MetricDefinitions": [{"Name": "x", "Regex": "("}]}},
            "Regex '(' of metric 'x'",
        ),
    ],
)
def test_what_create_refuses(home: Home, changed: dict[str, Any], said: str):
    with pytest.raises(ServiceError) as caught:
        home.start(**changed)
    assert caught.value.response["Error"]["Code"] == "ValidationException"
    assert said in str(caught.value)
    assert home.sagemaker.list_training_jobs()["TrainingJobSummaries"] == []


def test_pipe_mode_is_refused_in_one_sentence(home: Home):
    channel = home.channel("training", home.uri("x/"), "Pipe")
    with pytest.raises(ServiceError, match="Pipe mode is not carried out here"):
        home.start(InputDataConfig=[channel])


def test_a_channel_cannot_lead_out_of_its_folder(home: Home):
    with pytest.raises(ServiceError, match="no name of a channel"):
        home.start(InputDataConfig=[home.channel("..", home.uri("x/"))])


def test_one_name_is_taken_once(home: Home):
    home.train()
    with pytest.raises(ServiceError) as caught:
        home.start()
    assert caught.value.response["Error"]["Code"] == "ResourceInUse"


def test_what_is_not_there(home: Home):
    for name in ("nobody", "../../etc"):
        with pytest.raises(ServiceError, match="Requested resource not found"):
            home.describe(name)
    home.train()
    with pytest.raises(ServiceError, match="in status Completed"):
        home.sagemaker.stop_training_job(TrainingJobName="job")


def test_lists_and_tags(home: Home):
    for name in ("alpha", "beta"):
        home.start(name, HyperParameters={"steps": "1"}, Tags=[{"Key": "byoa:task", "Value": name}])
    for name in ("alpha", "beta"):
        home.wait(name)
    call = home.sagemaker.list_training_jobs
    names = [one["TrainingJobName"] for one in call()["TrainingJobSummaries"]]
    assert names == ["beta", "alpha"]  # the newest first
    first = call(MaxResults=1, SortBy="Name", SortOrder="Ascending")
    assert [one["TrainingJobName"] for one in first["TrainingJobSummaries"]] == ["alpha"]
    second = call(MaxResults=1, SortBy="Name", SortOrder="Ascending", NextToken=first["NextToken"])
    assert [one["TrainingJobName"] for one in second["TrainingJobSummaries"]] == ["beta"]
    assert "NextToken" not in second
    assert call(StatusEquals="InProgress")["TrainingJobSummaries"] == []
    assert len(call(NameContains="ALP")["TrainingJobSummaries"]) == 1
    arn = home.describe("alpha")["TrainingJobArn"]
    home.sagemaker.add_tags(ResourceArn=arn, Tags=[{"Key": "mine", "Value": "1"}])
    home.sagemaker.delete_tags(ResourceArn=arn, TagKeys=["byoa:task"])
    assert home.sagemaker.list_tags(ResourceArn=arn)["Tags"] == [{"Key": "mine", "Value": "1"}]
    home.sagemaker.delete_training_job(TrainingJobName="alpha")
    assert home.sagemaker.list_tags(ResourceArn=arn)["Tags"] == []
    assert len(call()["TrainingJobSummaries"]) == 1
