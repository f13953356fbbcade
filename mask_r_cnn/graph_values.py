"""Constants and other values of an OpenVINO graph."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import numpy as np
from numpy.typing import NDArray
from openvino import Output, Type, op
from openvino import opset15 as ops

Array = NDArray[Any]
Value = Any  # a Node of one output or an Output: OpenVINO has no types to check
Weights = Mapping[str, Array]

_SMALL = 1024
_known: ContextVar[dict[Any, Value]] = ContextVar("constants of the graph being built")


def constant(value: Any) -> Value:
    """Numbers as float32; large arrays are not copied."""
    array = np.ascontiguousarray(value, np.float32).reshape(np.shape(value))
    return shared(array) if array.size <= _SMALL else op.Constant(array, shared_memory=True)


def integers(*values: int) -> Value:
    """A list of whole numbers: axes, shapes and the like."""
    return shared(np.array(values, np.int64))


def whole(value: int) -> Value:
    """One whole number."""
    return shared(np.array(value, np.int64))


@contextmanager
def sharing() -> Iterator[None]:
    """Inside, equal small constants are one: compiling takes as long as the graph has nodes."""
    token = _known.set({})
    try:
        yield
    finally:
        _known.reset(token)


def shared(array: Array) -> Value:
    """A constant as it is; see `sharing`."""
    known = _known.get()
    key = (array.tobytes(), array.shape, array.dtype.char)
    if key not in known:
        known[key] = op.Constant(array)
    return known[key]


def one(x: Value) -> Output:
    """The value itself, where an operation that gives only one stands for it."""
    return x if isinstance(x, Output) else x.output(0)


def width(x: Value) -> int:
    """The length of axis 1: channels, or features."""
    return int(one(x).get_partial_shape()[1].get_length())


def as_float(x: Value) -> Value:
    """The same numbers as float32."""
    return ops.convert(x, Type.f32)
