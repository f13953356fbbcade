"""Tasks that run SQL: scripts that make tables, queries whose rows become files.

https://docs.ploomber.io/en/latest/get-started/sql-pipeline.html
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Protocol

from byoa.pipeline.clients.base import is_database
from byoa.pipeline.extra import need
from byoa.pipeline.kinds.templates import rendered
from byoa.pipeline.order import File, Order, Relation
from byoa.pipeline.relations import client_of, client_of_product, clients, there
from byoa.pipeline.worker import TaskError
from byoa.plan.pipeline.model import Task

#: So much of a script goes to the log.
SHOWN = 20_000
#: Rows of one file of a dump, and of one step of a transfer.
CHUNK = 10_000
Row = Sequence[Any]
#: Parameters of such names are not shown.
SECRET = re.compile(r"passw|secret|token|credential|api_?key|private|\bpwd\b", re.IGNORECASE)


def run_script(task: Task, order: Order) -> None:
    """Runs a script whose tables are its products; they are there afterwards."""
    client = clients(order.root, order.import_from).of(client_of(task, order.clients))
    code = rendered(task, order)
    shown(code, task, order)
    client.execute(code)
    for key, product in task.products.items():
        place = order.products[key]
        if isinstance(place, Relation) and place.kind != "generic":
            dotted = client_of_product(task, product, order.clients)
            made = clients(order.root).of(dotted) if dotted else client
            if is_database(made) and not there(made, place.schema, place.name):
                raise TaskError(
                    f"Task {task.name!r} ended well but did not make {place}. Write"
                    " CREATE TABLE {{product}} AS ... in its script."
                )


def run_dump(task: Task, order: Order) -> None:
    """Runs a query and writes its rows: one file, or with `chunksize` a folder of files."""
    place = order.product
    if not isinstance(place, File):
        raise TaskError(f"Task {task.name!r} dumps into one file; its product is {place}.")
    client = clients(order.root, order.import_from).of(client_of(task, order.clients))
    code, size = rendered(task, order), chunk_size(task)
    shown(code, task, order)
    write = writer(task, place)
    with rows(client, code, size or CHUNK) as (names, chunks):
        if size is None:
            write(place, names, (row for chunk in chunks for row in chunk))
            return
        place.mkdir()
        count = 0
        for count, chunk in enumerate(chunks, start=1):
            write(Path(place, f"{count - 1}{place.suffix or '.csv'}"), names, chunk)
        if not count:  # a table with no rows still has columns
            write(Path(place, f"0{place.suffix or '.csv'}"), names, ())


def shown(code: str, task: Task, order: Order) -> None:
    """Writes what is going to run to the log, without what a parameter's name calls a secret."""
    for name, value in [*task.params.items(), *order.env.items()]:
        if SECRET.search(str(name)) and isinstance(value, str) and value:
            code = code.replace(value, "***")
    more = f"\n... {len(code) - SHOWN} more characters" if len(code) > SHOWN else ""
    print(code[:SHOWN].strip() + more, flush=True)


def chunk_size(task: Task) -> int | None:
    """Rows a file; None (`chunksize: null`) is all in one."""
    size = task.options.get("chunksize", CHUNK)
    if size is None or size == 0:
        return None
    if not isinstance(size, int) or isinstance(size, bool) or size < 0:
        raise TaskError(f"chunksize of {task.name} is {size!r}. Write a number of rows, or null.")
    return size


@contextmanager
def rows(client: Any, code: str, size: int) -> Iterator[tuple[list[str], Iterator[Sequence[Row]]]]:
    """The columns' names and the rows of a query, chunk by chunk."""
    connection = client.connection
    cursor = connection.cursor()
    try:
        *before, query = client.commands(code) if hasattr(client, "commands") else [code]
        for command in before:  # what the query builds on: temporary tables, settings
            cursor.execute(command)
        cursor.arraysize = size
        cursor.execute(query)
        if cursor.description is None:
            raise TaskError("The SQL gives no rows. End it with a SELECT.")
        yield [str(column[0]) for column in cursor.description], fetched(cursor, size)
    finally:
        with suppress(Exception):
            cursor.close()
        with suppress(Exception):
            connection.rollback()


def fetched(cursor: Any, size: int) -> Iterator[Sequence[Row]]:
    while chunk := cursor.fetchmany(size):
        yield chunk


class Writer(Protocol):
    """Writes rows to a file."""

    def __call__(self, path: Path, names: Sequence[str], rows: Iterable[Row], /) -> None: ...


def writer(task: Task, place: Path) -> Writer:
    """By the product's suffix or `io_handler`: CSV, or parquet with pyarrow."""
    handler = str(task.options.get("io_handler") or "").rpartition(".")[2]
    if handler not in {"", "CSVIO", "ParquetIO"}:
        raise TaskError(
            f"io_handler of {task.name} is {handler!r}. Write ploomber.io.CSVIO or"
            " ploomber.io.ParquetIO, or leave it out: the product's suffix says it."
        )
    if handler != "ParquetIO" and (handler or place.suffix != ".parquet"):
        return write_csv
    return ParquetWriter(f"{task.name}: a .parquet product")


def write_csv(path: Path, names: Sequence[str], rows: Iterable[Row]) -> None:
    """The bytes that Ploomber writes: every value in quotes, lines end as on Unix."""
    with path.open("w", newline="", encoding="utf-8") as target:
        out = csv.writer(target, dialect=csv.unix_dialect)
        out.writerow(names)
        out.writerows(rows)


class ParquetWriter:
    """Parquet, every file of a dump with the first one's columns and types."""

    def __init__(self, what: str) -> None:
        self.pyarrow, self.parquet = need("pyarrow", what), need("pyarrow.parquet", what)
        self.schema: Any = None

    def __call__(self, path: Path, names: Sequence[str], rows: Iterable[Row], /) -> None:
        columns = [list(column) for column in zip(*rows)] or [[] for _ in names]
        types = [None] * len(names) if self.schema is None else self.schema.types
        arrays = [self.pyarrow.array(one, type=type_) for one, type_ in zip(columns, types)]
        table = self.pyarrow.Table.from_arrays(arrays, names=list(names))
        self.schema = table.schema
        self.parquet.write_table(table, str(path))
