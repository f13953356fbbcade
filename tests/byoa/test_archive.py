"""Archives of strangers: whatever is in one, nothing lands outside of the folder."""

from __future__ import annotations

import io
import os
import tarfile
import zipfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from byoa import archive
from byoa.archive import BadArchiveError
from byoa.plan.errors import ByoaError
from tests.byoa.s3_server import files_of

SAID_OUTSIDE = "would land outside of the folder"


def tar(
    path: Path, *members: tuple[str, bytes | str] | tarfile.TarInfo, mode: str = "w:gz"
) -> Path:
    """Members are files (bytes), symbolic links (str) or anything that tarfile can describe."""
    with tarfile.open(path, mode) as target:  # type: ignore[call-overload]
        for member in members:
            if isinstance(member, tarfile.TarInfo):
                target.addfile(member)
                continue
            name, content = member
            info = tarfile.TarInfo(name)
            if isinstance(content, str):
                info.type, info.linkname = tarfile.SYMTYPE, content
                target.addfile(info)
            else:
                info.size = len(content)
                target.addfile(info, io.BytesIO(content))
    return path


def special(name: str, kind: bytes, target: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:bz2", "w:xz"])
def test_a_tar_comes_out_as_it_went_in(tmp_path: Path, mode: str):
    path = tar(
        tmp_path / "a",
        special("./", tarfile.DIRTYPE),
        ("./model.pth", b"weights"),
        ("code/train.py", b"print()"),
        special("empty/", tarfile.DIRTYPE),
        ("code/latest", "train.py"),
        special("again", tarfile.LNKTYPE, "code/train.py"),
        mode=mode,
    )
    out = tmp_path / "out"
    written = archive.unpack(path, out)
    assert files_of(out) == {
        "model.pth": b"weights",
        "code/train.py": b"print()",
        "code/latest": b"print()",
        "again": b"print()",
    }
    assert written == sorted(out / name for name in files_of(out))
    assert (out / "empty").is_dir()
    assert (out / "code/latest").is_symlink()
    assert (out / "again").stat().st_ino != (out / "code/train.py").stat().st_ino


def test_a_zip_comes_out_as_it_went_in(tmp_path: Path):
    link = zipfile.ZipInfo("link")
    link.external_attr = 0o120777 << 16
    program = zipfile.ZipInfo("bin/run")
    program.external_attr = 0o100755 << 16
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as target:
        target.writestr("a/b.txt", b"text")
        target.writestr("empty/", b"")
        target.writestr(link, "a/b.txt")
        target.writestr(program, b"#!")
    archive.unpack(tmp_path / "a.zip", tmp_path / "out")
    assert files_of(tmp_path / "out") == {"a/b.txt": b"text", "link": b"text", "bin/run": b"#!"}
    assert (tmp_path / "out/bin/run").stat().st_mode & 0o111
    assert (tmp_path / "out/empty").is_dir()


def test_modes_owners_and_special_bits_stay_behind(tmp_path: Path):
    program, plain = tarfile.TarInfo("run"), tarfile.TarInfo("plain")
    program.mode, plain.mode = 0o6777, 0o000
    archive.unpack(tar(tmp_path / "a", program, plain), tmp_path / "out")
    umask = os.umask(0o022)
    os.umask(umask)
    assert (tmp_path / "out/run").stat().st_mode & 0o7777 == 0o777 & ~umask
    assert (tmp_path / "out/plain").stat().st_mode & 0o7777 == 0o666 & ~umask


@pytest.mark.parametrize(
    ("members", "said"),
    [
        ([("../out", b"x")], SAID_OUTSIDE),
        ([("a/../../out", b"x")], SAID_OUTSIDE),
        ([("/etc/cron.d/x", b"x")], SAID_OUTSIDE),
        ([("fine", b"x"), ("link", "/etc/passwd")], "leads out of the folder"),
        ([("link", "../secret")], "leads out of the folder"),
        ([("a/link", "../../secret")], "leads out of the folder"),
        ([("up", ".."), ("up/out", b"x")], "cannot be unpacked"),
        ([("a/b/here", "../.."), ("c", "a/b/here/../secret")], "leads out of the folder"),
        ([("c", "a/b/here/../secret"), ("a/b/here", "../..")], "leads out of the folder"),
        ([special("hard", tarfile.LNKTYPE, "/etc/passwd")], "links to something"),
        ([special("hard", tarfile.LNKTYPE, "../secret")], "links to something"),
        ([special("hard", tarfile.LNKTYPE, "hard")], "links to something"),
        ([("link", "/etc/passwd"), special("hard", tarfile.LNKTYPE, "link")], "links to something"),
        ([special("device", tarfile.CHRTYPE)], "a device or a pipe"),
        ([special("device", tarfile.BLKTYPE)], "a device or a pipe"),
        ([special("pipe", tarfile.FIFOTYPE)], "a device or a pipe"),
        ([("a", b"x"), ("a/b", b"x")], "cannot be unpacked"),
        ([("n" * 300, b"x")], "cannot be unpacked"),
    ],
)
def test_what_would_leave_the_folder(
    tmp_path: Path, members: list[tuple[str, bytes | str]], said: str
):
    (tmp_path / "secret").write_bytes(b"secret")
    path = tar(tmp_path / "a", *members)
    with pytest.raises(BadArchiveError, match=said):
        archive.unpack(path, tmp_path / "out")
    assert files_of(tmp_path).keys() == {"a", "secret"}  # nothing of it was kept
    assert not [one for one in (tmp_path / "out").rglob("*") if one.is_symlink()]


def test_links_that_lead_nowhere_are_left_out(tmp_path: Path):
    path = tar(
        tmp_path / "a",
        ("x", b"1"),
        ("loop", "loop"),
        ("gone", "y"),
        ("on", "gone/.."),
        ("fine", "x"),
    )
    assert archive.unpack(path, tmp_path / "out") == [tmp_path / "out/fine", tmp_path / "out/x"]
    assert sorted(one.name for one in (tmp_path / "out").iterdir()) == ["fine", "x"]


def test_a_link_from_before_is_not_written_through(tmp_path: Path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "mine").write_bytes(b"mine")
    (tmp_path / "out").mkdir()
    (tmp_path / "out/folder").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "out/file").symlink_to(tmp_path / "mine")
    archive.unpack(tar(tmp_path / "a", ("file", b"new")), tmp_path / "out")
    assert (tmp_path / "mine").read_bytes() == b"mine"
    assert (tmp_path / "out/file").read_bytes() == b"new"
    with pytest.raises(BadArchiveError, match=SAID_OUTSIDE):
        archive.unpack(tar(tmp_path / "a", ("folder/x", b"new")), tmp_path / "out")
    assert files_of(tmp_path / "elsewhere") == {}


