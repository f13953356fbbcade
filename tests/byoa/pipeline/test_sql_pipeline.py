"""A pipeline of SQL tasks from its pipeline.yaml, built for real, change by change."""

from __future__ import annotations

import sqlite3
import textwrap
from pathlib import Path

import pytest

from byoa.pipeline.build import Options, build
from byoa.pipeline.load import load
from byoa.pipeline.state import State
from tests.byoa.s3_server import files_of, write_files

#: After Ploomber's own spec-api-sql example; the clients are imported as there.
FILES = {
    "pipeline.yaml": """
        meta:
          source_loader: {path: sql}
          product_default_class: {SQLScript: SQLiteRelation}
        clients:
          SQLScript: config.get_client
          SQLDump: config.get_client
          SQLTransfer: config.get_client
          SQLUpload: config.other
          SQLiteRelation: config.get_client
        tasks:
          - {source: sales.sql, name: sales, product: [sales, table]}
          - {source: by_country.sql, name: by-country, product: [by_country, table]}
          - {source: top.sql, name: top, product: [top, view], params: {n: 2}}
          - {source: dump.sql, name: dump, class: SQLDump, product: out/top.csv, chunksize: null}
          - {source: all.sql, name: parts, class: SQLDump, product: out/all.csv, chunksize: 2}
          - source: all.sql
            name: copy
            class: SQLTransfer
            product: [copied, table]
            product_client: config.other
          - source: "{{root}}/out/top.csv"
            name: load
            class: SQLUpload
            product: [loaded, table]
            product_class: SQLRelation
            upstream: dump
            to_sql_kwargs: {index: false}
          - {source: steps.count, product: out/count.txt, upstream: load}
    """,
    "config.py": """
        from ploomber.clients import SQLAlchemyClient

        def get_client():
            return SQLAlchemyClient("sqlite:///data.db")

        def other():
            return SQLAlchemyClient("sqlite:///other/other.db")
    """,
    "steps.py": """
        import sqlite3
        from pathlib import Path

        def count(product, upstream):
            connection = sqlite3.connect("other/other.db")
            rows = connection.execute(f"SELECT count(*) FROM {upstream['load']}").fetchone()
            connection.close()
            Path(product).write_text(str(rows[0]))
    """,
    "sql/macros.sql": """
        {% macro total(column) %}SUM({{column}}) AS total{% endmacro %}
    """,
    "sql/sales.sql": """
        DROP TABLE IF EXISTS {{product}};
        CREATE TABLE {{product}} (country, amount);
        INSERT INTO {{product}} VALUES ('a', 1), ('b', 2), ('b', 3), ('c; d', 1);
    """,
    "sql/by_country.sql": """
        {% import "macros.sql" as m %}
        DROP TABLE IF EXISTS {{product}};
        CREATE TABLE {{product}} AS
        SELECT country, {{m.total('amount')}} FROM {{upstream['sales']}} GROUP BY country;
    """,
    "sql/top.sql": """
        DROP VIEW IF EXISTS {{product}};
        CREATE VIEW {{product}} AS
        SELECT * FROM {{upstream['by-country']}} ORDER BY total DESC LIMIT {{n}};
    """,
    "sql/dump.sql": "SELECT * FROM {{upstream['top']}}",
    "sql/all.sql": "SELECT * FROM {{upstream['sales']}} ORDER BY amount, country",
}
ALL = ["by-country", "copy", "count", "dump", "load", "parts", "sales", "top"]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The project, built once."""
    pytest.importorskip("pandas")
    root = tmp_path_factory.mktemp("sql")
    write_files(root, {name: textwrap.dedent(text).encode() for name, text in FILES.items()})
    assert run(root) == ALL
    return root


def run(root: Path) -> list[str]:
    """Builds; the tasks that ran. Afterwards all is up to date."""
    result = build(load(root / "pipeline.yaml"), options=Options(jobs=2))
    assert not result.failed, [(one.task, one.failure) for one in result.failed]
    left = State(load(root / "pipeline.yaml")).plan()
    assert {one.action for one in left.values()} == {"keep"}, left
    return sorted(one.task for one in result.outcomes.values() if one.outcome == "done")


def ask(root: Path, query: str, name: str = "data.db") -> list[tuple[object, ...]]:
    connection = sqlite3.connect(root / name)
    try:
        return connection.execute(query).fetchall()
    finally:
        connection.close()


def test_what_it_makes(made):
    top = [("b", 5), ("a", 1)]
    assert ask(made, "SELECT * FROM top") == top
    assert (made / "out/top.csv").read_text() == '"country","total"\n"b","5"\n"a","1"\n'
    assert files_of(made / "out/all.csv") == {
        "0.csv": b'"country","amount"\n"a","1"\n"c; d","1"\n',
        "1.csv": b'"country","amount"\n"b","2"\n"b","3"\n',
    }
    assert ask(made, "SELECT count(*) FROM copied", "other/other.db") == [(4,)]
    assert ask(made, "SELECT * FROM loaded", "other/other.db") == top
    assert (made / "out/count.txt").read_text() == "2"


def test_a_second_build_runs_nothing(made, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # the clients' relative URLs are the root's
    assert run(made) == []
    assert list(tmp_path.iterdir()) == []


EDITS = {
    "comments and layout": ("sql/sales.sql", "DROP TABLE", "-- why\ndrop\n  table", []),
    "a query that gives the same": (
        "sql/dump.sql",
        "['top']}}",
        "['top']}} WHERE 1",
        ["dump"],  # early cut-off: the same bytes
    ),
    "a macro": ("sql/macros.sql", "SUM(", "1 * SUM(", ["by-country", "dump", "top"]),
    "a parameter": ("pipeline.yaml", "{n: 2}", "{n: 3}", ["count", "dump", "load", "top"]),
}


@pytest.mark.parametrize("edit", EDITS)
def test_what_an_edit_runs(made, edit):
    file, old, new, tasks = EDITS[edit]
    path = made / file
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    try:
        assert run(made) == tasks
    finally:
        path.write_text(text)
        run(made) if tasks else None


def test_a_table_that_is_gone_is_made_again(made):
    connection = sqlite3.connect(made / "data.db")
    connection.execute("DROP TABLE by_country")
    connection.commit()
    connection.close()
    plan = State(load(made / "pipeline.yaml")).plan()
    assert plan["by-country"].reasons[0].text == "product table by_country is missing"
    assert plan["sales"].action == "keep"
    assert run(made) == ["by-country", "dump", "top"]


def test_a_table_in_another_database_is_looked_for_there(made):
    (made / "other/other.db").unlink()
    assert run(made) == ["copy", "count", "load"]


def test_a_script_that_fails_leaves_the_old_table_and_no_record(made):
    path = made / "sql/by_country.sql"
    text = path.read_text()
    path.write_text(text.replace("GROUP BY", "GROUPED BY"))
    result = build(load(made / "pipeline.yaml"), options=Options(jobs=2))
    assert [one.task for one in result.failed] == ["by-country"]
    failure = result.failed[0].failure
    assert failure is not None
    assert "near" in failure.text
    log = (made / result.failed[0].log).read_text()
    assert "CREATE TABLE by_country AS" in log
    assert ask(made, "SELECT count(*) FROM by_country") == [(3,)], "it was one transaction"
    path.write_text(text)
    assert run(made) == ["by-country", "dump", "top"]
