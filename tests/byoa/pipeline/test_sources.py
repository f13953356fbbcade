"""A task's code as hashes, from files: caches, functions handed over, editable installs, edits."""

from __future__ import annotations

import functools
import json
import os
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from byoa.pipeline.hashes import stamped
from byoa.pipeline.local_modules import drop_stale_bytecode
from byoa.pipeline.sources import Sources
from byoa.plan.pipeline.model import Dotted, Pipeline, Product, Source, Task

OLD = 10**18


def project(root: Path, files: dict[str, str]) -> Pipeline:
    for name, text in files.items():
        write(root / name, text)
    return Pipeline(name="pipeline", root=str(root), tasks={}, import_from=(str(root),))


def write(path: Path, text: str) -> None:
    """A file that has not been touched for years."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    os.utime(path, ns=(OLD, OLD + len(text)))


def task(kind: Any = "function", name: str = "t.f", **more: Any) -> Task:
    source = more.pop("source", Source(dotted=name))
    return Task(name="t", kind=kind, source=source, products={"": Product("out")}, **more)


FILES = {"t.py": "from h import g\ndef f(): return g()\n", "h.py": "def g(): return 1\n"}


# The cache


def test_what_is_kept_is_used_and_nothing_is_read(tmp_path):
    pipeline = project(tmp_path, FILES)
    first = Sources(pipeline, tmp_path / "code.json")
    found = first.of(task())
    settle(first)
    second = Sources(pipeline, tmp_path / "code.json")
    assert second.of(task()) == found
    assert not second.modules._modules, "modules were read all the same"
    assert second.files(task()) == {tmp_path / name: stamped(tmp_path / name) for name in FILES}


def settle(sources: Sources) -> None:
    """Saves as if everything had been read an hour after it was written."""
    assert sources._cache is not None
    sources._cache.began += 3600 * 10**9
    sources.save()
    assert sources._cache.path.exists()


CHANGES = {
    "a module edited": lambda root: write(root / "h.py", "def g(): return 2\n"),
    "a module that is a package now": lambda root: write(root / "h/__init__.py", "g = int\n"),
    "a module that went": lambda root: (root / "h.py").unlink(),
    "a module that shadows an installed one": lambda root: write(root / "yaml.py", "Y = 1\n"),
}


@pytest.mark.parametrize("name", CHANGES)
def test_what_is_kept_falls_with_any_change(tmp_path, name):
    files = {**FILES, "t.py": "import yaml\nfrom h import g\ndef f(): return g(), yaml.Y\n"}
    pipeline = project(tmp_path, files)
    first = Sources(pipeline, tmp_path / "code.json")
    before = first.of(task())
    settle(first)
    CHANGES[name](tmp_path)
    after = Sources(pipeline, tmp_path / "code.json").of(task())
    assert after == Sources(pipeline).of(task())
    assert after != before


@pytest.mark.parametrize("text", ["", "{", "[]", '{"header": 1}', "null"])
def test_a_cache_that_cannot_be_read_is_none(tmp_path, text):
    pipeline = project(tmp_path, {**FILES, "code.json": text})
    assert Sources(pipeline, tmp_path / "code.json").of(task()) == Sources(pipeline).of(task())


def test_a_cache_with_damaged_parts_is_none(tmp_path):
    pipeline = project(tmp_path, FILES)
    first = Sources(pipeline, tmp_path / "code.json")
    first.of(task())
    settle(first)
    said = json.loads((tmp_path / "code.json").read_text())
    for part in ("names", "stamps", "found"):
        (tmp_path / "code.json").write_text(json.dumps({**said, part: {"x": [[], [7]]}}))
        assert Sources(pipeline, tmp_path / "code.json").of(task()) == Sources(pipeline).of(task())


def test_what_was_just_written_is_not_kept(tmp_path):
    """It could change again within the same tick of the clock, and nobody would see it."""
    pipeline = project(tmp_path, FILES)
    (tmp_path / "h.py").write_text("def g(): return 3\n")
    soon = time.time_ns() + 10**10  # however slow this machine is
    os.utime(tmp_path / "h.py", ns=(soon, soon))
    sources = Sources(pipeline, tmp_path / "code.json")
    sources.of(task())
    sources.save()
    assert not (tmp_path / "code.json").exists()


def test_what_lists_modules_is_not_kept(tmp_path):
    pipeline = project(
        tmp_path,
        {"t.py": "import importlib\ndef f(x): return importlib.import_module(f'p.{x}')\n",
         "p/__init__.py": "", "p/a.py": "A = 1\n"},
    )  # fmt: skip
    sources = Sources(pipeline, tmp_path / "code.json")
    assert set(sources.of(task())) == {"", "t.py:importlib", "p/a.py:A"}
    assert sources._cache is not None
    sources._cache.began += 3600 * 10**9
    sources.save()
    write(tmp_path / "p/b.py", "B = 1\n")
    assert "p/b.py:B" in Sources(pipeline, tmp_path / "code.json").of(task())


# Where modules are


def test_folders_are_looked_through_in_their_order(tmp_path):
    pipeline = project(
        tmp_path / "root",
        {**FILES, "lib/h.py": "def g(): return 'lib'\n", "lib/only.py": "X = 1\n"},
    )
    both = Pipeline(name="p", root=str(tmp_path / "root"), tasks={}, import_from=("", "lib"))
    assert Sources(both).of(task()) == Sources(pipeline).of(task())
    write(tmp_path / "root/t.py", "from only import X\ndef f(): return X\n")
    assert "lib/only.py:X" in Sources(both).of(task())
    assert "lib/only.py:X" not in Sources(pipeline).of(task())


def test_a_package_hides_one_of_the_same_name_further_on(tmp_path):
    text = "from p import one\ndef f(): return one.X\n"
    files = {"t.py": text, "p/__init__.py": "one = None\n", "lib/p/one.py": "X = 1\n"}
    both = replace(project(tmp_path, files), import_from=("", "lib"))
    assert set(Sources(both).of(task())) == {"", "t.py:one", "p/__init__.py:one"}


def test_a_package_that_is_installed_to_be_edited_is_the_users(tmp_path, monkeypatch):
    elsewhere = tmp_path / "elsewhere"
    write(elsewhere / "mine_elsewhere/__init__.py", "")
    write(elsewhere / "mine_elsewhere/h.py", "def g(): return 1\n")
    monkeypatch.syspath_prepend(str(elsewhere))
    pipeline = project(
        tmp_path / "root", {"t.py": "from mine_elsewhere.h import g\ndef f(): return g()\n"}
    )
    before = Sources(pipeline).of(task())
    assert f"{elsewhere}/mine_elsewhere/h.py:g" in before
    write(elsewhere / "mine_elsewhere/h.py", "def g(): return 2\n")
    assert Sources(pipeline).of(task()) != before


@pytest.mark.parametrize("module", ["yaml", "json", "os.path", "byoa.plan.errors", "nowhere"])
def test_what_is_installed_is_not(tmp_path, module):
    pipeline = project(tmp_path, {"t.py": f"from {module} import x\ndef f(): return x\n"})
    assert set(Sources(pipeline).of(task())) == {"", "t.py:x"}


def test_a_task_of_an_installed_package_goes_by_its_version(tmp_path):
    pipeline = project(tmp_path, {})
    found = Sources(pipeline).of(task(name="yaml.safe_load"))
    assert set(found) == {""}
    assert found != Sources(pipeline).of(task(name="yaml.safe_dump"))


def test_other_encodings(tmp_path):
    pipeline = project(tmp_path, {})
    (tmp_path / "t.py").write_bytes("# coding: latin-1\ndef f(): return 'é'\n".encode("latin-1"))
    (tmp_path / "u.py").write_text("def f(): return 'é'\n")
    assert Sources(pipeline).of(task()) == Sources(pipeline).of(task(name="u.f"))


# Functions that were handed over


def made_by(number: int) -> Any:
    def inner(product: Any) -> int:
        return number

    return inner


def test_a_function_itself_is_looked_up_where_it_is_written(tmp_path):
    pipeline = project(tmp_path, {})
    here = Sources(pipeline).of(task(source=Source(object=made_by(1))))
    assert here[""]
    assert here == Sources(pipeline).of(task(source=Source(object=made_by(1))))
    assert here != Sources(pipeline).of(task(source=Source(object=made_by(2))))


class Adds:
    def __init__(self, number: int) -> None:
        self.number = number

    def __call__(self, product: Any) -> int:
        return self.number


@pytest.mark.parametrize("make", [Adds, lambda number: functools.partial(made_by, number)])
def test_what_a_callable_holds_counts(tmp_path, make):
    sources = Sources(project(tmp_path, {}))
    one, same, other = (sources.of(task(source=Source(object=make(n)))) for n in (1, 1, 2))
    assert one == same != other


def test_a_script_that_describes_its_pipeline(tmp_path):
    """Whoever adds a task to it has changed no other."""
    text = "from byoa.pipeline import Pipeline\ndef f(): pass\np = Pipeline()\np.task(f, 'a')\n"
    pipeline = project(tmp_path, {"t.py": text})
    before = Sources(pipeline).of(task())
    write(tmp_path / "t.py", text + "p.task(f, 'b', name='g')\n")
    assert Sources(pipeline).of(task()) == before


# What belongs to a task beside its source


@pytest.mark.parametrize("part", ["serializer", "unserializer", "on_finish", "client"])
def test_what_a_task_calls_counts(tmp_path, part):
    pipeline = project(tmp_path, {**FILES, "k.py": "def k(): return 1\n"})
    dotted = Dotted("k.k")
    words = {"hooks": {part: dotted}} if part == "on_finish" else {part: dotted}
    one = task("sql-script", source=Source(text="select 1"), **words)
    before = Sources(pipeline).of(one)
    assert part in before
    write(tmp_path / "k.py", "def k(): return 2\n")
    assert Sources(pipeline).of(one) != before


@pytest.mark.parametrize("hook", ["on_render", "on_failure"])
def test_hooks_that_make_nothing_do_not_count(tmp_path, hook):
    pipeline = project(tmp_path, FILES)
    assert Sources(pipeline).of(task(hooks={hook: Dotted("h.g")})) == Sources(pipeline).of(task())


def test_templates_that_sql_names_count(tmp_path):
    pytest.importorskip("jinja2")
    sql = "{% import 'macros.sql' as m %} select {{ m.one() }}"
    pipeline = project(
        tmp_path, {"sql/a.sql": sql, "sql/macros.sql": "{% macro one() %}1{% endmacro %}"}
    )
    one = task("sql-script", source=Source(path="sql/a.sql", text=sql))
    before = Sources(pipeline).of(one)
    assert set(before) == {"", "macros.sql"}
    write(tmp_path / "sql/macros.sql", "{% macro one() %}2{% endmacro %}")
    assert Sources(pipeline).of(one) != before


def test_templates_that_a_shell_script_names_count(tmp_path):
    pytest.importorskip("jinja2")
    text = "{% include 'head.sh' %}\nls\n"
    pipeline = replace(project(tmp_path, {"lib/head.sh": "set -e\n"}), templates=("lib",))
    one = task("shell", source=Source(path="run.sh", text=text))
    before = Sources(pipeline).of(one)
    write(tmp_path / "lib/head.sh", "# strictly\nset -e\n")
    assert Sources(pipeline).of(one) == before
    write(tmp_path / "lib/head.sh", "set -eu\n")
    assert Sources(pipeline).of(one) != before


def test_a_template_by_a_name_that_is_worked_out_may_be_any(tmp_path):
    pytest.importorskip("jinja2")
    text = "{% include which %} select 1"
    files = {"sql/one.sql": "1", "sql/more/two.sql": "2"}
    pipeline = replace(project(tmp_path, files), templates=("sql",))
    found = Sources(pipeline).of(task("sql-script", source=Source(path="a.sql", text=text)))
    assert set(found) == {"", "one.sql", "more/two.sql"}


# Notebooks and scripts


def test_a_notebooks_imports_are_followed(tmp_path):
    text = "# %%\nfrom h import g\nx = g()\n"
    pipeline = project(tmp_path, {**FILES, "n.py": text})
    one = task("notebook", source=Source(path="n.py", text=text))
    before = Sources(pipeline).of(one)
    assert set(before) == {"", "h.py:g"}
    write(tmp_path / "h.py", "def g(): return 2\n")
    after = Sources(pipeline).of(one)
    assert {key for key in before if before[key] != after[key]} == {"h.py:g"}


def test_a_file_that_a_magic_runs_counts(tmp_path):
    text = "# %%\n# %run other.py\n"
    pipeline = project(tmp_path, {"n.py": text, "other.py": "x = 1\n"})
    one = task("notebook", source=Source(path="n.py", text=text))
    assert set(Sources(pipeline).of(one)) == {"", "other.py"}


@pytest.mark.parametrize(
    "line",
    [
        "sys.path.insert(0, 'src')",
        "sys.path.append('../src')",
        "sys.path += ['nowhere', 'src']",
        "sys.path.append(str(Path(__file__).parent.parent / 'src'))",
        "sys.path.insert(0, os.path.abspath('src'))",
    ],
)
@pytest.mark.parametrize("kind", ["notebook", "function"])
def test_folders_that_code_puts_on_sys_path_are_looked_through(tmp_path, kind, line):
    imports = f"import os, sys\nfrom pathlib import Path\n{line}\nfrom hidden import g\n"
    text = imports + ("# %%\ng()\n" if kind == "notebook" else "def f(): return g()\n")
    pipeline = project(tmp_path, {"code/t.py": text, "src/hidden.py": "def g(): return 1\n"})
    one = task("notebook", source=Source(path="code/t.py", text=text))
    if kind == "function":
        one = task(name="code.t.f")
    before = Sources(pipeline).of(one)
    assert "src/hidden.py:g" in before
    write(tmp_path / "src/hidden.py", "def g(): return 2\n")
    assert Sources(pipeline).of(one) != before


def test_a_module_that_is_only_found_once_another_was_loaded(tmp_path):
    text = (
        "try:\n    from hidden import g\nexcept ImportError:\n    import paths\n"
        "    from hidden import g\ndef f(): return g()\n"
    )
    files = {
        "t.py": text,
        "paths.py": "import sys\nsys.path.append('src')\n",
        "src/hidden.py": "print('loaded')\ndef g(): return 1\n",
    }
    found = Sources(project(tmp_path, files)).of(task())
    assert {"src/hidden.py:g", "src/hidden.py", "paths.py"} < set(found)


def test_programs_that_a_shell_script_starts_count(tmp_path):
    files = {
        "run.sh": "python scripts/train.py --n 1\n./more.sh out/made.py no.py\n",
        "scripts/train.py": "from h import g\nprint(g())\n",
        "more.sh": "# comment\nbash run.sh; Rscript plot.R\n",
        "plot.R": "plot(1)\n",
        "out/made.py": "what the task makes itself",
        "h.py": "def g(): return 1\n",
    }
    made = Product("out/made.py")
    one = Task(name="a", kind="shell", source=Source(path="run.sh", text=files["run.sh"]),
               products={"": made})  # fmt: skip
    pipeline = replace(project(tmp_path, files), tasks={"a": one})
    before = Sources(pipeline).of(one)
    assert set(before) == {"", "scripts/train.py", "h.py:g", "more.sh", "plot.R", "run.sh"}
    write(tmp_path / "h.py", "def g(): return 2\n")
    write(tmp_path / "more.sh", "# another\nbash run.sh; Rscript plot.R\n")
    after = Sources(pipeline).of(one)
    assert {key for key in after if after[key] != before[key]} == {"h.py:g"}


@pytest.mark.parametrize(
    "cell", ["!python other.py", "%%bash\npython other.py", "x = !sh other.py"]
)
def test_programs_that_a_cell_starts_count(tmp_path, cell):
    about = {"kernelspec": {"name": "python3", "language": "python"}}
    cells = [{"cell_type": "code", "source": cell, "metadata": {}, "outputs": []}]
    text = json.dumps({"cells": cells, "metadata": about, "nbformat": 4, "nbformat_minor": 5})
    pipeline = project(tmp_path, {"n.ipynb": text, "other.py": "x = 1\n"})
    one = task("notebook", source=Source(path="n.ipynb", text=text))
    assert set(Sources(pipeline).of(one)) == {"", "other.py"}


# Bytecode


def test_python_would_run_the_old_code(tmp_path, monkeypatch):
    """The same size within the same second: without us Python takes the bytecode of before."""
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    path = tmp_path / "quick_edit.py"
    path.write_text("X = 1\n")
    stamp = path.stat().st_mtime_ns
    assert imported() == 1
    path.write_text("X = 2\n")
    second = stamp // 10**9 * 10**9
    (compiled,) = tmp_path.rglob("*.pyc")
    os.utime(compiled, ns=(second, second + 500_000_000))
    os.utime(path, ns=(second, second + 900_000_000))  # later, in the same second
    assert imported() == 1, "Python has learnt to see it: drop_stale_bytecode can go"
    drop_stale_bytecode(path)
    assert imported() == 2


def imported() -> Any:
    import importlib

    sys.modules.pop("quick_edit", None)
    importlib.invalidate_caches()
    return importlib.import_module("quick_edit").X


def test_bytecode_that_is_right_stays(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    path = tmp_path / "quick_edit.py"
    write(path, "X = 1\n")
    assert imported() == 1
    compiled = list(tmp_path.rglob("*.pyc"))
    assert compiled
    drop_stale_bytecode(path)
    assert list(tmp_path.rglob("*.pyc")) == compiled
