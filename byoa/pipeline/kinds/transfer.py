"""Tasks that carry rows into a table: from another database, from a file.

https://docs.ploomber.io/en/latest/api/python_api.html#ploomber.tasks.SQLTransfer
"""

from __future__ import annotations

import datetime
import decimal
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from byoa.pipeline.clients.database import patient
from byoa.pipeline.extra import need
from byoa.pipeline.kinds.sql import CHUNK, chunk_size, rows, shown
from byoa.pipeline.kinds.templates import environment, fill, rendered
from byoa.pipeline.order import Order, Relation
from byoa.pipeline.relations import client_of, client_of_product, clients, unquoted
from byoa.pipeline.worker import TaskError
from byoa.plan.pipeline.model import SINGLE, Task

#: Python's types of a column's values, the narrowest first → SQLAlchemy's type.
TYPES: tuple[tuple[tuple[type, ...], str], ...] = (
    ((bool,), "Boolean"),
    ((int, bool), "BigInteger"),
    ((float, int, bool), "Float"),
    ((decimal.Decimal, int, bool), "Numeric"),
    ((datetime.datetime,), "DateTime"),
    ((datetime.date,), "Date"),
    ((datetime.time,), "Time"),
    ((bytes, memoryview), "LargeBinary"),
)


def run_transfer(task: Task, order: Order) -> None:
    """Runs a query in one database and keeps its rows as a table of another."""
    place = table_of(task, order)
    source = clients(order.root, order.import_from).of(client_of(task, order.clients))
    dotted = client_of_product(task, task.products[SINGLE], order.clients)
    if dotted is None:
        raise TaskError(
            f"Task {task.name!r}: which database does {place} go to? Write `product_client:"
            f" MODULE.FUNCTION`, or a client for {task.options.get('product_class', 'SQLRelation')}"
            " in `clients:`."
        )
    target = engine_of(clients(order.root, order.import_from).of(dotted), task)
    code = rendered(task, order)
    shown(code, task, order)
    with rows(source, code, chunk_size(task) or CHUNK) as (names, chunks):
        print(f"{insert(target, place, names, chunks)} rows to {place}", flush=True)


def insert(engine: Any, place: Relation, names: Sequence[str], chunks: Iterator[Any]) -> int:
    """Replaces a table by these rows, in one transaction; how many there were."""
    sqlalchemy = need("sqlalchemy", "SQLTransfer")
    first = next(chunks, ())
    schema = unquoted(place.schema) or None
    columns = [
        sqlalchemy.Column(name, getattr(sqlalchemy, column_type([row[at] for row in first])))
        for at, name in enumerate(names)
    ]
    table = sqlalchemy.Table(unquoted(place.name), sqlalchemy.MetaData(), *columns, schema=schema)
    count = 0
    with transaction(engine) as connection:
        table.drop(connection, checkfirst=True)
        table.create(connection)
        chunk = first
        while chunk:
            values = [dict(zip(names, map(adapted, row))) for row in chunk]
            connection.execute(table.insert(), values)
            count += len(values)
            chunk = next(chunks, ())
    return count


def column_type(values: Sequence[Any]) -> str:
    """The narrowest type that holds all of a column's values; text where nothing else does."""
    seen = {type(value) for value in values if value is not None}
    return next((name for types, name in TYPES if seen and seen <= set(types)), "Text")


def adapted(value: Any) -> Any:
    return bytes(value) if isinstance(value, memoryview) else value


@contextmanager
def transaction(engine: Any) -> Iterator[Any]:
    """A connection whose changes happen all or not at all, also in SQLite."""
    with engine.connect() as connection:
        if engine.dialect.name == "sqlite":  # its driver would commit CREATE and DROP by themselves
            patient(connection.connection)
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        yield connection
        connection.commit()


def run_upload(task: Task, order: Order) -> None:
    """Reads a .csv or .parquet file with pandas and keeps it as a table."""
    place = table_of(task, order)
    pandas = need("pandas", f"{task.name}: SQLUpload")
    path = Path(order.root, source_text(task, order))
    if not path.exists():
        raise TaskError(f"Task {task.name!r}: there is no {path} to upload.")
    frame = reader(task, path, pandas)(path)
    said = task.options.get("to_sql_kwargs") or {}
    if not isinstance(said, Mapping):
        raise TaskError(f"to_sql_kwargs of {task.name} is {said!r}. Write KEY: VALUE.")
    words = {"if_exists": "replace", "chunksize": chunk_size(task), **said}
    client = clients(order.root, order.import_from).of(client_of(task, order.clients))
    with transaction(engine_of(client, task)) as connection:
        schema = unquoted(place.schema) or None
        frame.to_sql(unquoted(place.name), connection, schema=schema, **words)
    print(f"{len(frame)} rows of {path.name} to {place}", flush=True)


def reader(task: Task, path: Path, pandas: Any) -> Any:
    handler = task.options.get("io_handler")
    if handler is not None:
        from byoa.pipeline.worker import named

        return named(str(handler))
    found = {".csv": pandas.read_csv, ".parquet": pandas.read_parquet}.get(path.suffix)
    if found is None:
        raise TaskError(
            f"Task {task.name!r} uploads .csv and .parquet files, not {path.name}. Write"
            " io_handler: MODULE.FUNCTION, which reads it into a data frame."
        )
    return found


def table_of(task: Task, order: Order) -> Relation:
    place = order.product
    if not isinstance(place, Relation) or place.kind != "table":
        raise TaskError(f"Task {task.name!r} makes a table. Write product: [NAME, table].")
    return place


def engine_of(client: Any, task: Task) -> Any:
    if not hasattr(client, "engine"):
        raise TaskError(f"Task {task.name!r} needs a SQLAlchemyClient, not {client!r}.")
    return client.engine


def source_text(task: Task, order: Order) -> str:
    """A path or an address, its placeholders filled in."""
    text = task.source.path or task.source.text
    values = {**task.params, "product": order.product, "upstream": order.given_upstream}
    return fill(task, text, values, environment()) if "{" in text else text
