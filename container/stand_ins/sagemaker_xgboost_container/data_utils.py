"""Folders of training data as xgboost.DMatrix."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sagemaker_inference import errors  # type: ignore[import-not-found]

from .tables import CSV, LIBSVM, csv_rows, libsvm_rows


def get_dmatrix(
    data_path: str | None, content_type: str, csv_weights: int = 0, is_pipe: bool = False
) -> Any:
    """All files of a folder, or one file; None where there are none.

    In a CSV the first column is the label and, with `csv_weights`, the second the weight.
    """
    if is_pipe:
        raise ValueError("byoa does not offer pipe mode: use file or fast-file mode")
    text = "\n".join(file.read_text() for file in _files(data_path))
    if not text.strip():
        return None
    media_type = content_type.partition(";")[0].strip().lower()
    if media_type in CSV:
        return _labelled(csv_rows(text), csv_weights)
    if media_type in LIBSVM:
        import xgboost

        labels, matrix = libsvm_rows(text)
        return xgboost.DMatrix(matrix, label=labels)
    raise errors.UnsupportedFormatError(content_type)


def _labelled(rows: Any, weights: int) -> Any:
    import xgboost

    first = 2 if weights else 1
    weight = rows[:, 1] if weights else None
    return xgboost.DMatrix(rows[:, first:], label=rows[:, 0], weight=weight)


def _files(data_path: str | None) -> list[Path]:
    """Those that are data: SageMaker puts manifests and other files with a dot beside them."""
    path = Path(data_path or "")
    if not data_path or not path.exists():
        return []
    found = [path] if path.is_file() else sorted(path.rglob("*"))
    return [file for file in found if file.is_file() and not file.name.startswith(".")]
