"""The order in which tasks begin: on random graphs, with everything that can become of a task."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from byoa.plan.pipeline.model import SINGLE, Limits, Pipeline, Product, Source, Task
from byoa.plan.pipeline.schedule import Schedule


def pipeline(needs: dict[str, list[str]], cpus: dict[str, float] | None = None) -> Pipeline:
    tasks = {
        name: Task(
            name=name,
            kind="function",
            source=Source(dotted="m.f"),
            products={SINGLE: Product(name)},
            upstream={one: (one,) for one in before},
            limits=Limits(cpus=(cpus or {}).get(name, 1)),
        )
        for name, before in needs.items()
    }
    return Pipeline(name="p", root="/", tasks=tasks)


def ready(schedule: Schedule) -> list[str]:
    return [task.name for task in schedule.take(lambda task: True, lambda: True)]


DIAMOND = {"a": [], "b": ["a"], "c": ["a"], "d": ["b", "c"], "e": []}


def test_a_task_is_ready_when_its_upstream_is_done():
    schedule = Schedule(pipeline(DIAMOND), DIAMOND)
    assert ready(schedule) == ["a", "e"] and not schedule.any_ready
    schedule.done("a")
    assert ready(schedule) == ["b", "c"]
    schedule.done("b")
    assert ready(schedule) == []
    schedule.done("c")
    assert ready(schedule) == ["d"]


def test_what_is_done_already_is_not_waited_for():
    assert ready(Schedule(pipeline(DIAMOND), ["d", "c"])) == ["c"]


def test_what_needs_a_lost_task_is_lost():
    schedule = Schedule(pipeline(DIAMOND), DIAMOND)
    ready(schedule)
    assert schedule.lost("a") == ["b", "c", "d"]
    assert set(schedule.open) == {"e"}


def test_who_does_not_fit_stays_ready_and_who_only_waits_always_fits():
    schedule = Schedule(pipeline(DIAMOND, {"a": 4, "e": 0}), DIAMOND)
    taken = [task.name for task in schedule.take(lambda task: task.limits.cpus < 2, lambda: True)]
    assert taken == ["e"] and schedule.any_ready
    none = [task.name for task in schedule.take(lambda task: True, lambda: False)]
    assert none == [] and ready(schedule) == ["a"]


def test_after_a_halt_nothing_gets_ready():
    """What ran on to its end made others ready, and a build that begins nothing waited for them."""
    schedule = Schedule(pipeline(DIAMOND), DIAMOND)
    assert ready(schedule) == ["a", "e"]
    schedule.halt()
    schedule.done("a")
    assert not schedule.any_ready and set(schedule.open) == {"b", "c", "d", "e"}


def test_what_most_waits_for_is_first():
    chain = {"short": [], "long": [], "next": ["long"], "last": ["next"], "slow": []}
    assert ready(Schedule(pipeline(chain), chain)) == ["long", "short", "slow"]
    took = {"slow": 100.0, "long": 5.0, "next": 1.0, "last": 1.0}
    assert ready(Schedule(pipeline(chain), chain, took)) == ["slow", "short", "long"]
    assert ready(Schedule(pipeline(chain), ["long", "short", "slow"])) == ["short", "long", "slow"]


def test_a_task_that_is_put_back_keeps_its_place():
    schedule = Schedule(pipeline({"a": [], "b": [], "c": []}), "abc")
    assert ready(schedule) == ["a", "b", "c"]
    for name in "cab":
        schedule.put(name)
    assert ready(schedule) == ["a", "b", "c"]


@st.composite
def graphs(draw: st.DrawFn) -> dict[str, list[str]]:
    count = draw(st.integers(1, 12))
    names = [f"t{number}" for number in range(count)]
    return {
        name: draw(st.lists(st.sampled_from(names[:place]), unique=True)) if place else []
        for place, name in enumerate(names)
    }


@given(graphs(), st.data())
def test_every_task_runs_once_after_its_upstream_or_is_lost(
    graph: dict[str, list[str]], data: st.DataObject
):
    undone = [name for name in graph if data.draw(st.booleans())]
    fails = {name for name in undone if data.draw(st.integers(0, 4)) == 0}
    schedule = Schedule(pipeline(graph), undone)
    ran, lost, running = list[str](), set[str](), list[str]()
    while schedule.open:
        running += ready(schedule)
        name = data.draw(st.sampled_from(running))
        running.remove(name)
        ran.append(name)
        missing = set(graph[name]) & set(undone) - set(ran) | set(graph[name]) & (fails | lost)
        assert not missing
        lost |= set(schedule.lost(name)) if name in fails else set()
        if name not in fails:
            schedule.done(name)
    assert not running and sorted([*ran, *lost]) == sorted(undone)
    for name in lost:
        assert set(graph[name]) & (fails | lost), "only what needs a failed task is lost"
