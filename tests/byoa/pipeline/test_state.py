"""Records kept and read, files given by the user, tables, edits during a build, hashes."""

from __future__ import annotations

import os
import py_compile
import time
from pathlib import Path
from typing import Any

import pytest

from byoa.pipeline import hashes
from byoa.pipeline.hashes import Hashes
from byoa.pipeline.state import State
from byoa.plan.errors import ByoaError
from byoa.plan.pipeline import tree
from byoa.plan.pipeline.model import Pipeline, Product, Source, Task


def task(name: str, *needs: str, kind: Any = "shell", product: Any = None, **more: Any) -> Task:
    return Task(
        name=name,
        kind=kind,
        source=more.pop("source", Source(text=name)),
        products={"": product or Product(f"out/{name}")},
        upstream={one: (one,) for one in needs},
        **more,
    )


class Project:
    """A pipeline whose tasks write what the test says."""

    def __init__(self, root: Path, *tasks: Task, **more: Any) -> None:
        self.root = root
        self.pipeline = Pipeline(name="p", root=str(root), tasks={one.name: one for one in tasks})
        self.more = more

    @property
    def state(self) -> State:
        return State(self.pipeline, **self.more)

    def run(self, name: str, text: str = "", state: State | None = None) -> Any:
        state, one = state or self.state, self.pipeline.tasks[name]
        staged, paths = state.stage(one)
        state.begin(one, "r1")
        for path in paths.values() if one.kind not in ("input", "link") else ():
            path.write_text(text or name)
        return state.commit(one, staged, {"seconds": 1.5})

    def plan(self) -> dict[str, str]:
        return {name: one.action for name, one in self.state.plan().items()}

    def why(self, name: str) -> list[str]:
        return [reason.text for reason in self.state.plan()[name].reasons]


def test_a_record_says_what_was_done(tmp_path):
    project = Project(tmp_path, task("a"), task("b", "a"))
    project.run("a", "one")
    record = project.run("b")
    assert record.run == "r1" and record.seconds == 1.5
    assert project.state.records() == {"a": project.state.record(task("a")), "b": record}
    assert list(record.fingerprint.upstream) == ["a"]
    assert record.products[""].size == 1


def test_the_same_bytes_from_upstream_run_nothing(tmp_path):
    project = Project(tmp_path, task("a"), task("b", "a"))
    project.run("a", "one")
    project.run("b")
    (tmp_path / "out/a").unlink()
    assert project.plan() == {"a": "run", "b": "perhaps"}
    state = project.state
    project.run("a", "one", state)
    assert state.decide(project.pipeline.tasks["b"]).action == "keep"
    project.run("a", "two", state)
    assert state.decide(project.pipeline.tasks["b"]).action == "run"


@pytest.mark.parametrize("kind", ["input", "link"])
def test_what_the_user_gives_is_known_before_anything_runs(tmp_path, kind):
    project = Project(tmp_path, task("a", kind=kind, product=Product("mine.csv")), task("b", "a"))
    (tmp_path / "mine.csv").write_text("1")
    assert project.plan() == {"a": "run", "b": "run"}
    project.run("a")
    project.run("b")
    assert project.plan() == {"a": "keep", "b": "keep"}
    (tmp_path / "mine.csv").write_text("2")
    assert project.plan() == {"a": "run", "b": "run"}
    assert project.why("b") == ["upstream a changed"]
    project.run("a")
    assert (tmp_path / "mine.csv").read_text() == "2"


def test_a_table_is_known_by_the_run_that_made_it(tmp_path):
    there = {"t"}
    table = Product(relation=("", "t", "table"))

    def exists(pipeline: Pipeline, one: Task, product: Product) -> bool:
        return bool(product.relation and product.relation[1] in there)

    project = Project(tmp_path, task("a", product=table), task("b", "a"), exists=exists)
    first = project.run("a")
    project.run("b")
    assert project.plan() == {"a": "keep", "b": "keep"}
    again = project.run("a")
    assert first.products[""].digest == again.products[""].digest  # the same run's
    there.clear()
    assert project.plan() == {"a": "run", "b": "perhaps"}
    assert project.why("a") == ["product table t is missing"]


