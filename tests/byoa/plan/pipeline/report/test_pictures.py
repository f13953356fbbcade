"""Boxes, ways, cells, lanes and dots: what a picture holds, whatever it is given."""

from __future__ import annotations

import math
import re
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from byoa.plan.pipeline.report import chart, graph, plots
from byoa.plan.pipeline.report.groups import MOST, Link, groups, links
from byoa.plan.pipeline.report.influence import by_influence, heat, influence, pair_of, short
from byoa.plan.pipeline.report.parts import components
from byoa.plan.pipeline.report.scales import nice, scale
from byoa.plan.pipeline.report.seen import Seen, View
from byoa.plan.pipeline.report.timeline import lanes, moments, timeline
from tests.byoa.plan.pipeline.report.views import EVIL, T0, chained, evil, huge, iris, task

SVG = "{http://www.w3.org/2000/svg}"


def tasks_of(view: View):
    return {name: seen.task for name, seen in view.tasks.items()}


# Groups


def test_a_grid_is_one_box():
    found = groups(tasks_of(iris()))
    assert [group.said for group in found] == ["get", "sepal", "petal", "features", "fit-*", "best"]
    assert len(found[4].tasks) == 12
    assert links(found, tasks_of(iris())) == [
        Link(0, 1), Link(0, 2), Link(0, 3), Link(1, 3), Link(2, 3), Link(3, 4), Link(4, 5),
    ]  # fmt: skip


def test_a_small_grid_is_drawn_task_by_task():
    some = [task(f"fit-{n}", family="fit", point={"n": n}) for n in range(3)]
    assert [group.said for group in groups({one.name: one for one in some})] == [
        "fit-0", "fit-1", "fit-2",
    ]  # fmt: skip


def test_a_chained_grid_leads_point_to_point():
    found = groups(tasks_of(chained()))
    assert [group.said for group in found] == ["data", "fit-*", "eval-*", "table", "notify"]
    assert Link(1, 2, each=True) in links(found, tasks_of(chained()))
    assert Link(0, 1, each=False) in links(found, tasks_of(chained()))


def test_everything_to_everything_is_not_point_to_point():
    some = {f"a-{n}": task(f"a-{n}") for n in range(2)}
    some |= {f"b-{n}": task(f"b-{n}", needs=list(some)[:2]) for n in range(2)}
    assert links(groups(some, most=3), some) == [Link(0, 1, each=False)]


@pytest.mark.parametrize(
    ("names", "said"),
    [
        ([f"part-{n:04}" for n in range(500)], ["part-*"]),
        ([f"{a}-{n}" for n in range(500) for a in ("load", "fit")], ["load-*", "fit-*"]),
        ([f"load_{chr(97 + n % 26)}{chr(97 + n // 26)}" for n in range(500)], ["load*"]),
    ],
)
def test_many_tasks_are_few_boxes(names: list[str], said: list[str]):
    found = groups({name: task(name) for name in names})
    assert [group.said for group in found] == said
    assert sorted(name for group in found for name in group.tasks) == sorted(names)


def test_names_that_say_nothing_are_put_together_by_depth():
    letters = [chr(0x4E00 + n) for n in range(1000)]
    chain = {name: task(name, needs=letters[n - 1 : n] if n else ()) for n, name in
             enumerate(letters)}  # fmt: skip
    found = groups(chain)
    assert len(found) <= MOST and found[0].said == "levels 1–17"
    assert all(link.target == link.source + 1 for link in links(found, chain))
    wide = {name: task(name, needs=["一"] if n else ()) for n, name in enumerate(letters)}
    assert [group.said for group in groups(wide)] == ["一", "level 2"]


def test_a_wide_fan_of_numbered_tasks_is_one_box_and_one_of_names_is_not():
    def fan(names: list[str]):
        some = {"get": task("get"), **{name: task(name, needs=["get"]) for name in names}}
        return [group.said for group in groups(some)]

    assert fan([f"load-{n}" for n in range(16)]) == ["get", *(f"load-{n}" for n in range(16))]
    assert fan([f"load-{n}" for n in range(17)]) == ["get", "load-*"]
    words = [f"{chr(97 + n)}x{chr(97 + n)}" for n in range(20)]
    assert fan(words) == ["get", *words]


