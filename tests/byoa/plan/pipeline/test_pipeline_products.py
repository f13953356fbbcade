"""Where products may lie."""

from __future__ import annotations

import pytest

from byoa.plan.pipeline.products import product
from byoa.plan.pipeline.upstream import CodeError


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("out/a.csv", "out/a.csv"),
        ("./out/../a.csv", "a.csv"),
        ("../other/a.csv", "/home/other/a.csv"),
        (".gitignored/a.csv", ".gitignored/a.csv"),
    ],
)
def test_a_path_below_the_root_or_whole(path: str, found: str):
    assert product(path, "File", "/home/p", "/home/p", None).path == found


@pytest.mark.parametrize(
    "path", [".", "a/..", ".byoa", ".byoa/pipeline/p/records/a.json", "a/../.git/config", "a\0b"]
)
def test_a_path_where_no_product_may_lie(path: str):
    with pytest.raises(CodeError):
        product(path, "File", "/home/p", "/home/p", None)
