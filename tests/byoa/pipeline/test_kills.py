"""Killed at every write of a build: the next one neither loses work nor trusts wrong work.

The kill comes from an audit hook of a forked child, right before its n-th open for writing, rename,
removal or new folder below the project.
"""

from __future__ import annotations

import os
import shutil
import sys
import warnings
from pathlib import Path

import pytest

from byoa.pipeline.load import load
from byoa.pipeline.state import State
from tests.byoa.pipeline.small_build import build

KILLED = 9
WRITES = {"os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.truncate", "shutil.move", "os.link"}
PIPELINE = """\
tasks:
  - source: tasks.first
    product: out/first.txt
  - source: tasks.folder
    product: {folder: out/tree, list: out/list.txt}
  - source: tasks.last
    product: out/last.txt
  - source: tasks.straight
    product: out/straight.txt
    staging: false
"""
TASKS = """\
from pathlib import Path

VERSION = "%s"


def first(product):
    Path(product).write_text(VERSION)
    Path(product).with_name("beside.txt").write_text(VERSION)


def folder(product, upstream):
    said = Path(upstream["first"]).read_text()
    for name in said:
        Path(product["folder"], name).mkdir(parents=True)
        Path(product["folder"], name, "x").write_text(said)
    Path(product["list"]).write_text(said)


def last(product, upstream):
    names = sorted(path.name for path in Path(upstream["folder"]["folder"]).iterdir())
    Path(product).write_text(" ".join(names))


def straight(product, upstream):
    Path(product).write_text("begun")
    Path(product).write_text(Path(upstream["first"]).read_text())
"""
OLD, NEW = "abc", "xbyz"


def wanted(version: str) -> dict[str, str]:
    tree = {f"out/tree/{letter}/x": version for letter in version}
    names = {"first", "beside", "list", "straight"}
    return {
        **tree,
        **{f"out/{name}.txt": version for name in names},
        "out/last.txt": " ".join(sorted(version)),
    }


def made(root: Path) -> dict[str, str]:
    files = (path for path in (root / "out").rglob("*") if path.is_file())
    return {path.relative_to(root).as_posix(): path.read_text() for path in files}


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    root = tmp_path_factory.mktemp("built") / "project"
    root.mkdir()
    (root / "pipeline.yaml").write_text(PIPELINE)
    (root / "tasks.py").write_text(TASKS % OLD)
    build(load(root))
    assert made(root) == wanted(OLD)
    return root


def killed_at(root: Path, number: int) -> int:
    """Builds in a child that is killed at a write; its exit code: 9, or 0 when it came through."""
    with warnings.catch_warnings():  # of threads that other tests have left; the child needs none
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    code = 1
    try:
        left = number

        def hook(event: str, arguments: tuple[object, ...]) -> None:
            nonlocal left
            if not (event in WRITES or (event == "open" and writes(arguments))):
                return
            if str(root) in os.fspath(arguments[0]):  # type: ignore[call-overload]
                left -= 1
                if left == 0:
                    os._exit(KILLED)

        sys.addaudithook(hook)
        build(load(root))
        code = 0
    finally:
        os._exit(code)


def writes(arguments: tuple[object, ...]) -> bool:
    path, _, flags = arguments
    return isinstance(path, str | bytes | os.PathLike) and bool(
        int(flags or 0) & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)  # type: ignore[call-overload]
    )


def copied(built: Path, to: Path) -> Path:
    shutil.rmtree(to, ignore_errors=True)
    shutil.copytree(built, to)
    (to / "tasks.py").write_text(TASKS % NEW)
    return to


def done(root: Path) -> set[str]:
    """The tasks whose new work is there already, by what plan says."""
    return {name for name, one in State(load(root)).plan().items() if one.action == "keep"}


def test_killed_at_every_write(built, tmp_path):
    number, saved = 0, 0
    while True:
        number += 1
        root = copied(built, tmp_path / "project")
        code = killed_at(root, number)
        kept = done(root)
        other = tmp_path / "back"
        shutil.rmtree(other, ignore_errors=True)
        shutil.copytree(root, other)

        ran = build(load(root))
        assert made(root) == wanted(NEW), f"killed at write {number}"
        assert not kept.intersection(ran), f"killed at write {number}: work was lost"
        assert build(load(root)) == [], f"killed at write {number}"

        (other / "tasks.py").write_text(TASKS % OLD)
        build(load(other))
        assert made(other) == wanted(OLD), f"killed at write {number}, then gone back"
        if code == 0:
            break
        assert code == KILLED, "the child failed on its own"
        saved += bool(kept)
    assert number > 40, f"there were but {number} writes"
    assert saved > 10, "no kill left anything done"


def test_killed_on_the_first_build(built, tmp_path):
    number, code = 0, KILLED
    while code == KILLED:
        number += 3
        root = copied(built, tmp_path / "project")
        shutil.rmtree(root / ".byoa")
        shutil.rmtree(root / "out")
        code = killed_at(root, number)
        build(load(root))
        assert made(root) == wanted(NEW), f"killed at write {number}"
        assert build(load(root)) == []
    assert code == 0
