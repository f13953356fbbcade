from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from byoa.cli.main import HELP
from tests.byoa.conftest import Byoa


def completed(script: str, *words: str) -> list[str]:
    """What bash offers for the last word."""
    ask = f"""
source {script}
COMP_WORDS=({" ".join(repr(word) for word in words)})
COMP_CWORD={len(words) - 1}
COMP_LINE={" ".join(words)!r}
_shtab_byoa
printf '%s\\n' "${{COMPREPLY[@]}}"
"""
    done = subprocess.run(["bash", "-c", ask], capture_output=True, text=True, check=True)
    return done.stdout.split()


@pytest.fixture
def script(byoa: Byoa, tmp_path: Path) -> str:
    said = byoa("completion", "bash")
    assert said.code == 0
    (tmp_path / "complete.sh").write_text(said.out)
    return str(tmp_path / "complete.sh")


def test_bash_completes_every_verb(script: str):
    assert set(HELP) <= set(completed(script, "byoa", ""))
    assert completed(script, "byoa", "und") == ["undeploy"]


def test_bash_completes_flags_and_choices(script: str):
    assert "--instance_type" in completed(script, "byoa", "run", "--inst")
    assert completed(script, "byoa", "status", "--on", "pro") == ["process"]
    assert completed(script, "byoa", "init", "x", "--template", "mask") == ["mask-r-cnn"]


def test_zsh_has_a_script_too(byoa: Byoa):
    said = byoa("completion", "zsh")
    assert said.out.startswith("#compdef byoa")


def test_an_unknown_shell_is_told(byoa: Byoa):
    assert byoa("completion", "fish").code == 2
