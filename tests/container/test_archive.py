"""A source archive unpacks into its folder, and nothing anywhere else."""

from __future__ import annotations

import hashlib
import io
import os
import tarfile
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from container.archive import unpack
from container.errors import ProgramError

FIXTURES = Path(__file__).parent / "fixtures"


def member(name: str, **facts) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    for key, value in facts.items():
        setattr(info, key, value)
    return info


def archive_of(tmp_path: Path, *members: tarfile.TarInfo) -> Path:
    path = tmp_path / "a.tar.gz"
    with tarfile.open(path, "w:gz") as tar:
        for info in members:
            tar.addfile(info, io.BytesIO(b"x" * info.size))
    return path


SYMLINK, HARDLINK = tarfile.SYMTYPE, tarfile.LNKTYPE
BAD_MEMBERS = {
    "absolute": [member("/etc/cron", size=1)],
    "climbs": [member("../out", size=1)],
    "climbs later": [member("a/../../out", size=1)],
    "link out": [member("l", type=SYMLINK, linkname="../../etc")],
    "absolute link": [member("l", type=SYMLINK, linkname="/etc/passwd")],
    "hard link out": [member("l", type=HARDLINK, linkname="../out")],
    "device": [member("d", type=tarfile.CHRTYPE)],
    "pipe": [member("p", type=tarfile.FIFOTYPE)],
    "a chain of links": [
        member("c", type=SYMLINK, linkname="a/b/../.."),  # leads nowhere yet
        member("a", type=tarfile.DIRTYPE, mode=0o755),
        member("a/b", type=SYMLINK, linkname="."),
    ],
    "through a link": [
        member("a", type=tarfile.DIRTYPE, mode=0o755),
        member("a/b", type=SYMLINK, linkname="."),
        member("c", type=SYMLINK, linkname="a/b/../.."),
        member("c/out", size=1),
    ],
}


@pytest.mark.parametrize("kind", BAD_MEMBERS)
def test_a_member_that_would_leave_the_folder_is_refused(tmp_path, kind):
    inside = tmp_path / "deep/inside"
    inside.mkdir(parents=True)
    archive = archive_of(tmp_path, *BAD_MEMBERS[kind])
    with pytest.raises(ProgramError):
        unpack(archive, inside)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.tar.gz", "deep"]
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["inside"]


def test_links_inside_and_odd_modes_are_fine(tmp_path):
    archive = archive_of(
        tmp_path,
        member("run.sh", size=3, mode=0o6755, uid=12345, uname="nobody"),
        member("src", type=tarfile.DIRTYPE, mode=0o000),
        member("src/train.py", type=SYMLINK, linkname="../run.sh"),
        member("./b", type=HARDLINK, linkname="run.sh", mode=0o755),
    )
    out = tmp_path / "out"
    out.mkdir()
    unpack(archive, out)
    assert (out / "src/train.py").read_text() == "xxx" == (out / "b").read_text()
    assert (out / "run.sh").stat().st_mode & 0o7777 == 0o755
    assert (out / "src").stat().st_mode & 0o700 == 0o700


def test_a_hard_link_through_a_link_brings_nothing_in(tmp_path):
    inside = tmp_path / "deep/inside"
    inside.mkdir(parents=True)
    (tmp_path / "deep/secret").write_text("secret")
    members = [*BAD_MEMBERS["through a link"][:3], member("h", type=HARDLINK, linkname="c/secret")]
    with pytest.raises(ProgramError, match="leads through a link"):
        unpack(archive_of(tmp_path, *members), inside)
    assert not (inside / "h").exists()


def test_a_name_that_comes_twice_is_what_came_last(tmp_path):
    """As tar does it; and a link is replaced, not written through."""
    out = tmp_path / "out"
    out.mkdir()
    members = [
        member("a", size=1),
        member("b", type=SYMLINK, linkname="a"),
        member("b", size=3),
        member("a", size=2),
    ]
    unpack(archive_of(tmp_path, *members), out)
    assert ((out / "a").read_text(), (out / "b").read_text()) == ("xx", "xxx")


def test_a_bomb_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("container.archive.MOST_BYTES", 100)
    archive = archive_of(tmp_path, member("a", size=101))
    with pytest.raises(ProgramError, match="Send code only"):
        unpack(archive, tmp_path)


def test_any_damage_to_an_archive_is_one_sentence(tmp_path):
    """Every truncation, and many flipped bytes: a ProgramError or a good unpacking, no other."""
    archive = tmp_path / "s.tar.gz"
    with tarfile.open(archive, "w:gz") as tar:
        tar.add(FIXTURES / "shell", arcname=".")
    whole = archive.read_bytes()
    cuts = [whole[:length] for length in range(0, len(whole), 17)]
    flips = [
        whole[:place] + bytes([whole[place] ^ 1 << place % 8]) + whole[place + 1 :]
        for place in range(0, len(whole), 11)
    ]
    outcomes = set()
    for number, data in enumerate([*cuts, *flips]):
        broken = tmp_path / "broken.tar.gz"
        broken.write_bytes(data)
        out = tmp_path / f"out{number}"
        out.mkdir()
        try:
            unpack(broken, out)
            outcomes.add("unpacked")
        except ProgramError as error:
            outcomes.add("refused")
            assert str(broken) in str(error)
    assert "refused" in outcomes
    assert hashlib.sha256(whole).digest() == hashlib.sha256(archive.read_bytes()).digest()


PARTS = st.sampled_from(["a", "b", "c", "..", ".", "", "é", " "])
PATHS = st.lists(PARTS, min_size=1, max_size=5).map("/".join)
KINDS = st.sampled_from([tarfile.REGTYPE, tarfile.DIRTYPE, SYMLINK, SYMLINK, HARDLINK])


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(PATHS, KINDS, PATHS), min_size=1, max_size=6))
def test_whatever_an_archive_holds_nothing_is_written_elsewhere(members):
    with tempfile.TemporaryDirectory() as name:
        top = Path(name)
        inside = top / "deep/inside"
        inside.mkdir(parents=True)
        infos = [
            member(path, type=kind, linkname=link, size=1 if kind == tarfile.REGTYPE else 0)
            for path, kind, link in members
        ]
        archive = archive_of(top, *infos)
        try:
            unpack(archive, inside)
        except ProgramError as error:
            assert str(error).endswith(".")
        assert sorted(path.name for path in top.iterdir()) == ["a.tar.gz", "deep"]
        assert [path.name for path in (top / "deep").iterdir()] == ["inside"]
        real = os.path.realpath(inside)
        for path in inside.rglob("*"):
            if path.is_symlink() and path.exists():
                assert Path(os.path.realpath(path)).is_relative_to(real), path
