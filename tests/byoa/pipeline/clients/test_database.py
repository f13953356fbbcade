"""Clients of databases, with SQLite for real."""

from __future__ import annotations

import pickle
import sqlite3
import threading
from pathlib import Path

import pytest

from byoa.pipeline.clients import DBAPIClient, SQLAlchemyClient
from byoa.plan.errors import ByoaError, UsageError

SCRIPT = """
DROP TABLE IF EXISTS a;
CREATE TABLE a AS SELECT 1 AS x, ';' AS y; -- a; comment
INSERT INTO a VALUES (2, 'it''s; fine');
"""


@pytest.fixture(params=["url", "dbapi"])
def client(request, tmp_path):
    made = (
        SQLAlchemyClient(f"sqlite:///{tmp_path / 'some/folder/a.db'}")
        if request.param == "url"
        else DBAPIClient(sqlite3.connect, {"database": str(tmp_path / "a.db")})
    )
    yield made
    made.close()


def rows(client, query="SELECT * FROM a ORDER BY 1"):
    cursor = client.cursor()
    try:
        return cursor.execute(query).fetchall()
    finally:
        cursor.close()


def test_a_script_of_several_commands(client):
    client.execute(SCRIPT)
    assert rows(client) == [(1, ";"), (2, "it's; fine")]


def test_it_is_committed(client):
    client.execute(SCRIPT)
    client.close()
    assert len(rows(client)) == 2, "and a closed client opens again"


def test_a_script_that_fails_leaves_the_database_as_it_was(client):
    client.execute(SCRIPT)
    with pytest.raises(Exception, match="no such table: nowhere"):
        client.execute("DROP TABLE a; CREATE TABLE b (c); INSERT INTO nowhere VALUES (1);")
    assert len(rows(client)) == 2
    assert rows(client, "SELECT name FROM sqlite_master") == [("a",)]
    client.execute("CREATE TABLE b (c)")


def test_a_script_that_manages_its_own_transactions(client):
    client.execute("PRAGMA foreign_keys=ON; BEGIN; CREATE TABLE a (x); COMMIT; VACUUM;")
    assert rows(client) == []


def test_it_travels_to_another_process_closed(client):
    client.execute(SCRIPT)
    other = pickle.loads(pickle.dumps(client))  # noqa: S301
    assert len(rows(other)) == 2
    other.close()


def test_pandas_reads_from_it(client):
    pandas = pytest.importorskip("pandas")
    client.execute(SCRIPT)
    source = client.engine if isinstance(client, SQLAlchemyClient) else client.connection
    assert list(pandas.read_sql("SELECT x FROM a", source)["x"]) == [1, 2]


def test_memory_is_one_database_for_the_client():
    client = SQLAlchemyClient("sqlite://")
    client.execute("CREATE TABLE a (x)")
    assert rows(client) == []
    client.connection.close()  # user code may: it is opened again
    client.execute("CREATE TABLE c (x)")
    client.close()


def test_no_split_and_a_token():
    whole = SQLAlchemyClient("sqlite://", split_source=None)
    whole.execute("CREATE TABLE a (x); CREATE TABLE b (x)")
    token = SQLAlchemyClient("sqlite://", split_source="GO")
    token.execute("CREATE TABLE a (x) GO INSERT INTO a VALUES ('one; two')")
    assert rows(token) == [("one; two",)]
    for client in (whole, token):
        client.close()


class Driver:
    """A driver that is not SQLite's: it notes what it is told."""

    def __init__(self, **settings):
        self.said = [settings]

    def cursor(self):
        return self

    def execute(self, command):
        self.said.append(command)
        if "fail" in command:
            raise ValueError(command)

    def __getattr__(self, name):
        return lambda: self.said.append(name)


@pytest.mark.parametrize(
    ("token", "said"),
    [
        (None, ["SELECT 1; SELECT ';'", "commit", "close"]),
        (";", ["SELECT 1", "SELECT ';'", "commit", "close"]),
    ],
)
def test_another_driver_gets_the_script_as_it_is_or_split(token, said):
    client = DBAPIClient(Driver, {"host": "h"}, split_source=token)
    client.execute("SELECT 1; SELECT ';'")
    assert client.connection.said == [{"host": "h"}, *said]


def test_what_failed_is_rolled_back_everywhere():
    client = DBAPIClient(Driver, {}, split_source=";")
    with pytest.raises(ValueError, match="fail"):
        client.execute("a; fail; b")
    assert client.connection.said == [{}, "a", " fail".strip(), "rollback", "close"]


def test_scripts_that_write_at_once_take_turns(tmp_path):
    """Transactions that begin by reading and go on to write would end each other."""
    path = tmp_path / "a.db"
    first = SQLAlchemyClient(f"sqlite:///{path}")
    first.execute("CREATE TABLE base AS SELECT 1 AS x")
    first.close()
    failed: list[Exception] = []
    start = threading.Barrier(2)
    read = "SELECT count(*) FROM base, (WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1"
    read += " FROM n WHERE i < 100000) SELECT i FROM n)"

    def work(name):
        client = SQLAlchemyClient(f"sqlite:///{path}")
        start.wait(30)
        try:
            client.execute(f"{read}; CREATE TABLE {name} AS SELECT 1 AS x")
        except Exception as error:
            failed.append(error)
        finally:
            client.close()

    threads = [threading.Thread(target=work, args=(f"t{n}",)) for n in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert failed == []


@pytest.mark.parametrize(("asked", "has"), [({}, 3_600_000), ({"timeout": 0.25}, 250)])
def test_how_long_sqlite_waits_for_its_turn(tmp_path, asked, has):
    url = SQLAlchemyClient(f"sqlite:///{tmp_path}/a", create_engine_kwargs={"connect_args": asked})
    plain = DBAPIClient(sqlite3.connect, {"database": ":memory:", **asked})
    for client in (url, plain):
        assert rows(client, "PRAGMA busy_timeout") == [(has,)]
        client.close()


def test_a_password_is_not_shown():
    client = SQLAlchemyClient("postgresql+psycopg2://me:s3cret@host:5432/db?sslmode=require")
    assert "s3cret" not in f"{client} {client!r} {[client]}"
    assert "me:***@host" in repr(client)
    assert "s3cret" not in repr(DBAPIClient(Driver, {"password": "s3cret"}))


def test_other_dialects_are_known_by_their_url():
    """Nothing is connected, and no driver is needed, before a client is used."""
    assert SQLAlchemyClient("postgresql://h/db").flavor == "postgresql"
    assert SQLAlchemyClient("mysql+pymysql://h/db").flavor == "mysql+pymysql"
    with pytest.raises(ByoaError, match=r"postgresql\+psycopg2://h/db needs the driver psycopg2,"):
        SQLAlchemyClient("postgresql+psycopg2://h/db").execute("SELECT 1")


@pytest.mark.parametrize("uri", ["no url s3cret", None, 3])
def test_what_is_no_url(uri):
    with pytest.raises(UsageError, match="no database URL") as error:
        SQLAlchemyClient(uri)
    assert "s3cret" not in str(error.value)


def test_a_url_object_and_engine_settings(tmp_path):
    from sqlalchemy.engine import URL

    url = URL.create(drivername="sqlite", database=str(tmp_path / "new/a.db"))
    client = SQLAlchemyClient(url, create_engine_kwargs={"connect_args": {"timeout": 3}})
    client.execute("CREATE TABLE a (x)")
    client.close()
    assert Path(tmp_path / "new/a.db").is_file()
