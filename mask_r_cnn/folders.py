"""The folders of a job, made sure of before the long work begins: no torch here."""

from __future__ import annotations

import atexit
import tarfile
import tempfile
from pathlib import Path
from shutil import copyfileobj, rmtree

from errors import DataError, TrainingError

MODEL_FILES = ("model.json", "model.safetensors")
_ARCHIVES = (".tar.gz", ".tgz", ".tar")


def require_writable(*folders: Path) -> None:
    """Makes the folders and writes a byte into each; TrainingError says which one takes none."""
    for folder in folders:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=folder) as file:
                file.write(b"0")
                file.flush()
        except OSError as error:
            raise TrainingError(
                f"nothing can be written to {folder} ({error.strerror}) - "
                "mount a writable folder with free space there"
            ) from None


def model_folder(channel: Path) -> Path:
    """Finds the model of an earlier job in a channel: its files, or its model.tar.gz unpacked.

    SageMaker unpacks model.tar.gz for an endpoint, but not for the channel of a training job.
    """
    for folder in (channel, *sorted(path for path in channel.glob("*") if path.is_dir())):
        if all((folder / name).is_file() for name in MODEL_FILES):
            return folder
    archives = [path for path in channel.rglob("*") if path.name.lower().endswith(_ARCHIVES)]
    if len(archives) == 1:
        return _unpacked(archives[0])
    found = ", ".join(sorted(path.name for path in channel.glob("*"))[:5]) or "nothing"
    raise DataError(
        f"channel {channel.name} holds no model: {' and '.join(MODEL_FILES)} are needed, or one "
        f"model.tar.gz with them, but {found} is there - give what an earlier job left"
    )


def _unpacked(archive: Path) -> Path:
    """Copies the two files of a model, and nothing else, into a folder that lives as long as we."""
    target = Path(tempfile.mkdtemp(prefix="model-"))
    atexit.register(rmtree, target, ignore_errors=True)
    try:
        with tarfile.open(archive) as opened:
            for member in opened:
                name = Path(member.name).name
                file = opened.extractfile(member) if name in MODEL_FILES else None
                if file is not None and not (target / name).exists():
                    with (target / name).open("wb") as copy:
                        copyfileobj(file, copy)
    except (tarfile.TarError, EOFError, OSError, ValueError) as error:
        raise DataError(
            f"{archive.name} in channel {archive.parent.name} cannot be unpacked ({error}) - "
            "give the model.tar.gz of an earlier job, whole"
        ) from None
    missing = [name for name in MODEL_FILES if not (target / name).is_file()]
    if missing:
        raise DataError(
            f"{archive.name} in channel {archive.parent.name} holds no {' and no '.join(missing)}"
            " - give the model.tar.gz of a job of this algorithm"
        )
    return target
