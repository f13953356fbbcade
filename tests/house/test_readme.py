"""What README.md and docs/ tell to type exists, and what they link to is there."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")], key=str)


def page_id(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def commands(text: str) -> list[str]:
    """Lines of indented and fenced blocks, and inline code."""
    fenced = re.findall(r"^```\w*\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    indented = re.findall(r"^ {4}(\S.*)$", text, re.MULTILINE)
    inline = re.findall(r"`([^`\n]+)`", text)
    return [line for block in fenced for line in block.splitlines()] + indented + inline


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_every_make_target_exists(page):
    known = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    asked = {
        target
        for line in commands(page.read_text())
        for target in re.findall(r"\bmake ([a-z][a-z-]*)", line)
    }
    assert asked <= known


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_every_link_leads_somewhere(page):
    for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text()):
        if "://" not in target:
            assert (page.parent / target).exists(), target


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_every_program_of_ours_exists(page):
    pattern = (
        r"(?:^|[\s(`'])(?:\./)?((?:container|local_test|benchmarks|\.ci|requirements)/[\w./]+)"
    )
    made = ("local_test/test_dir", "benchmarks/results")
    for line in commands(page.read_text()):
        for path in re.findall(pattern, line):
            if not path.startswith(made):
                assert (ROOT / path.rstrip(".")).exists(), f"{path} in {line!r}"


@pytest.mark.parametrize("target", ["demo", "test", "check", "image", "image-test", "bench"])
def test_the_targets_parse(target):
    """make -n reads every line of a target without running it."""
    done = subprocess.run(
        ["make", "-n", target], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_the_readme_shows_a_real_run():
    text = (ROOT / "README.md").read_text()
    assert re.search(r"^epoch=\d+; train_loss=[\d.]+; .*images_per_second=[\d.]+;$", text, re.M)
    reached = re.search(r"mask AP50 on 40 unseen pictures, through the server: ([\d.]+)", text)
    assert reached and float(reached.group(1)) >= 0.8


def test_help_names_every_target():
    text = (ROOT / "Makefile").read_text()
    phony = re.search(r"^\.PHONY: (.+)$", text, re.MULTILINE)
    assert phony
    words = ["make", "--no-print-directory", "help"]  # `make test` runs this too
    told = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True)
    assert {line.split()[1] for line in told.stdout.splitlines()} == set(phony.group(1).split())


@pytest.mark.parametrize("way", ["train_local.sh", "serve_local.sh", "predict.sh"])
def test_scripts_say_what_they_do(way):
    lines = (ROOT / "local_test" / way).read_text().splitlines()
    assert lines[0] == "#!/bin/bash"
    assert way in lines[1]
    subprocess.run(["bash", "-n", ROOT / "local_test" / way], check=True)
