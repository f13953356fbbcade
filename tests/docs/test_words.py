"""One word a thing: pages, help texts and messages use CONTRIBUTING's words, not their cousins."""

from __future__ import annotations

import argparse
import ast
import re
from collections.abc import Iterator
from functools import cache

import pytest

from byoa.cli.main import HELP, module_of, whole_parser
from tests.docs.messages import BLANK, ROOT, strings
from tests.docs.test_links import FENCED, PAGES, page_id, prose

#: A word that we do not use → the one that we do. Only what has no other meaning here.
COUSINS = {
    r"director(y|ies)": "folder",
    r"sub-?folders?": "folder",
    r"filenames?": "name (of a file)",
    r"datasets?": "data set",
    r"hyper[- ]parameters?|hyperparams?": "hyperparameter",
    r"end[- ]points?": "endpoint",
    r"work[- ]flows?": "workflow",
    r"(S3|bucket) (path|URI|URL|location)s?": "address",
    r"sub-?commands?": "verb",
    r"training runs?": "job",
    r"command[- ]line (flags?|options?|switch(es)?)": "flag",
    r"inference (image|server)s?": "image, serve",
    r"docker containers?": "container",
    r"hyperparameter (sweep|search)": "grid",
    r"time ?outs?": "time-out",
    r"utili[sz]e[sd]?": "use",
    r"e\.g\.|i\.e\.|etc\.": "such as, that is, and so on",
    r"simply|please": "(nothing)",
    r"white-?list|black-?list": "list",
}
FORBIDDEN = re.compile(rf"\b({'|'.join(COUSINS)})(?!\w)", re.I)
#: Somebody else's words, quoted.
QUOTED = ("no such file or directory", "not a directory")
#: What plays AWS says AWS's words; templates are the user's.
SPEAK_AS_AWS = {"local", "sandbox", "templates"}
CODE = re.compile(r"``?[^`]*``?|^ {4}.*$|\]\([^)]*\)|<!--.*?-->", re.M)


def cousins(text: str) -> list[str]:
    """The words of a text that have a better one here."""
    for theirs in QUOTED:
        text = re.sub(theirs, "", text, flags=re.I)
    return [found[0] for found in FORBIDDEN.finditer(text)]


def helps(parser: argparse.ArgumentParser) -> Iterator[str]:
    yield parser.description or ""
    for action in parser._actions:
        yield action.help or ""
        if isinstance(action, argparse._SubParsersAction):
            for inner in action.choices.values():
                yield from helps(inner)


@cache
def messages() -> tuple[str, ...]:
    """What an error says: the sentences in `raise`, of all programs."""
    found: list[str] = []
    for room in ("container", "byoa", "mask_r_cnn"):
        for path in (ROOT / room).rglob("*.py"):
            if not SPEAK_AS_AWS.intersection(path.parts):
                tree = ast.parse(path.read_text(encoding="utf-8"))
                for node in ast.walk(tree):
                    if isinstance(node, ast.Raise):
                        found += strings(node)
    return tuple(text.replace(BLANK, "…") for text in found if " " in text.strip())


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_a_page_uses_our_words(page):
    assert cousins(CODE.sub("", prose(page))) == []


def test_help_uses_our_words():
    texts = [*helps(whole_parser()), *HELP.values(), *(module_of(verb).HELP for verb in HELP)]
    assert len(texts) > 300
    assert {text: found for text in texts if (found := cousins(text))} == {}


def test_errors_use_our_words():
    assert len(messages()) > 500
    assert {text: found for text in messages() if (found := cousins(text))} == {}


def test_a_cousin_is_found():
    assert cousins("a Directory of datasets; No such file or directory") == [
        "Directory",
        "datasets",
    ]
    assert FENCED.sub("", "```\nthe directory\n```") == ""
