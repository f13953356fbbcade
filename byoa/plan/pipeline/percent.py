"""Python scripts in the percent format (`# %% tags=["x"]`), which VS Code and Spyder write, too.

https://jupytext.readthedocs.io/en/latest/formats-scripts.html#the-percent-format
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from typing import Any

#: `# %% …`, and `#%%` or `# In[3]:` alone on a line. `# %%time` is a commented magic.
MARKER = re.compile(
    r"\s*#\s*(?:%%(?P<depth>%*)(?:\s(?P<options>.*))?|In\[[0-9 ]*\]:?\s*|<codecell>\s*)$"
)
#: What makes a script a percent script; the others are for jupytext to judge.
SIGN = re.compile(r"#(?: %%|%%)(?:\s|$)|#(?: <codecell>| In\[[0-9 ]*\]:?)")
#: A commented magic: `# %matplotlib inline`, `# !ls`, `# %%bash`, `# files = !ls`.
COMMENTED = re.compile(
    r"(\s*)#\s?((?:#\s?)*(?:%{1,2}[A-Za-z]|!\s*[A-Za-z.~$\\/{}]|[A-Za-z_]\w*\s*=\s*[%!][A-Za-z]).*)$"
)
BARE = re.compile(r"\s*(%{1,2}[A-Za-z]|!\s*[A-Za-z.~$\\/{}])")
#: A header that names another format, or cells that are switched off.
SPECIAL = re.compile(r"format_name: (?:light|sphinx|nomarker)|\bactive[-=]|doxygen")
KINDS = {"[markdown]": "markdown", "[md]": "markdown", "[raw]": "raw"}
PAIR = re.compile(r"(?P<key>[A-Za-z0-9_.@/-]+)\s*=\s*")
STRING = re.compile(r"\"\"\"|'''|\"(?:\\.|[^\"\\])*\"?|'(?:\\.|[^'\\])*'?|#.*")

Found = tuple[str, str, dict[str, Any]]


class Quotes:
    """Follows a text line by line and knows whether the next one begins inside of a string."""

    def __init__(self) -> None:
        self.inside = ""

    def take(self, line: str) -> None:
        at = 0
        while True:
            if self.inside:
                end = re.compile(rf"(?:\\.|(?!{self.inside}).)*?{self.inside}").match(line, at)
                if not end:
                    return
                self.inside, at = "", end.end()
            found = STRING.search(line, at)
            if not found:
                return
            if found[0] in ('"""', "'''"):
                self.inside = found[0]
            at = found.end()

    def lines(self, text: str) -> Iterator[tuple[str, bool]]:
        """Every line, and whether it begins inside of a string."""
        for line in text.split("\n"):
            yield line, bool(self.inside)
            self.take(line)


def fits(text: str) -> bool:
    """Whether a script is one of ours to read: it has cells, and asks for nothing special."""
    if SPECIAL.search(text):
        return False
    return any(SIGN.match(line) and not quoted for line, quoted in Quotes().lines(text))


def read(text: str) -> tuple[list[Found], dict[str, Any]]:
    """The cells, and the header's metadata."""
    lines = text.replace("\r\n", "\n").split("\n")
    metadata, first = header(lines)
    body = lines[first:]
    pieces = list(pieces_of(body))
    bare = (BARE.match(line) for line, quoted in Quotes().lines("\n".join(body)) if not quoted)
    magic = "format_name: percent" in text or not any(bare)  # else the hydrogen format
    return [cell_of(marker, inner, magic) for marker, inner in pieces], metadata


def header(lines: list[str]) -> tuple[dict[str, Any], int]:
    """The YAML between `# ---` and `# ---`, what it has below `jupyter`, and the line after it."""
    start = 0
    while start < len(lines) and (lines[start].startswith("#!") or "coding" in lines[start][:20]):
        start += 1
    if start >= len(lines) or lines[start].strip() != "# ---":
        return {}, start
    try:
        end = lines.index("# ---", start + 1)
    except ValueError:
        return {}, start
    block = lines[start + 1 : end]
    if not all(line.startswith("#") for line in block):
        return {}, start
    end += 2 if lines[end + 1 : end + 2] == [""] else 1
    return jupyter_of("\n".join(line[1:].removeprefix(" ") for line in block)), end


