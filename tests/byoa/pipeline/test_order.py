"""What user code gets: product and upstream as Ploomber's, staged paths, their final places."""

from __future__ import annotations

import json
import os
import pickle
from pathlib import Path

import pytest

from byoa.pipeline.order import File, Products, Relation, order_for
from byoa.plan.pipeline.model import SINGLE, Pipeline, Product, Source, Task


def again(value):
    """As it comes out of another process."""
    return pickle.loads(pickle.dumps(value))  # noqa: S301


def task(name: str, products: dict[str, Product], **words) -> Task:
    return Task(name=name, kind="function", source=Source(dotted="m.f"), products=products, **words)


@pytest.fixture
def pipeline(tmp_path: Path) -> Pipeline:
    tasks = [
        task("get", {SINGLE: Product("out/get.csv")}),
        task("two", {"data": Product("out/two.csv"), "model": Product("out/two.pkl")}),
        task("table", {SINGLE: Product(relation=("main", "things", "table"))}),
        task("fit-1", {SINGLE: Product("out/fit-1")}),
        task("far", {SINGLE: Product(str(tmp_path / "elsewhere/far.txt"))}),
        task(
            "last",
            {SINGLE: Product("out/last.txt")},
            upstream={
                "get": ("get",),
                "two": ("two",),
                "table": ("table",),
                "fit-*": ("fit-1",),
                "fit": ("fit-1",),
            },
            resources={"words": "words.txt"},
        ),
    ]
    return Pipeline(name="p", root=str(tmp_path / "root"), tasks={one.name: one for one in tasks})


def test_upstream_is_read_as_ploombers(pipeline: Pipeline):
    root = Path(pipeline.root)
    order = order_for(pipeline, pipeline.tasks["last"], str(root / "work/last"))
    upstream = again(order).given_upstream
    assert upstream["get"] == root / "out/get.csv" and str(upstream["get"]).endswith("get.csv")
    assert os.fspath(upstream["two"]["model"]) == str(root / "out/two.pkl")
    assert [one.name for one in upstream["two"]] == ["two.csv", "two.pkl"]
    assert dict(upstream["two"].items()) == {
        "data": root / "out/two.csv",
        "model": root / "out/two.pkl",
    }
    assert f"{upstream['table']}" == "main.things" and upstream["table"].name == "things"
    assert upstream["fit-*"] == {"fit-1": root / "out/fit-1"}, "a pattern is a dict, of one too"
    assert upstream["fit"] == root / "out/fit-1", "a chained grid's point is the product itself"
    assert order.resources == {"words": str(root / "words.txt")}
    with pytest.raises(KeyError, match=r"^Task 'last' has no upstream 'gat'"):
        upstream["gat"]
    with pytest.raises(KeyError, match="is for one upstream; task 'last' has 5"):
        upstream.first  # noqa: B018
    with upstream as same:
        assert same is upstream and "get" in same and len(same) == 5


def test_first_is_the_only_one(pipeline: Pipeline):
    below = task("below", {SINGLE: Product("b")}, upstream={"get": ("get",)})
    order = order_for(pipeline, below, pipeline.root)
    assert order.given_upstream.first == Path(pipeline.root, "out/get.csv")


def test_products_are_staged_and_named_as_they_will_be(pipeline: Pipeline, tmp_path: Path):
    work = f"{pipeline.root}/.byoa/work/x"
    two = order_for(pipeline, pipeline.tasks["two"], work)
    assert isinstance(two.product, Products) and two.product["data"] == Path(work, "out/two.csv")
    assert two.where_final(two.products["data"]) == f"{pipeline.root}/out/two.csv"
    assert two.where_final(f"{work}/out/beside.txt") == f"{pipeline.root}/out/beside.txt"
    with pytest.raises(KeyError, match=r"^There is no product 'dat'\. There are: 'data', 'model'$"):
        two.product["dat"]
    far = order_for(pipeline, pipeline.tasks["far"], work)
    assert isinstance(far.product, File)
    assert far.product.parent.parent == tmp_path / "elsewhere" and far.product.name == "far.txt"
    assert far.where_final(far.product) == str(tmp_path / "elsewhere/far.txt")
    in_place = order_for(pipeline, pipeline.tasks["two"], pipeline.root)
    assert in_place.products == in_place.final


def test_all_of_it_is_json(pipeline: Pipeline):
    order = order_for(pipeline, pipeline.tasks["last"], pipeline.root)
    said = json.loads(json.dumps(order.plain()))
    assert said["product"] == f"{pipeline.root}/out/last.txt"
    assert said["upstream"]["fit-*"] == {"fit-1": f"{pipeline.root}/out/fit-1"}
    assert said["upstream"]["two"]["data"] == f"{pipeline.root}/out/two.csv"
    assert order_for(pipeline, pipeline.tasks["get"], pipeline.root).plain()["upstream"] is None


def test_a_file_is_a_path_that_can_go(tmp_path: Path):
    one, folder = File(tmp_path / "one"), File(tmp_path / "folder")
    one.write_text("")
    (folder / "in").mkdir(parents=True)
    for place in (one, folder, one):
        place.delete()
        assert not place.exists()
    assert isinstance(folder / "in", Path) and again(one) == one


def test_a_relation_is_its_name():
    assert Relation("", "t") == "t" and Relation("s", "t", "view").kind == "view"
    sent = again(Relation("s", "t", "view"))
    assert (sent, sent.schema, sent.kind) == ("s.t", "s", "view")
