"""Notebooks that fail: what is told, what is kept."""

from __future__ import annotations

import json

import pytest

from tests.byoa.pipeline.notebook.conftest import Run, shown


def kinds(outputs):
    return [output["output_type"] for output in outputs]


def test_an_error_ends_it_and_what_was_shown_is_kept(run: Run):
    ran = run(
        "# %%\nprint('before')\n# %%\ndef f():\n    return {}['x']\nf()\n# %%\nprint('after')\n"
    )
    failure = ran.facts["failure"]
    assert failure["text"] == "KeyError: 'x'" and failure["kinds"][0] == "KeyError"
    assert "IPython/core" not in failure["traceback"] and "in f" in failure["traceback"]
    assert not (ran.work / "out/nb.ipynb").exists()
    kept = json.loads((ran.root / "nb.ipynb").read_text())
    first, second, third = shown(kept)
    assert first[0]["text"] == "before\n" and third == []
    assert (second[0]["ename"], second[0]["evalue"]) == ("KeyError", "'x'")
    page = (ran.root / "nb.html").read_text()
    assert "nb (failed)" in page and "KeyError" in page
    assert "The notebook as far as it came: nb.ipynb" in ran.log
    assert ran.log.count("KeyError: 'x'") == 1 and "<ipython-input-3-" in ran.log


@pytest.mark.parametrize(
    "code, text",
    [
        ("1 +", "SyntaxError"),
        ("input('x')", "RuntimeError: input(): nobody can answer"),
        ("import getpass\ngetpass.getpass()", "RuntimeError: getpass(): nobody can answer"),
        ("import sys; sys.exit('no')", "sys.exit('no')"),
        ("%nomagic", "UsageError"),
    ],
)
def test_other_ways_to_fail(run: Run, code, text):
    ran = run(f"# %%\n{code}\n", options={"static_analysis": "disable"})
    assert text in ran.facts["failure"]["text"]


@pytest.mark.parametrize("code", ["exit()", "quit", "import sys; sys.exit(0)"])
def test_a_notebook_may_end_early(run: Run, code: str):
    ran = run(f"# %%\n1\n# %%\n{code}\n# %%\nprint('never')\n")
    assert ran.facts["failure"] is None and "never" not in ran.log
    assert [kinds(one) for one in shown(ran.notebook)] == [["execute_result"], ["error"], []]


def test_a_cell_may_fail_or_be_left_out_by_its_tag(run: Run):
    ran = run(
        "# %% tags=['raises-exception']\n1/0\n# %% tags=['skip-execution']\n1/0\n# %%\n\n"
        "# %% tags=['ratio']\n0.5\n"
    )
    assert ran.facts["failure"] is None and ran.facts["metrics"] == {"ratio": 0.5}
    assert [kinds(one) for one in shown(ran.notebook)] == [["error"], [], [], ["execute_result"]]


def test_a_cell_that_takes_too_long(run: Run):
    ran = run(
        "# %%\nimport time\ntime.sleep(30)\n",
        options={"executor_params": {"execution_timeout": 0.2}},
    )
    assert "CellTimeoutError: the cell took longer than 0.2 s" in ran.facts["failure"]["text"]


def test_sigterm_keeps_what_was_shown(run: Run):
    ran = run("# %%\nimport os, signal\nprint('so far')\nos.kill(os.getpid(), signal.SIGTERM)\n")
    assert ran.facts["failure"]["kinds"][0] == "Stopped"
    assert shown(json.loads((ran.root / "nb.ipynb").read_text()))[0][0]["text"] == "so far\n"


def test_static_analysis_comes_before_the_first_cell(run: Run):
    ran = run("# %%\nopen('ran', 'w')\n# %%\nmissing\n")
    assert "cell 2, line 1: undefined name 'missing'" in ran.facts["failure"]["text"]
    assert not (ran.root / "ran").exists()
