"""ploomber.testing.sql: questions to a table, for on_finish hooks. Names are the user's own SQL."""

from __future__ import annotations

from typing import Any


def answer(client: Any, query: str) -> Any:
    cursor = client.connection.cursor()
    try:
        cursor.execute(query)
        return cursor.fetchall()
    finally:
        cursor.close()


def columns(names: str | list[str]) -> list[str]:
    return [names] if isinstance(names, str) else list(names)


def nulls_in_columns(client: Any, cols: str | list[str], product: Any) -> bool:
    """Whether any of the columns holds a NULL."""
    where = " OR ".join(f"{name} IS NULL" for name in columns(cols))
    return exists_row_where(client, where, product)


def exists_row_where(client: Any, criteria: str, product: Any) -> bool:
    """Whether there is a row for which the condition holds."""
    query = f"SELECT EXISTS(SELECT 1 FROM {product} WHERE {criteria})"
    return bool(answer(client, query)[0][0])


def distinct_values_in_column(client: Any, col: str, product: Any) -> set[Any]:
    """The column's values, each once."""
    return {row[0] for row in answer(client, f"SELECT DISTINCT {col} FROM {product}")}


def range_in_column(client: Any, col: str, product: Any) -> tuple[Any, Any]:
    """The column's least and greatest value."""
    low, high = answer(client, f"SELECT MIN({col}), MAX({col}) FROM {product}")[0]
    return low, high


def duplicates_in_column(client: Any, col: str | list[str], product: Any) -> bool:
    """Whether a value, or a combination of values, is there twice."""
    names = ", ".join(columns(col))
    query = f"SELECT EXISTS(SELECT {names} FROM {product} GROUP BY {names} HAVING COUNT(*) > 1)"
    return bool(answer(client, query)[0][0])


def assert_no_duplicates_in_column(client: Any, col: str | list[str], product: Any) -> None:
    """AssertionError if there are any."""
    if duplicates_in_column(client, col, product):
        raise AssertionError(f"{product}: {', '.join(columns(col))} holds duplicates")
