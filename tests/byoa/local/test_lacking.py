"""A Python without what a process job or endpoint imports: the command that brings it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from byoa.local.lacking import check_serving, install
from byoa.plan.errors import ByoaError

REASON = "AlgorithmError: ModuleNotFoundError: No module named 'sklearn.linear_model'"


def test_a_python_that_serves_is_no_error():
    check_serving()


def test_a_python_without_the_servers_packages_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "bare"], check=True)
    python = str(tmp_path / "bare" / "bin" / "python")
    monkeypatch.setenv("BYOA_PYTHON", python)
    with pytest.raises(ByoaError) as told:
        check_serving()
    wanted = f"{python} -m pip install flask gevent gunicorn packaging prometheus-client"
    assert str(told.value).endswith(wanted)


def test_an_algorithms_missing_module_is_installed_with_its_requirements(tmp_path: Path):
    image = f"process://{tmp_path}"
    assert install(REASON, image).endswith(f"{sys.executable} -m pip install scikit-learn")
    (tmp_path / "requirements.txt").write_text("scikit-learn\n")
    assert install(REASON, image).endswith(f"-m pip install -r '{tmp_path}/requirements.txt'")


@pytest.mark.parametrize(
    ("reason", "image"),
    [(REASON, "process://"), (REASON, "faces:latest"), ("KeyError: 'x'", "process:///a")],
)
def test_what_another_installs_or_nothing_lacks_is_not_told(reason: str, image: str):
    assert not install(reason, image)
