"""Rows into tables: from one database into another, from files."""

from __future__ import annotations

import datetime
import decimal
import sqlite3
import types

import pytest
from hypothesis import given
from hypothesis import strategies as st

from byoa.pipeline import relations
from byoa.pipeline.clients import DBAPIClient, SQLAlchemyClient
from byoa.pipeline.kinds.transfer import TYPES, column_type
from byoa.pipeline.worker import TaskError
from byoa.plan.pipeline.model import Dotted
from tests.byoa.pipeline.kinds.data_tasks import run, task
from tests.byoa.s3_server import write_files


@pytest.fixture
def root(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    relations.clients(str(tmp_path)).close()


def to(root, name="b.db"):
    return Dotted("", object=lambda: SQLAlchemyClient(f"sqlite:///{root / name}"))


def ask(root, query, name="b.db"):
    connection = sqlite3.connect(root / name)
    try:
        return connection.execute(query).fetchall()
    finally:
        connection.close()


def source(root):
    client = DBAPIClient(sqlite3.connect, {"database": str(root / "a.db")})
    client.execute(
        "CREATE TABLE IF NOT EXISTS n (i INTEGER, x REAL, s TEXT, b BLOB, no TEXT);"
        "DELETE FROM n; INSERT INTO n VALUES (1, 1.5, 'é', x'00ff', NULL),"
        f"(NULL, 2, '', x'', NULL), ({2**53 + 1}, -1e300, 'c', NULL, NULL)"
    )
    return client


ROWS = [
    (1, 1.5, "é", b"\0\xff", None),
    (None, 2.0, "", b"", None),
    (2**53 + 1, -1e300, "c", None, None),
]


@pytest.mark.parametrize("size", [1, 2, 10_000, None])
def test_rows_arrive_as_they_are(root, size):
    """Ploomber's way is through pandas, where a whole number beside a NULL becomes a float."""
    one = task(
        "sql-transfer",
        "SELECT * FROM n",
        ["copy", "table"],
        product_client=to(root),
        options={"chunksize": size},
    )
    for _ in range(2):  # the second time replaces the first
        run(root, one, clients={"SQLTransfer": lambda: source(root)})
    assert ask(root, "SELECT * FROM copy") == ROWS


def test_no_rows_make_an_empty_table(root):
    one = task(
        "sql-transfer", "SELECT i, s FROM n WHERE 0", ["copy", "table"], product_client=to(root)
    )
    run(root, one, clients={"SQLTransfer": lambda: source(root)})
    assert ask(root, "SELECT i, s FROM copy") == []


def test_a_transfer_that_breaks_leaves_the_table_as_it_was(root):
    one = task("sql-transfer", "SELECT i FROM n", ["copy", "table"], product_client=to(root))
    run(root, one, clients={"SQLTransfer": lambda: source(root)})
    broken = task(
        "sql-transfer",
        "SELECT CASE WHEN i > 1 THEN abs(-9223372036854775808) ELSE 5 END FROM n",
        ["copy", "table"],
        product_client=to(root),
        options={"chunksize": 1},
    )
    with pytest.raises(sqlite3.OperationalError, match="overflow"):
        run(root, broken, clients={"SQLTransfer": lambda: source(root)})
    assert len(ask(root, "SELECT * FROM copy")) == 3
    run(root, one, clients={"SQLTransfer": lambda: source(root)})


def test_where_to_has_to_be_said(root):
    one = task("sql-transfer", "SELECT 1", ["copy", "table"])
    with pytest.raises(TaskError, match=r"which database does copy go to\? Write `product_client:"):
        run(root, one, clients={"SQLTransfer": lambda: source(root)})
    view = task("sql-transfer", "SELECT 1", ["copy", "view"])
    with pytest.raises(TaskError, match="makes a table"):
        run(root, view, clients={"SQLTransfer": lambda: source(root)})


def test_a_driver_alone_is_no_target(root):
    one = task(
        "sql-transfer",
        "SELECT 1",
        ["copy", "table"],
        product_client=Dotted("", object=lambda: source(root)),
    )
    with pytest.raises(TaskError, match="needs a SQLAlchemyClient"):
        run(root, one, clients={"SQLTransfer": lambda: source(root)})


@pytest.mark.parametrize(
    ("values", "name"),
    [
        ([], "Text"),
        ([None, None], "Text"),
        ([True, None], "Boolean"),
        ([1, True], "BigInteger"),
        ([1, 2.5], "Float"),
        ([decimal.Decimal(1), 2], "Numeric"),
        ([datetime.datetime(2026, 1, 1)], "DateTime"),
        ([datetime.date(2026, 1, 1)], "Date"),
        ([datetime.date(2026, 1, 1), datetime.datetime(2026, 1, 1)], "Text"),
        ([b""], "LargeBinary"),
        (["a", 1], "Text"),
    ],
)
def test_types(values, name):
    assert column_type(values) == name


@given(st.lists(st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text())))
def test_a_type_holds_every_value(values):
    found = column_type(values)
    held = {name: kinds for kinds, name in TYPES}.get(found, (object,))
    assert all(value is None or isinstance(value, held) for value in values)


