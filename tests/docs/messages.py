"""Every message that the programs can say, with `BLANK` where a value stands."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
#: What a page writes for a value, and what stands for one in a message.
DOTS, BLANK = "…", "\0"


def said() -> list[str]:
    """The messages of all programs: f-strings whole, with a blank for each value."""
    found = [
        text
        for room in ("container", "byoa", "mask_r_cnn")
        for path in sorted((ROOT / room).rglob("*.py"))
        for text in strings(ast.parse(path.read_text(encoding="utf-8")))
    ]
    advice = json.loads((ROOT / "byoa" / "plan" / "advice.json").read_text())
    rows = [*advice["errors"], *advice["reasons"]]
    found += [row[key] for row in rows for key in ("wrong", "fix") if key in row]
    found.append((ROOT / "build_and_push.sh").read_text())
    return [re.sub(r"\{\w+\}", BLANK, text) for text in found]


def strings(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            yield "".join(
                str(part.value) if isinstance(part, ast.Constant) else BLANK for part in node.values
            )
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def is_said(message: str, texts: list[str]) -> bool:
    """Whether some program can say it; its dots stand for anything."""
    pieces = message.split(DOTS)
    pattern = re.compile(".*".join(map(re.escape, pieces)), re.S)
    likely = (text for text in texts if all(piece in text for piece in pieces))
    return any(pattern.search(text) for text in likely)
