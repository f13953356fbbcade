"""The user stories of docs/ do what they say: every `sh` block of a page runs, in order.

A page says in its first lines where it runs:

    <!-- CI runs this page: process -->     plain processes here
    <!-- CI runs this page: docker -->      needs docker
    <!-- CI runs this page: sandbox -->     needs docker; `byoa sandbox up` ran before

Blocks marked ```sh run one after the other in one bash, in an empty folder, as a reader would
copy them. A line of a following ```text block that is not "..." must be in what the block printed.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
WHERE = re.compile(r"<!-- CI runs this page: (process|docker|sandbox) -->")
BLOCK = re.compile(r"^```(sh|text)\n(.*?)^```$", re.M | re.S)
SECONDS = 280


def place_of(page: Path) -> str | None:
    found = WHERE.search(page.read_text())
    return found.group(1) if found else None


def pages(*places: str) -> list[Path]:
    return [page for page in sorted((ROOT / "docs").glob("*.md")) if place_of(page) in places]


def name(page: Path) -> str:
    return page.stem


def blocks(text: str) -> list[tuple[str, list[str]]]:
    """The page's commands, each with the lines that its reader is told to expect."""
    found: list[tuple[str, list[str]]] = []
    for kind, body in BLOCK.findall(text):
        if kind == "sh":
            found.append((body, []))
        elif found:
            found[-1][1].extend(line.strip() for line in body.splitlines() if line.strip())
    return found


def environment(home: Path) -> dict[str, str]:
    """A reader's surroundings: byoa on PATH, a home of its own, no account."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("AWS_PROFILE")}
    return {
        **kept,
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "BYOA_HOME": str(home / ".byoa"),
        "HOME": str(home),
        "PYTHONWARNINGS": "default",
        "OMP_NUM_THREADS": "1",
    }


def run_page(page: Path, home: Path) -> None:
    work = home / "work"
    work.mkdir()
    found = blocks(page.read_text())
    assert found, f"{page.name} says that CI runs it, but has no ```sh block"
    mark = "--- block"
    script = "\n".join(f"echo '{mark} {number}'\n{body}" for number, (body, _) in enumerate(found))
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=work,
        env=environment(home),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=SECONDS,
    )
    assert done.returncode == 0, f"{page.name} ends with {done.returncode}:\n{done.stdout[-6000:]}"
    printed = re.split(rf"^{mark} \d+\n", done.stdout, flags=re.M)[1:]
    for (body, expected), output in zip(found, printed, strict=True):
        for line in expected:
            if line != "...":
                assert line in output, f"{page.name}: {line!r} is not printed by\n{body}\n{output}"


@pytest.mark.parametrize("page", pages("process"), ids=name)
def test_a_page_that_needs_nothing(page: Path, tmp_path: Path):
    run_page(page, tmp_path)


@pytest.mark.docker
@pytest.mark.parametrize("page", pages("docker", "sandbox"), ids=name)
def test_a_page_that_needs_docker(page: Path, tmp_path: Path):
    byoa = [sys.executable, "-m", "byoa.cli", "sandbox"]
    if place_of(page) == "docker":
        run_page(page, tmp_path)
        return
    subprocess.run([*byoa, "up"], env=environment(tmp_path), check=True, timeout=60)
    try:
        run_page(page, tmp_path)
    finally:
        subprocess.run([*byoa, "down"], env=environment(tmp_path), check=True, timeout=120)


def test_commands_and_what_they_print_are_told_apart():
    page = "```sh\necho a\n```\ntext\n```text\na\n...\n```\n```sh\ntrue\n```\n"
    assert blocks(page) == [("echo a\n", ["a", "..."]), ("true\n", [])]


def test_a_page_that_lies_is_found(tmp_path: Path):
    page = tmp_path / "page.md"
    page.write_text("<!-- CI runs this page: process -->\n```sh\necho a\n```\n```text\nb\n```\n")
    with pytest.raises(AssertionError, match="'b' is not printed"):
        run_page(page, tmp_path)


def test_a_page_that_fails_is_found(tmp_path: Path):
    page = tmp_path / "page.md"
    page.write_text("<!-- CI runs this page: process -->\n```sh\nfalse\ntrue\n```\n")
    with pytest.raises(AssertionError, match="ends with 1"):
        run_page(page, tmp_path)