def test_what_nothing_connects_stands_on_shelves():
    some = {f"t{n}": Seen(task=task(f"t{n}")) for n in range(40)}
    some |= {name: Seen(task=task(name, needs=needs)) for name, needs in
             (("a", []), ("b", ["a"]), ("c", ["a"]))}  # fmt: skip
    root = parsed(graph.svg(View(pipeline="p", tasks=some)))
    assert float(root.get("width") or 0) < 1200
    first = next(one for one in root.iter(f"{SVG}text") if one.get("class") == "name")
    assert first.text == "a", "the largest part comes first"
    moved = [
        tuple(float(part) for part in re.findall(r"[\d.]+", one.get("transform") or ""))
        for one in root.iter(f"{SVG}g") if one.get("transform")
    ]  # fmt: skip
    assert len(set(moved)) == 41 and len({y for _, y in moved}) > 3


def test_parts_are_those_that_hang_together():
    assert components(6, [(0, 1), (4, 1), (5, 5), (2, 3)]) == [[0, 1, 4], [2, 3], [5]]


@pytest.mark.parametrize(
    ("name", "rows"),
    [
        ("fit", ["fit"]),
        ("section-4-modeling-hyperparameter-optimization-via-grid-search",
         ["section-4-modeling-", "hyperparameter-optimization-", "via-grid-search"]),
        ("a b", ["a b"]),
    ],
)  # fmt: skip
def test_names_are_broken_between_words(name: str, rows: list[str]):
    assert graph.wrapped(name) == rows


@given(st.text(max_size=120))
def test_any_name_has_at_most_three_lines(name: str):
    rows = graph.wrapped(name)
    assert 1 <= len(rows) <= 3 and all(row.isprintable() for row in rows)


# The graph


def parsed(text: str) -> ElementTree.Element:
    """HTML's own SVGs name no namespace."""
    return ElementTree.fromstring(
        re.sub(r"<svg (?!xmlns)", '<svg xmlns="http://www.w3.org/2000/svg" ', text)
    )


def texts(root: ElementTree.Element) -> list[str]:
    return [element.text or "" for element in root.iter(f"{SVG}text")]


def test_the_graph_shows_every_task_and_its_status():
    root = parsed(graph.svg(iris(), graph.Drawing(address=lambda name: f"#t-{name}")))
    assert {"get", "fit-*", "12 tasks", "1 failed · 11 done"} <= set(texts(root))
    assert {"✓ done · 1.2 s", "= up to date · 0.70 s"} <= set(texts(root))
    cells = [one for one in root.iter(f"{SVG}rect") if "cell" in (one.get("class") or "")]
    assert [one.get("class") for one in cells].count("cell s-done") == 11
    assert [one.get("class") for one in cells].count("cell s-failed") == 1
    hrefs = [one.get("href") for one in root.iter(f"{SVG}a")]
    assert len(hrefs) == 17 and "#t-fit-ada-boost-1-1" in hrefs


def test_boxes_do_not_overlap_and_cells_lie_within():
    for view in (iris(), chained(), huge(400)):
        root = parsed(graph.svg(view))
        boxes = [rect(one) for one in root.iter(f"{SVG}rect") if one.get("class") == "box"]
        for place, (x, y, wide, high) in enumerate(boxes):
            for a, b, c, d in boxes[place + 1 :]:
                assert x + wide <= a or a + c <= x or y + high <= b or b + d <= y
        for one in root.iter(f"{SVG}rect"):
            if "cell" in (one.get("class") or ""):
                x, y, wide, high = rect(one)
                assert any(
                    a <= x and b <= y and x + wide <= a + c and y + high <= b + d
                    for a, b, c, d in boxes
                ), (x, y)


def rect(element: ElementTree.Element) -> tuple[float, ...]:
    return tuple(float(element.get(key) or 0) for key in ("x", "y", "width", "height"))


def test_a_huge_graph_is_small():
    text = graph.svg(huge())
    assert len(text) < 20_000
    assert {"fit-*", "part-*", "5000 tasks"} <= set(texts(parsed(text)))


def test_products_are_drawn_when_asked_for():
    assert "→ output/get.csv" in texts(parsed(graph.svg(iris(), graph.Drawing(products=True))))
    assert "→ output/get.csv" not in graph.svg(iris())


def test_a_stranger_s_words_are_nothing_but_text():
    root = parsed(graph.svg(evil(), graph.Drawing(address=lambda name: name)))
    assert not list(root.iter(f"{SVG}script"))
    assert "script" not in {one.tag for one in parsed(timeline(list(evil().tasks.values()))).iter()}


def test_an_empty_pipeline_has_a_picture():
    parsed(graph.svg(View(pipeline="empty", tasks={})))


# Text for other programs


