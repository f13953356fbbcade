"""docker's build and push with a bar; the program `docker` here is a file that speaks as it."""

from __future__ import annotations

import os
from contextlib import redirect_stderr
from pathlib import Path

import pytest

from byoa import docker_bars
from tests.byoa.terminal import Seen
from tests.byoa.test_screen import Out, out

__all__ = ["out"]
BUILD = """\
#!/bin/sh
cat > {folder}/dockerfile
echo "Sending build context to Docker daemon  3.6kB"
echo "Step 1/3 : FROM debian"; echo " ---> c8139a03a555"
echo "Step 2/3 : RUN pip install torch"; echo " ---> Running in 67438aa18758"
echo "Collecting torch"; sleep 0.7
echo "Step 3/3 : LABEL a=b"
echo "no space left" >&2
exit {code}
"""
PUSH = """\
#!/bin/sh
test "$1" = push || exit 9
test "$2" = --quiet && {{ echo quietly; exit 0; }}
test -t 1 || exit 8
for text in "1111aaaa2222: Preparing" "3333bbbb4444: Waiting" \
    "1111aaaa2222: Layer already exists"; do
    printf '\\033[2A\\033[2K\\r%s\\r\\033[2B\\n' "$text"
done
printf '\\033[1A\\033[2K\\r3333bbbb4444: Pushing [=====>      ]  7.5MB/30MB\\r\\033[1B'
sleep 0.7
printf '\\033[1A\\033[2K\\r3333bbbb4444: Pushed \\r\\033[1B\\n'
echo "denied: no" >&2
exit {code}
"""


def docker(folder: Path, text: str, code: int = 0) -> dict[str, str]:
    """The environment in which that text is the program `docker`."""
    program = folder / "docker"
    program.write_text(text.format(folder=folder, code=code))
    program.chmod(0o755)
    return {**os.environ, "PATH": f"{folder}{os.pathsep}{os.environ['PATH']}"}


def build(environ: dict[str, str], loud: bool = False) -> int:
    command = [f"{environ['PATH'].split(os.pathsep)[0]}/docker", "build", "-"]
    return docker_bars.build(command, None, environ, "FROM debian\n", what="my:image", loud=loud)


def test_a_builds_steps_are_a_bar_and_nothing_else_is_left_of_them(out: Out, tmp_path: Path):
    with redirect_stderr(out):
        assert build(docker(tmp_path, BUILD)) == 0
    said = out.getvalue()
    assert "my:image  ████████░░░░░░░░░░░░░░░░   33 %  step 2/3" in said
    assert "\n  RUN pip install torch\n  Collecting torch" in said
    assert "Running in" not in said, "that tells nobody anything"
    assert Seen(80).feed(said).text == ""
    assert (tmp_path / "dockerfile").read_text() == "FROM debian\n"


def test_a_build_that_fails_shows_all_that_docker_said(out: Out, tmp_path: Path):
    with redirect_stderr(out):
        assert build(docker(tmp_path, BUILD, 7)) == 7
    left = Seen(80).feed(out.getvalue()).text.splitlines()
    assert left[0].startswith("Sending build context") and left[-1] == "no space left"
    assert len(left) == 8


@pytest.mark.parametrize("loud", [True, False])
def test_where_no_bar_is_wanted_docker_speaks_itself(
    loud: bool, out: Out, tmp_path: Path, capfd: pytest.CaptureFixture[str]
):
    environ = docker(tmp_path, BUILD)
    if loud:
        with redirect_stderr(out):
            assert build(environ, loud=True) == 0
        assert out.getvalue() == ""
    else:
        assert build(environ) == 0
    said = capfd.readouterr()
    assert said.out == "" and "Step 2/3 : RUN pip install torch\n" in said.err
    assert "\x1b" not in said.err


def test_a_push_tells_layers_and_bytes(out: Out, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    environ = docker(tmp_path, PUSH, 1)
    monkeypatch.setenv("PATH", environ["PATH"])
    with redirect_stderr(out):
        assert docker_bars.transfer("push", "host/my:image", environ) == (1, "denied: no\n")
    said = out.getvalue()
    assert "pushing my:image  " in said and " 62 %  1 of 2 layers  7.5 MB" in said
    assert Seen(80).feed(said).text == ""


def test_a_push_without_a_terminal_is_quiet(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
):
    environ = docker(tmp_path, PUSH)
    monkeypatch.setenv("PATH", environ["PATH"])
    assert docker_bars.transfer("push", "host/my:image", environ) == (0, "")
    assert capfd.readouterr().err == "quietly\n"
