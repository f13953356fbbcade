"""All containers behind one endpoint, by production variant; who gets the next request."""

from __future__ import annotations

import random
import shutil
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from byoa.local.instance import Instance
from byoa.local.many_models import ManyModels

LOOK_EVERY = 0.1


@dataclass(frozen=True, slots=True)
class Limits:
    """What one request may take."""

    seconds: float = 60
    payload: int = 25 << 20
    at_once: int = 0  #: requests in a variant together; 0: as many as come


@dataclass
class Variant:
    """One production variant: its share of the traffic and its containers."""

    name: str
    weight: float
    instances: Sequence[Instance]
    limits: Limits = field(default_factory=Limits)
    stream: str = ""  #: log stream of its containers, for error messages
    models: ManyModels | None = None  #: of a multi-model endpoint

    @property
    def healthy(self) -> list[Instance]:
        return [one for one in self.instances if one.healthy]

    @property
    def busy(self) -> int:
        return sum(one.busy for one in self.instances)


class NoInstanceError(Exception):
    """Nobody can take the request now; the text is for the client."""


class UnknownVariantError(Exception):
    """The client named a variant that the endpoint does not have."""


class TooManyError(Exception):
    """The variant has as many requests as it may have at once."""


class ClosedError(Exception):
    """The fleet has been replaced: ask the new one."""


class Fleet:
    """The variants of one endpoint configuration, as they run."""

    def __init__(self, variants: Sequence[Variant], folder: Path | None = None) -> None:
        self.variants, self.folder = list(variants), folder  # of its models' files
        self.lock = threading.Lock()
        self.closed = False

    @contextmanager
    def take(self, target: str = "") -> Iterator[tuple[Variant, Instance]]:
        """A container for one request, which counts as busy until the block ends."""
        with self.lock:
            if self.closed:
                raise ClosedError
            variant = self.choose(target)
            instance = min(variant.healthy, key=lambda one: one.busy)
            instance.busy += 1
        try:
            yield variant, instance
        finally:
            with self.lock:
                instance.busy -= 1

    def choose(self, target: str) -> Variant:
        """The variant that the client names, or one by weight; with a healthy container."""
        named = [one for one in self.variants if not target or one.name == target]
        if not named:
            raise UnknownVariantError(target)
        ready = [one for one in named if one.healthy and (target or one.weight > 0)]
        if not ready:
            raise NoInstanceError("no container answers; SageMaker starts them again by itself")
        chosen = random.choices(ready, [one.weight if not target else 1 for one in ready])[0]
        if chosen.limits.at_once and chosen.busy >= chosen.limits.at_once:
            raise TooManyError
        return chosen

    def wait_healthy(self, cancelled: Callable[[], bool]) -> str:
        """Returns when all containers are: "", or why they will never be."""
        waiting = [(variant, one) for variant in self.variants for one in variant.instances]
        while waiting and not cancelled():
            for variant, one in waiting:
                if one.failure:
                    return (
                        f"The primary container for production variant {variant.name} did not pass"
                        " the ping health check. Please check CloudWatch logs for this endpoint."
                        f" ({one.failure})"
                    )[:1024]
            waiting = [(variant, one) for variant, one in waiting if not one.healthy]
            time.sleep(LOOK_EVERY)
        return "it was deleted" if waiting else ""

    @property
    def longest(self) -> float:
        """Seconds within which every request that was taken is answered."""
        return max((one.limits.seconds for one in self.variants), default=0)

    def close(self, seconds: float) -> None:
        """Takes nothing new, waits for the answers of what was taken, ends the containers."""
        with self.lock:
            self.closed = True
        end = time.monotonic() + seconds
        while any(one.busy for one in self.variants) and time.monotonic() < end:
            time.sleep(LOOK_EVERY)
        instances = [one for variant in self.variants for one in variant.instances]
        for one in instances:
            one.closing.set()
        for one in instances:
            one.close()
        if self.folder:
            shutil.rmtree(self.folder, ignore_errors=True)
