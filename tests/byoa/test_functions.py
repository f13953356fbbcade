"""The functions' packages: small, the same everywhere, and whole."""

from __future__ import annotations

import io
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from byoa.functions import MOST_BYTES, PACKAGE, Package, infrastructure, package, packages
from byoa.plan.errors import UsageError
from byoa.plan.infrastructure import FUNCTIONS

#: This one, and those beside it, as pyenv and setup-python lay them out.
PYTHONS = [sys.executable, *sorted(Path(sys.base_prefix).parent.glob("3.1[0-9].*/bin/python3"))]


@pytest.fixture(scope="module")
def made() -> list[Package]:
    return packages()


def test_every_function_has_one_and_it_is_small(made: list[Package]):
    assert [one.kind for one in made] == list(FUNCTIONS)
    for one in made:
        assert len(one.data) < MOST_BYTES / 5
        with zipfile.ZipFile(io.BytesIO(one.data)) as archive:
            assert archive.testzip() is None
            names = archive.namelist()
        assert one.handler.removesuffix(".handle").replace(".", "/") + ".py" in names
        assert not [name for name in names if name.endswith((".pyc", "/")) or "test" in name]
        assert not [
            name for name in names if name.startswith(("byoa/aws", "byoa/local", "byoa/cli"))
        ]


def test_the_bytes_are_the_same_of_any_checkout(made: list[Package], tmp_path: Path):
    """Other times, other modes, Windows' line ends, a folder of another name."""
    beside = tmp_path / "somewhere" / "byoa"
    shutil.copytree(PACKAGE / "plan", beside / "plan")
    shutil.copytree(infrastructure(), beside.parent / "infrastructure")
    for path in beside.parent.rglob("*"):
        if path.suffix in (".py", ".json"):
            path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
            path.chmod(0o755)
    assert [one.sha256 for one in packages(beside)] == [one.sha256 for one in made]
    (beside / "plan" / "errors.py").write_text("# changed\n")
    assert package("ingest-data", beside).sha256 != made[1].sha256


@pytest.mark.parametrize("python", PYTHONS)
def test_the_bytes_are_the_same_of_any_python(made: list[Package], python: str | Path):
    script = "from byoa.functions import packages; print(*(one.sha256 for one in packages()))"
    done = subprocess.run(
        [python, "-S", "-B", "-c", script], cwd=PACKAGE.parent, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert done.stdout.split() == [one.sha256 for one in made], done.stderr


@pytest.mark.parametrize("kind", FUNCTIONS)
def test_a_package_needs_nothing_but_python(kind: str, tmp_path: Path):
    """No boto3 of this machine, no byoa: what Lambda brings is asked for when a call comes."""
    one = package(kind)
    with zipfile.ZipFile(io.BytesIO(one.data)) as archive:
        archive.extractall(tmp_path)
    module = one.handler.removesuffix(".handle")
    script = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); import {module} as m; m.handle"
    script += "; assert 'boto3' not in sys.modules; assert m.__file__.startswith(sys.path[0])"
    subprocess.run([sys.executable, "-I", "-S", "-B", "-c", script], check=True, cwd=tmp_path)


def test_a_wheel_has_it_elsewhere(tmp_path: Path):
    shutil.copytree(infrastructure(), tmp_path / "byoa" / "_infrastructure")
    assert infrastructure(tmp_path / "byoa") == tmp_path / "byoa" / "_infrastructure"
    with pytest.raises(UsageError, match="pip install -e"):
        infrastructure(tmp_path / "nothing")
