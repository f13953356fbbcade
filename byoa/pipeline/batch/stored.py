"""What a pipeline has in S3, as things that can be removed."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from byoa.aws.belongings import Thing
from byoa.pipeline.batch.home import Home


def stored(home: Home) -> Iterator[Thing]:
    """Records, products and runs, all at once."""
    uri = f"{home.store.base}/"
    count = sum(1 for _ in home.place.storage.objects(uri))
    if count:
        name = f"{uri} ({count} object{'s' * (count > 1)})"
        yield Thing("stored", name, partial(home.place.storage.delete, uri))