def jupyter_of(text: str) -> dict[str, Any]:
    import yaml

    try:
        loaded = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except (yaml.YAMLError, ValueError):
        return {}
    found = loaded.get("jupyter") if isinstance(loaded, dict) else None
    return found if isinstance(found, dict) else {}


def pieces_of(lines: list[str]) -> Iterator[tuple[re.Match[str] | None, list[str]]]:
    """Every marker with the lines below it; what is above the first is a cell if it has text."""
    marker: re.Match[str] | None = None
    inner: list[str] = []
    quotes = Quotes()
    for line in lines:
        found = None if quotes.inside else MARKER.match(line)
        if found is None:
            quotes.take(line)
            inner.append(line)
            continue
        if marker or any(map(str.strip, inner)):
            yield marker, inner
        marker, inner = found, []
    if marker or any(map(str.strip, inner)):
        yield marker, inner


def cell_of(marker: re.Match[str] | None, lines: list[str], magic: bool) -> Found:
    kind, options = options_of(marker["options"] or "") if marker else ("code", {})
    while lines and not lines[-1]:
        lines = lines[:-1]
    language = str(options.get("language", "python"))
    if language != "python":  # a cell magic that was made an option
        del options["language"]
        return kind, f"%%{language}\n{prose(lines)}", options
    if kind == "code":
        return kind, "\n".join(uncommented(lines) if magic else lines), options
    return kind, prose(lines), options


def options_of(text: str) -> tuple[str, dict[str, Any]]:
    """`[markdown] tags=["a", "b"] key=1`, with a title before it; or one JSON object."""
    kind = "code"
    for word, named in KINDS.items():
        if word in re.split("[={]", text, maxsplit=1)[0]:
            kind, text = named, text.replace(word, "", 1)
            break
    brace, equal = text.find("{"), text.find("=")
    if brace >= 0 and not 0 <= equal < brace:
        value = value_of(text[brace:])
        return kind, value if isinstance(value, dict) else {}
    return kind, dict(pairs(text))


def pairs(text: str) -> Iterator[tuple[str, Any]]:
    found = list(PAIR.finditer(text))
    at = 0
    for index, pair in enumerate(found):
        if pair.start() < at:
            continue
        for after in [*found[index + 1 :], None]:
            end = after.start() if after else len(text)
            value = value_of(text[pair.end() : end])
            if value is not None:
                yield pair["key"], value
                at = end
                break


def value_of(text: str) -> Any:
    """JSON or a Python literal; None when it is neither."""
    for reads in (json.loads, ast.literal_eval):
        try:
            return reads(text.strip())
        except (ValueError, SyntaxError, RecursionError, MemoryError, TypeError):
            continue
    return None


def uncommented(lines: list[str]) -> list[str]:
    """Magics are comments in a script, so that Python can read it; in a notebook they are not."""
    result = []
    quotes = Quotes()
    for line in lines:
        found = None if quotes.inside else COMMENTED.match(line)
        line = f"{found[1]}{found[2]}" if found else line  # noqa: PLW2901
        quotes.take(line)
        result.append(line)
    return result


def prose(lines: list[str]) -> str:
    """Markdown from its comments, or from the docstring that holds it."""
    text = "\n".join(lines)
    for quote in ('"""', "'''"):
        stripped = text.strip()
        if stripped.startswith(quote) and stripped.endswith(quote) and len(stripped) >= 6:
            return stripped[3:-3].strip("\n")
    return "\n".join(
        line[2:] if line.startswith("# ") else line.removeprefix("#") for line in lines
    )
