"""byoa.local's training jobs in docker: what holds for processes, and what docker alone shows."""

from __future__ import annotations

import socketserver
import sys
import threading

import pytest

from byoa.local import SageMaker
from tests.byoa.local.test_training import (
    test_a_group_that_is_not_given_a_channel_does_not_see_it,
    test_a_job_may_write_into_a_file_channel_and_never_reaches_its_source,
    test_a_job_trains_on_its_channel_and_leaves_its_model,
    test_files_and_variables_are_those_of_sagemaker,
    test_long_odd_and_unfinished_lines_of_the_log,
    test_the_entry_point_and_the_arguments_are_the_requests,
    test_two_hosts_find_each_other_and_are_merged,
    test_without_a_checkpoint_config_there_is_no_file_of_it,
)
from tests.byoa.local.test_training_ends import (
    test_a_failure_is_told_in_its_first_1024_characters,
    test_a_failure_without_a_word_tells_its_exit_code,
    test_a_host_that_fails_fails_the_job_and_stops_the_other,
    test_a_job_that_runs_too_long_is_stopped_and_keeps_what_it_saved,
    test_a_spot_interruption_and_the_checkpoint_it_goes_on_from,
    test_a_stop_gives_time_to_save_and_the_model_is_kept,
    test_who_does_not_hear_the_stop_is_killed,
)
from tests.byoa.local.test_training_outputs import (
    test_a_folder_that_became_a_link_is_not_followed,
    test_a_link_in_the_model_is_refused_with_a_sentence,
    test_checkpoints_are_there_before_while_and_after,
    test_nothing_of_the_hosts_is_left,
    test_tensorboard_events_are_synced,
)
from tests.local_home import Home
from tests.local_home import docker_home as home
from tests.small_image import small_image

__all__ = [
    "home",
    "small_image",
    "test_a_folder_that_became_a_link_is_not_followed",
    "test_a_failure_is_told_in_its_first_1024_characters",
    "test_a_failure_without_a_word_tells_its_exit_code",
    "test_a_group_that_is_not_given_a_channel_does_not_see_it",
    "test_a_host_that_fails_fails_the_job_and_stops_the_other",
    "test_a_job_may_write_into_a_file_channel_and_never_reaches_its_source",
    "test_a_job_that_runs_too_long_is_stopped_and_keeps_what_it_saved",
    "test_a_job_trains_on_its_channel_and_leaves_its_model",
    "test_a_link_in_the_model_is_refused_with_a_sentence",
    "test_a_spot_interruption_and_the_checkpoint_it_goes_on_from",
    "test_a_stop_gives_time_to_save_and_the_model_is_kept",
    "test_checkpoints_are_there_before_while_and_after",
    "test_files_and_variables_are_those_of_sagemaker",
    "test_long_odd_and_unfinished_lines_of_the_log",
    "test_nothing_of_the_hosts_is_left",
    "test_tensorboard_events_are_synced",
    "test_the_entry_point_and_the_arguments_are_the_requests",
    "test_two_hosts_find_each_other_and_are_merged",
    "test_who_does_not_hear_the_stop_is_killed",
    "test_without_a_checkpoint_config_there_is_no_file_of_it",
]

pytestmark = pytest.mark.docker


def test_the_container_is_as_on_sagemaker(home: Home):
    """docker's init is process 1, 64 MB of shared memory, the host is called aws, root runs it."""
    home.train(
        AlgorithmSpecification={
            "ContainerEntrypoint": ["sh", "-c"],
            "ContainerArguments": [
                "cat /proc/1/comm; df -k /dev/shm | tail -1 | awk '{print $2}'; hostname; id -u;"
                " getent hosts algo-1; echo $$; ls -d /opt/byoa/container"
            ],
        },
    )
    lines = home.log().splitlines()
    assert lines[:4] == ["docker-init", "65536", "aws", "0"]
    assert lines[4].split() == ["127.0.0.1", "algo-1"]
    assert lines[5] != "1"


def test_a_fast_file_channel_cannot_be_written(home: Home):
    uri = home.put("words/a.csv", "kept").removesuffix("a.csv")
    record = home.script(
        "import errno, os, pathlib\n"
        "folder = pathlib.Path(os.environ['SM_CHANNEL_WORDS'])\n"
        "print('read', (folder / 'a.csv').read_text())\n"
        "for name in ('a.csv', 'new.csv'):\n"
        "    try: (folder / name).write_text('no')\n"
        "    except OSError as error: print(name, errno.errorcode[error.errno])\n",
        InputDataConfig=[home.channel("words", uri, "FastFile")],
    )
    assert record["TrainingJobStatus"] == "Completed", home.log()
    # stdout and stderr are two streams: a line of the harness may come in between.
    said = [line for line in home.log().splitlines() if not line.startswith("train:")]
    assert said == ["read kept", "a.csv EROFS", "new.csv EROFS"]
    assert (home.storage / "words/a.csv").read_text() == "kept"


def test_a_fast_file_channel_is_not_copied(home: Home):
    """It is mounted where it lies; a shard of it is a copy."""
    for number in range(4):
        home.put(f"many/{number}", "x")
    source = {"S3DataDistributionType": "ShardedByS3Key"}
    record = home.script(
        "import os\n"
        "for name in ('WHOLE', 'PART'):\n"
        "    folder = os.environ['SM_CHANNEL_' + name]\n"
        "    print(name, len(os.listdir(folder)), os.stat(folder).st_ino)\n",
        InputDataConfig=[
            home.channel("whole", home.uri("many/"), "FastFile"),
            home.channel("part", home.uri("many/"), "FastFile", **source),
        ],
        ResourceConfig={"InstanceCount": 2},
    )
    assert record["TrainingJobStatus"] == "Completed", home.log()
    inode = (home.storage / "many").stat().st_ino
    assert home.log().count(f"WHOLE 4 {inode}") == 2
    assert home.log().count("PART 2 ") == 2


