"""Random graphs, random changes: what has to run runs, nothing else, and makes what a model says.

The model knows the projects' arithmetic. It says what every product must hold (nothing is stale)
and whose code, helpers, parameters, inputs or products changed (nothing runs needlessly).
"""

from __future__ import annotations

import json
import os
import tempfile
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from byoa.pipeline.load import load
from tests.byoa.pipeline.small_build import build

STYLES = (
    "import helpers",
    "from helpers import *",
    "from helpers import {names}",
    "inside",
    "as h",
)
DIGIT = st.integers(0, 9)


@dataclass(frozen=True)
class Helper:
    """A function: its own constant and what the functions that it calls give."""

    constant: int
    calls: tuple[int, ...]


@dataclass(frozen=True)
class Step:
    """A task: what it adds up, and by what it divides (so that bytes can stay the same)."""

    helpers: tuple[int, ...]
    upstream: tuple[int, ...]
    style: str
    module: int
    modulus: int
    param: int
    resource: int | None


@dataclass
class World:
    helpers: list[Helper]
    steps: list[Step]
    note: int = 0  #: in comments
    done: dict[int, Any] = field(default_factory=dict)  #: what decided each step's last run
    disk: dict[int, int | None] = field(default_factory=dict)  #: what its product holds

    def value(self, at: int) -> int:
        helper = self.helpers[at]
        return helper.constant + sum(self.value(one) for one in helper.calls)

    def closure(self, at: int) -> dict[int, Helper]:
        found = {at: self.helpers[at]}
        for one in self.helpers[at].calls:
            found |= self.closure(one)
        return found

    def build(self) -> list[str]:
        """What a build must run, as it goes; afterwards `disk` is what it leaves."""
        ran = []
        for at, step in enumerate(self.steps):
            used: dict[int, Helper] = {}
            for one in step.helpers:
                used |= self.closure(one)
            inputs = {one: self.disk[one] for one in step.upstream}
            decides = (step, tuple(sorted(used.items())), tuple(inputs.items()))
            total = step.param + (step.resource or 0) + sum(map(self.value, step.helpers))
            product = (total + sum(value or 0 for value in inputs.values())) % step.modulus
            if self.done.get(at) != decides or self.disk.get(at) != product:
                ran.append(f"t{at}")
            self.done[at], self.disk[at] = decides, product
        return ran


def write(world: World, root: Path) -> None:
    files = {"helpers.py": helpers_text(world), "pipeline.yaml": yaml_text(world)}
    for module in {step.module for step in world.steps}:
        files[f"tasks{module}.py"] = tasks_text(world, module)
    for at, step in enumerate(world.steps):
        if step.resource is not None:
            files[f"data{at}.txt"] = str(step.resource)
    for name, text in files.items():
        path = root / name
        if not path.exists() or path.read_text() != text:
            path.write_text(text)


def helpers_text(world: World) -> str:
    lines = [f"# {world.note}"]
    for at, helper in enumerate(world.helpers):
        called = "".join(f" + h{one}()" for one in helper.calls)
        lines += [f"C{at} = {helper.constant}", f"def h{at}():", f"    return C{at}{called}"]
    return "\n".join(lines) + "\n"


def tasks_text(world: World, module: int) -> str:
    head = ["from pathlib import Path", f'"""{world.note}"""']
    body = []
    for at, step in enumerate(world.steps):
        if step.module != module:
            continue
        names = ", ".join(f"h{one}" for one in step.helpers) or "h0"
        way, prefix, inside = step.style, "", []
        if way == "inside":
            way, inside = "", [f"    from helpers import {names}"]
        elif way == "as h":
            way, prefix = f"import helpers as m{at}", f"m{at}."
        elif way == "import helpers":
            prefix = "helpers."
        elif "{names}" in way:
            way = way.format(names=", ".join(f"{one} as {one}_{at}" for one in names.split(", ")))
        tail = f"_{at}" if "{names}" in step.style else ""
        head += [way] * bool(way)
        total = "".join(f" + {prefix}h{one}{tail}()" for one in step.helpers)
        more = ", upstream" * bool(step.upstream) + ", resources_" * (step.resource is not None)
        body += [f"def t{at}(product, param{more}):", *inside, f"    total = param{total}"]
        for one in step.upstream:
            body.append(f"    total += int(Path(upstream['t{one}']).read_text())  # {world.note}")
        if step.resource is not None:
            body.append("    total += int(Path(resources_['data']).read_text())")
        body.append(f"    Path(product).write_text(str(total % {step.modulus}))")
    return "\n".join([*head, *body]) + "\n"


