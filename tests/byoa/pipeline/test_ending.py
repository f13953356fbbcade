"""A failure's last words on a terminal: not too long, and nothing that steers it."""

from __future__ import annotations

from pathlib import Path

import pytest

from byoa.pipeline.ending import counts, lines, shown
from byoa.pipeline.outcome import Outcome, Result
from tests.byoa.pipeline.made import Project, error

CODE = """
    import os

    def closed(product):
        import sys
        sys.stdout.close()
        sys.stderr.close()
        raise ValueError("no")

    def full(product):
        os.dup2(os.open("/dev/full", os.O_WRONLY), 2)
        raise ValueError("no")

    def written(product):
        os.dup2(os.open("/dev/full", os.O_WRONLY), 1)
        print("x")
        with open(product, "w") as file: file.write("1")

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
    assert 4000 < len(error(result, "loud")) < 4100
    assert all(line.isprintable() for line in said)


@pytest.mark.parametrize("name", ["closed", "full"])
def test_an_error_that_no_log_takes_is_told_all_the_same(tmp_path: Path, name: str):
    project = Project(tmp_path, CODE)
    project.task(name)
    assert error(project.build(), name) == "ValueError: no"


def test_a_log_that_cannot_be_written_is_told(tmp_path: Path):
    project = Project(tmp_path, CODE)
    project.task("written")
    (project.home / "runs").mkdir(parents=True)
    assert error(project.build(), "written").startswith("OSError: [Errno 28]")


@pytest.mark.parametrize(
    ("became", "said"),
    [
        ("failed", "1 failed, 1 not run because of that."),
        ("cancelled", "1 not run, 1 not finished."),
    ],
)
def test_what_did_not_run_says_why_where_something_failed(became, said):
    outcomes = {"a": Outcome("a", became), "b": Outcome("b", "skipped")}
    assert counts(Result("r", outcomes)) == said