def test_a_table_that_is_begun_has_no_record(tmp_path):
    """It is written in place: whoever is killed there has left who knows what."""
    table = Product(relation=("", "t", "table"))
    project = Project(tmp_path, task("a", product=table), exists=lambda *_: True)
    project.run("a")
    changed = task("a", product=table, source=Source(text="other"))
    state = Project(tmp_path, changed, exists=lambda *_: True).state
    state.begin(changed, "r2")
    assert project.plan() == {"a": "run"}


def test_an_image_is_part_of_it(tmp_path):
    assert Project(tmp_path, task("a"), images={"a": "sha256:1"}).run("a").fingerprint.image
    assert Project(tmp_path, task("a"), images={"a": "sha256:1"}).plan() == {"a": "keep"}
    assert Project(tmp_path, task("a"), images={"a": "sha256:2"}).plan() == {"a": "run"}
    assert Project(tmp_path, task("a")).plan() == {"a": "keep"}


# Edits while a build goes on


def function(name: str) -> Task:
    return task(name, kind="function", source=Source(dotted=f"t.{name}"))


def test_code_that_is_edited_before_its_task_begins_is_read_anew(tmp_path):
    """The plan was an hour ago; the child imports what is there now."""
    (tmp_path / "t.py").write_text("def a(): return 1\n")
    project = Project(tmp_path, function("a"))
    state = project.state
    state.plan()
    (tmp_path / "t.py").write_text("def a(): return 22\n")
    project.run("a", state=state)
    assert project.plan() == {"a": "keep"}
    (tmp_path / "t.py").write_text("def a(): return 1\n")
    assert project.plan() == {"a": "run"}


@pytest.mark.parametrize("name", ["t.py", "conf.json", "out/first"])
def test_what_changes_while_a_task_reads_it_spoils_its_record(tmp_path, name):
    (tmp_path / "t.py").write_text("def a(): return 1\n")
    (tmp_path / "conf.json").write_text("{}")
    one = task(
        "a", "first", kind="function", source=Source(dotted="t.a"), resources={"c": "conf.json"}
    )
    project = Project(tmp_path, task("first"), one)
    project.run("first")
    state = project.state
    staged, paths = state.stage(one)
    state.begin(one, "r")
    before = (tmp_path / name).read_text()
    (tmp_path / name).write_text("something else entirely")
    paths[""].write_text("made of both")
    state.commit(one, staged, {})
    (tmp_path / name).write_text(before)  # and nobody would know
    assert project.plan()["a"] == "run"
    assert project.why("a") == [f"{name} was edited while it ran"]


def test_a_task_that_begins_is_given_no_old_bytecode(tmp_path):
    (tmp_path / "t.py").write_text("def a(): return 1\n")
    compiled = Path(py_compile.compile(str(tmp_path / "t.py"), doraise=True) or "")
    state = Project(tmp_path, function("a")).state
    os.utime(tmp_path / "t.py")  # edited, perhaps, after it was compiled
    state.begin(function("a"), "r")
    assert not compiled.exists()


# Leftovers


def test_a_sweep_removes_what_a_killed_build_left(tmp_path):
    project = Project(tmp_path, task("a"))
    project.run("a")
    left = tmp_path / ".byoa/pipeline/p"
    for name in (
        "work/a/out/a",
        "records/.byoa-partial-1",
        "folders/.byoa-partial-2",
        ".byoa-partial-3",
    ):
        (left / name).parent.mkdir(parents=True, exist_ok=True)
        (left / name).write_text("half")
    project.state.sweep()
    assert sorted(path.name for path in left.rglob("*") if path.is_file()) == ["a.json"]
    assert project.plan() == {"a": "keep"}


