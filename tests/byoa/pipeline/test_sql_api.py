"""SQL tasks made in Python, as Ploomber's own documentation does; clients are objects there."""

from __future__ import annotations

import sqlite3
from typing import Any

from byoa.pipeline.clients import DBAPIClient, SQLAlchemyClient
from byoa.pipeline.ploomber.dag import DAG
from byoa.pipeline.ploomber.tasks import SQLDump, SQLScript, SQLTransfer
from byoa.pipeline.ploomber.things import File, SQLiteRelation

CREATE = "DROP TABLE IF EXISTS {{product}}; CREATE TABLE {{product}} AS SELECT 1 AS a, 2 AS b"


def make() -> Any:
    dag = DAG()
    one = DBAPIClient(sqlite3.connect, {"database": "one.db"})
    other = SQLAlchemyClient("sqlite:///other.db")
    dag.clients |= {SQLDump: one, SQLScript: one, SQLiteRelation: one}
    script = SQLScript(CREATE, SQLiteRelation(("made", "table")), dag=dag, name="made")
    query = 'SELECT * FROM {{upstream["made"]}}'
    dump = SQLDump(query, File("out.csv"), dag=dag, name="dump", chunksize=None)
    there = SQLiteRelation(("there", "table"), client=other)
    move = SQLTransfer(query, there, dag=dag, name="move", client=one)
    script >> dump
    script >> move
    return dag


def test_each_task_and_product_has_its_own_client(tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    first: dict[str, str] = make().build()
    assert set(first) == {"made", "dump", "move"}
    assert (tmp_path / "out.csv").read_text() == '"a","b"\n"1","2"\n'
    connection = sqlite3.connect(tmp_path / "other.db")
    assert connection.execute("SELECT * FROM there").fetchall() == [(1, 2)]
    connection.execute("DROP TABLE there")
    connection.commit()
    connection.close()
    capfd.readouterr()
    make().build()
    said = capfd.readouterr()
    assert "move: done" in said.out + said.err, "its table was looked for where it lies"
    assert "dump: done" not in said.out + said.err
