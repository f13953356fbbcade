"""The page of messages is the table that the program reads."""

from __future__ import annotations

import runpy
from pathlib import Path

MADE = runpy.run_path(str(Path(__file__).with_name("troubleshooting.py")))


def test_the_page_is_up_to_date():
    assert MADE["PAGE"].read_text() == MADE["page"](), "python tests/docs/troubleshooting.py"


def test_nothing_of_the_table_s_own_language_is_left():
    assert "{message}" not in MADE["page"]() and "{{" not in MADE["page"]()
