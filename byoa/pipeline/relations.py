"""Tables and views: whose connection leads to them, and whether they are there."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from byoa.pipeline.clients.aside import Aside
from byoa.pipeline.clients.base import Clients, wanted
from byoa.pipeline.clients.database import SQLAlchemyClient, driver_connection
from byoa.pipeline.order import Order
from byoa.plan.errors import ByoaError, UsageError
from byoa.plan.pipeline.kinds import CLASS_OF
from byoa.plan.pipeline.model import Dotted, Product, Task

#: A process's clients by root. Connections must not be used on both sides of a fork.
_clients: dict[tuple[int, str], Clients] = {}


def clients(root: str, import_from: tuple[str, ...] = ()) -> Clients:
    """This process's clients of the pipeline at `root`."""
    key = (os.getpid(), root)
    if key not in _clients:
        _clients[key] = Clients(root, import_from)
    return _clients[key]


def forget(root: str) -> None:
    """Closes this process's clients of the pipeline at `root`; the next are made anew."""
    if made := _clients.pop((os.getpid(), root), None):
        made.close()


def client_of(task: Task, shared: Mapping[str, Dotted]) -> Dotted:
    """The client that a task's code goes to."""
    found = wanted(task.client, shared, CLASS_OF[task.kind])
    if found is None:
        raise UsageError(
            f"Task {task.name!r} has no client. Write `client: MODULE.FUNCTION` at the task, or"
            f" `clients: {{{CLASS_OF[task.kind]}: MODULE.FUNCTION}}` in pipeline.yaml."
        )
    return found


def of_task(task: Task, order: Order) -> Any:
    """A task's client; None where it needs none."""
    dotted = wanted(task.client, order.clients, CLASS_OF[task.kind])
    return dotted and clients(order.root, order.import_from).of(dotted)


def client_of_product(task: Task, product: Product, shared: Mapping[str, Dotted]) -> Dotted | None:
    """The client that leads to a task's table; where none is named, the task's own does."""
    own = wanted(task.client, shared, CLASS_OF[task.kind])
    if task.kind == "sql-upload":
        return own  # Ploomber's writes there, whatever the product says
    named = product.client or task.product_client
    return named or (None if task.kind == "sql-transfer" else own)


def exists(aside: Aside, task: Task, product: Product) -> bool:
    """Whether a task's table is there; what nobody can look at is believed to be."""
    assert product.relation is not None
    dotted = client_of_product(task, product, aside.pipeline.clients)
    if product.relation[2] == "generic" or dotted is None:
        return True
    try:
        return bool(aside.ask(dotted, "there", *product.relation[:2]).result())
    except ByoaError as error:
        schema, name, kind = product.relation
        whole = f"{schema}.{name}" if schema else name
        raise ByoaError(
            f"{task.name}: whether its {kind} {whole} is there cannot be told: {error}"
        ) from error


def there(client: Any, schema: str, name: str) -> bool:
    """Whether a database holds a table or a view of that name."""
    connection = client.connection
    try:
        if isinstance(driver_connection(connection), sqlite3.Connection):
            return in_sqlite(connection, unquoted(schema), unquoted(name))
        if isinstance(client, SQLAlchemyClient):
            from sqlalchemy import inspect

            return bool(inspect(client.engine).has_table(unquoted(name), unquoted(schema) or None))
        return can_be_read(connection, f"{schema}.{name}" if schema else name)
    finally:
        with suppress(Exception):  # no transaction is left open: it would hold a lock
            connection.rollback()


def in_sqlite(connection: Any, schema: str, name: str) -> bool:
    table = f"{quoted(schema)}.sqlite_master" if schema else "sqlite_master"
    query = f"SELECT 1 FROM {table} WHERE type IN ('table', 'view') AND name = ? COLLATE NOCASE"
    cursor = connection.cursor()
    try:
        return cursor.execute(query, (name,)).fetchone() is not None
    except sqlite3.OperationalError:
        return False  # there is no such schema
    finally:
        cursor.close()


def can_be_read(connection: Any, relation: str) -> bool:
    """For drivers alone: the only question that every database understands."""
    cursor = connection.cursor()
    try:
        cursor.execute(f"SELECT 1 FROM {relation} WHERE 1 = 0")
        cursor.fetchall()
    except Exception:
        return False
    finally:
        with suppress(Exception):
            cursor.close()
    return True


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def unquoted(name: str) -> str:
    """A name as the database keeps it: pipeline.yaml may have it in quotes."""
    for quote in '"`':
        if len(name) > 1 and name[0] == name[-1] == quote:
            return name[1:-1].replace(quote * 2, quote)
    return name
