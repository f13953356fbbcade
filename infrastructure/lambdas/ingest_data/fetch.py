"""Reads a source to its end, over cut lines, or until the time is up."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from byoa.plan.asked import TryAgainError
from byoa.plan.errors import ByoaError

from .reach import SourceError
from .source import CutError, Opened, Source
from .staging import BLOCK, Staging

#: Seconds that a silent line is waited for.
PATIENCE = 30.0
TRIES = 6


class TooLargeError(ByoaError):
    """More bytes than the limit."""


@dataclass
class Fetch:
    """One source on its way into the staging place."""

    name: str  #: of the source, as messages may have it
    source: Source
    staging: Staging
    limit: int
    spare: Callable[[], float]  #: seconds until this call must come to its end
    sleep: Callable[[float], None]

    def run(self, held: str) -> Opened | None:
        """The last answer that was read; None when the time is up. `held`: the target's mark."""
        try:
            return self._over_cuts(held)
        finally:
            self.source.close()

    def _over_cuts(self, held: str) -> Opened | None:
        failed = 0
        while True:
            before = self.staging.size
            try:
                if opened := self.read(held):
                    return opened
            except CutError as error:
                failed = 1 if self.staging.size > before else failed + 1
                print(f"{self.name}: cut at byte {self.staging.size:,}: {error}")
                if failed >= TRIES:
                    self.leave()
                    raise TryAgainError(
                        f"{self.name} broke off {failed} times at byte {self.staging.size:,}:"
                        f" {error}. Call again: it goes on from there."
                    ) from error
                self.sleep(max(0.0, min(2.0 ** (failed - 1), self.spare())))
            if self.spare() <= 0:
                self.leave()
                return None

    def read(self, held: str) -> Opened | None:
        known = self.staging.state.get("Mark", "")
        patience = max(1.0, min(PATIENCE, self.spare()))
        opened = self.source.open(self.staging.size if known else 0, known, held, patience)
        if opened.unchanged or (held and opened.mark == held and not opened.begin):
            return replace(opened, unchanged=True)
        if (opened.total or 0) > self.limit:
            raise self.too_large()
        self.line_up(opened, known)
        return opened if self.pour(opened) else None

    def line_up(self, opened: Opened, known: str) -> None:
        """Brings answer and staging to the same byte: goes on, skips, or begins anew."""
        left = self.staging.size
        if opened.begin == left and known and opened.mark == known:
            return
        if opened.begin or not left or not known or opened.mark != known:
            self.staging.begin(opened)
            return
        while left and (block := opened.read(min(BLOCK, left))):  # a server that sends only wholes
            left -= len(block)
        if left:
            raise CutError("it ended before the place to go on from")

    def pour(self, opened: Opened) -> bool:
        """Whether the end came before the time was up."""
        while block := opened.read(BLOCK):
            self.staging.add(block)
            if self.staging.size > self.limit:
                raise self.too_large()
            if self.spare() <= 0:
                return self.staging.size == opened.total
        if opened.total is not None and self.staging.size < opened.total:
            raise CutError(f"it ended at {self.staging.size:,} of {opened.total:,} bytes")
        return True

    def leave(self) -> None:
        """Keeps what has come for the next call, if that can go on with it."""
        if self.staging.size and not self.staging.state.get("Mark"):
            self.staging.forget()
            raise SourceError(
                f"{self.name} did not come whole in one call, and has neither ETag nor"
                " Last-Modified by which a second one could go on. Take it from S3, for one."
            )
        if self.staging.pause() >= 3:
            raise SourceError(
                f"{self.name} gives less than 5 MiB in a call, which S3 cannot keep. Take it from a"
                " faster place."
            )

    def too_large(self) -> TooLargeError:
        self.staging.forget()
        return TooLargeError(
            f"{self.name} is over the limit of {self.limit:,} bytes. Raise MaxBytes in the event or"
            " in the stack's parameters, or take less."
        )
