"""Serializers, parameter grids, environments and SQL checks by Ploomber's names."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from byoa.pipeline.order import File, Products
from byoa.pipeline.ploomber import sql_checks, things
from byoa.pipeline.ploomber.environment import Env, load_env, with_env
from byoa.pipeline.ploomber.io import serializer, unserializer
from byoa.pipeline.ploomber.param_grid import Interval, ParamGrid
from byoa.plan.errors import ByoaError, UsageError


def test_serializers_by_suffix(tmp_path: Path):
    @serializer({".up": lambda value, product: Path(product).write_text(value.upper())},
                fallback=True, defaults=[".json", ".txt"])  # fmt: skip
    def write(value: Any, product: Any) -> None: ...

    @unserializer({".up": lambda product: Path(product).read_text()},
                  fallback=True, defaults=[".json", ".txt"])  # fmt: skip
    def read(product: Any) -> Any: ...

    values = {"a": {"x": [1]}, "b": "text", "c": {1, 2}, "d": "up"}
    places = {"a": "a.json", "b": "b.txt", "c": "c.any", "d": "d.up"}
    product = Products({key: File(tmp_path / name) for key, name in places.items()})
    write(values, product)
    assert read(product) == {**values, "d": "UP"}
    write("one", File(tmp_path / "one.txt"))
    assert read(File(tmp_path / "one.txt")) == "one"
    with pytest.raises(ByoaError, match="returns a dict with these keys; this one returned a"):
        write({"a": 1}, product)
    with pytest.raises(ByoaError, match="takes a text, not int"):
        write(3, File(tmp_path / "one.txt"))
    with pytest.raises(ByoaError, match="what JSON can hold"):
        write({1, 2}, File(tmp_path / "one.json"))


def test_serializers_of_a_folder_and_their_function(tmp_path: Path):
    @serializer(unpack=True)
    def write(value: Any, product: Any) -> None:
        Path(product).write_text(f"<{value}>")

    @unserializer(unpack=True)
    def read(product: Any) -> Any:
        return Path(product).read_text()

    write({"x": 1, "y": 2}, File(tmp_path / "d"))
    assert read(File(tmp_path / "d")) == {"x": "<1>", "y": "<2>"}
    for wrong in ({"defaults": [".xls"]}, {"fallback": "dill"}, {"extension_mapping": {"x": 1}}):
        with pytest.raises(UsageError):
            serializer(**wrong)


def test_user_code_tells_products_apart(tmp_path: Path):
    one, several = File(tmp_path / "a"), Products({"a": File(tmp_path / "a")})
    assert isinstance(one, things.File)
    assert not isinstance(several, things.File)
    assert isinstance(several, things.MetaProduct)
    assert isinstance(things.File("x"), things.File)
    assert not isinstance("x", things.File)


def test_param_grids():
    grid = ParamGrid([{"a": [1, 2], "b": "x"}, {"a": Interval(0, 5, 2)}], {"c": 0})
    assert list(grid.product()) == [
        {"a": 1, "b": "x", "c": 0},
        {"a": 2, "b": "x", "c": 0},
        *({"a": piece, "c": 0} for piece in [(0, 2), (2, 4), (4, 5)]),
    ]
    assert list(ParamGrid({"a": [1, 2], "b": [3, 4]}).zip()) == [{"a": 1, "b": 3}, {"a": 2, "b": 4}]
    for wrong in (lambda: Interval(2, 1, 1), lambda: ParamGrid({"a": 1}, {"a": 1})):
        with pytest.raises(UsageError):
            wrong()


def test_environments(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "env.yaml").write_text("path: {data: '{{here}}/x/'}\na: {b: 1}\nc: '{{user}}'\n")
    inside = tmp_path / "in"
    inside.mkdir()
    monkeypatch.chdir(inside)

    @load_env
    def inner(env: Any, more: int) -> Any:
        return env.a.b + more

    @with_env
    def outer(env: Any, more: int = 1) -> Any:
        assert env.path.data == tmp_path / "x"
        assert env["a"]["b"] == env.a.b
        return inner(more)

    assert (outer(), outer(2), outer(env__a__b=5)) == (2, 3, 6)
    assert with_env({"x": "{{cwd}}"})(lambda env: env.x)() == str(inside)
    with pytest.raises(UsageError, match="no @with_env function"):
        Env.load()
    with pytest.raises(AttributeError, match="env has no 'nothing'"):
        _ = Env().nothing


def test_sql_checks():
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE TABLE t AS SELECT 1 AS a, NULL AS b UNION ALL SELECT 1, 3")
    client = SimpleNamespace(connection=connection)
    assert sql_checks.nulls_in_columns(client, ["a", "b"], "t")
    assert not sql_checks.nulls_in_columns(client, "a", "t")
    assert sql_checks.distinct_values_in_column(client, "b", "t") == {None, 3}
    assert sql_checks.range_in_column(client, "b", "t") == (3, 3)
    assert sql_checks.exists_row_where(client, "b > 2", "t")
    assert sql_checks.duplicates_in_column(client, "a", "t")
    assert not sql_checks.duplicates_in_column(client, ["a", "b"], "t")
    with pytest.raises(AssertionError, match="t: a holds duplicates"):
        sql_checks.assert_no_duplicates_in_column(client, "a", "t")
    connection.close()
