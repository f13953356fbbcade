"""Checkpoints are whole or passed over."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from checkpoint import load_newest, save_checkpoint


def _state(value: int) -> dict[str, object]:
    return {"progress": {"step": value}, "tensor": torch.full((64,), float(value))}


def test_the_newest_comes_back(tmp_path: Path) -> None:
    for step in (1, 2, 10):
        save_checkpoint(tmp_path, step, _state(step))
    found = load_newest(tmp_path)
    assert found is not None
    assert found[1]["progress"] == {"step": 10}
    assert torch.equal(found[1]["tensor"], torch.full((64,), 10.0))


def test_only_two_are_kept_and_no_temporary_file(tmp_path: Path) -> None:
    for step in range(5):
        save_checkpoint(tmp_path, step, _state(step))
    assert [p.name[:20] for p in sorted(tmp_path.iterdir())] == [
        "checkpoint-000000003",
        "checkpoint-000000004",
    ]


def test_no_checkpoint_is_none(tmp_path: Path) -> None:
    assert load_newest(tmp_path) is None
    assert load_newest(tmp_path / "missing") is None


def test_a_torn_one_falls_back_and_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    save_checkpoint(tmp_path, 1, _state(1))
    newest = save_checkpoint(tmp_path, 2, _state(2))
    newest.write_bytes(newest.read_bytes()[:-100])
    found = load_newest(tmp_path)
    assert found is not None
    assert found[1]["progress"] == {"step": 1}
    assert f"{newest.name} is damaged" in capsys.readouterr().err


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(place=st.floats(0, 0.999), bit=st.integers(0, 7))
def test_any_flipped_bit_is_found(tmp_path: Path, place: float, bit: int) -> None:
    for old in tmp_path.iterdir():
        old.unlink()
    path = save_checkpoint(tmp_path, 2, _state(2))
    data = bytearray(path.read_bytes())
    data[int(place * len(data))] ^= 1 << bit
    path.write_bytes(data)
    assert load_newest(tmp_path) is None


def test_a_pickle_that_runs_code_is_refused(tmp_path: Path) -> None:
    import hashlib
    import io
    import pickle

    class Harmful:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return (print, ("run",))

    buffer = io.BytesIO()
    torch.save({"x": Harmful()}, buffer)
    data = buffer.getvalue()
    name = f"checkpoint-000000001-{hashlib.sha256(data).hexdigest()[:16]}.pt"
    (tmp_path / name).write_bytes(data)
    with pytest.raises(pickle.UnpicklingError):
        load_newest(tmp_path)
