"""The examples' own run.sh, where it needs nothing but Python; tests/docker runs the rest."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "simple_sagemaker"


def test_the_shell_command_and_the_script_on_two_hosts(home: Path, tmp_path: Path):
    bin_ = Path(sys.executable).parent
    done = subprocess.run(
        [str(EXAMPLE / "run.sh"), "shell", "script"],
        env={**os.environ, "ON": "process", "OUT": str(tmp_path / "out"),
             "PATH": f"{bin_}:{os.environ['PATH']}"},
        capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "NAME=" in done.stdout
    for host in (0, 1):
        assert f"-- host {host} of 2: Python" in done.stdout
    logs = sorted(str(path.relative_to(tmp_path / "out")) for path in tmp_path.rglob("logs?"))
    assert logs == ["script/logs/logs0", "script/logs/logs1", "shell/logs/logs0"]


def test_the_readme_names_the_flags_that_run_sh_uses():
    script, readme = (EXAMPLE / "run.sh").read_text(), (EXAMPLE / "README.md").read_text()
    flags = {word for word in script.split() if word.startswith("--") and len(word) > 2}
    assert flags - set(readme.split()) <= {"--it", "--on", "--no-cache-dir"}
