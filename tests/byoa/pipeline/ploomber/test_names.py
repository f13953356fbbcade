"""What `import ploomber` gives user code in byoa's processes."""

from __future__ import annotations

import importlib
import pickle
import subprocess
import sys
from pathlib import Path

import pytest

from byoa.pipeline.ploomber.finder import NAMES, SAME, WHY_NOT, install


@pytest.mark.parametrize("module", [*NAMES, *SAME])
def test_every_name_is_there(module: str):
    install()
    found = importlib.import_module(module)
    for name in NAMES[SAME.get(module, module)]:
        assert getattr(found, name) is not None, name


@pytest.mark.parametrize("name", sorted(WHY_NOT))
def test_what_is_not_taken_over_says_so(name: str):
    install()
    with pytest.raises(ImportError, match=f"{name} is not taken over: "):
        exec(f"from ploomber.tasks import {name}", {})  # noqa: S102
    with pytest.raises(AttributeError, match=f"{name} is not taken over: "):
        getattr(importlib.import_module("ploomber"), name)
    with pytest.raises(ModuleNotFoundError, match="is not taken over"):
        importlib.import_module(f"ploomber.{name.lower()}_nothing")


def test_who_looks_through_all_modules_finds_nothing():
    """pickle asks every module for a name; one that raised something else would end it."""
    install()
    importlib.import_module("ploomber.tasks")

    assert not hasattr(sys.modules["ploomber.tasks"], "Homeless")
    assert pickle.whichmodule(object(), "Homeless") == "__main__"  # type: ignore[attr-defined]


def test_a_process_that_asks_for_nothing_finds_none(tmp_path: Path):
    """The names are ours only where install() was called; a real Ploomber is not in the way."""
    (tmp_path / "ploomber.py").write_text("real = True\n")
    script = (
        "import sys; sys.path.insert(0, '.')\n"
        "import ploomber; assert ploomber.real; del sys.modules['ploomber']\n"
        "from byoa.pipeline.ploomber.finder import install; install(); install()\n"
        "import ploomber; from ploomber.executors import Parallel\n"
        "assert not hasattr(ploomber, '__nothing__') and ploomber.DAG.__name__ == 'DAG'\n"
        "assert Parallel(processes=3).arguments == {'processes': 3}\n"
        "assert sum(type(one).__name__ == 'PloomberNames' for one in sys.meta_path) == 1\n"
    )
    subprocess.run([sys.executable, "-c", script], cwd=tmp_path, check=True, timeout=60)
