"""Scripts in a shell of the user's choice."""

from __future__ import annotations

import subprocess

import pytest

from byoa.pipeline.clients import ShellClient
from byoa.plan.errors import ByoaError, UsageError


def test_what_a_script_says_is_said_at_once(capfd, tmp_path):
    ShellClient().execute(f"echo here; echo there >&2; touch '{tmp_path}/a b'")
    said = capfd.readouterr()
    assert (said.out, said.err) == ("here\n", "there\n")
    assert (tmp_path / "a b").exists()


def test_a_failure_tells_the_code_and_what_was_caught():
    with pytest.raises(ByoaError, match="exit code 7"):
        ShellClient().execute("exit 7")
    caught = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "check": True}
    with pytest.raises(ByoaError, match=r"exit code 3\. why"):
        ShellClient(subprocess_run_kwargs=caught).execute("echo why; exit 3")


def test_another_command(capfd):
    ShellClient("sh -e {{ path_to_code }}").execute("echo $0\nfalse || echo yes")
    assert capfd.readouterr().out.endswith("script\nyes\n")


def test_a_template_without_the_script():
    with pytest.raises(UsageError, match="path_to_code"):
        ShellClient("bash")
