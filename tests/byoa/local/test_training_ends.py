"""How training jobs end: failures, stops, limits, interruptions. In docker too (tests/docker)."""

from __future__ import annotations

import json
import re
import time

import pytest

from tests.local_home import Home


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
    assert 2.5 < time.monotonic() - began < 40


def test_a_job_that_runs_too_long_is_stopped_and_keeps_what_it_saved(home: Home):
    record = home.train(
        HyperParameters={"how": "wait"}, StoppingCondition={"MaxRuntimeInSeconds": 5}
    )
    assert record["TrainingJobStatus"] == "Stopped"
    assert record["SecondaryStatus"] == "MaxRuntimeExceeded"
    assert json.loads(home.unpacked()["model.json"])["stopped"]


def test_a_spot_interruption_and_the_checkpoint_it_goes_on_from(home: Home):
    record = home.train(
        HyperParameters={"steps": "10", "pause": "0.5"},
        EnableManagedSpotTraining=True,
        StoppingCondition={"MaxRuntimeInSeconds": 60, "MaxWaitTimeInSeconds": 120},
        CheckpointConfig={"S3Uri": home.uri("state")},
        Tags=[{"Key": "byoa:interrupt-after", "Value": "3"}],
    )
    assert record["TrainingJobStatus"] == "Completed", (record, home.log())
    assert [one for one in home.statuses() if one != "Stopping"] == [
        *("Starting", "Downloading", "Training", "Interrupted"),
        *("Starting", "Downloading", "Training", "Uploading", "Completed"),
    ]
    started_at = json.loads(home.unpacked()["model.json"])["started_at"]
    assert 1 <= started_at <= 9
    assert f"starting at step {started_at}" in home.log()
    assert len(home.streams()) >= 1
    assert record["BillableTimeInSeconds"] <= record["TrainingTimeInSeconds"]


def test_several_interruptions(home: Home):
    record = home.train(
        HyperParameters={"steps": "14", "pause": "0.4"},
        EnableManagedSpotTraining=True,
        StoppingCondition={"MaxRuntimeInSeconds": 60, "MaxWaitTimeInSeconds": 120},
        CheckpointConfig={"S3Uri": home.uri("state")},
        Tags=[{"Key": "byoa:interrupt-after", "Value": "2, 2"}],
    )
    assert record["TrainingJobStatus"] == "Completed", (record, home.log())
    assert home.statuses().count("Interrupted") == 2
    assert json.loads(home.unpacked()["model.json"])["started_at"] > 0


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


@pytest.mark.parametrize("what", ["nothing/", "nothing.csv"])
def test_data_that_is_not_there(home: Home, what: str):
    record = home.train(InputDataConfig=[home.channel("training", home.uri(what))])
    assert record["TrainingJobStatus"] == "Failed"
    assert record["FailureReason"].startswith("ClientError: Data download failed: ")
    assert what.rstrip("/") in record["FailureReason"]
    assert home.statuses()[-2:] == ["Downloading", "Failed"]


def test_a_host_that_fails_fails_the_job_and_stops_the_other(home: Home):
    began = time.monotonic()
    record = home.script(
        "import json, os, sys, time\n"
        "hosts = json.loads(os.environ['SM_HOSTS'])\n"
        "if os.environ['SM_CURRENT_HOST'] == hosts[1]: sys.exit('the second host is unwell')\n"
        "time.sleep(60)\n",
        ResourceConfig={"InstanceCount": 2},
    )
    assert time.monotonic() - began < 55
    assert record["TrainingJobStatus"] == "Failed"
    assert "the second host is unwell" in record["FailureReason"]
