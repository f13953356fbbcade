"""The release check says what differs; the version is the same wherever it is named."""

from __future__ import annotations

import shutil
import zipfile
from pathlib import Path

import pytest
from release_check import ROOT, VERSIONS, CheckError, contents, one_version

import byoa


def test_all_files_name_one_version():
    assert one_version(ROOT) == byoa.__version__


@pytest.mark.parametrize("name", VERSIONS)
def test_a_version_that_differs_is_named(tmp_path: Path, name: str):
    for path in VERSIONS:
        (tmp_path / path).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / path, tmp_path / path)
    text = (tmp_path / name).read_text()
    assert byoa.__version__ in text
    (tmp_path / name).write_text(text.replace(byoa.__version__, "0.9.9"))
    with pytest.raises(CheckError, match=f"{name}: 0.9.9"):
        one_version(tmp_path)


def test_a_wheel_is_its_names_and_contents(tmp_path: Path):
    said = {"one": b"a", "two": b"a", "three": b"b"}
    for wheel, body in said.items():
        with zipfile.ZipFile(tmp_path / wheel, "w") as archive:
            archive.writestr("byoa/module.py", body)
            archive.writestr("byoa.dist-info/RECORD", wheel)
    one, two, three = (contents(tmp_path / wheel) for wheel in said)
    assert one == two != three
