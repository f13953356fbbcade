"""SQL tasks with SQLite for real; dumps are held against Ploomber's own bytes."""

from __future__ import annotations

import csv
import importlib
import sqlite3
import tracemalloc
import types
from dataclasses import replace

import pytest

from byoa.pipeline import relations
from byoa.pipeline.clients import DBAPIClient, SQLAlchemyClient
from byoa.pipeline.clients.aside import Aside
from byoa.pipeline.worker import TaskError
from byoa.plan.errors import ByoaError, UsageError
from byoa.plan.pipeline.model import Dotted, Pipeline, Source, Task
from tests.byoa.pipeline.kinds.data_tasks import path_of, product, run, task
from tests.byoa.s3_server import files_of, write_files

CREATE = "DROP TABLE IF EXISTS {{product}}; CREATE TABLE {{product}} AS SELECT 1 AS x, 'é' AS y"


@pytest.fixture
def root(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(params=["url", "dbapi"])
def database(request, root):
    def make():
        if request.param == "url":
            return SQLAlchemyClient(f"sqlite:///{root}/a.db")
        return DBAPIClient(sqlite3.connect, {"database": f"{root}/a.db"})

    yield make
    relations.clients(str(root)).close()


def ask(root, query="SELECT * FROM made"):
    connection = sqlite3.connect(root / "a.db")
    try:
        return connection.execute(query).fetchall()
    finally:
        connection.close()


def test_a_script_makes_its_table(root, database, capsys):
    one = task("sql-script", CREATE, ["made", "table"])
    run(root, one, clients={"SQLScript": database})
    run(root, one, clients={"SQLScript": database})
    assert ask(root) == [(1, "é")]
    assert "CREATE TABLE made AS SELECT 1" in capsys.readouterr().out, "the log holds what ran"


def test_params_upstream_and_several_products(root, database):
    first = task("sql-script", CREATE, ["made", "table"], name="first")
    run(root, first, clients={"SQLScript": database})
    second = task(
        "sql-script",
        """CREATE TABLE {{product['a']}} AS SELECT * FROM {{upstream['first']}} LIMIT {{n}};
        CREATE VIEW {{product.b.name}} AS SELECT x FROM {{upstream.first}} -- {{product.b.kind}}
        """,
        {"a": ["main", "a", "table"], "b": ["b", "view"]},
        params={"n": 1},
        upstream={"first": ("first",)},
        client=Dotted("", object=database),
    )
    run(root, second, first)
    assert ask(root, "SELECT * FROM a") == [(1, "é")]
    assert ask(root, "SELECT * FROM b") == [(1,)]


def test_a_group_of_upstream_tasks(root, database):
    fits = [task("sql-script", CREATE, [f"fit_{n}", "table"], name=f"fit-{n}") for n in (1, 2)]
    for fit in fits:
        run(root, fit, clients={"SQLScript": database})
    union = task(
        "sql-dump",
        "{% for one in upstream['fit-*'].values() %}{% if not loop.first %} UNION ALL {% endif %}"
        "SELECT x FROM {{one}}{% endfor %}",
        "all.csv",
        upstream={"fit-*": ("fit-1", "fit-2")},
        options={"chunksize": None},
    )
    order = run(root, union, *fits, clients={"SQLDump": database})
    assert path_of(order).read_text() == '"x"\n"1"\n"1"\n'


def test_macros_come_from_the_loader_from_beside_and_from_the_root(root, database):
    write_files(
        root,
        {
            "sql/macros.sql": b"{% macro one() %}SELECT 1 AS x{% endmacro %}",
            "scripts/beside.sql": b"WHERE 1",
            "at_root.sql": b"-- root",
        },
    )
    text = (
        "{% import 'macros.sql' as m %}CREATE TABLE {{product}} AS "
        "{{m.one()}} {% include 'beside.sql' %} {% include 'at_root.sql' %}"
    )
    one = task(
        "sql-script",
        text,
        ["made", "table"],
        source={"path": "scripts/it.sql"},
    )
    run(root, one, clients={"SQLScript": database}, templates=("sql",))
    assert ask(root) == [(1,)]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("SELECT {{absent}}", r"asks for absent\. There is "),
        ("SELECT {{upstream['no']}}", r"asks for what is not there.*'no'.* Upstream is nothing"),
        ("SELECT {{product.nothing}}", "asks for what is not there"),
        ("SELECT {% if %}", r"the source of it:1: "),
        ("{% include 'no.sql' %}", r"imports no\.sql, which is not there"),
        ("{% raise 'not today' %}", "not today"),
        ("SELECT {{get_key('x.txt', 'a')}}", "get_key reads"),
    ],
)
def test_what_is_wrong_with_a_template(root, database, text, said):
    with pytest.raises(TaskError, match=said):
        run(root, task("sql-dump", text, "a.csv"), clients={"SQLDump": database})


def test_a_product_that_the_script_names_itself(root, database):
    text = '{% set product = SQLRelation(["made", "table"]) %}CREATE TABLE {{product}} (x)'
    run(root, task("sql-script", text, ["made", "table"]), clients={"SQLScript": database})
    assert ask(root) == []


