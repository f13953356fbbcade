"""Tasks as jobs of Batch: waits are kept, whatever is made an array or joined."""

from __future__ import annotations

import re
from collections.abc import Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from byoa.plan.pipeline.batch_jobs import (
    MOST_WAITS,
    N_TO_N,
    Job,
    Wait,
    Work,
    batch_name,
    jobs_of,
)


def works(*some: Work) -> dict[str, Work]:
    return {work.name: work for work in some}


def family(name: str, count: int, needs: tuple[str, ...] = (), paired: str = "") -> list[Work]:
    return [
        Work(f"{name}-{n}", (*needs, *([f"{paired}-{n}"] if paired else ())), name)
        for n in range(count)
    ]


def by_name(jobs: list[Job]) -> dict[str, Job]:
    return {job.name.removeprefix("r-"): job for job in jobs}


def test_a_chain_is_a_job_a_task():
    jobs = jobs_of(works(Work("get"), Work("fit", ("get",))), "r-")
    assert jobs == [Job("r-get", ("get",)), Job("r-fit", ("fit",), (Wait("r-get"),))]


def test_a_grid_is_an_array_and_whoever_needs_all_of_it_waits_once():
    grid = family("fit", 200, ("get",))
    best = Work("best", tuple(work.name for work in grid))
    jobs = by_name(jobs_of(works(Work("get"), *grid, best), "r-"))
    assert list(jobs) == ["get", "fit", "best"]
    assert jobs["fit"].tasks == tuple(work.name for work in grid)
    assert jobs["fit"].waits == (Wait("r-get"),)
    assert jobs["best"].waits == (Wait("r-fit"),)


def test_grids_that_chain_wait_point_to_point_in_the_order_of_the_first():
    fits = family("fit", 3)
    scores = [Work(f"score-{n}", (f"fit-{n}",), "score") for n in (2, 0, 1)]
    jobs = by_name(jobs_of(works(*fits, *scores), "r-"))
    assert jobs["score"].tasks == ("score-0", "score-1", "score-2")
    assert jobs["score"].waits == (Wait("r-fit", N_TO_N),)


def test_whoever_needs_a_part_of_a_grid_keeps_it_from_being_an_array():
    jobs = by_name(jobs_of(works(*family("fit", 3), Work("look", ("fit-1",))), "r-"))
    assert set(jobs) == {"fit-0", "fit-1", "fit-2", "look"}
    assert jobs["look"].waits == (Wait("r-fit-1"),)


def test_points_of_unequal_shape_are_arrays_of_their_own():
    big = [Work(f"fit-{n}", (), "fit", "big" if n > 3 else "small") for n in range(6)]
    jobs = jobs_of(works(*big), "r-")
    assert [len(job.tasks) for job in jobs] == [4, 2]
    assert len({job.name for job in jobs}) == 2


def test_two_grids_that_point_n_means_different_things_in_are_no_arrays():
    first, second = family("a", 2), family("b", 2)
    crossed = [Work("c-0", ("a-0", "b-1"), "c"), Work("c-1", ("a-1", "b-0"), "c")]
    jobs = by_name(jobs_of(works(*first, *second, *crossed), "r-"))
    assert set(jobs["c-0"].waits) == {Wait("r-a-0"), Wait("r-b-1")}


def test_no_array_waits_for_itself_in_a_circle():
    tasks = works(
        Work("a-0", (), "a"),
        Work("b-0", ("a-0",), "b"),
        Work("a-1", ("b-0",), "a"),
        Work("b-1", ("a-1",), "b"),
    )
    assert [job.tasks for job in jobs_of(tasks, "r-")] == [("a-0",), ("b-0",), ("a-1",), ("b-1",)]


@pytest.mark.parametrize(("count", "joins"), [(20, 0), (21, 1), (200, 10), (400, 20), (1000, 53)])
def test_more_than_20_waits_are_joined_by_20(count: int, joins: int):
    many = [Work(f"t{n}") for n in range(count)]
    needs = tuple(work.name for work in many)
    jobs = jobs_of(works(*many, Work("one", needs), Work("other", needs)), "r-")
    assert sum(not job.tasks for job in jobs) == joins  # the two share them
    assert all(len(job.waits) <= MOST_WAITS for job in jobs)
    assert reached(jobs)["one"] >= set(needs)


def test_what_runs_already_is_waited_for_by_its_id():
    (job,) = jobs_of(works(Work("fit", ("get", "gone"))), "r-", {"get": "id-1"})
    assert job.waits == (Wait("id-1"),)


def test_names_that_batch_would_take_for_one_are_two():
    jobs = jobs_of(works(Work("fit"), Work("FIT"), Work("fit!"), Work("é" * 200)), "p-")
    names = [job.name.lower() for job in jobs]
    assert len(set(names)) == 4
    assert all(re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,127}", name) for name in names)
    assert batch_name("p-", "fit") == "p-fit"


def reached(jobs: list[Job]) -> dict[str, set[str]]:
    """For each task, every task that has certainly succeeded when it begins."""
    of: dict[str, Job] = {job.name: job for job in jobs}
    done: dict[str, dict[str, set[str]]] = {}
    for job in jobs:
        done[job.name] = {}
        for place, task in enumerate(job.tasks or ("",)):
            found: set[str] = set()
            for wait in job.waits:
                above = of[wait.job]
                some = above.tasks or ("",)
                some = (some[place],) if wait.kind else some
                for one in some:
                    found |= done[above.name][one] | ({one} if one else set())
            done[job.name][task] = found
    return {task: found for each in done.values() for task, found in each.items() if task}


@st.composite
def graphs(draw: st.DrawFn) -> Mapping[str, Work]:
    count = draw(st.integers(1, 30))
    found: dict[str, Work] = {}
    for n in range(count):
        needs = draw(st.lists(st.sampled_from(sorted(found)), unique=True)) if found else []
        grid = draw(st.sampled_from(["", "a", "b", "c"]))
        shape = draw(st.sampled_from(["", "big"]))
        found[f"t{n:02}"] = Work(f"t{n:02}", tuple(needs), grid, shape)
    return found


@settings(max_examples=300, deadline=None)
@given(graphs())
def test_every_graph_keeps_its_waits_and_waits_for_nothing_else(graph: Mapping[str, Work]):
    jobs = jobs_of(graph, "r-")
    assert sorted(task for job in jobs for task in job.tasks) == sorted(graph)
    assert len({job.name for job in jobs}) == len(jobs)
    seen: set[str] = set()
    for job in jobs:
        assert {wait.job for wait in job.waits} <= seen
        assert len(job.waits) <= MOST_WAITS
        seen.add(job.name)
    expected: dict[str, set[str]] = {}
    for name, work in graph.items():
        expected[name] = {*work.needs, *(one for need in work.needs for one in expected[need])}
    assert reached(jobs) == expected
