"""Shell scripts as tasks: bash for real."""

from __future__ import annotations

from pathlib import Path

import pytest

from byoa.pipeline.outcome import Result
from byoa.plan.pipeline.model import Dotted, Source
from tests.byoa.pipeline.made import Project, became, error


@pytest.fixture
def project(tmp_path: Path) -> Project:
    made = Project(tmp_path, "def get(product): product.write_text('from get')")
    made.task("get")
    return made


def built(project: Project, text: str, **words) -> Result:
    """A script's task, built."""
    source = Source(path="run.sh", text=text)
    project.task("shell", kind="shell", source=source, needs=["get"], **words)
    return project.build()


def shell(project: Project, text: str, **words) -> str:
    """What became of a script's task."""
    return became(built(project, text, **words))["shell"]


def test_placeholders_are_filled_in_and_words_are_logged(project: Project):
    text = 'echo "{{word}} $(pwd)"\ncat {{upstream["get"]}} > {{product}}; echo more >&2\n'
    assert shell(project, text, params={"word": "it's"}) == "done"
    assert project.made("shell") == "from get"
    assert project.log("shell") == f"it's {project.root}\nmore\n"


def test_only_the_last_exit_code_counts(project: Project):
    assert shell(project, "false\ntouch {{product}}\n") == "done"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("touch {{product}}; exit 3", "run.sh: bash "),
        ("set -e\nfalse\ntouch {{product}}", "ended with exit code 1"),
        ("touch {{prodct}}", "run.sh asks for prodct. There is "),
        ("true", "Task 'shell' ended well but did not make 'out/shell'"),
    ],
)
def test_failures(project: Project, text: str, said: str):
    result = built(project, text)
    assert became(result)["shell"] == "failed" and said in error(result, "shell")


def test_a_client_of_the_users_own(project: Project):
    project.write(
        """
        from byoa.pipeline.clients import ShellClient
        def get(product): product.write_text('from get')
        def strict(): return ShellClient(run_template="bash -e {{path_to_code}}")
        """
    )
    text = "false\ntouch {{product}}\n"
    assert shell(project, text, client=Dotted("steps.strict")) == "failed"
