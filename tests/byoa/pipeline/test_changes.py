"""What runs after a change, and nothing else does: one project, built, changed, built again."""

# ruff: noqa: E501 - one change a line

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from byoa.pipeline.load import load
from byoa.pipeline.state import State
from byoa.plan.pipeline.selection import Selection
from tests.byoa.pipeline.small_build import FailedError, build

FILES = {
    "pipeline.yaml": """\
tasks:
  - source: tasks.raw.get
    product: out/raw.csv
    params:
      resources_: {table: data/table.csv}
  - source: tasks.features.clean
    product: out/clean.csv
  - source: tasks.features.scale
    product: out/scaled.csv
    params: {factor: 2, unit: '{{unit}}'}
  - source: tasks.model.fit
    name: fit-[[depth]]
    product: {model: 'out/model-[[depth]].json', notes: 'out/notes-[[depth]].txt'}
    grid: {depth: [1, 3]}
  - source: tasks.model.best
    product: out/best.json
  - source: scripts/pack.sh
    product: out/pack.txt
""",
    "env.yaml": "unit: cm\n",
    "data/table.csv": "4\n7\n9\n",
    "tasks/__init__.py": "",
    "tasks/raw.py": '''\
"""Where it comes from."""
from pathlib import Path
import shutil


def get(product, resources_):
    """The table as it is."""
    shutil.copy(resources_["table"], product)
''',
    "tasks/features.py": """\
from pathlib import Path

from lib import helpers
from lib.helpers import lines


def clean(product, upstream):
    # what is not empty
    kept = helpers.trim(lines(upstream["get"]))
    Path(product).write_text("\\n".join(kept))


def scale(product, upstream, factor, unit, offset=0):
    assert not Path("data/fail").exists()
    numbers = [int(line) * int(factor) + offset for line in lines(upstream["clean"])]
    Path(product).write_text("\\n".join(map(str, numbers)))
""",
    "tasks/model.py": """\
import json
from pathlib import Path


def fit(product, upstream, depth):
    total = sum(int(line) for line in Path(upstream["scale"]).read_text().split())
    Path(product["model"]).write_text(json.dumps({"score": total % (depth + 4)}))
    Path(product["notes"]).write_text(f"depth {depth}")


def best(product, upstream):
    found = {name: json.loads(Path(one["model"]).read_text()) for name, one in upstream["fit-*"].items()}
    Path(product).write_text(json.dumps({"best": max(one["score"] for one in found.values())}))
""",
    "lib/__init__.py": "",
    "lib/consts.py": "LIMIT = 50\nUNUSED = 1\n",
    "lib/other.py": "def trim(lines):\n    return [line for line in lines if line.strip()]\n",
    "lib/helpers.py": """\
from pathlib import Path

from lib.consts import LIMIT

TABLE = {}


def lines(path):
    return Path(path).read_text().splitlines()


def trim(lines):
    return [line.strip() for line in lines if line.strip()][:LIMIT]


def unused():
    return 1
""",
    "scripts/pack.sh": """\
#!/bin/sh
# counts
wc -l < {{upstream["get"]}} > {{product}}
""",
}
ALL = ["get", "clean", "scale", "fit-1", "fit-3", "best", "pack"]
FROM_SCALE = ["scale", "fit-1", "fit-3", "best"]


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The project, built once."""
    root = tmp_path_factory.mktemp("built")
    for name, text in FILES.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    assert sorted(build(load(root))) == sorted(ALL)
    assert build(load(root)) == []
    return root


@pytest.fixture
def project(built, tmp_path):
    """A copy of it: other inodes, other times, the same content."""
    root = tmp_path / "project"
    shutil.copytree(built, root)
    return root


def sub(name: str, old: str, new: str) -> Callable[[Path], object]:
    def change(root: Path) -> None:
        text = (root / name).read_text()
        assert old in text, f"{old!r} is not in {name}"
        (root / name).write_text(text.replace(old, new))

    return change


def put(name: str, text: str) -> Callable[[Path], object]:
    return lambda root: (root / name).write_text(text)


def gone(name: str) -> Callable[[Path], object]:
    return lambda root: (root / name).unlink()


def touch(name: str) -> Callable[[Path], object]:
    return lambda root: os.utime(root / name, ns=(10**18, 10**18))


def both(*changes: Callable[[Path], object]) -> Callable[[Path], object]:
    def change(root: Path) -> None:
        for one in changes:
            one(root)

    return change


RECORDS = ".byoa/pipeline/pipeline/records"
P, F, M, H, R = (
    "pipeline.yaml",
    "tasks/features.py",
    "tasks/model.py",
    "lib/helpers.py",
    "tasks/raw.py",
)

# fmt: off
CHANGES = {
    "nothing": (both(), []),
    # What does not count
    "a comment": (sub(F, "# what is not empty", "# whatever"), []),
    "a comment more, and lines": (sub(F, "    kept =", "    # more\n\n    kept ="), []),
    "a docstring": (sub(R, "The table as it is.", "The table."), []),
    "a docstring removed": (sub(R, '    """The table as it is."""\n', ""), []),
    "a module's docstring": (sub(R, "Where it comes from", "From where"), []),
    "formatting": (sub(F, 'helpers.trim(lines(upstream["get"]))', "helpers.trim(\n        lines(upstream['get']),\n    )"), []),
    "a function moved in its file": (both(sub(H, "def unused():\n    return 1\n", ""), sub(H, "TABLE = {}\n", "def unused():\n    return 1\n\n\nTABLE = {}\n")), []),
    "a constant that no task uses": (sub("lib/consts.py", "UNUSED = 1", "UNUSED = 2"), []),
    "a function that no task uses": (sub(H, "return 1", "return 2"), []),
    "a name more in an import": (sub(H, "import LIMIT", "import LIMIT, UNUSED"), []),
    "a module that no task imports": (sub("lib/other.py", "strip()", "rstrip()"), []),
    "an input's time": (touch("data/table.csv"), []),
    "a product's time": (touch("out/clean.csv"), []),
    "a source's time": (touch(F), []),
    "a comment in pipeline.yaml": (sub(P, "tasks:", "# all of it\ntasks:"), []),
    "parameters in another order": (sub(P, "factor: 2, unit: '{{unit}}'", "unit: '{{unit}}', factor: 2"), []),
    "an executor": (sub(P, "tasks:", "executor: serial\ntasks:"), []),
    "a task renamed in place is new, its old record nobody's": (sub(P, "  - source: scripts/pack.sh\n", "  - source: scripts/pack.sh\n    name: packed\n"), ["packed"]),
    "a resource at another path, the same bytes": (both(lambda root: shutil.copy(root / "data/table.csv", root / "data/again.csv"), sub(P, "data/table.csv", "data/again.csv")), []),
    "a shell script's comment": (sub("scripts/pack.sh", "# counts", "# counts the lines"), []),
    # What does, and stops where the bytes are the same again
    "an input's bytes": (put("data/table.csv", "4\n8\n9\n"), ["get", "clean", *FROM_SCALE, "pack"]),
    "an input's bytes that clean drops": (put("data/table.csv", "4 \n7\n9\n"), ["get", "clean", "pack"]),
    "a constant of a module of a module": (sub("lib/consts.py", "LIMIT = 50", "LIMIT = 2"), ["clean", *FROM_SCALE]),
    "a constant, to the same effect": (sub("lib/consts.py", "LIMIT = 50", "LIMIT = 51"), ["clean"]),
    "a helper, to the same effect": (sub(H, "[line.strip() for line in lines if line.strip()]", "[line.strip() for line in lines if line.strip() != '']"), ["clean"]),
    "a helper of two tasks": (sub(H, ".splitlines()", ".split('\\n')"), ["clean", "scale"]),
    "another helper by the same name": (sub(F, "from lib import helpers", "from lib import other as helpers"), ["clean"]),
    "what a module does when it is loaded": (sub(H, "TABLE = {}\n", "TABLE = {}\nTABLE['a'] = 1\n"), ["clean", "scale"]),
    "a package's __init__ that does something": (put("lib/__init__.py", "import sys\nsys.setrecursionlimit(2000)\n"), ["clean", "scale"]),
    "an import of a local module for what it does": (sub("tasks/__init__.py", "", "import lib.other\n"), []),
    "a parameter": (sub(P, "factor: 2", "factor: 3"), FROM_SCALE),
    "a parameter of another type": (sub(P, "factor: 2", "factor: 2.0"), ["scale"]),
    "a value of env.yaml": (put("env.yaml", "unit: mm\n"), ["scale"]),
    "a default": (sub(F, "offset=0", "offset=1"), FROM_SCALE),
    "a default, to the same effect": (sub(F, "offset=0", "offset=0 * 1"), ["scale"]),
    "the task's code, to the same effect": (sub(M, 'f"depth {depth}"', '"depth " + str(depth)'), ["fit-1", "fit-3"]),
    "a value in the middle of a grid": (sub(P, "[1, 3]", "[1, 2, 3]"), ["fit-2", "best"]),
    "a value at a grid's begin": (sub(P, "[1, 3]", "[0, 1, 3]"), ["fit-0", "best"]),
    "a value less in a grid": (sub(P, "[1, 3]", "[3]"), ["best"]),
    "a grid's values in another order": (sub(P, "[1, 3]", "[3, 1]"), []),
    "another product": (sub(P, "out/best.json", "out/best-one.json"), ["best"]),
    "another product upstream, the same bytes": (sub(P, "out/scaled.csv", "out/by-factor.csv"), ["scale"]),
    "a task more": (sub(P, "tasks:\n", "tasks:\n  - source: tasks.raw.get\n    name: again\n    product: out/again.csv\n    params:\n      resources_: {table: data/table.csv}\n"), ["again"]),
    "a task less": (sub(P, "  - source: scripts/pack.sh\n    product: out/pack.txt\n", ""), []),
    "a shell script": (sub("scripts/pack.sh", "wc -l", "wc -c"), ["pack"]),
    # What became of products and records
    "a product deleted": (gone("out/scaled.csv"), ["scale"]),
    "one of two products deleted": (gone("out/notes-3.txt"), ["fit-3"]),
    "the last product deleted": (gone("out/best.json"), ["best"]),
    "a product edited by hand": (put("out/clean.csv", "1\n"), ["clean"]),
    "a product emptied": (put("out/best.json", ""), ["best"]),
    "a record deleted": (gone(f"{RECORDS}/scale.json"), ["scale"]),
    "a record cut short": (lambda root: os.truncate(root / RECORDS / "scale.json", 100), ["scale"]),
    "a record of another version": (sub(f"{RECORDS}/get.json", '"version": 1', '"version": 99'), ["get"]),
    "a record of another task": (lambda root: shutil.copy(root / RECORDS / "scale.json", root / RECORDS / "get.json"), ["get"]),
    "all records deleted": (lambda root: shutil.rmtree(root / ".byoa"), ["get", "clean", *FROM_SCALE, "pack"]),
    "the cache of hashes damaged": (put(".byoa/pipeline/pipeline/hashes.json", "{"), []),
    "all products deleted": (lambda root: shutil.rmtree(root / "out"), ["get", "clean", *FROM_SCALE, "pack"]),
}
# fmt: on


@pytest.mark.parametrize("name", CHANGES)
def test_exactly_the_right_tasks_run(project, name):
    change, expected = CHANGES[name]
    change(project)
    assert sorted(build(load(project))) == sorted(expected)
    assert build(load(project)) == []


def test_there_are_enough_changes():
    assert len(CHANGES) >= 25


SELECTIONS = {
    "until": (Selection(until=("scale",)), ["get", "clean", "scale"]),
    "until, a pattern": (Selection(until=("fit-*",)), ["get", "clean", "scale", "fit-1", "fit-3"]),
    "until, a grid": (Selection(until=("fit",)), ["get", "clean", "scale", "fit-1", "fit-3"]),
    "downstream": (Selection(downstream=("fit-1",)), ["get", "clean", *FROM_SCALE]),
    "only": (Selection(only=("get",)), ["get"]),
    "only two": (Selection(only=("clean", "get")), ["get", "clean"]),
}


@pytest.mark.parametrize("name", SELECTIONS)
def test_a_selection_of_a_new_project(project, name):
    selection, expected = SELECTIONS[name]
    shutil.rmtree(project / ".byoa")
    assert sorted(build(load(project), selection)) == sorted(expected)


def test_forced_tasks_run_and_the_same_bytes_stop_there(project):
    assert build(load(project), Selection(force=("clean",))) == ["clean"]
    assert build(load(project), Selection(force=("fit",))) == ["fit-1", "fit-3"]
    everything = build(load(project), Selection(force=("*",)))
    assert sorted(everything) == sorted(ALL)
    assert build(load(project)) == []


def test_what_is_left_out_is_taken_as_it_is(project):
    put("data/table.csv", "1\n")(project)
    sub(M, "depth + 4", "depth + 5")(project)
    chosen = Selection(until=("fit-3",), skip_upstream=True)
    assert build(load(project), chosen) == ["fit-3"]
    assert sorted(build(load(project))) == sorted(ALL)


def test_a_task_whose_upstream_is_not_there_is_not_begun(project):
    shutil.rmtree(project / "out")
    with pytest.raises(Exception, match="scale needs clean, and nothing is there"):
        build(load(project), Selection(only=("scale",)))


def test_the_reasons_are_said(project):
    sub("lib/consts.py", "LIMIT = 50", "LIMIT = 2")(project)
    sub(P, "factor: 2", "factor: 3")(project)
    put("data/table.csv", "1\n")(project)
    gone("out/best.json")(project)
    plan = State(load(project)).plan()
    said = {name: [reason.text for reason in one.reasons] for name, one in plan.items()}
    assert said == {
        "get": ["resource table changed"],
        "clean": ["lib/consts.py:LIMIT changed"],
        "scale": ["parameter factor: 2 → 3"],
        "fit-1": ["if scale writes other bytes"],
        "fit-3": ["if scale writes other bytes"],
        "best": ["product out/best.json is missing"],
        "pack": ["if get writes other bytes"],
    }
    assert {name: one.action for name, one in plan.items() if one.action == "perhaps"} == {
        "fit-1": "perhaps", "fit-3": "perhaps", "pack": "perhaps"
    }  # fmt: skip


def test_whoever_goes_back_before_building_has_lost_nothing(project):
    change = sub(F, "* int(factor)", "* int(factor) * 5")
    change(project)
    assert State(load(project)).plan()["scale"].action == "run"
    sub(F, "* int(factor) * 5", "* int(factor)")(project)
    assert build(load(project)) == []


def test_a_task_that_fails_leaves_the_old_product_and_the_record_of_the_old_code(project):
    before = (project / "out/scaled.csv").read_text()
    sub(F, "    numbers =", "    Path(product).write_text('half')\n    1 / 0\n    numbers =")(
        project
    )
    with pytest.raises(FailedError, match="ZeroDivisionError"):
        build(load(project))
    assert (project / "out/scaled.csv").read_text() == before
    assert State(load(project)).plan()["scale"].action == "run"
    put(F, FILES[F])(project)
    assert build(load(project)) == []


def test_a_forced_task_that_fails_runs_again(project):
    """Whoever forces it says that what is there will not do."""
    put("data/fail", "")(project)
    assert build(load(project)) == []
    with pytest.raises(FailedError, match="AssertionError"):
        build(load(project), Selection(force=("scale",)))
    gone("data/fail")(project)
    assert build(load(project)) == ["scale"]


def test_marked_done_is_not_run(project):
    sub(F, "* int(factor)", "* int(factor) * 1")(project)
    sub(M, "depth + 4", "depth + 5")(project)
    pipeline = load(project)
    state = State(pipeline)
    for name in ("scale", "fit-1"):
        record = state.accept(pipeline.tasks[name])
        assert record.accepted
    assert build(load(project)) == ["fit-3", "best"]


def test_a_source_that_is_edited_while_its_task_runs_is_no_result_of_either(project):
    """The task may have read the one or the other: it runs again, even if the edit is undone."""
    sub(F, "* int(factor)", "* int(factor) * 2")(project)
    pipeline = load(project)
    state = State(pipeline)
    task = pipeline.tasks["scale"]
    staged, paths = state.stage(task)
    state.begin(task, "r")
    paths[""].write_text("made of who knows what")
    touch(F)(project)
    state.commit(task, staged, {})
    reasons = State(load(project)).decide(task).reasons
    assert [reason.text for reason in reasons] == ["tasks/features.py was edited while it ran"]
    assert build(load(project)) == ["scale", "fit-1", "fit-3", "best"]
