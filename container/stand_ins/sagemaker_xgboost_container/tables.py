"""Lines of CSV and libsvm as matrices, and matrices as xgboost.DMatrix."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

CSV, LIBSVM = ("text/csv", "csv"), ("text/libsvm", "text/x-libsvm", "libsvm", "x-libsvm")
Entry = tuple[int, float]


def text(body: Any) -> str:
    """A body as text, however it came."""
    return body if isinstance(body, str) else bytes(body).decode("utf-8-sig")


def csv_to_dmatrix(input: Any, dtype: Any = None) -> Any:  # noqa: A002  (AWS's name)
    """Of lines of numbers without a label; an empty cell is a missing value."""
    import xgboost

    return xgboost.DMatrix(csv_rows(text(input), dtype))


def libsvm_to_dmatrix(string_like: Any) -> Any:
    """Of lines `label index:value …`; the label may be left out."""
    import xgboost

    labels, matrix = libsvm_rows(text(string_like))
    return xgboost.DMatrix(matrix, label=labels)


def csv_rows(lines: str, dtype: Any = None) -> Any:
    """Always two dimensions, whatever the delimiter: comma, semicolon, tab, bar or blank."""
    import numpy as np

    rows = [line for line in lines.splitlines() if line.strip()]
    if not rows:
        raise ValueError("the CSV holds no line")
    found = [mark for mark in ",;\t| " if mark in rows[0].strip()]
    cells = [
        [cell.strip() or "nan" for cell in line.split(found[0] if found else ",")] for line in rows
    ]
    widths = {len(row) for row in cells}
    if len(widths) > 1:
        raise ValueError(
            f"the CSV's lines have {min(widths)} to {max(widths)} cells: send one width"
        )
    return np.array(cells).astype(dtype or np.float32)


def libsvm_rows(lines: str) -> tuple[list[float] | None, Any]:
    """Labels, if each line has one, and the sparse matrix."""
    import scipy.sparse  # type: ignore[import-untyped]

    labels, entries, ends = [], list[Entry](), [0]
    for number, line in enumerate(_without_comments(lines), 1):
        words = line.split()
        if words and ":" not in words[0]:
            labels.append(float(words.pop(0)))
        entries += [_entry(word, number) for word in words if not word.startswith("qid:")]
        ends.append(len(entries))
    values = ([value for _, value in entries], [index for index, _ in entries], ends)
    width = 1 + max((index for index, _ in entries), default=-1)
    matrix = scipy.sparse.csr_matrix(values, shape=(len(ends) - 1, width))
    return (labels if len(labels) == len(ends) - 1 else None), matrix


def _without_comments(lines: str) -> Iterator[str]:
    for line in lines.splitlines():
        told = line.partition("#")[0].strip()
        if told:
            yield told


def _entry(word: str, line: int) -> Entry:
    index, _, value = word.partition(":")
    try:
        return int(index), float(value)
    except ValueError:
        raise ValueError(f"line {line} of the libsvm data holds {word!r}, no index:value") from None
