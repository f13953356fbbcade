"""A failure's last words on a terminal: not too long, and nothing that steers it."""

from __future__ import annotations

from pathlib import Path

import pytest

from byoa.pipeline.ending import lines, shown
from tests.byoa.pipeline.made import Project

CODE = """
    import os

    def loud(product):
        os.write(1, bytes(range(1, 32)) + b"\\x1b[2J\\x1b[31mred\\x1b[0m\\x9b2J\\xff\\n")
        raise ValueError("z" * 5_000)
"""


@pytest.mark.parametrize(
    ("line", "seen"),
    [
        ("\x1b[1;31mred\x1b[0m", "red"),
        ("\x1b]0;title\x07text", "text"),
        ("\x1b]8;;http://x\x1b\\link", "link"),
        ("a\x00b\x08c\x9b2Jd", "abc2Jd"),
        ("a\tb ü 日本 █", "a       b ü 日本 █"),
        ("\x1b", ""),
    ],
)
def test_what_steers_a_terminal_is_not_shown(line: str, seen: str):
    assert shown(line) == seen


def test_binary_and_endless_output_ends_in_lines_that_can_be_read(tmp_path: Path):
    project = Project(tmp_path, CODE)
    project.task("loud")
    result = project.build()
    said = list(lines(project.pipeline, result))
    assert any("red" in line for line in said) and max(map(len, said)) < 600
    assert all(line.isprintable() for line in said)
