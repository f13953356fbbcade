"""Databases: any that SQLAlchemy knows by its URL, or a DB-API driver's own connect function.

https://docs.ploomber.io/en/latest/user-guide/faq/supported_dbs.html
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from byoa.pipeline.clients.base import Client
from byoa.pipeline.extra import need
from byoa.plan.errors import ByoaError, UsageError
from byoa.plan.pipeline.statements import atomic, split

#: How long Python's driver waits for a lock of SQLite's unless it is told, and how long we do: a
#: task's `timeout` ends it sooner.
USUAL_MS, PATIENT_MS = 5_000, 3_600_000


class Database(Client):
    """A DB-API connection; a script is one transaction where the database can do that."""

    split_source: str | None

    def cursor(self) -> Any:
        return self.connection.cursor()

    def execute(self, code: str) -> None:
        """Runs a script and commits it; when it fails, what it did is taken back."""
        connection = self.connection
        cursor = connection.cursor()
        commands = list(self.commands(code))
        try:
            if self.is_sqlite and atomic(commands):
                # Python's driver would commit every CREATE by itself. Two that only read at first
                # and then both want to write would end each other: IMMEDIATE makes them queue.
                cursor.execute("BEGIN IMMEDIATE")
            for command in commands:
                cursor.execute(command)
            connection.commit()
        except BaseException:
            with suppress(Exception):  # the first error is the one to tell
                connection.rollback()
            raise
        finally:
            with suppress(Exception):
                cursor.close()

    @property
    def is_sqlite(self) -> bool:
        return isinstance(driver_connection(self.connection), sqlite3.Connection)

    def commands(self, code: str) -> Iterator[str]:
        """The script's commands one by one, where the driver takes no more than one at a time."""
        if self.split_source == "default" or self.split_source is None:
            return split(code, ";", sqlite3.complete_statement) if self.is_sqlite else iter([code])
        if self.split_source == ";":
            whole = sqlite3.complete_statement if self.is_sqlite else None
            return split(code, ";", whole)
        return split(code, self.split_source)


def driver_connection(connection: Any) -> Any:
    """The driver's own connection inside of what SQLAlchemy's pool lends."""
    return getattr(connection, "driver_connection", connection)


def patient(connection: Any) -> Any:
    """The connection; SQLite's waits its turn: tasks of one build write to one file."""
    inner = driver_connection(connection)
    if isinstance(inner, sqlite3.Connection):
        (limit,) = inner.execute("PRAGMA busy_timeout").fetchone()
        if limit == USUAL_MS:  # nobody has asked for another
            inner.execute(f"PRAGMA busy_timeout = {PATIENT_MS}")
    return connection


class DBAPIClient(Database):
    """A connection that `connect_fn(**connect_kwargs)` opens (PEP 249)."""

    TRANSIENT = ("_connection",)

    def __init__(
        self,
        connect_fn: Callable[..., Any],
        connect_kwargs: Mapping[str, Any],
        split_source: str | None = None,
    ) -> None:
        self.connect_fn, self.connect_kwargs = connect_fn, dict(connect_kwargs)
        self.split_source = split_source
        self._connection: Any = None

    @property
    def connection(self) -> Any:
        if self._connection is None:
            self._connection = patient(self.connect_fn(**self.connect_kwargs))
        return self._connection

    def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def __repr__(self) -> str:  # the arguments may hold a password
        return f"DBAPIClient({getattr(self.connect_fn, '__qualname__', self.connect_fn)})"


class SQLAlchemyClient(Database):
    """A database by its SQLAlchemy URL, https://docs.sqlalchemy.org/core/engines.html"""

    TRANSIENT = ("_engine", "_connection")

    def __init__(
        self,
        uri: Any,
        split_source: str | None = "default",
        create_engine_kwargs: Mapping[str, Any] | None = None,
    ) -> None:
        url = need("sqlalchemy", "SQLAlchemyClient").engine.url
        try:
            self._url_obj = url.make_url(uri)
        except Exception as error:  # of SQLAlchemy's own kind; it would show a password
            raise UsageError(
                f"SQLAlchemyClient: what it was given ({type(uri).__name__}) is no database URL:"
                " dialect://user:password@host/database, sqlite:///file.db"
            ) from (error if isinstance(error, TypeError) else None)
        self._uri, self.split_source = uri, split_source
        self._create_engine_kwargs = dict(create_engine_kwargs or {})
        self.flavor: str = self._url_obj.drivername
        self._engine: Any = None
        self._connection: Any = None
        if self._url_obj.get_backend_name() == "sqlite" and self._url_obj.database:
            with suppress(OSError):  # a file: address is the driver's to judge
                Path(self._url_obj.database).parent.mkdir(parents=True, exist_ok=True)

    @property
    def engine(self) -> Any:
        if self._engine is None:
            sqlalchemy = need("sqlalchemy", "SQLAlchemyClient")
            try:
                self._engine = sqlalchemy.create_engine(self._uri, **self._create_engine_kwargs)
            except ModuleNotFoundError as error:
                raise ByoaError(
                    f"{self} needs the driver {error.name}, which is not here. Install it, or name"
                    " another: dialect+driver://..."
                ) from error
        return self._engine

    @property
    def connection(self) -> Any:
        """The driver's connection, lent by the pool; a closed one is opened again."""
        if self._connection is None or not self._connection.is_valid:
            self._connection = patient(self.engine.raw_connection())
        return self._connection

    def close(self) -> None:
        connection, engine = self._connection, self._engine
        self._connection = self._engine = None
        if connection is not None:
            connection.close()
        if engine is not None:
            engine.dispose()

    def __repr__(self) -> str:
        return f"SQLAlchemyClient({self})"

    def __str__(self) -> str:
        return str(self._url_obj.render_as_string(hide_password=True))
