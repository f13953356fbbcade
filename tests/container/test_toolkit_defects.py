"""What goes wrong under AWS's sagemaker-training 5.1.4 does not here: one test a defect."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path


def test_1_the_script_is_not_orphaned_by_sigterm(place):
    """There, `train` dies at once and the script runs on with no signal (issues #125, #173)."""
    place.hyperparameters(how="handles")
    process = place.start("stops")
    place.wait_for("ready")
    script = int(place.wait_for("pids"))
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=20) == 0
    assert place.wait_for("checkpoint") == "saved on SIGTERM"
    assert not Path(f"/proc/{script}").exists()


def test_2_the_message_is_not_lost(place):
    """There, it is `ExecuteUserScriptError: ExitCode 1 ErrorMessage ""`."""
    place.hyperparameters(how="value_error")
    place.train("fails")
    assert place.headline == "ValueError: learning_rate is 0. Set it above 0."


def test_3_the_exit_code_is_not_lost(place):
    """There, it is always 1, and a kill for memory shows as -9."""
    place.hyperparameters(how="exit_3")
    assert place.train("fails") == 3
    place.hyperparameters(how="killed")
    assert place.train("fails") == 137
    assert "out of memory" in (place.failure or "")


def test_4_secrets_stay_out_of_the_log_and_the_failure_file(place):
    """There, every hyperparameter and variable is logged, and the command is in the failure."""
    secret = "correct-horse-battery"
    for name in ("db_password", "api-key", "apiKey", "HF_TOKEN", "clientSecret"):
        place.hyperparameters(how="exit_3", **{name: secret})
        place.train("fails", AWS_SECRET_ACCESS_KEY=secret)
        assert secret not in place.log, name
        assert secret not in (place.failure or ""), name
        assert "***" in place.log
    place.hyperparameters(how="secret", api_token=secret)
    place.train("fails")
    assert secret not in (place.failure or "")


def test_5_an_unknown_host_ends_the_job_in_a_sentence(place):
    """There, it hangs for 15 minutes."""
    hosts = ["algo-1", "no-such-host.invalid"]
    place.config("resourceconfig", {"current_host": "algo-1", "hosts": hosts})
    began = time.monotonic()
    assert place.train("echo", BYOA_HOST_WAIT="1") == 1
    assert time.monotonic() - began < 10
    assert place.headline.startswith(
        "HostError: host no-such-host.invalid of this job got no address within 1 s."
    )
    assert not (place.base / "output/data/seen.json").exists()


def test_5_no_hyperparameters_file_is_no_crash(place):
    """There, it is errno 2."""
    assert place.train("echo") == 0


def test_6_the_text_false_is_false(place):
    """There, `"False"`, as the SDK's Estimator sends it, switches a launcher on."""
    place.hyperparameters(
        sagemaker_mpi_enabled="False", sagemaker_torch_distributed_enabled="False"
    )
    assert place.train("echo") == 0, place.log
    assert "RANK" not in place.seen["environ"]


def test_no_process_is_left(place):
    """The tests above, asked of the whole machine: nobody still works in the job's folder."""
    place.hyperparameters(how="double_fork")
    process = place.start("stops")
    place.wait_for("ready")
    process.send_signal(signal.SIGTERM)
    process.wait(timeout=30)
    mark = str(place.base).encode()
    for entry in Path("/proc").glob("[0-9]*/environ"):
        try:
            assert mark not in entry.read_bytes() or entry.parent.name == str(os.getpid())
        except OSError:
            continue
