"""byoa.local's processing jobs in docker."""

from __future__ import annotations

import pytest

from tests.byoa.local.test_processing import (
    log,
    process,
    test_a_continuous_output_is_there_while_the_job_runs,
    test_a_failure_tells_the_exit_code_and_sends_nothing,
    test_a_stop_reaches_the_program,
    test_inputs_arguments_outputs_and_the_message,
    test_the_configuration_files_are_those_of_sagemaker,
    test_two_hosts_share_the_input,
)
from tests.local_home import Home
from tests.local_home import docker_home as home
from tests.small_image import small_image

__all__ = [
    "home",
    "small_image",
    "test_a_continuous_output_is_there_while_the_job_runs",
    "test_a_failure_tells_the_exit_code_and_sends_nothing",
    "test_a_stop_reaches_the_program",
    "test_inputs_arguments_outputs_and_the_message",
    "test_the_configuration_files_are_those_of_sagemaker",
    "test_two_hosts_share_the_input",
]

pytestmark = pytest.mark.docker


def test_folders_outside_of_opt_ml(home: Home):
    home.put("in/a.txt", "1")
    record = process(
        home,
        "import shutil; shutil.copy('/data/in/a.txt', '/data/out/b.txt')",
        inputs=[("numbers", home.uri("in/"), {"LocalPath": "/data/in"})],
        outputs=[("all", "out/", "/data/out", "EndOfJob")],
    )
    assert record["ProcessingJobStatus"] == "Completed", (record, log(home))
    assert (home.storage / "out/b.txt").read_text() == "1"


def test_an_isolated_job_has_no_network(home: Home):
    record = process(
        home,
        "import socket; print(socket.if_nameindex()); print(sorted(os.environ))",
        NetworkConfig={"EnableNetworkIsolation": True},
    )
    assert record["ProcessingJobStatus"] == "Completed", (record, log(home))
    assert "[(1, 'lo')]" in log(home)
