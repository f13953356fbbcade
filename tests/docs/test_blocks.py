"""Every block of code on every page is what it says: it parses, and names what there is.

test_pages.py runs the pages that can run here; this looks at all of them, those about AWS too.
"""

from __future__ import annotations

import argparse
import ast
import importlib
import json
import re
import shlex
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
import yaml

from byoa.cli.main import HELP, whole_parser
from tests.docs.test_links import PAGES, page_id

FENCED = re.compile(r"^```(\w*)\n(.*?)^```", re.M | re.S)
HERE_DOCUMENT = re.compile(r"<<\s*'?(\w+)'?.*?^\1$", re.M | re.S)
#: What these verbs do not know is the script's: a hyperparameter.
OPEN = {"run", "shell", "train", "process"}
WORD = re.compile(r"--[a-zA-Z][\w-]*")


def blocks(page: Path, kind: str) -> list[str]:
    return [body for found, body in FENCED.findall(page.read_text()) if found == kind]


def pages_with(kind: str) -> list[Path]:
    return [page for page in PAGES if blocks(page, kind)]


def commands(text: str) -> Iterator[list[str]]:
    """The words of each `byoa …` of a page: in sh blocks, in indented lines, in code spans."""
    shell = "\n".join(body for kind, body in FENCED.findall(text) if kind == "sh")
    lines = re.sub(r"\\\n\s*", " ", HERE_DOCUMENT.sub("", shell)).splitlines()
    rest = re.sub(r"\\\n\s*", " ", FENCED.sub("", text))
    lines += re.findall(r"^ {4}(byoa .*)$", rest, re.M)
    lines += [" ".join(span.split()) for span in re.findall(r"`(byoa [^`]+)`", rest)]
    for line in lines:
        for command in re.findall(r"(?:^|[;&|(]\s*|\bif |! )(byoa .*)", line):
            lexer = shlex.shlex(command, posix=True, punctuation_chars="|&;()")
            lexer.whitespace_split, lexer.commenters = True, "#"
            yield list(until_the_end(lexer))


def until_the_end(lexer: shlex.shlex) -> Iterator[str]:
    try:
        for word in lexer:
            if re.fullmatch(r"[|&;()]+|--", word):
                return
            yield word
    except ValueError:  # a quote that is open: prose
        return


@cache
def flags() -> dict[str, set[str]]:
    """`verb` and `verb sub` → the flags that it takes."""
    found: dict[str, set[str]] = {}
    walk(whole_parser(), "", found)
    return found


def walk(parser: argparse.ArgumentParser, name: str, found: dict[str, set[str]]) -> None:
    found[name] = {flag.replace("_", "-") for flag in parser._option_string_actions}
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for sub, inner in action.choices.items():
                walk(inner, f"{name} {sub}".strip(), found)


def problems(words: list[str]) -> list[str]:
    """What a command names that there is not."""
    verb = words[1] if len(words) > 1 else ""
    if not re.fullmatch("[a-z]+", verb):
        return []  # byoa VERB, byoa --version
    if verb not in HELP:
        return [f"byoa has no verb {verb}"]
    name = " ".join(words[1:3])
    known = flags().get(name, set()) | flags()[verb]
    given = {word.replace("_", "-") for word in words[2:] if WORD.fullmatch(word)}
    if verb in OPEN:
        return []
    given = {word for word in given if not word.startswith("--env--")}  # a placeholder of env.yaml
    return [f"byoa {name} has no {flag}" for flag in sorted(given - known)]


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_every_command_exists(page: Path):
    if page.name == "CHANGELOG.md":
        return  # tells what was, too
    found = [problem for words in commands(page.read_text()) for problem in problems(words)]
    assert found == []


@pytest.mark.parametrize("page", pages_with("sh"), ids=page_id)
def test_shell_blocks_are_shell(page: Path):
    script = "\n".join(blocks(page, "sh"))
    done = subprocess.run(["bash", "-n"], input=script, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("page", pages_with("python"), ids=page_id)
def test_python_blocks_compile_and_their_imports_are_there(page: Path):
    for body in blocks(page, "python"):
        for node in ast.walk(ast.parse(body)):
            if isinstance(node, ast.Import):
                for alias in node.names:
                    importlib.import_module(alias.name)
            elif isinstance(node, ast.ImportFrom):
                module = importlib.import_module(str(node.module))
                assert [alias.name for alias in node.names if not hasattr(module, alias.name)] == []


@pytest.mark.parametrize("page", pages_with("json") + pages_with("yaml"), ids=page_id)
def test_json_and_yaml_blocks_parse(page: Path):
    for body in blocks(page, "json"):
        json.loads(body)
    for body in blocks(page, "yaml"):
        yaml.safe_load(body)


def test_a_command_that_does_not_exist_is_found():
    page = (
        "```sh\nbyoa deplyo x\nif byoa deploy -t t --autoscail 1 | cat --color; then\n```\n"
        "    byoa pipeline plan --all\n"
    )
    found = [problem for words in commands(page) for problem in problems(words)]
    assert found == ["byoa has no verb deplyo", "byoa deploy -t has no --autoscail"]