def test_mermaid():
    lines = chart.mermaid(iris()).splitlines()
    assert lines[0] == "flowchart TD"
    assert '    n0["get<br/>function: done, 1.2 s"]:::done' in lines
    assert '    n4[["fit-#42;<br/>12 tasks: 1 failed, 11 done"]]:::failed' in lines
    assert "    n3 --> n4" in lines
    assert any("-.->" in line for line in chart.mermaid(chained()).splitlines())
    assert "→" not in chart.mermaid(iris()) and "output/get" in chart.mermaid(iris(), True)
    assert "<script" not in chart.mermaid(evil()) and '"&' not in chart.mermaid(evil())


def test_dot():
    text = chart.dot(iris())
    assert text.startswith('digraph "pipeline" {') and text.rstrip().endswith("}")
    assert '[label="fit-*\\n12 tasks: 1 failed, 11 done"' in text and "n3 -> n4" in text
    strings = re.findall(r'"(?:[^"\\]|\\.)*"', chart.dot(evil()))
    assert any("script" in one for one in strings)
    assert "script" not in re.sub(r'"(?:[^"\\]|\\.)*"', "", chart.dot(evil()))


# Times


def ran(name: str, began: float, seconds: float, status: str = "done") -> Seen:
    return Seen(task=task(name), status=status, started=T0 + began, seconds=seconds)


def test_lanes_are_as_few_as_ran_side_by_side():
    found = lanes([ran("a", 0, 2), ran("b", 1, 2), ran("c", 2, 2), ran("d", 3, 1), ran("e", 9, 1)])
    assert [[one.name for one in lane] for lane in found] == [["a", "c", "e"], ["b", "d"]]
    assert len(lanes([ran("a", 0, 2), ran("b", 1.99, 2)], slack=0.02)) == 1


@given(st.lists(st.tuples(st.floats(0, 50), st.floats(0, 20)), max_size=40))
def test_no_lane_holds_two_at_once(found: list[tuple[float, float]]):
    made = lanes([ran(f"t{n}", *one) for n, one in enumerate(found)])
    assert sum(map(len, made)) == len(found)
    for lane in made:
        for one, other in zip(lane, lane[1:]):
            assert (one.started or 0) + one.seconds <= (other.started or 0) + 2e-3
    drawn = timeline([ran(f"t{n}", *one) for n, one in enumerate(found)])
    if found:
        parsed(drawn.split("<p ")[0])


def test_short_tasks_are_drawn_as_one_but_a_failed_one_is_seen():
    some = [ran(f"t{n}", n * 0.01, 0.01, "failed" if n == 500 else "done") for n in range(1000)]
    drawn = timeline([*some, ran("long", 10, 90)], lambda name: f"#{name}")
    root = parsed(drawn)
    assert [one.get("class") for one in root.iter(f"{SVG}rect")].count("s-failed") == 1
    assert "#t500" in drawn and len(list(root.iter(f"{SVG}rect"))) < 10


@pytest.mark.parametrize(
    ("whole", "ticks"),
    [(0.5, [0, 0.05, 0.1]), (17, [0, 5, 10, 15]), (100, [0, 15, 30]), (121, [0, 30, 60, 90, 120]),
     (5000, [0, 900, 1800]), (1e7, [0, 1e6, 2e6])],
)  # fmt: skip
def test_times_are_round_seconds_minutes_and_hours(whole: float, ticks: list[float]):
    found = moments(whole)
    assert found[: len(ticks)] == pytest.approx(ticks)
    assert 3 < len(found) < 13 and found[-1] <= whole


@pytest.mark.parametrize("whole", [0.003, 0.05, 0.3, 40, 4000])
def test_no_two_moments_of_an_axis_look_the_same(whole: float):
    drawn = parsed(timeline([ran("a", 0, whole)]))
    said = [one.text for one in drawn.iter(f"{SVG}text") if one.get("class") == "tick"]
    assert len(said) == len(set(said)) > 3


def test_nothing_ran():
    assert timeline([Seen(task=task("a"))]) == ""


# Scales and plots


