"""What docs/training.md tells to type works, and prints what it shows."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def blocks(language: str) -> list[str]:
    text = (ROOT / "docs/training.md").read_text()
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


def alike(line: str) -> str:
    """A line of the log without what differs from machine to machine."""
    line = re.sub(r"Python [\d.]+|byoa [\d.]+|\d+ (CPU|GPU)s?|\d+\.\d s", "#", line)
    return re.sub(r"/\S*/code", "/code", line)


def test_the_laptop_example(tmp_path):
    script = blocks("sh")[0].replace("/tmp/job", str(tmp_path / "job"))
    script = script.replace(".venv/bin/python", sys.executable)
    done = subprocess.run(["bash", "-ec", script], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "job/model/model.txt").read_text() == "0.1"
    shown = [alike(line) for line in blocks("text")[0].splitlines()]
    logged = [alike(line) for line in done.stderr.splitlines()]
    assert [line for line in logged if "shared memory" not in line] == shown


def test_every_setting_is_one():
    text = (ROOT / "docs/training.md").read_text()
    source = "".join(path.read_text() for path in (ROOT / "container").glob("*.py"))
    named = set(re.findall(r"`(BYOA_[A-Z_]+|SAGEMAKER_[A-Z_]+|S3_ENDPOINT_URL)", text))
    assert named and all(name in source for name in named)
    known = set(re.findall(r'"(BYOA_[A-Z_]+)"', source))
    assert known <= named, known - named
