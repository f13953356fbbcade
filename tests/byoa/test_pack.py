"""Code that travels: the same bytes from the same content, imports found, secrets left at home."""

from __future__ import annotations

import gzip
import io
import os
import subprocess
import tarfile
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from byoa import archive, pack
from byoa.plan.errors import UsageError
from tests.byoa.s3_server import files_of, write_files


def packed(folder: Path, program: str | None = None, **more: object) -> set[str]:
    return set(pack.collect(program, folder, **more).files)  # type: ignore[arg-type]


def test_the_same_content_gives_the_same_bytes(tmp_path: Path):
    content = {"train.py": b"print()", "lib/x.py": b"x = 1", "lib/data.bin": bytes(100_000)}
    one = write_files(tmp_path / "one", content)
    two = write_files(tmp_path / "two", dict(reversed(content.items())))
    for path in two.rglob("*"):
        os.utime(path, (0, 0))
        path.chmod(0o700 if path.is_dir() else 0o600)
    first, second = (pack.collect("train.py", folder) for folder in (one, two))
    assert pack.pack(first.files) == pack.pack(second.files)
    assert pack.fingerprint(first.files) == pack.fingerprint(second.files)


def test_the_bytes_are_an_ordinary_archive(tmp_path: Path):
    folder = write_files(tmp_path / "code", {"run.sh": b"#!/bin/sh", "lib/x.py": b"x"})
    (folder / "run.sh").chmod(0o751)
    files = pack.collect("run.sh", folder).files | {"made/up.json": b"{}"}
    data = pack.pack(files)
    assert data[:10] == b"\x1f\x8b\x08\0\0\0\0\0\0\xff"  # no time, no name, no system
    assert gzip.decompress(data)
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        members = [(one.name, oct(one.mode), one.mtime, one.uid, one.gid, one.uname) for one in tar]
    assert members == [
        ("lib/x.py", "0o644", 0, 0, 0, ""),
        ("made/up.json", "0o644", 0, 0, 0, ""),
        ("run.sh", "0o755", 0, 0, 0, ""),
    ]
    listed = subprocess.run(["tar", "-tzf", "-"], input=data, capture_output=True, check=True)
    assert listed.stdout.decode().split() == ["lib/x.py", "made/up.json", "run.sh"]


@settings(max_examples=60, deadline=None)
@given(
    st.dictionaries(
        st.lists(st.text("aé b+%\n漢", min_size=1, max_size=40), min_size=1, max_size=4).map(
            lambda pieces: "/".join(f"f{piece}" for piece in pieces)
        ),
        st.binary(max_size=99),
        max_size=6,
    )
)
def test_what_is_packed_comes_out(content: dict[str, bytes]):
    names = set(content)
    content = {n: c for n, c in content.items() if not any(o.startswith(n + "/") for o in names)}
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "code.tar.gz"
        path.write_bytes(pack.pack(content))
        archive.unpack(path, Path(name) / "out")
        assert files_of(Path(name) / "out") == content


def test_the_fingerprint_knows_names_contents_and_programs(tmp_path: Path):
    folder = write_files(tmp_path / "code", {"a.sh": b"1"})
    prints = {pack.fingerprint(pack.collect(None, folder).files)}
    (folder / "a.sh").chmod(0o755)
    prints.add(pack.fingerprint(pack.collect(None, folder).files))
    (folder / "a.sh").write_bytes(b"2")
    prints.add(pack.fingerprint(pack.collect(None, folder).files))
    (folder / "a.sh").rename(folder / "b.sh")
    prints.add(pack.fingerprint(pack.collect(None, folder).files))
    assert len(prints) == 4
    assert pack.digests({"a": b"1"}) == {
        "a": "6b86b273ff34fce19d6b804eff5a3f5747ada4eaa22f1d49c01e52ddb7875b4b"
    }


def test_ignore_files_are_honoured_as_git_does(tmp_path: Path):
    """git itself says what it would ignore."""
    folder = write_files(
        tmp_path / "repository/src",
        {
            ".gitignore": b"*.log\n!keep.log\n/build/\ndeep/**/*.tmp\n#no\n\\#odd\ntrailing \n",
            "a.py": b"", "a.log": b"", "keep.log": b"", "build/x": b"", "sub/build/x": b"",
            "deep/a/b/c.tmp": b"", "deep/c.txt": b"", "#odd": b"", "trailing": b"",
            "sub/.gitignore": b"!*.log\nonly/\n", "sub/b.log": b"", "sub/only/x": b"",
            "only/x": b"",
            "from_root/x": b"", "data.csv": b"",
        },
    )  # fmt: skip
    (tmp_path / "repository/.gitignore").write_bytes(b"from_root\n*.csv\n")
    subprocess.run(["git", "init", "-q", folder.parent], check=True, capture_output=True)
    listing = ["git", "-C", str(folder), "ls-files", "--others", "--exclude-standard", "-z"]
    listed = subprocess.run(listing, check=True, capture_output=True).stdout.decode()
    assert packed(folder) == set(listed.strip("\0").split("\0"))
    assert {"sub/b.log", "keep.log", "sub/build/x"} < packed(folder)
    assert not {"data.csv", "from_root/x", "a.log"} & packed(folder)