def test_a_script_that_does_not_make_its_table(root, database):
    one = task("sql-script", "CREATE TABLE other (x) -- {{product}}", ["made", "table"])
    with pytest.raises(TaskError, match="did not make made"):
        run(root, one, clients={"SQLScript": database})


def test_a_task_without_a_client(root):
    with pytest.raises(UsageError, match=r"no client\. Write `client: MODULE.FUNCTION`.*SQLDump:"):
        run(root, task("sql-dump", "SELECT 1", "a.csv"))


def test_the_drivers_own_error_stays(root, database):
    """So that `retry_on: OperationalError` means what it says."""
    with pytest.raises(sqlite3.OperationalError, match="no such table: nowhere"):
        run(root, task("sql-dump", "SELECT * FROM nowhere", "a.csv"), clients={"SQLDump": database})


ROWS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i < 5) SELECT i FROM n"


def test_a_dump_in_one_file(root, database):
    text = 'SELECT 1 AS a, NULL AS "b c", \'say "é"\' AS d, 2.5 AS e'
    one = task("sql-dump", text, "out/a.csv", options={"chunksize": None})
    order = run(root, one, clients={"SQLDump": database})
    said = '"a","b c","d","e"\n"1","","say ""é""","2.5"\n'
    assert path_of(order).read_bytes() == said.encode(), "as Ploomber's CSVIO writes it"


def test_a_dump_in_chunks_is_a_folder_of_files(root, database):
    one = task("sql-dump", ROWS, "out/a.csv", options={"chunksize": 2})
    order = run(root, one, clients={"SQLDump": database})
    assert files_of(path_of(order)) == {
        "0.csv": b'"i"\n"1"\n"2"\n',
        "1.csv": b'"i"\n"3"\n"4"\n',
        "2.csv": b'"i"\n"5"\n',
    }


@pytest.mark.parametrize("size", [None, 10])
def test_no_rows_leave_the_columns(root, database, size):
    one = task("sql-dump", "SELECT 1 AS a WHERE 0", "a.csv", options={"chunksize": size})
    order = run(root, one, clients={"SQLDump": database})
    path = path_of(order) if size is None else path_of(order) / "0.csv"
    assert path.read_bytes() == b'"a"\n'


def test_the_default_is_chunks(root, database):
    order = run(root, task("sql-dump", ROWS, "a.csv"), clients={"SQLDump": database})
    assert list(files_of(path_of(order))) == ["0.csv"]


def test_a_dump_prepares_with_several_commands(root, database):
    text = "CREATE TEMP TABLE t AS SELECT 3 AS x; -- and\nSELECT x FROM t;"
    one = task("sql-dump", text, "a.csv", options={"chunksize": None})
    assert path_of(run(root, one, clients={"SQLDump": database})).read_text() == '"x"\n"3"\n'


def test_a_dump_of_no_query(root, database):
    with pytest.raises(TaskError, match="gives no rows"):
        run(root, task("sql-dump", "CREATE TABLE t (x)", "a.csv"), clients={"SQLDump": database})


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"chunksize": "many"}, "chunksize of it is 'many'"),
        ({"chunksize": -1}, "chunksize of it is -1"),
        ({"chunksize": True}, "chunksize of it is True"),
        ({"io_handler": "my.Handler"}, "io_handler of it is 'Handler'"),
    ],
)
def test_options_that_cannot_be(root, database, options, said):
    with pytest.raises(TaskError, match=said):
        run(
            root,
            task("sql-dump", "SELECT 1", "a.csv", options=options),
            clients={"SQLDump": database},
        )


def test_parquet_needs_pyarrow_or_has_it(root, database):
    one = task("sql-dump", "SELECT 1 AS x", "a.parquet", options={"chunksize": None})
    try:
        parquet = importlib.import_module("pyarrow.parquet")
    except ModuleNotFoundError:
        with pytest.raises(ByoaError, match="pip install pyarrow"):
            run(root, one, clients={"SQLDump": database})
    else:
        order = run(root, one, clients={"SQLDump": database})
        assert parquet.read_table(path_of(order)).to_pylist() == [{"x": 1}]


def test_what_upstream_holds_can_be_in_a_query(root, database):
    """`[[…]]` is what Ploomber fills in at run time; an SQL array is no such thing."""
    write_files(root, {"first.json": b'{"n": 7}', "first.yaml": b"n: 8"})
    first = task("link", "", "first.json", name="first")
    other = task("link", "", "first.yaml", name="other")
    text = (
        "SELECT [[ get_key(upstream['first'], 'n') ]] AS a, {{get_key(upstream.other, 'n')}} AS b,"
        " '[[1, 2], [3]]' AS c"
    )
    one = task(
        "sql-dump",
        text,
        "a.csv",
        upstream={"first": ("first",), "other": ("other",)},
        options={"chunksize": None},
    )
    order = run(root, one, first, other, clients={"SQLDump": database})
    assert list(csv.reader(path_of(order).read_text().splitlines()))[1] == [
        "7",
        "8",
        "[[1, 2], [3]]",
    ]


