"""byoa as pip installs it, in an environment of its own that no clone can be seen from."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import sysconfig
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
#: As a reader copies them out of a README.
BLOCK = re.compile(r"^```sh\n(.*?)^```$", re.M | re.S)
#: Of what a wheel is made; a build folder that somebody left is not among it.
SOURCE = (
    *("byoa", "container", "infrastructure", "mask_r_cnn", "requirements"),
    *("pyproject.toml", "setup.py", "MANIFEST.in", "README.md", "LICENSE"),
    *("Dockerfile", "build_and_push.sh", "buildspec.yml", "local_test/sample_pictures.py"),
)
NOT_PACKED = shutil.ignore_patterns("__pycache__", "*.pyc")


def build(folder: Path) -> Path:
    """The wheel of the working tree as it is."""
    source = folder / "source"
    for name in SOURCE:
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, source / name, ignore=NOT_PACKED)
        else:
            shutil.copy(ROOT / name, source / name)
    words = ("-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "-w", folder)
    subprocess.run([sys.executable, *words, source], check=True, cwd=folder)
    (wheel,) = folder.glob("*.whl")
    return wheel


@dataclass(frozen=True)
class Installed:
    """A virtual environment with the wheel in it; other packages are those of the tests."""

    folder: Path

    @classmethod
    def make(cls, wheel: Path, folder: Path) -> Installed:
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
        found = cls(folder)
        said = subprocess.run(
            [found.python, "-c", "import sysconfig; print(sysconfig.get_paths()['purelib'])"],
            capture_output=True, text=True, check=True,
        ).stdout.strip()  # fmt: skip
        # A folder that a .pth file names is searched, and .pth files in it (a clone) are not read.
        others = sysconfig.get_paths()["purelib"]
        Path(said, "others.pth").write_text(f"{others}\n", encoding="utf-8")
        words = ("--quiet", "--no-deps", "--no-index", "--disable-pip-version-check")
        pip = (sys.executable, "-m", "pip", "--python", str(found.python))
        subprocess.run([*pip, "install", *words, wheel], check=True, cwd=folder)
        return found

    @property
    def python(self) -> Path:
        return self.folder / "bin" / "python"

    def sh(
        self, script: str, where: Path, seconds: float = 280
    ) -> subprocess.CompletedProcess[str]:
        """What a user's shell says to a script, with this byoa and this python first on PATH."""
        kept = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
        environ = {
            **kept,
            "PATH": f"{self.folder / 'bin'}:{os.environ['PATH']}",
            "HOME": str(self.folder),
            "BYOA_HOME": str(self.folder / "home"),
        }
        return subprocess.run(
            ["bash", "-eu", "-o", "pipefail", "-c", script],
            cwd=where, env=environ, capture_output=True, text=True, timeout=seconds, check=False,
        )  # fmt: skip


def blocks(readme: Path) -> list[str]:
    """The commands of a README, as it has them: one text a ```sh block."""
    return BLOCK.findall(readme.read_text(encoding="utf-8"))


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """byoa from the wheel of this very tree."""
    folder = tmp_path_factory.mktemp("wheel")
    return Installed.make(build(folder), folder / "venv")
