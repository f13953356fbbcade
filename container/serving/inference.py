"""Runs the handler's functions over a micro-batch: one answer an item, whatever goes wrong.

An item's error is its own: it never fails its batch mates. Nothing but os._exit, a signal or a
broken GPU ends the process.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from container.serving.answers import Answer, error
from container.serving.compression import compressed
from container.serving.context import Context
from container.serving.handler import Handler, call, wants_bytes
from container.serving.outcomes import (
    BadBodyError,
    BrokenDeviceError,
    StopError,
    failure,
    media_type,
    success,
)
from container.serving.protocol import Head

# sys.exit() in a predictor is that request's error, not the end of the process; so is a panic of
# a Rust extension, which is no Exception. What is ours passes: OURS.
USER_ERRORS = BaseException
OURS = (StopError, BrokenDeviceError)
TEXT_TYPES = ("application/json", "text/csv")  # the toolkit gives these to input_fn as str


@dataclass(slots=True)
class Item:
    """One request on its way through the handler."""

    head: Head
    body: bytes
    context: Context
    value: Any = None
    answer: Answer | None = None
    times: dict[str, float] = field(default_factory=dict)

    @property
    def content_type(self) -> str:
        return str(self.head["content_type"])

    def text(self) -> str:
        """The body as text, which its Content-Type says it is."""
        try:
            return self.body.decode("utf-8-sig")
        except UnicodeDecodeError as exception:
            raise BadBodyError(
                f"the body is not UTF-8 (byte {exception.start}), as its Content-Type demands"
            ) from None


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
            item.answer.times.update(item.times)
            accepted = item.context.headers.get("accept-encoding", "")
            yield item.head, compressed(item.answer, accepted)

    def _run_one(self, item: Item) -> None:
        """Everything for one item, with nothing of another in between."""
        if self._too_late(item):
            return
        if self.handler.transform_fn is not None:
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
        except OURS:
            raise
        except USER_ERRORS as exception:
            if len(good) == 1:
                good[0].answer = failure(exception, "model", good[0].context)
                return
            good = [item for item in good if self._predict(item)]
        else:
            for item, prediction in zip(good, predictions):
                item.value = prediction
                item.times["model"] = _milliseconds(start)
        for item in good:
            self._encode(item)

    def _predict_many(self, items: list[Item]) -> list[Any]:
        function = self.handler.predict_batch_fn
        assert function is not None
        values, contexts = [item.value for item in items], [item.context for item in items]
        predictions = list(call(function, values, self.model, context=contexts))
        if len(predictions) != len(items):
            raise TypeError(
                f"predict_batch_fn gave {len(predictions)} predictions for {len(items)} items"
            )
        return predictions

    def _decode(self, item: Item) -> bool:
        function = self.handler.input_fn
        assert function is not None

        def work() -> Any:
            textual = media_type(item.content_type) in TEXT_TYPES and not wants_bytes(function)
            body = item.text() if textual else item.body
            return call(function, body, item.content_type, context=item.context)

        return self._step(item, "decode", work)

    def _predict(self, item: Item) -> bool:
        function = self.handler.predict_fn

        def work() -> Any:
            if function is None:
                return self._predict_many([item])[0]
            return call(function, item.value, self.model, context=item.context)

        return self._step(item, "model", work)

    def _encode(self, item: Item) -> None:
        function = self.handler.output_fn
        assert function is not None

        def work() -> Answer:
            accept = self._accept(item)
            result = call(function, item.value, accept, context=item.context)
            return success(result, accept, item.context)

        if self._step(item, "encode", work):
            item.answer = item.value

    def _transform(self, item: Item) -> None:
        function = self.handler.transform_fn
        assert function is not None

        def work() -> Answer:
            accept = self._accept(item)
            body = item.text() if media_type(item.content_type) in TEXT_TYPES else item.body
            result = call(
                function, self.model, body, item.content_type, accept, context=item.context
            )
            return success(result, accept, item.context)

        if self._step(item, "model", work):
            item.answer = item.value

    def _step(self, item: Item, name: str, work: Callable[[], Any]) -> bool:
        """Do one step of one item, timed; False when it failed and the item has its answer."""
        start = time.perf_counter()
        try:
            item.value = work()
        except OURS:
            raise
        except USER_ERRORS as exception:
            item.answer = failure(exception, name, item.context)
        item.times[name] = _milliseconds(start)
        return item.answer is None

    def _accept(self, item: Item) -> str:
        accept = str(item.head.get("accept") or "").strip()
        return self.default_accept if accept in ("", "*/*") else accept

    def _too_late(self, item: Item) -> bool:
        if item.context.deadline is not None and time.monotonic() > item.context.deadline:
            item.answer = error(504, "deadline", "the request waited past its deadline")
        return item.answer is not None


def _milliseconds(start: float) -> float:
    return round((time.perf_counter() - start) * 1000, 3)
