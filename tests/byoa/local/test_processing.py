"""Processing jobs; tests/docker/test_local_processing.py runs these too."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from byoa.plan.errors import ServiceError
from tests.local_home import ENDED, ROLE, Home

INPUT, OUTPUT = "/opt/ml/processing/input", "/opt/ml/processing/output"
#: Where the container's /opt/ml is: docker has the real one, a process is told.
BASE = (
    "import os, pathlib, sys; base = pathlib.Path(os.environ.get('SAGEMAKER_BASE_DIR', '/opt/ml'));"
)


def request(home: Home, source: str, *arguments: str, **changed: Any) -> dict[str, Any]:
    """create_processing_job's: Python code as the entry point."""
    merged: dict[str, Any] = {
        "ProcessingJobName": "job",
        "AppSpecification": {
            "ImageUri": home.image,
            "ContainerEntrypoint": ["python3", "-c", f"{BASE}\n{source}"],
            **({"ContainerArguments": list(arguments)} if arguments else {}),
        },
        "ProcessingResources": {
            "ClusterConfig": {
                "InstanceType": "ml.m5.large",
                "InstanceCount": changed.pop("hosts", 1),
                "VolumeSizeInGB": 1,
            }
        },
        "RoleArn": ROLE,
        "ProcessingInputs": [
            {"InputName": name, "S3Input": {"S3Uri": uri, "S3DataType": "S3Prefix", **more}}
            for name, uri, more in changed.pop("inputs", [])
        ],
        "ProcessingOutputConfig": {
            "Outputs": [
                {
                    "OutputName": name,
                    "S3Output": {"S3Uri": home.uri(uri), "LocalPath": path, "S3UploadMode": mode},
                }
                for name, uri, path, mode in changed.pop("outputs", [])
            ]
        },
    }
    return {**merged, **changed}


def wait(home: Home) -> dict[str, Any]:
    end = time.monotonic() + 120
    while True:
        record = home.sagemaker.describe_processing_job(ProcessingJobName="job")
        if record["ProcessingJobStatus"] in ENDED:
            return record
        assert time.monotonic() < end, record
        time.sleep(0.05)


def process(home: Home, source: str, *arguments: str, **changed: Any) -> dict[str, Any]:
    home.sagemaker.create_processing_job(**request(home, source, *arguments, **changed))
    return wait(home)


def log(home: Home) -> str:
    return home.log(group="ProcessingJobs")


def test_inputs_arguments_outputs_and_the_message(home: Home):
    home.put("in/a.txt", "1")
    home.put("in/deep/b.txt", "2")
    record = process(
        home,
        "out = pathlib.Path(sys.argv[2]); (out / 'deep').mkdir()\n"
        "files = sorted(path.name for path in pathlib.Path(sys.argv[1]).rglob('*.txt'))\n"
        "(out / 'deep/found.txt').write_text(' '.join(files))\n"
        "os.symlink('/etc/hostname', out / 'link')\n"
        "(base / 'output/message').write_text('all is well')\n"
        "print(os.environ['COLOUR'])",
        INPUT,
        OUTPUT,
        inputs=[("numbers", home.uri("in/"), {"LocalPath": INPUT})],
        outputs=[("all", "out/", OUTPUT, "EndOfJob")],
        Environment={"COLOUR": "red"},
    )
    assert record["ProcessingJobStatus"] == "Completed", (record, log(home))
    assert record["ExitMessage"] == "all is well"
    assert "red" in log(home)
    written = [path for path in (home.storage / "out").rglob("*") if path.is_file()]
    assert [path.name for path in written] == ["found.txt"]  # no links
    assert written[0].read_text() == "a.txt b.txt"
    assert record["ProcessingStartTime"] <= record["ProcessingEndTime"]


def test_the_configuration_files_are_those_of_sagemaker(home: Home):
    record = process(
        home,
        "for name in ('processingjobconfig', 'resourceconfig'):\n"
        "    print((base / f'config/{name}.json').read_text().replace('\\n', ''))",
        Environment={"A": "b"},
    )
    assert record["ProcessingJobStatus"] == "Completed", log(home)
    config, resources = (json.loads(line) for line in log(home).splitlines())
    assert config["ProcessingJobArn"] == record["ProcessingJobArn"]
    assert config["Environment"] == {"A": "b"}
    assert config["ProcessingResources"]["ClusterConfig"]["InstanceCount"] == 1
    assert (resources["current_host"], resources["hosts"]) == ("algo-1", ["algo-1"])


def test_a_continuous_output_is_there_while_the_job_runs(home: Home):
    home.sagemaker.create_processing_job(
        **request(
            home,
            "import time; path = pathlib.Path(sys.argv[1], 'now.txt'); path.write_text('1')\n"
            "while not path.with_name('go').exists(): time.sleep(0.05)\n"
            "path.with_name('go').unlink(); path.write_text('2')",
            OUTPUT,
            outputs=[("all", "out/", OUTPUT, "Continuous")],
        )
    )
    end = time.monotonic() + 60
    while not (home.storage / "out/now.txt").exists():
        assert time.monotonic() < end
        time.sleep(0.05)
    record = home.sagemaker.describe_processing_job(ProcessingJobName="job")
    assert record["ProcessingJobStatus"] == "InProgress"
    (home.root / "jobs/processing/job/hosts/algo-1/processing/output/go").touch()
    assert wait(home)["ProcessingJobStatus"] == "Completed"
    assert (home.storage / "out/now.txt").read_text() == "2"


