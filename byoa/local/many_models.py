"""A multi-model endpoint's part that SageMaker plays: fetch, load, unload, load again.

https://docs.aws.amazon.com/sagemaker/latest/dg/mms-container-apis.html
"""

from __future__ import annotations

import hashlib
import http.client
import json
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

from byoa.local.exchange import MARK, Answer, exchange, wire
from byoa.local.serve_container import fetch_archive, readable
from byoa.plan.errors import ByoaError
from byoa.plan.storage import Storage

#: Seconds that SageMaker goes on to load a model whose first request got no answer in time.
LOADING = 360.0
#: A container has time for the requests that run when a model is unloaded.
UNLOADING = 60.0
TARGET = MARK + "target-model"
NO_MEMORY, CONFLICT = 507, 409


class NotThereError(Exception):
    """The client's model cannot be had; the text is SageMaker's."""


class NotReadyError(Exception):
    """The model is still being fetched or loaded: ask again."""


class NotLoadedError(Exception):
    """The container refused to load the model."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.status)
        self.answer = answer


@dataclass
class Loading:
    """One model on its way into one container."""

    done: threading.Event = field(default_factory=threading.Event)
    error: Exception | None = None


@dataclass
class Loaded:
    """What is in one container, by when it was asked last, and how many ask it now."""

    used: dict[str, float] = field(default_factory=dict)
    busy: dict[str, int] = field(default_factory=dict)
    loading: dict[str, Loading] = field(default_factory=dict)


@dataclass
class ManyModels:
    """The models below one address, for all containers of a variant."""

    prefix: str
    folder: Path  #: of this machine, where they are extracted
    inside: str  #: the same folder as the container sees it
    storage: Storage
    caching: bool = True
    lock: threading.Lock = field(default_factory=threading.Lock)
    containers: dict[str, Loaded] = field(default_factory=dict)
    fetching: dict[str, threading.Lock] = field(default_factory=dict)

    @contextmanager
    def ready(self, address: str, target: str, seconds: float) -> Iterator[str]:
        """The path to invoke once the model is in the container, which keeps it meanwhile."""
        name = hashlib.sha256(target.encode()).hexdigest()[:32]
        self.take(address, name)
        try:
            self.load(address, name, target, seconds)
            yield f"/models/{name}/invoke"
        finally:
            self.give_back(address, name)

    def take(self, address: str, name: str) -> None:
        with self.lock:
            here = self.containers.setdefault(address, Loaded())
            here.busy[name] = here.busy.get(name, 0) + 1
            if name in here.used:
                here.used[name] = time.monotonic()

    def give_back(self, address: str, name: str) -> None:
        """The last one out unloads a model that is not to be cached."""
        with self.lock:
            here = self.containers[address]
            here.busy[name] -= 1
            if here.busy[name]:
                return
            del here.busy[name]
            unwanted = not self.caching and here.used.pop(name, None) is not None
        if unwanted:
            self.unload(address, name)

    def forget(self, address: str, path: str) -> None:
        """The container says that a model is not in it: it was started again, or unloaded it."""
        with self.lock:
            self.containers[address].used.pop(path.split("/")[2], None)

    def load(self, address: str, name: str, target: str, seconds: float) -> None:
        """Loads a model that is not loaded; others who want it wait for the same load."""
        with self.lock:
            here = self.containers[address]
            if name in here.used:
                return
            work = here.loading.get(name)
            if work is None:
                work = here.loading[name] = Loading()
                arguments = (address, name, target, work)
                threading.Thread(target=self.bring, args=arguments, daemon=True).start()
        if not work.done.wait(seconds):
            raise NotReadyError
        if work.error:
            raise work.error

    def bring(self, address: str, name: str, target: str, work: Loading) -> None:
        """Fetches and loads; it goes on when the first request has long been answered."""
        here = self.containers[address]
        try:
            self.fetch(name, target)
            self.post(address, name, target)
        except Exception as error:
            work.error = error
        with self.lock:
            if work.error is None:
                here.used[name] = time.monotonic()
            del here.loading[name]
        work.done.set()

    def fetch(self, name: str, target: str) -> None:
        """Extracts a model, once: SageMaker, too, looks no second time at what it has."""
        here = self.prefix.startswith("file:")  # in whose addresses % stands for something else
        uri, folder = self.prefix + (quote(target) if here else target), self.folder / name
        with self.lock:
            alone = self.fetching.setdefault(name, threading.Lock())
        with alone:
            if (folder / "model").is_dir():
                return
            words = target.split("/")
            if not {"", ".", ".."}.isdisjoint(words) or not is_file(self.storage, uri):
                raise NotThereError(not_there(self.prefix + target))
            made = self.folder / f".{name}" / "model"
            made.mkdir(parents=True, exist_ok=True)
            try:
                fetch_archive(uri, made, self.storage)
            except ByoaError as error:
                raise NotThereError(f"Failed to extract model data of {uri}: {error}") from error
            readable(made)
            made.parent.rename(folder)

    def post(self, address: str, name: str, target: str) -> None:
        """Loads it, in place of those that nobody has asked for longest if there is no room."""
        wish = {"model_name": name, "url": f"{self.inside}/{name}/model"}
        body = json.dumps(wish).encode()
        while True:
            answer = self.ask(address, "POST", "/models", target, body, LOADING)
            if answer.status < 300 or answer.status == CONFLICT:
                return
            if answer.status != NO_MEMORY or not self.make_room(address):
                raise NotLoadedError(answer)

    def make_room(self, address: str) -> bool:
        """Unloads the least recently used model, one that nobody asks now if there is one."""
        with self.lock:
            here = self.containers[address]
            if not here.used:
                return False
            oldest = min(here.used, key=lambda name: (name in here.busy, here.used[name]))
            del here.used[oldest]
        self.unload(address, oldest)
        return True

    def unload(self, address: str, name: str) -> None:
        """Gone is gone, whatever the container says: it may have been started again."""
        try:
            self.ask(address, "DELETE", f"/models/{name}", "", None, UNLOADING)
        except NotLoadedError:
            pass

    def ask(
        self, address: str, method: str, path: str, target: str, body: bytes | None, seconds: float
    ) -> Answer:
        headers: Mapping[str, str] = {"Content-Type": "application/json", TARGET: wire(target)}
        try:
            return exchange(address, method, path, body, headers, seconds)
        except (OSError, http.client.HTTPException) as error:
            text = f"the container did not answer {method} {path}: {error!r}"
            raise NotLoadedError(Answer(500, {}, text.encode())) from error


def is_file(storage: Storage, uri: str) -> bool:
    """Whether there is just this object; a folder is no model, not even one that holds one."""
    return any(storage.objects(uri)) and not any(storage.objects(f"{uri}/"))


def not_there(uri: str) -> str:
    bucket, _, key = uri.partition("://")[2].partition("/")
    return (
        f"Failed to download model data(bucket: {bucket}, key: {key}). Please ensure that there is"
        " an object located at the URL and that the role passed to CreateModel has permissions to"
        " download the object."
    )
