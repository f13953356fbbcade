"""What is not installed is one sentence; what is broken inside is the package's own error."""

from __future__ import annotations

import json

import pytest

from byoa.pipeline.extra import need
from byoa.plan.errors import ByoaError


def test_what_is_there():
    assert need("json", "Nobody") is json


def test_what_is_not_there():
    with pytest.raises(ByoaError, match=r"SQL needs no_such, .* pip install 'byoa\[pipeline\]'"):
        need("no_such.part", "SQL")


def test_what_lacks_something_itself(tmp_path, monkeypatch):
    (tmp_path / "broken_package.py").write_text("import no_such_thing\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ModuleNotFoundError, match="no_such_thing"):
        need("broken_package", "SQL")
