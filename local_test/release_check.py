"""Make wheel and sdist, look at both, install the wheel as a stranger would, and use it.

Needs a clone with git, what requirements/dev.in names (build, twine), and pip's package index.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
#: The version is said in the first; what names it again must name the same.
VERSIONS = {
    "pyproject.toml": r'^version = "(.+)"$',
    "byoa/__init__.py": r'^__version__ = "(.+)"$',
    "Dockerfile": r"^ARG VERSION=(.+)$",
    "CHANGELOG.md": r"^## (\S+)",
}
#: What somebody does first, in an empty folder.
STORY = """\
byoa --version
byoa init demo --template shell
cd demo
byoa train -t first --on process
byoa deploy -t first --on process
byoa invoke demo-first data/ask.txt --on process
byoa undeploy demo-first --on process
"""
ANSWER = "fish\t4\n"


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--keep", type=Path, help="a folder for wheel and sdist")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="byoa-release-") as made:
        folder = Path(made)
        try:
            told = check(folder)
        except CheckError as error:
            print(f"release-check: {error}", file=sys.stderr)
            return 1
        if given.keep:
            shutil.copytree(folder / "dist", given.keep, dirs_exist_ok=True)
    print("\n".join(f"ok    {line}" for line in told))
    return 0


class CheckError(Exception):
    """What is wrong with the release, and what to do."""


def check(folder: Path) -> list[str]:
    version = one_version(ROOT)
    source = copy_of_tree(folder / "source")
    wheel, sdist = build(source, folder / "dist", version)
    files = same_wheel(wheel, sdist, folder)
    packed = wheel.stat().st_size
    run(sys.executable, "-m", "twine", "check", "--strict", str(wheel), str(sdist))
    answer = use(wheel, folder)
    return [
        f"version {version}: {', '.join(VERSIONS)} agree",
        f"{wheel.name}: {files} files, {packed / 1e6:.1f} MB; the sdist builds the same",
        "twine check --strict: metadata and README",
        f"installed with its dependencies: {' → '.join(steps())}: {answer!r}",
    ]


def one_version(root: Path) -> str:
    """The version that all files name; the top heading of CHANGELOG.md is the release."""
    found = {}
    for name, pattern in VERSIONS.items():
        said = re.search(pattern, (root / name).read_text(encoding="utf-8"), re.M)
        found[name] = said.group(1) if said else "none"
    if len(set(found.values())) != 1:
        told = ", ".join(f"{name}: {version}" for name, version in found.items())
        raise CheckError(f"the versions differ ({told}). Make them the same.")
    return found["pyproject.toml"]


def copy_of_tree(folder: Path) -> Path:
    """The files that git knows, as they are here: nothing that was built or left over."""
    listed = run("git", "-C", str(ROOT), "ls-files", "-z").rstrip("\0").split("\0")
    for name in listed:
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
    return folder


def build(source: Path, folder: Path, version: str) -> tuple[Path, Path]:
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder), str(source))
    wheel, sdist = folder / f"byoa-{version}-py3-none-any.whl", folder / f"byoa-{version}.tar.gz"
    missing = [path.name for path in (wheel, sdist) if not path.is_file()]
    if missing:
        made = ", ".join(path.name for path in folder.iterdir())
        raise CheckError(f"there is no {missing[0]} among {made}")
    return wheel, sdist


def same_wheel(wheel: Path, sdist: Path, folder: Path) -> int:
    """How many files the wheel has; CheckError when that of the sdist has others."""
    with tarfile.open(sdist) as archive:
        archive.extractall(folder / "unpacked", filter="data")
    (unpacked,) = (folder / "unpacked").iterdir()
    for source, name in ((unpacked, "of_sdist"), (folder / "source", "of_tree")):
        out = str(folder / name)
        words = ("-m", "build", "--no-isolation", "--wheel", "--outdir", out, str(source))
        run(sys.executable, *words)
    first, *others = (contents(path) for path in (wheel, *sorted(folder.glob("of_*/*.whl"))))
    for other in others:
        different = sorted(name for name, _ in first ^ other)
        if different:
            raise CheckError(
                f"the wheel of the sdist is not that of the tree: {', '.join(different[:5])}."
                " Name what is missing in MANIFEST.in."
            )
    return len(first)


def contents(wheel: Path) -> set[tuple[str, str]]:
    """Names and hashes; RECORD says both again."""
    with zipfile.ZipFile(wheel) as archive:
        return {
            (name, hashlib.sha256(archive.read(name)).hexdigest())
            for name in archive.namelist()
            if not name.endswith("/RECORD")
        }


def use(wheel: Path, folder: Path) -> str:
    """The story's answer, from an environment with the wheel and what it asks for."""
    run(sys.executable, "-m", "venv", str(folder / "venv"))
    python = str(folder / "venv" / "bin" / "python")
    run(python, "-m", "pip", "install", "--quiet", f"{wheel}[serve]")
    run(python, "-m", "pip", "check")
    (folder / "empty").mkdir()
    said = run("bash", "-eu", "-c", STORY, where=folder / "empty", environ=strangers(folder))
    if ANSWER not in said:
        raise CheckError(f"the endpoint's answer {ANSWER!r} is not in {said}")
    return ANSWER.strip()


def strangers(folder: Path) -> dict[str, str]:
    """A home of its own, no account, this byoa first on PATH."""
    own = ("AWS_", "BYOA_", "PYTHON", "VIRTUAL_ENV")
    kept = {key: value for key, value in os.environ.items() if not key.startswith(own)}
    path = f"{folder / 'venv' / 'bin'}:{os.environ['PATH']}"
    return {**kept, "PATH": path, "HOME": str(folder), "AWS_EC2_METADATA_DISABLED": "true"}


def steps() -> list[str]:
    return [line.split()[1] for line in STORY.splitlines() if line.startswith("byoa ")]


def run(*words: str, where: Path | None = None, environ: dict[str, str] | None = None) -> str:
    """What a command prints; CheckError with its last lines when it fails."""
    print("+", " ".join(words).splitlines()[0], file=sys.stderr, flush=True)
    done = subprocess.run(
        words, cwd=where, env=environ, text=True, check=False,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    if done.returncode:
        raise CheckError(f"{words[0]} failed (exit code {done.returncode}):\n{done.stdout[-3000:]}")
    return done.stdout


if __name__ == "__main__":
    sys.exit(main())
