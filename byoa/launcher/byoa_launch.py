"""Starts the user's program inside a job: SSM_* variables, its own arguments, then exec.

Lies beside the program, in any image with Python 3.6 or later. byoa_launch.json says what to start:
{"program": "train.py"} or {"shell": "a command line"}, and "arguments" to put before the
hyperparameters. Nothing of us is left when the program runs: its signals and its exit code are
its own.
"""

import json
import os
import shutil
import sys
from pathlib import Path
from typing import Any

PLAN = "byoa_launch.json"


def main() -> None:
    here = Path(__file__).absolute().parent
    plan = json.loads((here / PLAN).read_text(encoding="utf-8"))
    environ = dict(os.environ)
    environ.update(processing(environ))
    environ.update(variables(environ))
    words = command(plan, here, own_words(), sys.argv[1:])
    if "shell" in plan or plan["program"].endswith(".sh"):
        make_own_state(environ)
    sys.stdout.flush()
    sys.stderr.flush()
    try:
        os.execvpe(words[0], words, environ)
    except OSError as error:
        sys.exit(f"byoa: {words[0]} cannot be started: {error.strerror}")


def base(environ: "dict[str, str]") -> Path:
    """The root of SageMaker's folders: /opt/ml, or where the job runs as plain processes."""
    model = environ.get("SM_MODEL_DIR")
    return Path(environ.get("SAGEMAKER_BASE_DIR") or (Path(model).parent if model else "/opt/ml"))


def variables(environ: "dict[str, str]") -> "dict[str, str]":
    """What simple-sagemaker gives a program beside SM_*. The state may be put elsewhere."""
    hosts = json.loads(environ.get("SM_HOSTS") or "[]")
    host = environ.get("SM_CURRENT_HOST", "")
    state = Path(environ.get("SSM_STATE") or base(environ) / "checkpoints")
    return {
        "SSM_STATE": str(state),
        "SSM_INSTANCE_STATE": str(state / host),
        "SSM_NUM_NODES": str(len(hosts) or -1),
        "SSM_HOST_RANK": str(hosts.index(host) if host in hosts else -1),
        "SSM_TENSORBOARD_DIR": str(base(environ) / "output" / "tensorboard"),
        "SSM_OUTPUT": environ.get("SM_OUTPUT_DATA_DIR") or environ.get("SSM_OUTPUT", ""),
    }


def processing(environ: "dict[str, str]") -> "dict[str, str]":
    """A Processing job's files as the SM_* variables of a training job; nothing in training."""
    root = base(environ)
    try:
        job = json.loads((root / "config" / "processingjobconfig.json").read_text())
        hosts = json.loads((root / "config" / "resourceconfig.json").read_text())
    except OSError:
        return {}
    data = root / "processing" / "input" / "data"
    channels = {path.name: path for path in sorted(data.glob("*"))}
    found = {
        "SAGEMAKER_JOB_NAME": job["ProcessingJobName"],
        "SM_HOSTS": json.dumps(hosts["hosts"]),
        "SM_CURRENT_HOST": hosts["current_host"],
        "SM_CHANNELS": json.dumps(list(channels)),
        "SSM_STATE": str(root / "processing" / "state"),
        "SSM_OUTPUT": str(root / "processing" / "output"),
    }
    found.update({"SM_CHANNEL_" + name.upper(): str(path) for name, path in channels.items()})
    return found


def command(
    plan: "dict[str, Any]", here: Path, own: "list[str]", given: "list[str]"
) -> "list[str]":
    """The words to become. Arguments of the command line come before hyperparameters."""
    shell = shutil.which("bash") or "/bin/sh"
    if "shell" in plan:
        return [shell, "-c", plan["shell"]]
    program = str(plan["program"])
    words = [*plan.get("arguments", []), *given]
    if program.endswith(".py") and Path.cwd() == here:
        return [*own, program, *words]
    before = own if program.endswith(".py") else [shell] if program.endswith(".sh") else []
    return [*before, str(here / program), *words]


def own_words() -> "list[str]":
    """How Python was started, up to our own name: a wrapper or `-m mpi4py` stays in front."""
    try:
        words = [os.fsdecode(word) for word in Path("/proc/self/cmdline").read_bytes().split(b"\0")]
    except OSError:
        words = list(getattr(sys, "orig_argv", []))
    names = [Path(word).name for word in words]
    mine = Path(__file__).name
    return [sys.executable, *words[1 : names.index(mine)]] if mine in names else [sys.executable]


def make_own_state(environ: "dict[str, str]") -> None:
    """This host's folder of the state; the other hosts' copies are theirs to send."""
    for host in json.loads(environ.get("SM_HOSTS") or "[]"):
        if host != environ.get("SM_CURRENT_HOST"):
            shutil.rmtree(str(Path(environ["SSM_STATE"], host)), ignore_errors=True)
    Path(environ["SSM_INSTANCE_STATE"]).mkdir(parents=True, exist_ok=True)


if __name__ == "__main__":
    main()