def test_a_folder_that_is_itself_reached_by_a_link(tmp_path: Path):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    archive.unpack(tar(tmp_path / "a", ("x", b"1"), ("y", "x")), tmp_path / "link")
    assert files_of(tmp_path / "real") == {"x": b"1", "y": b"1"}


def test_bombs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = tar(tmp_path / "a", ("zeros", bytes(50_000_000)), mode="w:xz")
    assert path.stat().st_size < 20_000
    with pytest.raises(BadArchiveError, match="grows past"):
        archive.unpack(path, tmp_path / "out", most_bytes=10_000_000)
    assert files_of(tmp_path / "out") == {}
    archive.unpack(path, tmp_path / "out")  # 50 MB are no bomb
    assert (tmp_path / "out/zeros").stat().st_size == 50_000_000
    monkeypatch.setattr(archive, "FLOOR_BYTES", 1_000_000)
    with pytest.raises(BadArchiveError, match="grows past"):
        archive.unpack(path, tmp_path / "out2")


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_what_grows_past_any_limit_at_once(tmp_path: Path, method: int):
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w", method) as file:
        file.writestr("a", "x")
    with pytest.raises(BadArchiveError, match="'a' is not packed by deflate"):
        archive.unpack(path, tmp_path / "out")


def test_a_zip_that_lies_about_sizes(tmp_path: Path):
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as target:
        target.writestr("zeros", bytes(1_000_000))
    path.write_bytes(path.read_bytes().replace((1_000_000).to_bytes(4, "little"), b"\x01\0\0\0"))
    with pytest.raises(ByoaError):
        archive.unpack(path, tmp_path / "out", most_bytes=1000)
    assert files_of(tmp_path / "out") == {}