OUT = (
    "import os, socket\n"
    "def reach(address):\n"
    "    try: socket.create_connection(address, timeout=3).close()\n"
    "    except OSError as error: return type(error).__name__\n"
    "    return 'reached'\n"
    "def name(host):\n"
    "    try: return bool(socket.gethostbyname(host))\n"
    "    except OSError: return False\n"
    "print('out', reach(('1.1.1.1', 53)))\n"
    "print('keys', [name for name in os.environ if name.startswith('AWS_')])\n"
)


def test_an_isolated_job_has_no_network_and_no_credentials(home: Home, monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "x")
    record = home.script(OUT, EnableNetworkIsolation=True)
    assert record["TrainingJobStatus"] == "Completed", home.log()
    assert "out reached" not in home.log()
    assert "out OSError" in home.log()
    assert "keys ['AWS_REGION']" in home.log()


def test_isolated_hosts_reach_each_other_and_nothing_else(home: Home):
    record = home.script(
        OUT + "import json, time\n"
        "hosts, me = json.loads(os.environ['SM_HOSTS']), os.environ['SM_CURRENT_HOST']\n"
        "server = socket.create_server(('', 8000))\n"
        "other = [host for host in hosts if host != me][0]\n"
        "end, answer = time.monotonic() + 60, ''\n"
        # one connection each: the other host ends as soon as it has been reached
        "while answer != 'reached' and time.monotonic() < end:\n"
        "    time.sleep(0.1)\n"
        "    answer = reach((other, 8000))\n"
        "print(me, 'to', other, answer)\n"
        "server.settimeout(60); server.accept()\n",
        EnableNetworkIsolation=True,
        ResourceConfig={"InstanceCount": 2},
    )
    assert record["TrainingJobStatus"] == "Completed", (record, home.log())
    assert "out reached" not in home.log()
    assert "algo-1 to algo-2 reached" in home.log()


def test_what_lies_in_the_image_at_opt_ml_code_is_seen(home: Home):
    """Only SageMaker's own folders are mounted: a baked-in /opt/ml/code is there."""
    home.train(
        AlgorithmSpecification={
            "ContainerEntrypoint": ["sh", "-c", "grep -o ' /opt/ml[^ ]*' /proc/mounts | sort"]
        },
        CheckpointConfig={"S3Uri": home.uri("state"), "LocalPath": "/mnt/checkpoints"},
    )
    assert home.log().split() == ["/opt/ml/input", "/opt/ml/model", "/opt/ml/output"]


def test_checkpoints_at_a_path_of_your_own(home: Home):
    home.put("state/step.txt", "1")
    record = home.train(
        AlgorithmSpecification={
            "ContainerEntrypoint": ["sh", "-c", "cp /mnt/kept/step.txt /mnt/kept/copy.txt"]
        },
        CheckpointConfig={"S3Uri": home.uri("state/"), "LocalPath": "/mnt/kept"},
    )
    assert record["TrainingJobStatus"] == "Completed", home.log()
    assert (home.storage / "state/copy.txt").read_text() == "1"


def test_a_container_that_cannot_be_started(home: Home):
    record = home.train(AlgorithmSpecification={"ContainerEntrypoint": ["/no/such/program"]})
    assert record["TrainingJobStatus"] == "Failed"
    assert "/no/such/program" in record["FailureReason"] + home.log()


def test_an_image_that_is_not_here(home: Home):
    home.image = "127.0.0.1:9/none-such:latest"  # docker asks there, and nowhere else
    record = home.train()
    assert record["TrainingJobStatus"] == "Failed"
    assert record["FailureReason"].startswith(
        "ClientError: Cannot pull algorithm container. Either the image does not exist or its"
        " permissions are incorrect. "
    )
    assert "127.0.0.1:9/none-such:latest" in record["FailureReason"]


SUPERVISE = """
import sys
from byoa.local import supervise
from byoa.local.folder_storage import FolderStorage
from byoa.local.logs import LogWriter

def around(root):
    return supervise.Around(
        root=root, storage=FolderStorage(root / "storage"), logs=LogWriter(root),
        environment={"AWS_ENDPOINT_URL": "http://127.0.0.1:%d"}, network="host",
    )

sys.exit(supervise.main(make_around=around))
"""


@pytest.mark.parametrize("hosts", [1, 2])
def test_jobs_reach_the_sandbox_on_loopback_and_isolated_ones_do_not(home: Home, hosts: int):
    with socketserver.TCPServer(("127.0.0.1", 0), Hello) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}).start()
        code = SUPERVISE % server.server_address[1]
        home.sagemaker = SageMaker(home.root, supervise=(sys.executable, "-c", code))
        source = (
            "import os, urllib.request as r\n"
            "url = os.environ.get('AWS_ENDPOINT_URL')\n"
            "print('said', url and r.urlopen(url, timeout=10).read().decode())\n"
        )
        count = {"InstanceCount": hosts}
        open_job = home.script(source, "open", ResourceConfig=count)
        shut = home.script(source, "shut", ResourceConfig=count, EnableNetworkIsolation=True)
        server.shutdown()
    assert open_job["TrainingJobStatus"] == shut["TrainingJobStatus"] == "Completed", home.log()
    assert home.log("open").count("said hello") == hosts
    assert home.log("shut").count("said None") == hosts


class Hello(socketserver.StreamRequestHandler):
    """An HTTP server of one answer."""

    def handle(self) -> None:
        while self.rfile.readline().strip():
            pass
        self.wfile.write(b"HTTP/1.0 200 OK\r\n\r\nhello")
