"""Submitting to AWS Batch, against the sandbox: `pipeline_batch.py [--tasks N]`.

So many tasks that are no grid (one job each, no array), and one that needs them all, by joins of
20. The sandbox throttles SubmitJob at 50 a second as AWS does. Counted is how long it took, what it
cost the driver, and how often Batch said TooManyRequestsException.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

from byoa.pipeline.batch import runs
from byoa.pipeline.batch.going_on import cancel
from byoa.pipeline.batch.home import open_home, project_at
from byoa.pipeline.batch.submit import Asked, submit
from byoa.sandbox import lifecycle
from byoa.settings import Settings

RESULTS = Path(__file__).with_name("results") / "pipeline_batch.json"
CODE = """\
from pathlib import Path


def one(product, n):
    Path(product).write_text(str(n))


def last(product, upstream):
    Path(product).write_text(str(len(upstream["t-*"])))
"""
TARGET = """\
aws:
  backend: aws-batch
  repository: process://
  machines: {most_vcpus: 1}
"""


def project(folder: Path, count: int) -> None:
    tasks = (
        f"  - {{source: tasks.one, name: t-{n}, product: out/{n}.txt, params: {{n: {n}}}}}\n"
        for n in range(count)
    )
    last = "  - {source: tasks.last, product: out/last.txt}\n"
    whole = f"tasks:\n{''.join(tasks)}{last}"
    files = {"tasks.py": CODE, "soopervisor.yaml": TARGET, "pipeline.yaml": whole}
    for name, text in files.items():
        (folder / name).write_text(text)
    for words in (["init", "-q"], ["add", "-A"]):
        subprocess.run(["git", "-C", str(folder), *words], check=True)


def measured(count: int) -> dict[str, Any]:
    """Seconds and calls of submit, status and cancel."""
    home = open_home(project_at(None, None, Settings()), Settings(), sandbox=True)
    calls: Counter[str] = Counter()

    def counted(http_response: Any, parsed: Any, model: Any, **_: Any) -> None:
        calls[model.name] += 1
        calls["throttled"] += http_response.status_code == 429

    home.session.client("batch").meta.events.register("after-call", counted)
    found: dict[str, Any] = {"tasks": count + 1}
    steps: dict[str, Callable[[], object]] = {
        "submit": lambda: submit(home, Asked()),
        "status": lambda: runs.look(home, runs.find(home)),
        "cancel": lambda: cancel(home, runs.find(home)),
    }
    for name, step in steps.items():
        wall, cpu = time.perf_counter(), time.process_time()
        step()
        found[name] = {
            "seconds": round(time.perf_counter() - wall, 2),
            "cpu_seconds": round(time.process_time() - cpu, 2),
        }
    return {**found, "jobs": calls["SubmitJob"], "throttled": calls["throttled"]}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tasks", type=int, default=1000)
    count = parser.parse_args().tasks
    with tempfile.TemporaryDirectory(prefix="byoa-bench-") as folder:
        os.environ["BYOA_HOME"] = f"{folder}/home"
        work = Path(folder) / "flowers"
        work.mkdir()
        project(work, count)
        os.chdir(work)
        lifecycle.up(Path(folder) / "home" / "sandbox")
        try:
            found = measured(count)
        finally:
            lifecycle.down(Path(folder) / "home" / "sandbox")
            os.chdir("/")
    said = {"date": str(date.today()), "python": platform.python_version(), **found}
    RESULTS.write_text(json.dumps(said, indent=1) + "\n")
    print(json.dumps(said, indent=1))


if __name__ == "__main__":
    main()
