"""Every link of every page leads somewhere: to a file, and to a heading that is in it."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import urlsplit

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted(
    path
    for pattern in ("*.md", "docs/*.md", "examples/**/*.md", "byoa/templates/**/*.md")
    for path in ROOT.glob(pattern)
)
FENCED = re.compile(r"^ *```.*?^ *```", re.M | re.S)
LINK = re.compile(r"\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#{1,6} +(.+?) *$", re.M)
#: The map.
START = ROOT / "docs" / "README.md"


def page_id(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def prose(page: Path) -> str:
    """The page without its blocks of code, where nothing is a link or a heading."""
    return FENCED.sub("", page.read_text(encoding="utf-8"))


def anchor(heading: str) -> str:
    """What GitHub calls a heading: small letters, no punctuation, hyphens for spaces."""
    shown = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading).replace("`", "")
    return re.sub(r"[^\w\- ]", "", shown.lower()).replace(" ", "-")


def anchors(page: Path) -> set[str]:
    """All anchors of a page; a heading that is there twice gets a number, as on GitHub."""
    found: dict[str, int] = {}
    names = set()
    for heading in HEADING.findall(prose(page)):
        name = anchor(heading)
        seen = found.get(name, 0)
        found[name] = seen + 1
        names.add(f"{name}-{seen}" if seen else name)
    return names


def problems(page: Path) -> list[str]:
    found = []
    for target in LINK.findall(prose(page)):
        path, _, name = target.partition("#")
        if "://" in target:
            parts = urlsplit(target)
            if parts.scheme not in ("http", "https") or "." not in (parts.hostname or ""):
                found.append(f"{target} is no address")
            continue
        there = (page.parent / path) if path else page
        if not there.exists():
            found.append(f"{target}: there is no {path}")
        elif name and name not in anchors(there):
            found.append(f"{target}: {page_id(there)} has no such heading")
    return found


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_every_link_leads_somewhere(page: Path):
    assert problems(page) == []


def test_every_page_is_found_from_the_map():
    linked = {
        (START.parent / target.partition("#")[0]).resolve() for target in LINK.findall(prose(START))
    }
    pages = set(START.parent.glob("*.md")) - {START}
    assert sorted(path.name for path in pages - linked) == []


@pytest.mark.parametrize("page", ["contract.md", "security.md"])
def test_every_test_that_is_named_is_there(page: str):
    text = (ROOT / "docs" / page).read_text()
    short = dict(
        re.findall(r"`([A-Z])`\s+is\s+`(tests/[\w/]+)`", (ROOT / "docs/contract.md").read_text())
    )
    named = re.findall(r"`((?:[A-Z]|tests)/[\w/]+\.py)`", text)
    paths = [
        Path(short.get(name[0], name[0]), name[2:]) if name[1] == "/" else Path(name)
        for name in named
    ]
    assert len(named) > 10
    assert [str(path) for path in paths if not (ROOT / path).exists()] == []


def test_anchors_are_those_of_github():
    assert anchor("What the program gets") == "what-the-program-gets"
    assert anchor("`SM_HOSTS`, and more: 2.5 [ways](a.md)") == "sm_hosts-and-more-25-ways"


def test_a_link_that_leads_nowhere_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(globals(), "ROOT", tmp_path)
    page = tmp_path / "page.md"
    page.write_text(
        "# One\n[a](page.md#one) [b](#two) [c](gone.md) [d](https://nowhere)\n```\n[e](x)\n```\n"
    )
    assert problems(page) == [
        "#two: page.md has no such heading",
        "gone.md: there is no gone.md",
        "https://nowhere is no address",
    ]