def test_a_task_that_is_not_of_this_pipeline_is_not_adopted(tmp_path):
    record = Project(tmp_path / "one", task("a")).run("a")
    with pytest.raises(ByoaError, match="There is no task 'a' in p"):
        Project(tmp_path / "two", task("b")).state.adopt(record)


def test_a_record_whose_file_is_another_is_adopted_and_not_believed(tmp_path):
    record = Project(tmp_path / "one", task("a")).run("a", "right")
    there = Project(tmp_path / "two", task("a"))
    (tmp_path / "two/out").mkdir(parents=True)
    (tmp_path / "two/out/a").write_text("wrong")
    os.utime(tmp_path / "two/out/a", ns=(10**18, 10**18 + 1))
    time.sleep(0.03)
    there.state.adopt(record)
    assert there.why("a") == ["product out/a was changed since it was made"]


# Hashes


def test_a_file_is_read_once(tmp_path, monkeypatch):
    path = tmp_path / "a"
    path.write_text("1")
    time.sleep(0.05)  # past the clock's tick
    Hashes(tmp_path / "hashes.json").digest(path)
    first = Hashes(tmp_path / "hashes.json")
    digest, stamp = first.look(path)
    assert stamp == hashes.stamped(path)
    first.save()
    monkeypatch.setattr(hashes, "sha256", lambda path: pytest.fail(f"{path} was read again"))
    assert Hashes(tmp_path / "hashes.json").look(path) == (digest, stamp)


def test_what_was_just_written_is_read_again(tmp_path):
    """Within a tick of the clock it could be other bytes under the same stamp."""
    path = tmp_path / "a"
    path.write_text("1")
    now = time.time_ns() + 10**10  # however slow this machine is
    os.utime(path, ns=(now, now))
    kept = Hashes(tmp_path / "hashes.json")
    digest, stamp = kept.look(path)
    assert stamp == ()
    path.write_text("2")
    os.utime(path, ns=(now, now))
    assert kept.look(path)[0] != digest


def test_settled():
    ns = 10**18 + 1
    assert not hashes.settled((1, ns, ns, 1), ns + 10_000_000)
    assert hashes.settled((1, ns, ns, 1), ns + 30_000_000)
    assert not hashes.settled((1, 10**18, 10**18, 1), 10**18 + 1_000_000_000), "whole seconds"
    assert hashes.settled((1, 10**18, 10**18, 1), 10**18 + 3_000_000_000)
    assert not hashes.settled((1, ns + 10**9, ns, 1), ns), "it is of the future"


def test_a_folder_is_what_its_files_are(tmp_path):
    kept = Hashes(tmp_path / "hashes.json")
    for name, text in {"t/a": "1", "t/b/c": "2"}.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    digest = kept.digest(tmp_path / "t")
    one, two = (hashes.sha256(tmp_path / "t" / name) for name in ("a", "b/c"))
    assert digest == tree.digest({"a": (one, 1), "b/c": (two, 1)}) == hashes.content(tmp_path / "t")
    (tmp_path / "t/b/c").rename(tmp_path / "t/b/d")
    renamed = kept.digest(tmp_path / "t")
    (tmp_path / "t/a").write_text("3")
    assert len({digest, renamed, kept.digest(tmp_path / "t")}) == 3


def test_nothing_is_nothing_and_a_pipe_is_no_product(tmp_path):
    assert Hashes(tmp_path / "h").digest(tmp_path / "nowhere") == ""
    assert Hashes(tmp_path / "h").digest(tmp_path / "nowhere" / "at all") == ""
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ByoaError, match="is a pipe, a socket or a device"):
        Hashes(tmp_path / "h").digest(tmp_path / "pipe")


@pytest.mark.parametrize("text", ["", "{", "[]", '{"version": 9, "files": {}}', '{"files": 1}'])
def test_a_cache_that_cannot_be_read_is_none(tmp_path, text):
    (tmp_path / "hashes.json").write_text(text)
    (tmp_path / "a").write_text("1")
    assert Hashes(tmp_path / "hashes.json").digest(tmp_path / "a") == hashes.sha256(tmp_path / "a")
