"""epoch_shares.py: its clocks sit on what a job calls, and are gone afterwards."""

from __future__ import annotations

from dataset import Dataset
from epoch_shares import PARTS, clocks
from evaluation import Judge


def test_the_parts_are_timed() -> None:
    before = {name: getattr(*part) for name, part in PARTS.items()}
    with clocks() as spent:
        Judge(Dataset((), ("thing",), (1,)))({})
        assert {name for name, part in PARTS.items() if getattr(*part) != before[name]} == {*PARTS}
    assert list(spent) == ["COCO's figures"] and spent["COCO's figures"] > 0
    assert {name: getattr(*part) for name, part in PARTS.items()} == before