# From files, with pandas


def test_a_csv_file_becomes_a_table(root):
    pytest.importorskip("pandas")
    write_files(root, {"out/users.csv": b"id,name\n1,a\n2,\n"})
    one = task(
        "sql-upload",
        "",
        ["users", "table"],
        source={"path": "out/users.csv"},
        options={"to_sql_kwargs": {"index": False}},
    )
    for _ in range(2):
        run(root, one, clients={"SQLUpload": to(root).object})
    assert ask(root, "SELECT * FROM users") == [(1, "a"), (2, None)]


def test_a_files_name_can_be_upstreams_product(root):
    pytest.importorskip("pandas")
    write_files(root, {"out/users.csv": b"id\n1\n"})
    first = task("link", "", "out/users.csv", name="first")
    one = task(
        "sql-upload",
        "{{upstream['first']}}",
        ["users", "table"],
        upstream={"first": ("first",)},
        options={"to_sql_kwargs": {"index": False, "if_exists": "append"}},
    )
    for _ in range(2):
        run(root, one, first, clients={"SQLUpload": to(root).object})
    assert ask(root, "SELECT * FROM users") == [(1,), (1,)]


def test_another_reader(root, monkeypatch):
    pandas = pytest.importorskip("pandas")
    monkeypatch.setitem(
        __import__("sys").modules,
        "its_readers",
        types.SimpleNamespace(
            lines=lambda path: pandas.DataFrame({"line": path.read_text().split()})
        ),
    )
    write_files(root, {"a.txt": b"x y"})
    one = task(
        "sql-upload",
        "",
        ["words", "table"],
        source={"path": "a.txt"},
        options={"io_handler": "its_readers.lines", "to_sql_kwargs": {"index": False}},
    )
    run(root, one, clients={"SQLUpload": to(root).object})
    assert ask(root, "SELECT * FROM words") == [("x",), ("y",)]


@pytest.mark.parametrize(
    ("path", "options", "said"),
    [
        ("absent.csv", {}, r"there is no .*absent\.csv"),
        ("a.txt", {}, r"uploads \.csv and \.parquet files, not a\.txt"),
        ("a.csv", {"to_sql_kwargs": "x"}, "to_sql_kwargs of it is 'x'"),
    ],
)
def test_what_cannot_be_uploaded(root, path, options, said):
    pytest.importorskip("pandas")
    write_files(root, {"a.txt": b"x y", "a.csv": b"a\n1\n"})
    one = task("sql-upload", "", ["words", "table"], source={"path": path}, options=options)
    with pytest.raises(TaskError, match=said):
        run(root, one, clients={"SQLUpload": to(root).object})
