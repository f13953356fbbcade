"""The checks of `doctor` that look at files: programs, line ends, size."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

from container.algorithm import HERE
from container.finding import Finding, State

PROGRAMS = ("train", "serve", "doctor")
SHELL_PROGRAMS = ("bash", "python3", "pip")  # what the SageMaker SDK's ModelTrainer starts with
IMAGE = Path("/opt/byoa")
TEXT_SUFFIXES = {"", ".py", ".sh", ".json", ".conf", ".html"}


def check_programs(path: str, programs: Path = HERE / "bin", image: bool | None = None) -> Finding:
    """Whether train, serve and doctor can be started: by name in the image, by path elsewhere."""
    wrong = [name for name in PROGRAMS if not os.access(programs / name, os.X_OK)]
    if wrong:
        return Finding(
            "programs", State.FAIL, f"not executable: chmod +x {_paths(programs, wrong)}"
        )
    wrong = [name for name in PROGRAMS if b"\r" in (programs / name).read_bytes()]
    if wrong:
        return Finding("programs", State.FAIL, f"CRLF line ends: {_paths(programs, wrong)}")
    if not (HERE.parent == IMAGE if image is None else image):
        return Finding("programs", State.OK, f"executable in {programs}")
    missing = [name for name in (*PROGRAMS, *SHELL_PROGRAMS) if not shutil.which(name, path=path)]
    if missing:
        return Finding("programs", State.FAIL, f"not on PATH: {', '.join(missing)}. PATH is {path}")
    return _check_own(path, programs)


def _check_own(path: str, programs: Path) -> Finding:
    """Whether PATH leads to our programs: sagemaker-training would bring a `train` of its own."""
    for name in PROGRAMS:
        found = Path(shutil.which(name, path=path) or "").resolve()
        if found != (programs / name).resolve():
            return Finding("programs", State.FAIL, f"{name} on PATH is {found}. Remove that one.")
    return Finding("programs", State.OK, f"{', '.join(PROGRAMS)} on PATH and executable")


def _paths(folder: Path, names: list[str]) -> str:
    return " ".join(str(folder / name) for name in names)


def check_line_ends(folders: list[Path]) -> Finding:
    files = [file for folder in folders for file in _text_files(folder)]
    wrong = [str(file) for file in files if b"\r\n" in file.read_bytes()]
    if wrong:
        return Finding("line ends", State.FAIL, f"CRLF in {', '.join(wrong[:5])}. Save with LF.")
    return Finding("line ends", State.OK, f"LF in all {len(files)} files")


def _text_files(folder: Path) -> list[Path]:
    return [
        path
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.suffix in TEXT_SUFFIXES and "__pycache__" not in path.parts
    ]


def check_size(budget_mb: int | None, folder: Path | None = None) -> Finding:
    """What the image weighs; outside an image, what its Python environment does."""
    folder = folder or (Path("/") if HERE.parent == IMAGE else Path(sys.prefix))
    megabytes = _bytes_below(folder) // 1_000_000
    text = f"{folder} holds {megabytes:,} MB"
    if budget_mb is None:
        return Finding("size", State.OK, text)
    if megabytes > budget_mb:
        return Finding("size", State.FAIL, f"{text}, the budget is {budget_mb:,} MB")
    return Finding("size", State.OK, f"{text} of {budget_mb:,} MB")


def _bytes_below(folder: Path) -> int:
    """Bytes on the folder's own file system, a file with many names once."""
    device, total, seen = folder.stat().st_dev, 0, set()
    for parent, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if _device(Path(parent) / name) == device]
        for name in files:
            try:
                facts = (Path(parent) / name).lstat()
            except OSError:
                continue
            if facts.st_ino not in seen:
                seen.add(facts.st_ino)
                total += facts.st_size
    return total


def _device(path: Path) -> int:
    try:
        return path.lstat().st_dev
    except OSError:
        return -1