def test_byoaignore_has_the_last_word(tmp_path: Path):
    folder = write_files(
        tmp_path / "code",
        {
            ".gitignore": b"weights.pt\n",
            ".byoaignore": b"!weights.pt\nnotebooks/\n",
            "weights.pt": b"w",
            "notebooks/a.ipynb": b"",
            "train.py": b"",
        },
    )
    assert packed(folder) == {".gitignore", ".byoaignore", "weights.pt", "train.py"}


def test_a_folder_that_is_ignored_is_packed_when_it_is_asked_for(tmp_path: Path):
    (tmp_path / ".git").mkdir()
    (tmp_path / ".gitignore").write_bytes(b"generated/\n")
    folder = write_files(tmp_path / "generated", {"train.py": b""})
    assert packed(folder, "train.py") == {"train.py"}


def test_secrets_are_left_out_and_told_rubbish_is_left_out(tmp_path: Path):
    secrets = [
        ".env", ".env.production", "key.pem", "deep/id_rsa", "id_rsa.old", ".aws/config",
        "credentials", "credentials.json", "my-credentials.json", ".netrc", "sub/.ssh/known",
        "terraform.tfstate", "ID_ED25519",
    ]  # fmt: skip
    rubbish = [".git/HEAD", "__pycache__/x.pyc", ".venv/pyvenv.cfg", "a.pyc", ".mypy_cache/x"]
    fine = ["train.py", ".env.example", "id_rsa.pub", "environment.py", "pemmican.txt"]
    folder = write_files(tmp_path / "code", dict.fromkeys([*secrets, *rubbish, *fine], b"x"))
    code = pack.collect("train.py", folder)
    assert set(code.files) == set(fine)
    said = "\n".join(code.said)
    for name in secrets:
        assert name.split("/.ssh")[0] in said or name.split("/")[0] in said, name
    assert ".venv" not in said
    assert "Not packed: .env looks like environment variables." in said


def test_ignored_secrets_are_not_told(tmp_path: Path):
    folder = write_files(tmp_path / "code", {".gitignore": b".env\n", ".env": b"", "a.py": b""})
    assert pack.collect(None, folder).said == []


def test_a_secret_is_not_packed_when_it_is_named(tmp_path: Path):
    write_files(tmp_path, {"train.py": b"", "key.pem": b""})
    with pytest.raises(UsageError, match=r"key\.pem looks like a key: it is never packed"):
        pack.collect(tmp_path / "train.py", None, [tmp_path / "key.pem"])


def test_a_script_brings_what_it_imports(tmp_path: Path):
    """Everything here is read, nothing is run."""
    folder = write_files(
        tmp_path,
        {
            "train.py": b"import os, lib\nfrom package import sub\nimport space.inner\n"
            b"if 0:\n  import late",
            "lib.py": b"import lib2.x as y\nraise SystemExit",
            "lib2/__init__.py": b"",
            "lib2/x.py": b"from . import sibling\nfrom .. import too_far",
            "lib2/sibling.py": b"",
            "package/__init__.py": b"",
            "package/sub.py": b"import importlib\nimportlib.import_module('by_name')",
            "package/deep/other.py": b"",
            "space/inner.py": b"",
            "space/not_imported.py": b"",
            "late.py": b"",
            "by_name.py": b"",
            "unrelated.py": b"",
            "os_unrelated/x.py": b"",
            "data.csv": b"",
        },
    )
    code = pack.collect(folder / "train.py")
    assert code.program == "train.py"
    assert set(code.files) == {
        "train.py", "lib.py", "lib2/__init__.py", "lib2/x.py", "lib2/sibling.py",
        "package/__init__.py", "package/sub.py", "package/deep/other.py", "space/inner.py",
        "late.py", "by_name.py",
    }  # fmt: skip


def test_a_script_in_this_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    write_files(tmp_path, {"train.py": b"import lib", "lib.py": b""})
    monkeypatch.chdir(tmp_path)
    assert set(pack.collect("train.py").files) == {"train.py", "lib.py"}


def test_scripts_in_other_languages_are_taken_as_they_are(tmp_path: Path):
    write_files(tmp_path, {"train.sh": b"import lib", "lib.py": b""})
    assert set(pack.collect(tmp_path / "train.sh").files) == {"train.sh"}


