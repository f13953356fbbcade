from __future__ import annotations

import argparse
import json
import os
import re
import shlex
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from byoa.cli import main as cli
from byoa.cli import reference
from byoa.plan.errors import ServiceError

from ..conftest import Byoa

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.alone
def test_help_takes_less_than_a_third_of_a_second():
    """The whole process. The best of five: the machine may be busy with something else."""
    took = []
    for _ in range(5):
        began = time.monotonic()
        subprocess.run(
            [sys.executable, "-m", "byoa.cli", "--help"], check=True, capture_output=True
        )
        took.append(time.monotonic() - began)
    assert min(took) < 0.3


def test_help_and_import_load_nothing_heavy():
    script = (
        "import sys, byoa\nfrom byoa.cli.main import main\nmain(['--help'])\n"
        "heavy = {'boto3', 'botocore', 'moto', 'yaml', 'tqdm', 'pathspec', 'byoa.project'}\n"
        "sys.exit(', '.join(heavy & set(sys.modules)) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_help_lists_every_verb_and_a_bare_byoa_is_a_mistake(byoa: Byoa):
    done = byoa("--help")
    assert (done.code, done.err) == (0, "")
    assert all(re.search(rf"^  {verb} ", done.out, re.M) for verb in cli.HELP)
    assert byoa().code == 2
    assert byoa("--version").out.startswith("byoa 0.")
    assert byoa("help", "status").out == byoa("status", "--help").out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["deply"], "Did you mean 'deploy'"),
        (["xyzzy"], "See byoa --help"),
        (["status", "--nonsense"], "See byoa status --help"),
        (["workflow", "run", "a", "--wiat"], "Did you mean --wait? See byoa workflow run --help"),
        (["teardown", "--delete-dat"], "Did you mean --delete-data? See byoa teardown --help"),
        (["run", "-t", "x"], "Say which: byoa run train.py"),
        (["pipeline"], "Say what: byoa pipeline scaffold|plan|"),
        (["pipeline", "biuld"], "invalid choice: 'biuld'. Did you mean build? See byoa pipeline"),
        (["list", "--on", "proces"], "Did you mean process? See byoa list --help"),
        (["list", "--on", "xyzzy"], "choose from"),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(byoa: Byoa, words: list[str], said: str):
    done = byoa(*words)
    assert (done.code, done.out) == (2, "")
    assert said in done.err
    assert done.err.count("\n") == 1


@pytest.mark.parametrize("verb", cli.HELP)
def test_every_verb_has_help_with_examples_that_parse(
    verb: str, capsys: pytest.CaptureFixture[str]
):
    module = cli.module_of(verb)
    assert cli.main([verb, "--help"]) == 0
    assert "examples:" in capsys.readouterr().out
    commands = [line for line in examples(module.EXAMPLES) if line.startswith("byoa ")]
    assert commands
    for command in commands:
        words = shlex.split(command, comments=True)
        ends = [at for at, word in enumerate(words) if word in {"&&", "|", ">"}]
        words = words[: min(ends, default=len(words))]
        assert words[1] in cli.HELP, command
        cli.parsed(words[1], cli.module_of(words[1]), words[2:])


def examples(text: str) -> list[str]:
    """The commands, without the words that follow after three spaces."""
    lines = text.replace("\\\n", " ").splitlines()
    return [re.split(r"\s{3,}", line.strip())[0] if "\\" not in line else line for line in lines]


def test_every_flag_and_verb_that_a_message_names_exists():
    """What an error tells the user to do can be done."""
    parser = cli.whole_parser()
    (verbs,) = [a for a in parser._actions if isinstance(a, argparse._SubParsersAction)]
    flags = {
        name.replace("-", "_") for verb in verbs.choices.values() for name in cli.flags_of(verb)
    }
    said = (ROOT / "byoa/plan/advice.json").read_text()
    rows = json.loads(said)
    ours = [re.sub(r"`(aws|docker|pip) [^`]*`", "", fix) for fix in fixes(rows)]
    for fix in ours:
        for flag in re.findall(r"(?<![\w-])--[a-z][a-z_-]+", fix):
            foreign = flag in {"--provenance", "--platform", "--sbom"}  # docker's
            assert foreign or flag.replace("-", "_") in flags, fix
        for verb in re.findall(r"`byoa ([a-z]+)", fix):
            assert verb in verbs.choices, fix


def fixes(rows: Any) -> list[str]:
    return [str(row.get("fix", "")) for group in ("errors", "reasons") for row in rows[group]]


@given(st.text(alphabet="ab_-", min_size=1), st.sampled_from(["--dry-run", "--no_spot", "-x"]))
def test_underscores_and_hyphens_are_one(word: str, flag: str):
    known = ["--dry-run", "--no_spot", "-x"]
    assert cli.spelled(flag.replace("-", "_").replace("__", "--", 1), known) in {flag, "_x"}
    assert cli.spelled(flag, known) == flag
    assert cli.spelled(word, known) == word or cli.spelled(word, known) in known


def test_a_bug_keeps_its_traceback_and_a_service_does_not():
    with pytest.raises(ZeroDivisionError):
        cli.told_error(ZeroDivisionError())
    told = cli.told_error(ServiceError("AccessDeniedException", "no", "CreateTrainingJob"))
    assert told.exit_code == 1
    assert "Traceback" not in str(told)


@pytest.mark.parametrize(
    "error", [OSError(28, "No space left"), OSError(13, "No space left", "/x")]
)
def test_the_disk_is_no_bug_of_ours(error: OSError):
    assert "No space left" in str(cli.told_error(error))


def test_a_full_disk_is_the_one_that_was_written_to():
    told = str(cli.told_error(OSError(28, "No space left", "/mine/a.png", None, "/full/x/a.png")))
    assert told.startswith("No space left: /full/x. Make room there") and "/mine" not in told


def test_ctrl_c_is_130(monkeypatch: pytest.MonkeyPatch, byoa: Byoa):
    def interrupt(words: list[str]) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "command", interrupt)
    assert byoa("status").code == 130


def test_a_reader_that_goes_away_is_no_error(home: Path):
    """As in `byoa … | head -1`: the pipe is closed while we write."""
    script = "from byoa.cli.main import main; import sys; sys.exit(main(['--help']))"
    process = subprocess.Popen(
        [sys.executable, "-u", "-c", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )  # fmt: skip
    assert process.stdout is not None
    process.stdout.close()
    _, err = process.communicate(timeout=30)
    assert (process.returncode, err) == (0, b"")


def test_a_terminal_that_has_no_such_letter_gets_another(home: Path):
    words = [sys.executable, "-m", "byoa.cli", "--help"]
    done = subprocess.run(words, env={**os.environ, "PYTHONIOENCODING": "latin-1"}, check=False)
    assert done.returncode == 0


def test_the_reference_is_up_to_date():
    """Make it anew with: python -m byoa.cli.reference > docs/cli.md"""
    assert (ROOT / "docs/cli.md").read_text() == "\n".join(reference.page()) + "\n"


@pytest.mark.parametrize("place", ["docker", "process"])
def test_who_only_looks_needs_no_home(byoa: Byoa, monkeypatch: pytest.MonkeyPatch, place: str):
    monkeypatch.setenv("BYOA_HOME", "/proc/nowhere")  # no folder can be made there
    said = byoa("list", "--on", place)
    assert (said.code, said.err) == (0, "")