def test_two_hosts_share_the_input(home: Home):
    for number in range(5):
        home.put(f"in/{number}.txt", "x")
    sharded = {"LocalPath": INPUT, "S3DataDistributionType": "ShardedByS3Key"}
    record = process(
        home,
        "import json\n"
        "me = json.loads((base / 'config/resourceconfig.json').read_text())\n"
        "rank = me['hosts'].index(me['current_host'])\n"
        "for path in pathlib.Path(sys.argv[1]).iterdir():\n"
        "    pathlib.Path(sys.argv[2], f'{path.name}-{rank}').write_text('')\n"
        "(base / 'output/message').write_text(f'host {rank}.')",
        INPUT,
        OUTPUT,
        hosts=2,
        inputs=[("numbers", home.uri("in/"), sharded)],
        outputs=[("all", "out/", OUTPUT, "EndOfJob")],
    )
    assert record["ProcessingJobStatus"] == "Completed", (record, log(home))
    names = [path.name for path in (home.storage / "out").iterdir()]
    assert sorted(name.partition("-")[0] for name in names) == [f"{n}.txt" for n in range(5)]
    assert {name.partition("-")[2] for name in names} == {"0", "1"}
    assert record["ExitMessage"] == "host 0.host 1."


def test_a_failure_tells_the_exit_code_and_sends_nothing(home: Home):
    record = process(
        home,
        "pathlib.Path(sys.argv[1], 'half.txt').write_text('x')\n"
        "(base / 'output/message').write_text('the input is empty'); sys.exit(3)",
        OUTPUT,
        outputs=[("all", "out/", OUTPUT, "EndOfJob")],
    )
    assert record["ProcessingJobStatus"] == "Failed"
    reason = "AlgorithmError: See job logs for more information, exit code: 3"
    assert record["FailureReason"] == reason
    assert record["ExitMessage"] == "the input is empty"
    assert not (home.storage / "out").exists()


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("('ü' * 1000).encode()", "ü" * 512),
        ("b'x' + ('ü' * 1000).encode()", "x" + "ü" * 511),
    ],
)
def test_a_message_is_cut_between_characters(home: Home, written: str, said: str):
    record = process(home, f"(base / 'output/message').write_bytes({written})")
    assert record["ExitMessage"] == said


def test_a_message_that_is_no_text_fails_the_job(home: Home):
    record = process(home, r"(base / 'output/message').write_bytes(b'\xff\xfe')")
    assert record["ProcessingJobStatus"] == "Failed"
    assert "message is not UTF-8" in record["FailureReason"]


def test_a_stop_reaches_the_program(home: Home):
    home.sagemaker.create_processing_job(
        **request(
            home,
            "import signal, time\n"
            "signal.signal(signal.SIGTERM, lambda *_: sys.exit(print('bye', flush=True)))\n"
            "print('ready', flush=True); time.sleep(60)",
        )
    )
    end = time.monotonic() + 60
    while "ready" not in log(home):
        assert time.monotonic() < end
        time.sleep(0.05)
    home.sagemaker.stop_processing_job(ProcessingJobName="job")
    record = wait(home)
    assert record["ProcessingJobStatus"] == "Stopped"
    assert "bye" in log(home)
    with pytest.raises(ServiceError, match="in status Stopped"):
        home.sagemaker.stop_processing_job(ProcessingJobName="job")


def test_a_job_that_runs_too_long(home: Home):
    record = process(
        home, "import time; time.sleep(60)", StoppingCondition={"MaxRuntimeInSeconds": 1}
    )
    assert record["ProcessingJobStatus"] == "Stopped"
    assert "MaxRuntimeInSeconds" in record["FailureReason"]


def test_an_input_that_is_not_there(home: Home):
    inputs = [("numbers", home.uri("nothing/"), {"LocalPath": INPUT})]
    record = process(home, "pass", inputs=inputs)
    assert record["ProcessingJobStatus"] == "Failed"
    assert record["FailureReason"].startswith("ClientError: Data download failed: ")


def test_what_create_refuses(home: Home):
    pipe = [("x", home.uri("x/"), {"LocalPath": INPUT, "S3InputMode": "Pipe"})]
    out = [("x", home.uri("x/"), {"LocalPath": "/a/../b"})]
    for said, given in (
        ("failed to satisfy", request(home, "pass", ProcessingJobName="a b")),
        ("RoleArn", request(home, "pass", RoleArn="")),
        ("Pipe mode", request(home, "pass", inputs=pipe)),
        ("'/a/../b' at 'LocalPath'", request(home, "pass", inputs=out)),
    ):
        with pytest.raises(ServiceError, match=said):
            home.sagemaker.create_processing_job(**given)
    process(home, "pass")
    with pytest.raises(ServiceError, match="already exists"):
        process(home, "pass")
    (one,) = home.sagemaker.list_processing_jobs(StatusEquals="Completed")["ProcessingJobSummaries"]
    assert one["ProcessingJobName"] == "job"
    home.sagemaker.delete_processing_job(ProcessingJobName="job")
    assert home.sagemaker.list_processing_jobs()["ProcessingJobSummaries"] == []