def test_a_client_of_the_users_own(root):
    """Only what is asked of it has to be there."""
    ran: list[str] = []
    make = lambda: types.SimpleNamespace(execute=ran.append)  # noqa: E731
    one = task("sql-script", "-- {{product}}", ["made", "table"])
    run(root, one, clients={"SQLScript": make})
    assert ran == ["-- made"]


def test_what_is_secret_is_not_in_the_log(root, database, capsys):
    text = "SELECT '{{db_password}}' AS a, '{{user}}' AS b"
    params = {"db_password": "s3cret", "user": "me"}
    one = task("sql-dump", text, "a.csv", params=params, options={"chunksize": None})
    order = run(root, one, clients={"SQLDump": database})
    said = capsys.readouterr().out
    assert "SELECT '***' AS a, 'me' AS b" in said
    assert "s3cret" not in said
    assert "s3cret" in path_of(order).read_text()


def test_memory_is_flat(root):
    """A dump into one file holds a chunk of rows at a time."""
    text = ROWS.replace("i < 5", "i < 200000")
    one = task("sql-dump", text, "a.csv", options={"chunksize": None})
    make = lambda: DBAPIClient(sqlite3.connect, {"database": ":memory:"})  # noqa: E731
    tracemalloc.start()
    try:
        order = run(root, one, clients={"SQLDump": make})
        assert tracemalloc.get_traced_memory()[1] < 8_000_000
    finally:
        tracemalloc.stop()
        relations.clients(str(root)).close()
    assert path_of(order).stat().st_size > 1_500_000


# Whether a table is there


@pytest.mark.parametrize(
    ("relation", "there"),
    [
        (["made", "table"], True),
        (["MADE", "table"], True),
        (['"made"', "table"], True),
        (["main", "made", "table"], True),
        (["seen", "view"], True),
        (["other", "made", "table"], False),
        (["absent", "table"], False),
        (["key/of/a/thing", "generic"], True),
    ],
)
def test_whether_a_table_is_there(root, database, relation, there):
    client = database()
    client.execute("CREATE TABLE made (x); CREATE VIEW seen AS SELECT 1")
    client.close()
    one = task("sql-script", "", relation)
    clients = {"SQLScript": Dotted("", object=database)}
    pipeline = Pipeline(name="p", root=str(root), tasks={"it": one}, clients=clients)
    aside = Aside(pipeline)
    assert relations.exists(aside, one, product(relation)) is there
    aside.close()


def test_a_database_that_cannot_be_asked(root):
    """Neither there nor gone: nothing is made anew because a server is away."""
    one = task("sql-script", "", ["made", "table"], name="sales")
    closed = lambda: SQLAlchemyClient("sqlite:////proc/no/a.db")  # noqa: E731
    clients = {"SQLScript": Dotted("", object=closed)}
    aside = Aside(Pipeline(name="p", root=str(root), tasks={"sales": one}, clients=clients))
    with pytest.raises(ByoaError, match="sales: whether its table made is there cannot be told"):
        relations.exists(aside, one, one.products[""])
    aside.close()


def test_a_driver_alone_is_asked_for_no_rows():
    class Client:
        """A driver that is not SQLite's: it knows one table."""

        def __init__(self):
            self.said, self.connection = [], self

        def cursor(self):
            return self

        def execute(self, query):
            self.said.append(query)
            if "absent" in query:
                raise ValueError(query)

        def __getattr__(self, name):
            return lambda: self.said.append(name)

    client = Client()
    assert relations.there(client, "s", "made")
    assert not relations.there(client, "", "absent")
    assert client.said.count("rollback") == 2, "no transaction is left open"
    assert client.said[0] == "SELECT 1 FROM s.made WHERE 1 = 0"


def test_other_databases_are_asked_by_sqlalchemy(root):
    client = SQLAlchemyClient(f"sqlite:///{root}/a.db")
    client.execute("CREATE TABLE made (x)")
    from sqlalchemy import inspect

    assert inspect(client.engine).has_table("made", None), "what relations.there asks elsewhere"
    client.close()


def test_whose_client_a_table_has():
    own, other, shared = Dotted("own.get"), Dotted("other.get"), Dotted("shared.get")
    one = Task(name="t", kind="sql-script", source=Source(), products={"": product(["a", "table"])})
    two = Task(
        name="t",
        kind="sql-transfer",
        source=Source(),
        products=one.products,
        client=own,
        product_client=other,
    )
    made = one.products[""]
    ask = relations.client_of_product
    assert ask(one, made, {"SQLScript": own}) == own
    assert ask(one, replace(made, client=shared), {"SQLScript": own}) == shared
    assert ask(two, made, {"SQLTransfer": shared}) == other
    assert ask(replace(two, product_client=None), made, {"SQLTransfer": shared}) is None
    assert ask(replace(two, kind="sql-upload"), made, {}) == own
