"""What a pipeline has in S3, as things that can be removed: all of it, or what nobody needs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from byoa.aws.belongings import Thing
from byoa.pipeline.batch import runs
from byoa.pipeline.batch.away import READERS, listed, parsed
from byoa.pipeline.batch.home import Home
from byoa.pipeline.store import ContentStore
from byoa.plan.errors import ByoaError
from byoa.plan.pipeline import manifest, tree


def stored(home: Home) -> Iterator[Thing]:
    """Records, products and runs, all at once."""
    uri = f"{home.store.base}/"
    count = len(listed(home.store, ""))
    if count:
        yield Thing("stored", f"{uri} ({counted(count)})", partial(home.place.storage.delete, uri))


def unused(home: Home, keep: int) -> Iterator[Thing]:
    """All runs but the newest ones, and products that no task's record names any more."""
    names = runs.names(home)
    if names and runs.look(home, runs.find(home, names[-1])).active:
        raise ByoaError(
            f"The run {names[-1]} goes on, and what it makes is named only at its tasks' ends."
            " Wait for it, or cancel it."
        )
    for name in names[: len(names) - keep]:
        yield Thing("run", name, partial(forget, home.store, name))
    held = set(listed(home.store, "objects/"))
    lost = held - needed(home.store) if held else held
    if lost:
        yield Thing(
            "products", f"{counted(len(lost))} of no record", partial(drop, home.store, lost)
        )


def forget(store: ContentStore, run: str) -> None:
    store.storage.delete(store.uri(manifest.index_name(run)))
    store.storage.delete(store.uri(manifest.place(run)))


def drop(store: ContentStore, digests: Iterable[str]) -> None:
    with ThreadPoolExecutor(READERS) as pool:
        list(pool.map(lambda one: store.storage.delete(store.uri(f"objects/{one}")), digests))


def needed(store: ContentStore) -> set[str]:
    """All contents that some record names, and what those of folders are made of."""
    names = [f"records/{name}" for name in store.names("records/")]
    with ThreadPoolExecutor(READERS) as pool:
        found = [parsed(data, "") for data in pool.map(store.find, names)]
    if unreadable := [name for name, record in zip(names, found) if record is None]:
        raise ByoaError(
            f"{store.uri(unreadable[0])} cannot be read, so what it names is not known and nothing"
            " was removed. Delete it: its task is run again."
        )
    digests = {made.digest for record in found if record for made in record.products.values()}
    for digest in [one for one in digests if tree.is_tree(one)]:
        listing = store.find(f"objects/{digest}")
        if listing is not None:
            digests |= {one for one, _ in tree.entries(listing, digest).values()}
    return digests


def counted(count: int) -> str:
    return f"{count} object{'s' * (count > 1)}"