@pytest.mark.parametrize(
    "content",
    [b"", b"no archive at all", b"\x1f\x8b\x08\0", b"PK\x03\x04 cut", b"PK\x05\x06", bytes(700)],
)
def test_what_is_no_archive(tmp_path: Path, content: bytes):
    (tmp_path / "a").write_bytes(content)
    try:
        assert archive.unpack(tmp_path / "a", tmp_path / "out") == []  # zeros are an empty tar
    except ByoaError as error:
        assert str(tmp_path / "a") in str(error)
    assert files_of(tmp_path).keys() == {"a"}


def test_an_archive_that_was_cut(tmp_path: Path):
    path = tar(tmp_path / "a", ("x", os.urandom(100_000)), ("y", os.urandom(100_000)))
    path.write_bytes(path.read_bytes()[:150_000])
    with pytest.raises(BadArchiveError, match="no whole archive"):
        archive.unpack(path, tmp_path / "out")
    assert files_of(tmp_path / "out") == {}


def test_an_archive_that_is_not_there(tmp_path: Path):
    with pytest.raises(ByoaError, match=r"nothing\.tar"):
        archive.unpack(tmp_path / "nothing.tar", tmp_path / "out")


PIECES = st.sampled_from(["a", "b", "..", ".", "", "c"])
PATHS = st.lists(PIECES, min_size=1, max_size=4).map("/".join)
MEMBERS = st.one_of(
    st.tuples(PATHS, st.binary(max_size=9)),
    st.tuples(PATHS, PATHS),
    st.builds(
        special,
        PATHS,
        st.sampled_from([tarfile.LNKTYPE, tarfile.DIRTYPE, tarfile.FIFOTYPE, tarfile.CONTTYPE]),
        PATHS,
    ),
)


@settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(members=st.lists(MEMBERS, max_size=6))
def test_no_tar_reaches_outside(
    tmp_path_factory: pytest.TempPathFactory, members: list[tuple[str, bytes | str]]
):
    top = tmp_path_factory.mktemp("tar")
    (top / "a").write_bytes(b"outside")
    tar(top / "archive.tar", *members, mode="w")
    check_stays_inside(top)


@settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    flips=st.lists(st.tuples(st.integers(0, 2000), st.integers(0, 255)), max_size=8),
    kind=st.sampled_from(["tar", "gz", "zip"]),
)
def test_no_flipped_byte_is_a_traceback(
    tmp_path_factory: pytest.TempPathFactory, flips: list[tuple[int, int]], kind: str
):
    top = tmp_path_factory.mktemp("flipped")
    (top / "a").write_bytes(b"outside")
    if kind == "zip":
        with zipfile.ZipFile(top / "archive.tar", "w") as target:
            target.writestr("x/y", b"1" * 30)
            target.writestr("z", b"2")
    else:
        tar(
            top / "archive.tar",
            ("x/y", b"1" * 30),
            ("z", "x/y"),
            mode="w:gz" if kind == "gz" else "w",
        )
    data = bytearray((top / "archive.tar").read_bytes())
    for at, value in flips:
        data[at % len(data)] = value
    (top / "archive.tar").write_bytes(data)
    check_stays_inside(top)


def check_stays_inside(top: Path) -> None:
    out = top / "deep/out"
    try:
        written = archive.unpack(top / "archive.tar", out)
    except ByoaError:
        written = []
        assert not [one for one in out.rglob("*") if not one.is_dir()]
    assert {path.name for path in top.iterdir()} <= {"a", "archive.tar", "deep"}
    assert [path.name for path in (top / "deep").iterdir()] == ["out"]
    assert (top / "a").read_bytes() == b"outside"
    for path in written:
        assert path.resolve().is_relative_to(out.resolve())
