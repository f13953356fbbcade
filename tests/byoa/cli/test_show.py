from __future__ import annotations

import json
from argparse import Namespace
from datetime import datetime, timezone
from typing import Any

import pytest

from byoa.cli.show import emit

WHEN = datetime(2026, 11, 22, tzinfo=timezone.utc)


def shown(data: Any, capsys: pytest.CaptureFixture[str], as_json: bool = False) -> str:
    emit(data, Namespace(json=as_json))
    return capsys.readouterr().out


def test_rows_are_a_table_with_every_key(capsys: pytest.CaptureFixture[str]):
    said = shown([{"job": "a", "n": 1}, {"job": "long name", "x": None}], capsys)
    assert said.splitlines() == ["JOB        N  X", "a          1  -", "long name  -  -"]
    assert shown([], capsys) == "(nothing)\n"


def test_a_mapping_is_lines_and_text_is_itself(capsys: pytest.CaptureFixture[str]):
    said = shown({"metrics": {"loss": 0.123456789}, "hosts": ["a", "b"], "when": None}, capsys)
    assert said.splitlines() == ["metrics:  loss=0.123457", "hosts:    a, b", "when:     -"]
    assert shown("text", capsys) == "text\n"


def test_json_has_times_as_iso(capsys: pytest.CaptureFixture[str]):
    said = json.loads(shown({"created": WHEN, "path": Namespace()}, capsys, as_json=True))
    assert said["created"] == "2026-11-22T00:00:00+00:00"
