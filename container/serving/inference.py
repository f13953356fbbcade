"""Runs the handler's functions over a micro-batch: one answer an item, whatever goes wrong.

An item's error is its own: it never fails its batch mates. Nothing but os._exit, a signal or a
broken GPU ends the process.
"""

from __future__ import annotations

import json
import sys
import time
import traceback
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from container.serving.answers import Answer, error
from container.serving.context import Context
from container.serving.handler import Handler, call, wants_bytes
from container.serving.protocol import Head

# sys.exit() in a predictor is that request's error, not the end of the process.
USER_ERRORS = (Exception, SystemExit)
TEXT_TYPES = ("application/json", "text/csv")  # the toolkit gives these to input_fn as str


class BadBodyError(ValueError):
    """The body is not what its Content-Type says."""


@dataclass(slots=True)
class Item:
    """One request on its way through the handler."""

    head: Head
    body: bytes
    context: Context
    value: Any = None
    answer: Answer | None = None
    times: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Runner:
    """A loaded handler and model, ready to answer."""

    handler: Handler
    model: Any
    system_properties: Mapping[str, object]
    default_accept: str

    def run(self, requests: list[tuple[Head, bytes]]) -> Iterator[tuple[Head, Answer]]:
        """Answers in order; each as soon as it is known."""
        items = [Item(head, body, Context(self.system_properties, head)) for head, body in requests]
        if self.handler.transform_fn is None and self.handler.predict_batch_fn is not None:
            self._run_batch(items)
        for item in items:
            if item.answer is None:
                self._run_one(item)
            assert item.answer is not None
            yield item.head, item.answer

    def _run_one(self, item: Item) -> None:
        """Everything for one item, with nothing of another in between."""
        if self._too_late(item):
            return
        handler = self.handler
        if handler.transform_fn is not None:
            self._transform(item)
        elif self._decode(item) and self._predict(item):
            self._encode(item)

    def _run_batch(self, items: list[Item]) -> None:
        """Decode all, predict once, encode all; one by one if the batch as such fails."""
        good = [item for item in items if not self._too_late(item) and self._decode(item)]
        if not good:
            return
        start = time.perf_counter()
        try:
            predictions = self._predict_many(good)
        except USER_ERRORS as exception:
            if len(good) == 1:
                good[0].answer = failure(exception)
                return
            for item in good:
                if self._predict(item):
                    self._encode(item)
            return
        for item, prediction in zip(good, predictions):
            item.value = prediction
            item.times["model"] = _milliseconds(start)
        for item in good:
            self._encode(item)

    def _predict_many(self, items: list[Item]) -> list[Any]:
        function = self.handler.predict_batch_fn
        assert function is not None
        predictions = list(
            call(
                function,
                [item.value for item in items],
                self.model,
                context=[item.context for item in items],
            )
        )
        if len(predictions) != len(items):
            raise TypeError(
                f"predict_batch_fn gave {len(predictions)} predictions for {len(items)} items"
            )
        return predictions

    def _decode(self, item: Item) -> bool:
        start = time.perf_counter()
        content_type = item.head["content_type"]
        try:
            assert self.handler.input_fn is not None
            body = _body(item, wants_bytes=wants_bytes(self.handler.input_fn))
            item.value = call(self.handler.input_fn, body, content_type, context=item.context)
        except (ValueError, RecursionError) as exception:
            item.answer = failure(exception, otherwise=(400, "bad_input"))
        except USER_ERRORS as exception:
            item.answer = failure(exception)
        item.times["decode"] = _milliseconds(start)
        return item.answer is None

    def _predict(self, item: Item) -> bool:
        start = time.perf_counter()
        try:
            if self.handler.predict_fn is not None:
                item.value = call(
                    self.handler.predict_fn, item.value, self.model, context=item.context
                )
            else:
                item.value = self._predict_many([item])[0]
        except USER_ERRORS as exception:
            item.answer = failure(exception)
        item.times["model"] = _milliseconds(start)
        return item.answer is None

    def _encode(self, item: Item) -> None:
        start = time.perf_counter()
        accept = self._accept(item)
        try:
            assert self.handler.output_fn is not None
            result = call(self.handler.output_fn, item.value, accept, context=item.context)
            item.answer = _answer(result, accept, item)
        except USER_ERRORS as exception:
            item.answer = failure(exception)
        item.value = None
        item.times["encode"] = _milliseconds(start)
        item.answer.times.update(item.times)

    def _transform(self, item: Item) -> None:
        start = time.perf_counter()
        accept = self._accept(item)
        content_type = item.head["content_type"]
        try:
            body = _body(item)
            assert self.handler.transform_fn is not None
            result = call(
                self.handler.transform_fn,
                self.model,
                body,
                content_type,
                accept,
                context=item.context,
            )
            item.answer = _answer(result, accept, item)
        except BadBodyError as exception:
            item.answer = failure(exception, otherwise=(400, "bad_input"))
        except USER_ERRORS as exception:
            item.answer = failure(exception)
        item.answer.times["model"] = _milliseconds(start)

    def _accept(self, item: Item) -> str:
        accept = str(item.head.get("accept") or "").strip()
        return self.default_accept if accept in ("", "*/*") else accept

    def _too_late(self, item: Item) -> bool:
        if item.context.deadline is not None and time.monotonic() > item.context.deadline:
            item.answer = error(504, "deadline", "the request waited past its deadline")
        return item.answer is not None


def failure(exception: BaseException, otherwise: tuple[int, str] = (500, "")) -> Answer:
    """The answer for an exception: its own status_code, or a 500 that names only its type."""
    status = getattr(exception, "status_code", None)
    message = str(getattr(exception, "message", "") or exception) or type(exception).__name__
    if isinstance(status, int) and 400 <= status <= 599:
        return error(status, str(getattr(exception, "code", "") or "rejected"), message)
    status, code = otherwise
    if status < 500:
        return error(status, code, message)
    sys.stderr.write(
        "".join(traceback.format_exception(exception))
    )  # one write: lines stay together
    if isinstance(exception, MemoryError):
        return error(503, "out_of_memory", "not enough memory for this request")
    name = type(exception).__name__
    return error(500, "predictor_failed", f"the predictor failed: {name} (see the log)")


def _answer(result: Any, accept: str, item: Item) -> Answer:
    """output_fn's or transform_fn's result, with or without a content type."""
    context = item.context
    content_type = context.response_content_type
    body = result
    if isinstance(result, tuple) and len(result) == 2:
        body, content_type = result
    if isinstance(body, str):
        body = body.encode()
    elif body is None or isinstance(body, (dict, list, int, float)):
        body = json.dumps(body).encode()
    elif not isinstance(body, bytes):
        body = bytes(memoryview(body))
    return Answer(
        context.response_status or 200,
        body,
        str(content_type or _first_type(accept)),
        dict(context.response_headers),
    )


def _first_type(accept: str) -> str:
    """The media type to name when the handler only gave a body."""
    first = _media_type(accept.partition(",")[0])
    return first if "/" in first and "*" not in first else "application/json"


def _media_type(content_type: str) -> str:
    return content_type.partition(";")[0].strip().lower()


def _body(item: Item, wants_bytes: bool = False) -> bytes | str:
    if wants_bytes or _media_type(item.head["content_type"]) not in TEXT_TYPES:
        return item.body
    return _as_text(item.body)


def _as_text(body: bytes) -> str:
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError as exception:
        raise BadBodyError(
            f"the body is not UTF-8 (byte {exception.start}), as its Content-Type demands"
        ) from None


def _milliseconds(start: float) -> float:
    return round((time.perf_counter() - start) * 1000, 3)