def test_a_script_that_cannot_be_parsed(tmp_path: Path):
    write_files(tmp_path, {"train.py": b"ok = 1\ndef broken(:\n"})
    with pytest.raises(UsageError, match=r"train\.py, line 2: .*Mend it first"):
        pack.collect(tmp_path / "train.py")
    (tmp_path / "train.py").write_bytes(b"\0")
    with pytest.raises(UsageError):
        pack.collect(tmp_path / "train.py")


@settings(max_examples=100, deadline=None)
@given(st.text("import from.\n\t ()ab,*as'\\\0", max_size=60))
def test_no_script_is_a_traceback(text: str):
    with tempfile.TemporaryDirectory() as name:
        script = write_files(Path(name), {"train.py": text.encode(), "a.py": b"", "b/a.py": b""})
        try:
            found = pack.collect(script / "train.py").files
        except UsageError:
            return
        assert set(found) <= {"train.py", "a.py", "b/a.py"}


def test_the_entry_point_is_found_from_there_and_from_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    write_files(tmp_path, {"src/sub/train.py": b"", "outside.py": b""})
    monkeypatch.chdir(tmp_path)
    for given_as in ("sub/train.py", "src/sub/train.py", str(tmp_path / "src/sub/train.py")):
        assert pack.collect(given_as, Path("src")).program == "sub/train.py"
    for wrong in ("outside.py", "../outside.py", "nothing.py", "sub"):
        with pytest.raises(UsageError, match="There is no"):
            pack.collect(wrong, Path("src"))


def test_an_entry_point_that_is_ignored(tmp_path: Path):
    folder = write_files(tmp_path, {".gitignore": b"train.py", "train.py": b""})
    with pytest.raises(UsageError, match=r"train\.py is not among the packed files"):
        pack.collect("train.py", folder)


@pytest.mark.parametrize("missing", ["script", "folder", "dependency"])
def test_what_is_not_there(tmp_path: Path, missing: str):
    write_files(tmp_path, {"train.py": b""})
    program = tmp_path / ("nothing.py" if missing == "script" else "train.py")
    source = tmp_path / "nothing" if missing == "folder" else None
    dependencies = [tmp_path / "nothing"] if missing == "dependency" else []
    with pytest.raises(UsageError, match="nothing"):
        pack.collect(program, source, dependencies)


def test_dependencies_lie_beside_the_entry_point(tmp_path: Path):
    write_files(
        tmp_path,
        {
            "code/train.py": b"",
            "lib/a.py": b"1",
            "lib/.env": b"",
            "lib/__pycache__/a.pyc": b"",
            "extra.txt": b"2",
        },
    )
    code = pack.collect("train.py", tmp_path / "code", [tmp_path / "lib", tmp_path / "extra.txt"])
    assert set(code.files) == {"train.py", "lib/a.py", "extra.txt"}
    assert code.said == ["Not packed: lib/.env looks like environment variables."]


def test_dependencies_that_clash(tmp_path: Path):
    write_files(tmp_path, {"code/lib/a.py": b"1", "lib/a.py": b"2", "code/train.py": b""})
    with pytest.raises(UsageError, match=r"would replace lib/a\.py of the code"):
        pack.collect("train.py", tmp_path / "code", [tmp_path / "lib"])
    (tmp_path / "lib/a.py").write_bytes(b"1")  # the same is no clash
    assert packed(tmp_path / "code", "train.py", dependencies=[tmp_path / "lib"])


def test_a_dependency_by_dots_has_its_own_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    write_files(tmp_path, {"code/train.py": b"", "lib/a.py": b""})
    monkeypatch.chdir(tmp_path / "lib")
    assert packed(tmp_path / "code", dependencies=[Path()]) == {"train.py", "lib/a.py"}


def test_links(tmp_path: Path):
    folder = write_files(tmp_path / "code", {"a.py": b"1"})
    (folder / "b.py").symlink_to("a.py")
    (folder / ".#lock").symlink_to("nobody@nowhere")  # an editor's
    assert pack.read(pack.collect(None, folder).files["b.py"]) == (b"1", False)
    (folder / "out").symlink_to("/etc/passwd")
    with pytest.raises(UsageError, match=r"out \(a link out of the folder"):
        pack.collect(None, folder)


def test_environments_are_not_even_looked_at(tmp_path: Path):
    folder = write_files(tmp_path / "code", {"a.py": b"1", ".venv/bin/x": b""})
    (folder / ".venv/bin/python").symlink_to("/usr/bin/env")
    assert packed(folder) == {"a.py"}


def test_large_code_is_told(tmp_path: Path):
    folder = write_files(tmp_path / "code", {"a.py": b"1"})
    with (folder / "weights.bin").open("wb") as large:
        large.truncate(60 << 20)
    assert "The code is 60 MB, most of it weights.bin" in pack.collect("a.py", folder).said[0]
