"""The variables that lead to the sandbox, in every shell's words, and past every proxy."""

from __future__ import annotations

import subprocess
import sys

import pytest

from byoa.sandbox import environment
from byoa.sandbox.state import State
from byoa.sandbox.supervise import here

STATE = State(1, 4566, "eu-west-1", "AKIA", "it's secret", "token", "/home")


def test_a_shell_that_evaluates_the_lines_has_them():
    script = f'{environment.exports(STATE)}\necho "$AWS_SECRET_ACCESS_KEY|$AWS_ENDPOINT_URL"'
    done = subprocess.run(["sh", "-ec", script], capture_output=True, text=True, check=True)
    assert done.stdout == "it's secret|http://127.0.0.1:4566\n"


def test_a_proxy_is_gone_round():
    assert "NO_PROXY" not in environment.variables(STATE, {})
    around = {"http_proxy": "http://proxy:3128", "no_proxy": "intranet"}
    assert environment.variables(STATE, around)["NO_PROXY"] == "intranet,127.0.0.1,localhost"
    again = {**around, "NO_PROXY": "127.0.0.1"}
    assert environment.variables(STATE, again)["NO_PROXY"] == "127.0.0.1,localhost"


@pytest.mark.parametrize(
    ("image", "found"),
    [
        ("123456789012.dkr.ecr.eu-west-1.amazonaws.com/a/b:v1", "127.0.0.1:4566/a/b:v1"),
        ("210987654321.dkr.ecr.eu-west-1.amazonaws.com/a:v1", None),
        ("127.0.0.1:4566/a@sha256:0", None),
        ("process:///folder", None),
    ],
)
def test_the_accounts_own_images_are_in_our_registry(image: str, found: str | None):
    assert here(image, STATE) == (found or image)


def test_without_its_packages_up_says_what_to_install():
    """`byoa sandbox up` where `pip install byoa` was all: flask is hidden from this process."""
    script = (
        "import sys; sys.modules['flask'] = None\n"
        "from byoa.cli.main import main\n"
        "sys.exit(main(['sandbox', 'up']))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 1
    assert "Install them: pip install 'byoa[sandbox]'" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_verb_loads_neither_moto_nor_boto3():
    script = (
        "import sys, byoa.cli.sandbox, byoa.sandbox.lifecycle\n"
        "sys.exit(' '.join({'moto', 'boto3', 'botocore', 'werkzeug'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.stderr.strip() == ""
