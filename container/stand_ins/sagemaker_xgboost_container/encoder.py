"""Bodies of requests as xgboost.DMatrix."""

from __future__ import annotations

from typing import Any

from sagemaker_inference import errors  # type: ignore[import-not-found]

from .tables import CSV, LIBSVM, csv_to_dmatrix, libsvm_to_dmatrix

__all__ = ["csv_to_dmatrix", "decode", "libsvm_to_dmatrix"]


def decode(obj: Any, content_type: str) -> Any:
    """The DMatrix of a CSV or libsvm body."""
    media_type = content_type.partition(";")[0].strip().lower()
    if media_type in CSV:
        return csv_to_dmatrix(obj)
    if media_type in LIBSVM:
        return libsvm_to_dmatrix(obj)
    raise errors.UnsupportedFormatError(content_type)