def yaml_text(world: World) -> str:
    tasks = []
    for at, step in enumerate(world.steps):
        params: dict[str, Any] = {"param": step.param}
        if step.resource is not None:
            params["resources_"] = {"data": f"data{at}.txt"}
        task = {"source": f"tasks{step.module}.t{at}", "product": f"out/{at}.txt", "params": params}
        tasks.append(task)
    return json.dumps({"tasks": tasks})


@st.composite
def worlds(draw: st.DrawFn) -> World:
    helpers = [
        Helper(draw(DIGIT), tuple(draw(st.sets(st.integers(0, at - 1), max_size=2)) if at else ()))
        for at in range(draw(st.integers(1, 4)))
    ]
    steps = []
    for at in range(draw(st.integers(2, 6))):
        resource = draw(st.none() | DIGIT)
        steps.append(
            Step(
                tuple(draw(st.sets(st.integers(0, len(helpers) - 1), max_size=2))),
                tuple(sorted(draw(st.sets(st.integers(0, at - 1), max_size=3)) if at else ())),
                draw(st.sampled_from(STYLES)),
                draw(st.integers(0, 1)),
                draw(st.integers(2, 9)),
                draw(DIGIT),
                resource,
            )
        )
    return World(helpers, steps)


CHANGES = st.lists(
    st.tuples(
        st.sampled_from(
            [
                "constant",
                "param",
                "modulus",
                "resource",
                "delete",
                "scribble",
                "note",
                "touch",
                "record",
            ]
        ),
        st.integers(0, 5),
        DIGIT,
    ),
    min_size=1,
    max_size=4,
)


def change(world: World, root: Path, what: str, at: int, value: int) -> None:
    """Applies one change to the model, or to the disk and what the model knows of it."""
    at %= len(world.steps)
    step, product = world.steps[at], root / f"out/{at}.txt"
    if what == "constant":
        which = at % len(world.helpers)
        world.helpers[which] = replace(world.helpers[which], constant=value)
    elif what in ("param", "modulus") or (what == "resource" and step.resource is not None):
        changed: dict[str, Any] = {what: max(2, value) if what == "modulus" else value}
        world.steps[at] = replace(step, **changed)
    elif what == "delete":
        product.unlink(missing_ok=True)
        world.disk[at] = None
    elif what == "scribble":
        product.write_text(str(value))
        world.disk[at] = value
    elif what == "note":
        world.note = value
    elif what == "touch" and product.exists():
        os.utime(product)
    elif what == "record":
        (root / f".byoa/pipeline/pipeline/records/t{at}.json").unlink(missing_ok=True)
        world.done.pop(at, None)


@settings(max_examples=30, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(worlds(), st.lists(CHANGES, min_size=1, max_size=4))
def test_never_stale_and_never_needless(world, batches):
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder).resolve()
        write(world, root)
        assert build(load(root)) == world.build()
        for batch in batches:
            for what, at, value in batch:
                change(world, root, what, at, value)
            write(world, root)
            expected = world.build()
            assert sorted(build(load(root))) == sorted(expected)
            for at, value in world.disk.items():
                assert (root / f"out/{at}.txt").read_text() == str(value), f"t{at} is stale"
        assert build(load(root)) == []