@given(st.lists(st.floats(allow_nan=True, allow_infinity=True), max_size=8), st.booleans())
def test_every_value_is_on_its_axis(values: list[float], down: bool):
    start, end = (200.0, 10.0) if down else (10.0, 200.0)
    made = scale(values, start, end)
    low, high = min(start, end), max(start, end)
    for value in values:
        if math.isfinite(value):
            assert low - 0.01 <= made.at(value) <= high + 0.01
    ticks = made.ticks()
    assert 1 <= len(ticks) <= 20 and all(map(math.isfinite, ticks))


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [(0, 10, [0, 2, 4, 6, 8, 10]), (0.68, 0.92, [0.7, 0.75, 0.8, 0.85, 0.9]),
     (-1, 1, [-1, -0.5, 0, 0.5, 1]), (1e-7, 3e-7, [1e-7, 1.5e-7, 2e-7, 2.5e-7, 3e-7]), (5, 5, [5])],
)  # fmt: skip
def test_ticks_are_round(low: float, high: float, ticks: list[float]):
    assert nice(low, high) == pytest.approx(ticks)


def test_decades_are_drawn_on_a_logarithmic_scale():
    made = scale([1e-4, 1e-2, 1], 0, 300)
    assert made.log and made.ticks() == [1e-4, 1e-3, 1e-2, 1e-1, 1]
    assert made.at(1e-2) == pytest.approx(150)
    assert not scale([0, 1e-2, 1], 0, 300).log and not scale([1, 20], 0, 1).log


def fits(**more: object) -> list[Seen]:
    return [
        Seen(
            task=task(f"f{n}{kind}", family="f", point={"n": n, "kind": kind, "same": 1}),
            metrics={"score": n / 10 + (kind == "b")},
        )
        for n in (1, 2, 3) for kind in "ab"
    ]  # fmt: skip


def test_what_varies():
    assert plots.varying(fits()) == {"n": [1, 2, 3], "kind": ["a", "b"]}
    mixed = iris().families()["fit"]
    assert list(plots.varying(mixed)) == ["model", "n_estimators", "criterion", "learning_rate"]
    assert plots.metrics(mixed) == ["accuracy", "loss"]


def test_numbers_stand_on_an_axis_with_lines_through_their_means():
    root = parsed(plots.plot(fits(), "n", "score", "kind", lambda name: f"#{name}"))
    dots = [one for one in root.iter() if "dot" in (one.get("class") or "").split()]
    assert len(dots) == 6 and {one.tag for one in dots} == {f"{SVG}circle", f"{SVG}path"}
    assert len([one for one in root.iter() if "mean" in (one.get("class") or "")]) == 2
    assert {"1", "2", "3", "n"} <= set(texts(root))
    tips = [one.text for one in root.iter(f"{SVG}title")]
    assert "f1a: 0.1" in tips and "f3b: 1.3" in tips


def test_words_stand_side_by_side_with_their_median():
    root = parsed(plots.plot(fits(), "kind", "score", "n"))
    assert {"a", "b", "kind"} <= set(texts(root))
    medians = [one for one in root.iter() if one.get("class") == "median"]
    assert [one[0].text for one in medians] == ["median 0.2", "median 1.2"]
    circles = [float(one.get("cx") or 0) for one in root.iter(f"{SVG}circle")]
    assert circles[0] < circles[1], "a is left of b"
    root = parsed(plots.plot(fits(), "kind", "score"))
    circles = [float(one.get("cx") or 0) for one in root.iter(f"{SVG}circle")]
    assert circles[::2] == sorted(circles[::2]), "of one word in their order"


def test_only_tasks_that_have_the_parameter_and_the_metric_are_drawn():
    mixed = iris().families()["fit"]
    root = parsed(plots.plot(mixed, "learning_rate", "accuracy"))
    assert len(list(root.iter(f"{SVG}circle"))) == 5, "six ada-boosts, of which one failed"
    assert plots.plot(mixed, "learning_rate", "nothing") == ""


def test_points_of_different_plots_can_be_compared():
    """The same figure is equally high in every plot of a metric."""

    def high(key: str) -> str | None:
        root = parsed(plots.plot(fits(), key, "score"))
        return next(iter(root.iter(f"{SVG}circle"))).get("cy")

    assert high("n") == high("kind")


@pytest.mark.parametrize(
    ("metric", "better"),
    [("val_loss", "min"), ("rmse", "min"), ("accuracy", "max"), ("bbox_mAP", "max"),
     ("roc_auc", "max"), ("validation-error", "min"), ("map", "max"), ("count", ""),
     ("images_per_second", "max"), ("seconds_per_epoch", "min")],
)  # fmt: skip
def test_what_is_better(metric: str, better: str):
    assert plots.direction(metric) == better


def test_the_best():
    found = iris().families()["fit"]
    best = plots.best(found, "accuracy")
    assert best is not None and best.name == "fit-random-forest-5-gini"
    lowest = plots.best(found, "accuracy", "min")
    assert lowest is not None and lowest.metrics["accuracy"] == 0.68
    assert plots.best(found, "nothing") is None and plots.best([], "loss") is None


