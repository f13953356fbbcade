"""`build --debug` on a notebook: the debugger stands in the cell that failed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[4]
CODE = """\
# %% tags=["parameters"]
upstream = None
product = None
n = 0

# %%
def inverse(number):
    return 1 / number

inverse(n)
"""


def test_the_debugger_opens_in_the_cell_and_q_ends_it(tmp_path: Path):
    (tmp_path / "nb.py").write_text(CODE)
    (tmp_path / "pipeline.yaml").write_text("- {source: nb.py, product: nb.html, params: {n: 0}}")
    done = subprocess.run(
        [sys.executable, "-m", "byoa.cli", "pipeline", "build", "--debug"],
        input="p 'number is', number\nq\n",
        cwd=tmp_path,
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT), "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert done.returncode == 1
    assert "('number is', 0)" in done.stdout
    assert "The debugger is open" in done.stderr and "botframe" not in done.stderr
    assert not (tmp_path / "nb.html").exists()
