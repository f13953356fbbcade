from __future__ import annotations

from pathlib import Path

import pytest

from byoa.pipeline.kinds import script
from byoa.pipeline.order import order_for
from byoa.plan.errors import ByoaError
from byoa.plan.pipeline.model import Pipeline, Product, Source, Task


def run(root: Path, text, suffix=".py", params=None, **options):
    (root / "scripts").mkdir(exist_ok=True)
    task = Task(
        name="a",
        kind="script",
        source=Source(path=f"scripts/a{suffix}", text=text),
        products={"data": Product("out/a.txt")},
        params=params or {},
        options=options,
    )
    pipeline = Pipeline(name="pipeline", root=str(root), tasks={"a": task})
    order = order_for(pipeline, task, str(root / "work"), home=str(root))
    (root / "work" / "out").mkdir(parents=True, exist_ok=True)
    script.run(task, order)
    return (root / "work/out/a.txt").read_text()


CODE = """\
# %% tags=["parameters"]
upstream = None
product = None
n = 0

# %%
import beside
open(product["data"], "w").write(f"{n} {beside.VALUE} {__name__}")
"""


def test_a_script_gets_its_parameters_and_finds_what_lies_beside_it(tmp_path):
    (tmp_path / "scripts").mkdir()
    (tmp_path / "scripts/beside.py").write_text("VALUE = 'here'")
    assert run(tmp_path, CODE, params={"n": 3}) == "3 here __main__"


def test_a_script_that_fails_says_why_in_the_log(tmp_path, capfd):
    with pytest.raises(ByoaError, match="exit code 3"):
        run(tmp_path, "# %%\nimport sys\nprint('why')\nsys.exit(3)\n")
    assert "why" in capfd.readouterr().out


def test_static_analysis(tmp_path):
    with pytest.raises(ByoaError, match="undefined name 'y'"):
        run(tmp_path, "# %%\ny\n")


def test_an_interpreter_that_is_not_here(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ByoaError, match="needs Rscript, which is not here"):
        run(tmp_path, "# %%\nx <- 1\n", ".R")
