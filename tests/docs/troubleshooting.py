"""docs/troubleshooting-aws.md out of byoa/plan/advice.json: python tests/docs/troubleshooting.py"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from byoa.plan.advice import table

PAGE = Path(__file__).resolve().parents[2] / "docs" / "troubleshooting-aws.md"
HEAD = """\
# What AWS says, and what to do

Every message that `byoa` makes of an error of AWS, with what stands behind it; search for a part of
yours. `…` is what AWS said itself, or a name. byoa has tried again where the last column says so.
This page is made of the table that the program reads: `python tests/docs/troubleshooting.py`.

"""


def plain(text: str) -> str:
    """A sentence of the table with its blanks as dots."""
    return re.sub(r"\{\w+\}", "…", text).replace("{{", "{").replace("}}", "}").replace("|", "\\|")


def row(one: dict[str, Any]) -> str:
    codes = ", ".join(f"`{code}`" for code in one["codes"])
    again = "yes" if one.get("retried") else "no"
    return f"| {plain(one['wrong'])} | {plain(one['fix'])} | {codes} | {again} |\n"


def page() -> str:
    errors = "".join(row(one) for one in table()["errors"])
    reasons = "".join(reason(one) for one in table()["reasons"])
    return f"""{HEAD}## A call that AWS refused

| byoa says | what to do | AWS's codes | tried again |
|---|---|---|---|
{errors}
## A job or an endpoint that failed

Its reason has one of these words:

| words | what to do |
|---|---|
{reasons}"""


def reason(one: dict[str, Any]) -> str:
    words = one["message"].removeprefix("(?i)").replace("|", "\\|")
    return f"| `{words}` | {plain(one['fix'])} |\n"


if __name__ == "__main__":
    PAGE.write_text(page())
