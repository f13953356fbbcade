"""Kernels of their own: another Python, other languages. The kernel here is ipykernel's."""

from __future__ import annotations

import json
import os
import re
import time
from pathlib import Path

import pytest

from byoa.pipeline.notebook import kernel
from byoa.pipeline.notebook.outputs import Text
from byoa.plan.pipeline.notebook_options import Options
from byoa.plan.pipeline.notebook_source import read
from tests.byoa.pipeline.notebook.conftest import Run, shown

KERNEL = {"executor_params": {"engine_name": "nbclient"}}


def ipynb(name, language="python"):
    metadata = {"kernelspec": {"name": name, "language": language, "display_name": name}}
    cell = {"cell_type": "code", "source": "1", "metadata": {}, "outputs": []}
    return json.dumps({"cells": [cell], "metadata": metadata, "nbformat": 4})


@pytest.mark.parametrize(
    "text, suffix, options, needed",
    [
        ("# %%\n1", ".py", Options(), ""),
        ("# %%\n1", ".py", Options(kernel="python3"), ""),
        ("# %%\n1", ".py", Options(kernel="other"), "other"),
        ("# %%\n1", ".py", Options(engine="nbclient"), "python3"),
        (ipynb("python3"), ".ipynb", Options(), ""),
        (ipynb("conda-env-gone"), ".ipynb", Options(), ""),
        (ipynb("conda-env-gone"), ".ipynb", Options(kernel="mine"), "mine"),
        (ipynb("ir", "R"), ".ipynb", Options(), "ir"),
        ("# %%\nx <- 1", ".R", Options(), "ir"),
        (ipynb("julia-1.10", "julia"), ".ipynb", Options(), "julia-1.10"),
    ],
)
def test_python_needs_no_kernel(text, suffix, options, needed, capsys):
    assert kernel.needed(read(text, suffix), options) == needed
    assert ("runs in this Python" in capsys.readouterr().out) is ("gone" in text and not needed)


def test_a_kernel_that_is_not_installed_is_a_sentence(run: Run):
    ran = run("# %%\nx <- 1\n", ".R")
    text = ran.facts["failure"]["text"]
    assert text.startswith("There is no kernel 'ir' here (there is ") and "IRkernel" in text


@pytest.fixture
def spec(tmp_path: Path, monkeypatch):
    """A kernel of this Python, found by its name only."""
    import sys

    folder = tmp_path / "jupyter" / "kernels" / "mine"
    folder.mkdir(parents=True)
    command = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    made = {"argv": command, "display_name": "mine", "language": "python"}
    (folder / "kernel.json").write_text(json.dumps(made))
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "jupyter"))
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path / "runtime"))
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipythondir"))
    return "mine"


def test_a_notebook_in_a_kernel_of_its_own(run: Run, spec):
    ran = run(
        "# %%\nimport os\nprint('from', os.path.basename(os.getcwd()))\n"
        "# %% tags=['ratio']\n0.5\n# %%\nimport pid\n# %%\nprint('after')\n",
        options={"kernelspec_name": spec, "local_execution": True},
    )
    assert ran.facts["failure"]["text"] == "ModuleNotFoundError: No module named 'pid'"
    assert ran.facts["failure"]["kinds"][:2] == ["ModuleNotFoundError", "KernelCellError"]
    first, second, third, fourth = shown(json.loads((ran.root / "nb.ipynb").read_text()))
    assert first[0]["text"] == "from scripts\n"
    assert second[0]["data"] == {"text/plain": "0.5"}
    assert third[0]["ename"] == "ModuleNotFoundError" and fourth == []
    assert "from scripts" in ran.log and "No module named 'pid'" in ran.log


def test_no_kernel_outlives_its_task(run: Run, spec):
    ran = run(
        "# %%\nimport os\nprint(os.getpid(), os.getppid())\n"
        "# %%\nimport signal\nos.kill(os.getppid(), signal.SIGTERM)\n"
        "import time\ntime.sleep(60)\n",
        options={"kernelspec_name": spec},
    )
    assert ran.facts["failure"]["kinds"][0] == "Stopped", ran.log
    held = json.loads((ran.root / "nb.ipynb").read_text())
    pid = int(shown(held)[0][0]["text"].split()[0])
    end = time.monotonic() + 20
    while Path(f"/proc/{pid}").exists() and time.monotonic() < end:
        time.sleep(0.05)
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


SHOWS = """\
# %% [markdown]
# Everything that a notebook can show

# %%
import sys, os
print("a"); print("b", file=sys.stderr); print("c")
# !echo from a shell
for n in range(3):
    print(f"\\r{n}", end="")

# %%
from IPython.display import HTML, Markdown, SVG, clear_output, display
handle = display("one", display_id="x")
print("two")
handle.update("three")
display(HTML("<b>4</b>"), Markdown("*5*"), {"six": 6})
display({"application/json": {"a": [1]}, "text/plain": "7"}, raw=True)

# %%
print("gone"); clear_output(); print("here")
clear_output(wait=True)

# %%
import pandas as pd
pd.DataFrame({"a": [1.5, None]})

# %%
import matplotlib.pyplot as plt
figure, axes = plt.subplots(figsize=(1, 1))
axes.plot([1, 2]);

# %%
# %matplotlib inline
plt.figure(figsize=(1, 1)); plt.bar([1], [2]); plt.show()
plt.figure(figsize=(1, 1)); "last"

# %% tags=["raises-exception"]
def f():
    raise ValueError("no\\nwhere")
f()

# %%
1; 2

# %%
_, Out[len(Out) and max(Out)]

# %%
# %%writefile -a /dev/null
some text

# %%
class A:
    def _repr_html_(self): return "<i>a</i>"
    def __repr__(self): return "A()"
A()

# %%
lines = !printf 'x\\ny\\n'
lines.n, get_ipython().__class__.__mro__[-1]

# %%
# %%html
<b>bold</b>
"""


def test_a_kernel_shows_what_we_show(run: Run, spec):
    """The same notebook here and in ipykernel: every output is the same."""
    here = run(SHOWS)
    assert here.facts["failure"] is None, here.log
    ours = [cleaned(one) for one in shown(here.notebook)]
    there = run(SHOWS, options={"kernelspec_name": spec})
    assert there.facts["failure"] is None, there.log
    theirs = [cleaned(one) for one in shown(there.notebook)]
    assert len(ours) == len(theirs) > 10
    for cell, (mine, other) in enumerate(zip(ours, theirs, strict=True)):
        assert mine == other, f"cell {cell}"


def cleaned(outputs):
    """Without what differs from run to run: addresses, colours; streams joined by name."""
    streams: dict[str, Text] = {}
    for one in outputs:
        if one["output_type"] == "stream":
            streams.setdefault(one["name"], Text()).add(one["text"])
    rich = [one for one in outputs if one["output_type"] != "stream"]
    said = [[name, str(text)] for name, text in sorted(streams.items())]
    text = json.dumps([said, rich], sort_keys=True)
    for pattern in (r"0x[0-9a-f]+", r"\\u001b\[[0-9;]*m"):
        text = re.sub(pattern, "", text)
    return json.loads(text)