# What matters


def grid(count: int = 2, **more: object) -> list[Seen]:
    """score follows depth and, a little, rate; seed says nothing."""
    return [
        Seen(
            task=task(f"g{d}{r}{s}", family="g", point={"rate": r, "depth": d, "seed": s, **more}),
            metrics={"score": d + r / 10 + s * 1e-3},
        )
        for d in (1, 2, 3) for r in (1, 2) for s in range(count)
    ]  # fmt: skip


def test_the_parameter_that_matters_most_comes_first():
    found = by_influence(grid(), "score")
    assert [key for key, _ in found] == ["depth", "rate", "seed"]
    parts = [part for _, part in found]
    assert parts[0] is not None and 0.99 < parts[0] <= 1
    assert parts[1] is not None and 0 < parts[1] < 0.01
    assert influence(grid(1), "depth", "score") is not None
    coins = [
        Seen(
            task=task(f"c{n}", family="c", point={"n": n % 2}), metrics={"m": float(n in (0, 2, 3))}
        )
        for n in range(4)
    ]
    assert influence(coins, "n", "m") == pytest.approx(1 / 3), "equal figures count each"
    alone = [
        Seen(task=task(f"a{n}", family="a", point={"n": n}), metrics={"m": n}) for n in range(9)
    ]
    assert influence(alone, "n", "m") is None, "each value has one task"
    assert influence(grid(), "depth", "nothing") is None


def test_the_two_that_matter_most_are_one_picture():
    root = parsed(heat(grid(), "score"))
    cells = [one for one in root.iter(f"{SVG}rect") if one.get("class") == "heat"]
    tips = [one.text for one in root.iter(f"{SVG}title")]
    assert len(cells) == 6 and "rate 1, depth 3: 3.101" in tips, tips
    strong = [float(one.get("fill-opacity") or 0) for one in cells]
    assert max(strong) == strong[-1] and min(strong) == strong[0]
    losses = [Seen(task=seen.task, metrics={"loss": seen.metrics["score"]}) for seen in grid()]
    cells = list(parsed(heat(losses, "loss")).iter(f"{SVG}rect"))
    assert max(float(one.get("fill-opacity") or 0) for one in cells) == float(
        cells[0].get("fill-opacity") or 0
    ), "a low loss is the better one"
    assert heat(grid()[:2], "score") == "" and heat([], "score") == ""


def test_pictures_of_two_are_laid_out_alike_for_every_metric():
    some = [
        Seen(task=one.task, metrics={**one.metrics, "other": 10 * v["rate"] + v["depth"]})
        for one in grid()
        for v in [one.task.point]
    ]
    assert pair_of(some, "score") == pair_of(some, "other") == ("rate", "depth")
    many = [
        Seen(task=task(f"m{a}{b}{s}", family="m", point={"a": a, "b": b}), metrics={"m": a * b})
        for a in range(2) for b in range(12) for s in range(2)
    ]  # fmt: skip
    assert pair_of(many, "m") == ("b", "a"), "twelve columns are too many"


def test_a_parameter_that_some_tasks_lack_is_in_no_picture_of_two():
    assert pair_of(iris().families()["fit"], "accuracy") == ("model", "n_estimators")


@pytest.mark.parametrize(
    ("value", "wide", "said"),
    [(0.123456, 60, "0.1235"), (0.123456, 30, "0.123"), (0.123456, 25, "0.12"), (0.12, 5, "")],
)
def test_numbers_have_as_many_figures_as_fit(value: float, wide: float, said: str):
    assert short(value, wide) == said


values = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)


@given(st.lists(st.tuples(values, st.floats()), min_size=1, max_size=10))
def test_any_grid_is_drawn(found: list[tuple[object, float]]):
    family = [
        Seen(task=task(f"t{n}", family="t", point={"p": value, EVIL: n % 2}), metrics={"m": figure})
        for n, (value, figure) in enumerate(found)
    ]
    for key in plots.varying(family):
        drawn = plots.plot(family, key, "m", plots.colouring(family, key))
        assert "nan" not in drawn.lower().replace("nano", "") or any(
            "nan" in str(value).lower() for value, _ in found
        )
        if drawn:
            parsed(drawn)
        part = influence(family, key, "m")
        assert part is None or 0 <= part <= 1
        if picture := heat(family, "m"):
            parsed(picture)
        legend = plots.legend(family, plots.colouring(family, key))
        if legend:
            parsed(legend)
