"""Reads and writes arrays in the known content types."""

from __future__ import annotations

from typing import Any

from sagemaker_inference.decoder import decode  # type: ignore[import-not-found]
from sagemaker_inference.encoder import encode  # type: ignore[import-not-found]

__all__ = [
    "decode",
    "encode",
    "array_to_csv",
    "array_to_json",
    "array_to_npy",
    "csv_to_numpy",
    "json_to_numpy",
    "npy_to_numpy",
]


def array_to_csv(array_like: Any) -> Any:
    """CSV, a line a row."""
    return encode(array_like, "text/csv")


def array_to_json(array_like: Any) -> Any:
    """JSON."""
    return encode(array_like, "application/json")


def array_to_npy(array_like: Any) -> Any:
    """numpy's own format."""
    return encode(array_like, "application/x-npy")


def csv_to_numpy(string_like: Any, dtype: Any = None) -> Any:
    """The array of a CSV."""
    return _as(decode(string_like, "text/csv"), dtype)


def json_to_numpy(string_like: Any, dtype: Any = None) -> Any:
    """The array of a JSON list."""
    return _as(decode(string_like, "application/json"), dtype)


def npy_to_numpy(npy_array: Any) -> Any:
    """The array of numpy's own format."""
    return decode(npy_array, "application/x-npy")


def _as(array: Any, dtype: Any) -> Any:
    return array if dtype is None else array.astype(dtype)
