"""Folders of a job: writable ones, and the model that an earlier job left."""

from __future__ import annotations

import os
import tarfile
from pathlib import Path

import pytest

from errors import DataError, TrainingError
from folders import MODEL_FILES, model_folder, require_writable


def write_model(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name in MODEL_FILES:
        (folder / name).write_text(name)
    return folder


def archive(folder: Path, name: str, prefix: str = "") -> Path:
    """Packs a model, and a file that climbs out of its folder."""
    whole = write_model(folder / "whole")
    channel = folder / "model"
    channel.mkdir()
    plain = name.lower().endswith(".tar")
    with tarfile.open(channel / name, "w" if plain else "w:gz") as packed:
        packed.add(whole / "model.json", "../../climbed.txt")
        for entry in MODEL_FILES:
            packed.add(whole / entry, f"{prefix}{entry}")
    return channel


def test_folders_are_made_and_left_empty(tmp_path: Path) -> None:
    require_writable(tmp_path / "a" / "b", tmp_path / "c")
    assert list((tmp_path / "a" / "b").iterdir()) == list((tmp_path / "c").iterdir()) == []


def test_a_file_in_the_way(tmp_path: Path) -> None:
    (tmp_path / "model").touch()
    with pytest.raises(TrainingError, match=r"nothing can be written to .*model \(File exists\)"):
        require_writable(tmp_path / "model")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_the_right_to_write(tmp_path: Path) -> None:
    tmp_path.chmod(0o555)
    with pytest.raises(TrainingError, match="Permission denied"):
        require_writable(tmp_path)


@pytest.mark.parametrize("place", ["", "output"])
def test_the_files_of_a_model(tmp_path: Path, place: str) -> None:
    write_model(tmp_path / place)
    assert model_folder(tmp_path) == tmp_path / place


@pytest.mark.parametrize("name", ["model.tar.gz", "model.tgz", "MODEL.TAR"])
@pytest.mark.parametrize("prefix", ["", "./", "model/"])
def test_the_archive_that_sagemaker_makes(tmp_path: Path, name: str, prefix: str) -> None:
    folder = model_folder(archive(tmp_path, name, prefix))
    assert sorted(path.name for path in folder.iterdir()) == sorted(MODEL_FILES)
    assert (folder / "model.json").read_text() == "model.json"
    assert not list(tmp_path.rglob("climbed.txt"))
    assert not (folder.parent / "climbed.txt").exists()


def test_nothing_in_the_channel(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"but nothing is there - give what an earlier job left$"):
        model_folder(tmp_path)


def test_a_broken_archive(tmp_path: Path) -> None:
    channel = archive(tmp_path, "model.tar.gz")
    path = channel / "model.tar.gz"
    path.write_bytes(path.read_bytes()[:60])
    with pytest.raises(DataError, match=r"^model.tar.gz in channel model cannot be unpacked"):
        model_folder(channel)
