"""An address is a folder where a folder lies, and an object where that is an object."""

from __future__ import annotations

from pathlib import Path

import pytest

from byoa.inputs import prepare
from byoa.local.folder_storage import FolderStorage
from byoa.place import Place
from byoa.plan.layout import ProjectPlace
from byoa.task import Input


@pytest.fixture
def place(tmp_path: Path) -> Place:
    storage = FolderStorage(tmp_path)
    for name in ("data/a.csv", "data2/b.csv", "one.csv"):
        storage.write(f"{storage.base}/{name}", b"1")
    return Place("process", storage, None, None, None)


@pytest.mark.parametrize(
    ("given", "sent"), [("data", "data/"), ("data/", "data/"), ("one.csv", "one.csv")]
)
def test_an_address_never_takes_its_neighbour_along(place: Place, given: str, sent: str):
    """SageMaker's S3Prefix is a prefix of text: `data` means data2/ as well."""
    project = ProjectPlace(place.storage.base, "p")
    item = Input(name="x", where=f"{place.storage.base}/{given}")
    ready = prepare(item, place, project.task("t"), project, dry=False)
    assert ready.channel.uri == f"{place.storage.base}/{sent}"
    assert ready.fingerprint == place.storage.fingerprint(f"{place.storage.base}/{sent}")
