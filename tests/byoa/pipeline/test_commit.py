"""Products put into place: folders, extra files, links, other file systems, what is in the way."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import pytest

from byoa.pipeline import commit
from byoa.pipeline.state import State
from byoa.plan.errors import ByoaError, NotFoundError
from byoa.plan.pipeline.model import Pipeline, Product, Source, Task


def task(name: str, products: dict[str, str], **more: Any) -> Task:
    places = {key: Product(path) for key, path in products.items()}
    source = Source(text=name)
    return Task(name=name, kind="shell", source=source, products=places, **more)


def state_of(root: Path, *tasks: Task) -> State:
    return State(Pipeline(name="p", root=str(root), tasks={one.name: one for one in tasks}))


def run(state: State, one: Task, files: dict[str, str]) -> Any:
    """Makes these files in the staging tree, by their names below the root."""
    staged, paths = state.stage(one)
    state.begin(one, "r")
    assert all(path.parent.is_dir() for path in paths.values())
    for name, text in files.items():
        path = staged / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return state.commit(one, staged, {})


def listed(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): path.read_text()
        for path in folder.rglob("*")
        if path.is_file() and ".byoa" not in path.parts
    }


def test_extra_files_travel_along(tmp_path):
    one = task("a", {"": "out/a.csv"})
    run(state_of(tmp_path, one), one, {"out/a.csv": "1", "out/a.csv.json": "2", "log/x/y": "3"})
    assert listed(tmp_path) == {"out/a.csv": "1", "out/a.csv.json": "2", "log/x/y": "3"}
    assert not list((tmp_path / ".byoa/pipeline/p/work").iterdir())
    assert (tmp_path / ".byoa/.gitignore").read_text() == "*\n"


def test_a_folder_is_replaced_whole(tmp_path):
    one = task("a", {"": "out/tree"})
    state = state_of(tmp_path, one)
    first = run(state, one, {"out/tree/x": "1", "out/tree/y/z": "2"})
    second = run(state, one, {"out/tree/y": "3"})
    assert listed(tmp_path) == {"out/tree/y": "3"}
    assert first.products[""].digest.startswith("tree-")
    assert first.products[""].digest != second.products[""].digest


def test_a_folder_that_holds_another_tasks_product_is_filled(tmp_path):
    one, other = task("a", {"": "out"}), task("b", {"": "out/b.txt"})
    state = state_of(tmp_path, one, other)
    run(state, other, {"out/b.txt": "b"})
    run(state, one, {"out/a.txt": "a"})
    assert listed(tmp_path) == {"out/a.txt": "a", "out/b.txt": "b"}


def test_what_a_user_keeps_in_a_folder_stays(tmp_path):
    one = task("a", {"": "out"})
    (tmp_path / "out/mine").mkdir(parents=True)
    (tmp_path / "out/mine/notes").write_text("mine")
    state = state_of(tmp_path, one)
    run(state, one, {"out/x": "1", "out/y/z": "2"})
    assert listed(tmp_path) == {"out/mine/notes": "mine", "out/x": "1", "out/y/z": "2"}
    run(state, one, {"out/x": "3", "out/w": "4"})
    assert listed(tmp_path) == {"out/mine/notes": "mine", "out/x": "3", "out/w": "4"}
    assert not (tmp_path / "out/y").exists()
    with pytest.raises(ByoaError, match=r"a folder is there, with files .* \(mine/notes\)"):
        run(state, one, {"out": "a file now"})


def test_a_folder_with_no_ledger_loses_nothing(tmp_path):
    one = task("a", {"": "out"})
    state = state_of(tmp_path, one)
    run(state, one, {"out/x": "1"})
    for path in (tmp_path / ".byoa/pipeline/p/folders").iterdir():
        path.write_text("{")
    run(state, one, {"out/y": "2"})
    assert listed(tmp_path) == {"out/x": "1", "out/y": "2"}
    run(state, one, {"out/z": "3"})
    assert listed(tmp_path) == {"out/x": "1", "out/z": "3"}


def test_a_file_where_a_folder_was_and_the_other_way(tmp_path):
    one = task("a", {"": "out"})
    state = state_of(tmp_path, one)
    run(state, one, {"out/x": "1"})
    run(state, one, {"out": "2"})
    assert (tmp_path / "out").read_text() == "2"
    run(state, one, {"out/x": "3"})
    assert listed(tmp_path) == {"out/x": "3"}


def test_what_is_in_the_way_of_a_folder_is_named(tmp_path):
    one = task("a", {"": "out/a"})
    (tmp_path / "out").write_text("a file")
    with pytest.raises(ByoaError, match=r"out/a cannot be written: .*out is in the way"):
        run(state_of(tmp_path, one), one, {"out/a": "1"})


def test_a_link_is_followed(tmp_path):
    """A folder of products that lies on another disk, a product that is kept elsewhere."""
    (tmp_path / "disk/tree").mkdir(parents=True)
    (tmp_path / "out").symlink_to(tmp_path / "disk")
    (tmp_path / "disk/b").symlink_to(tmp_path / "kept")
    one = task("a", {"x": "out/a", "y": "out/b"})
    run(state_of(tmp_path, one), one, {"out/a": "1", "out/b": "2"})
    assert (tmp_path / "out").is_symlink() and (tmp_path / "disk/b").is_symlink()
    assert (tmp_path / "disk/a").read_text() == "1" and (tmp_path / "kept").read_text() == "2"


def test_a_product_outside_the_root(tmp_path):
    root, outside = tmp_path / "root", tmp_path / "outside" / "a.txt"
    root.mkdir()
    one = task("a", {"": str(outside)})
    state = state_of(root, one)
    staged, paths = state.stage(one)
    state.begin(one, "r")
    assert paths[""].parent.parent == outside.parent, "it is made on the same file system"
    paths[""].write_text("1")
    assert not outside.exists()
    state.commit(one, staged, {})
    assert [path.name for path in outside.parent.iterdir()] == ["a.txt"]
    assert State(state.pipeline).decide(one).action == "keep"


def test_what_was_left_of_an_attempt_is_not_there_in_the_next(tmp_path):
    one = task("a", {"x": "out/a", "y": str(tmp_path / "elsewhere/b")})
    state = state_of(tmp_path / "root", one)
    for _ in range(2):
        _, paths = state.stage(one)
        assert not any(path.exists() for path in paths.values())
        for path in paths.values():
            path.write_text("half")
    state.sweep()
    assert listed(tmp_path) == {}


@pytest.mark.parametrize("made", ["a file", "a folder"])
def test_to_another_file_system_it_is_copied_beside_first(tmp_path, monkeypatch, made):
    """Between two of them the kernel renames nothing: os.replace says EXDEV."""
    (tmp_path / "disk").mkdir()
    (tmp_path / "out").symlink_to(tmp_path / "disk")
    one = task("a", {"": "out/a"})
    state = state_of(tmp_path, one)
    real = os.replace

    def replace(old: Any, new: Any, **more: Any) -> None:
        if ("/work/" in str(old)) != ("/work/" in str(new)):
            raise OSError(errno.EXDEV, "Invalid cross-device link")
        real(old, new, **more)

    monkeypatch.setattr(os, "replace", replace)
    files = {"out/a": "1"} if made == "a file" else {"out/a/x": "1", "out/a/y/z": "2"}
    for _ in range(2):
        run(state, one, files)
        assert {f"out/{name}": text for name, text in listed(tmp_path / "disk").items()} == files


def test_a_product_that_was_not_made_is_named(tmp_path):
    one = task("a", {"nb": "out/a.html", "model": "out/a.bin"})
    state = state_of(tmp_path, one)
    with pytest.raises(
        commit.NotMadeError, match=r"a ended well, but did not make model: out/a\.bin"
    ):
        run(state, one, {"out/a.html": "1"})
    assert listed(tmp_path) == {}
    assert state.record(one) is None


def test_what_upstream_did_not_make_is_named(tmp_path):
    first, second = task("a", {"": "a"}), task("b", {"": "b"}, upstream={"a": ("a",)})
    with pytest.raises(NotFoundError, match="b needs a, and nothing is there"):
        state_of(tmp_path, first, second).begin(second, "r")


def test_a_digest_that_the_task_knew_is_taken(tmp_path):
    one = task("a", {"": "a"})
    state = state_of(tmp_path, one)
    staged, paths = state.stage(one)
    state.begin(one, "r")
    paths[""].write_text("1")
    record = state.commit(one, staged, {"digests": {"": "f" * 64}})
    assert record.products[""].digest == "f" * 64
    assert record.products[""].size == 1


def test_a_record_of_another_machine_is_adopted(tmp_path):
    one = task("a", {"": "a"})
    there = state_of(tmp_path / "there", one)
    record = run(there, one, {"a": "1"})
    (tmp_path / "here").mkdir()
    (tmp_path / "here/a").write_text("1")
    here = state_of(tmp_path / "here", one)
    here.adopt(record)
    assert State(here.pipeline).decide(one).action == "keep"
    (tmp_path / "here/a").write_text("2")
    reasons = State(here.pipeline).decide(one).reasons
    assert [one.text for one in reasons] == ["product a was changed since it was made"]
