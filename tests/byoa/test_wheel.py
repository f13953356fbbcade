"""What pip installs is whole: the tables, the templates, the launcher and the harness are in it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
NOT_PACKED = shutil.ignore_patterns("__pycache__", "*.pyc")
#: Of what a wheel is made.
SOURCE = (
    *("byoa", "container", "infrastructure", "mask_r_cnn", "requirements", "local_test"),
    *(
        "Dockerfile",
        "build_and_push.sh",
        "buildspec.yml",
        "pyproject.toml",
        "setup.py",
        "MANIFEST.in",
        "README.md",
        "LICENSE",
    ),
)


def test_a_job_runs_from_a_wheel_alone(tmp_path: Path):
    source, installed = tmp_path / "source", tmp_path / "installed"
    source.mkdir()
    for name in SOURCE:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, source / name, ignore=NOT_PACKED)
        else:
            shutil.copy(ROOT / name, source)
    words = ("-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "-w", tmp_path)
    subprocess.run([sys.executable, *words, source], check=True, cwd=tmp_path)
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(installed)
    rooms = {"container": "byoa/_harness/container", "infrastructure": "byoa/_infrastructure"}
    for room, place in {"byoa": "byoa", **rooms}.items():
        packed = installed / place
        files = [path for path in (source / room).rglob("*") if path.is_file()]
        assert [
            path for path in files if not (packed / path.relative_to(source / room)).exists()
        ] == []

    ran = subprocess.run(
        [sys.executable, "-c", "from byoa.cli.main import main; raise SystemExit(main())",
         "shell", "-p", "p", "-t", "t", "--cmd_line", "echo from a wheel", "--on", "process"],
        env={**os.environ, "PYTHONPATH": str(installed), "BYOA_HOME": str(tmp_path / "home")},
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    assert "from a wheel" in ran.stderr
    folder = subprocess.run(
        [sys.executable, "-c", "from byoa.local.harness import harness; print(harness())"],
        env={**os.environ, "PYTHONPATH": str(installed)},
        cwd=tmp_path, capture_output=True, text=True, check=True,
    ).stdout.strip()  # fmt: skip
    assert folder == str(installed / "byoa/_harness/container")
