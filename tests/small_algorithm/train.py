"""A tiny algorithm without torch: adds up the numbers in its channels, as --how says."""

import argparse
import json
import os
import signal
import sys
import time
from pathlib import Path


def parse():
    parser = argparse.ArgumentParser()
    parser.add_argument("--how", default="learn", help="learn, fail, wait, deaf")
    parser.add_argument("--factor", type=float, default=2.0)
    parser.add_argument("--steps", type=int, default=3)
    parser.add_argument("--pause", type=float, default=0.0, help="seconds between steps")
    return parser.parse_args()


def numbers():
    """What every file of every channel says, one number a line; other files are left alone."""
    found = []
    for channel in json.loads(os.environ["SM_CHANNELS"]):
        folder = Path(os.environ["SM_INPUT_DIR"], "data", channel)
        for path in sorted(folder.rglob("*.txt")):
            found += [float(line) for line in path.read_text().split()]
    return found


def learn(arguments):
    checkpoint = Path(os.environ["SM_CHECKPOINT_DIR"], "step.txt")
    first = int(checkpoint.read_text()) if checkpoint.exists() else 0
    total = sum(numbers())
    print(f"starting at step {first}", flush=True)
    for step in range(first + 1, arguments.steps + 1):
        time.sleep(arguments.pause)
        print(f"step={step}; loss={1 / step:.4f};", flush=True)
        if checkpoint.parent.is_dir():
            draft = checkpoint.with_suffix(".part")
            draft.write_text(str(step))
            draft.replace(checkpoint)
    if os.environ["SM_CURRENT_HOST"] == json.loads(os.environ["SM_HOSTS"])[0]:
        model = {"factor": arguments.factor, "total": total, "started_at": first}
        Path(os.environ["SM_MODEL_DIR"], "model.json").write_text(json.dumps(model))
    Path(os.environ["SM_OUTPUT_DATA_DIR"], f"{os.environ['SM_CURRENT_HOST']}.txt").write_text("ok")


def wait(arguments):
    def save(*_):
        Path(os.environ["SM_MODEL_DIR"], "model.json").write_text('{"factor": 0, "stopped": true}')
        print("stopped: model saved", flush=True)
        sys.exit(0)

    signal.signal(signal.SIGTERM, save)
    print("waiting", flush=True)
    time.sleep(600)


def deaf(arguments):
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    print("waiting", flush=True)
    while True:
        time.sleep(1)


def fail(arguments):
    raise ValueError("the data is sour " + "x" * 3000)


if __name__ == "__main__":
    given = parse()
    globals()[given.how](given)
