"""A folder that `docker build .` alone makes an image of, for whoever builds somewhere else."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from byoa.build import SCRIPT
from byoa.images import algorithm
from byoa.settings import NAME, Settings, load
from byoa.toolkit import staged


def builds(folder: Path) -> bool:
    """Whether a folder says itself how it is built."""
    return any((folder / name).is_file() for name in ("Dockerfile", SCRIPT))


@contextmanager
def whole(folder: Path) -> Iterator[Path]:
    """The folder; where it has no Dockerfile byoa's own files around its algorithm.

    What `byoa build` tells build_and_push.sh is then in the Dockerfile: an archive has no flags.
    """
    if builds(folder):
        yield folder
        return
    said = load(folder / NAME) if (folder / NAME).is_file() else Settings(folder=folder)
    where = algorithm(said)
    with staged(where) as made:
        wanted = {
            "ALGORITHM": where.resolve().name,
            "PACKAGES": said.build.get("packages", "harness"),
        }
        if said.build.get("base"):
            wanted["BASE_IMAGE"] = said.build["base"]
        file = made / "Dockerfile"
        file.write_text(with_defaults(file.read_text(encoding="utf-8"), wanted), encoding="utf-8")
        (made / SCRIPT).unlink()
        (made / "buildspec.yml").unlink()
        yield made


def with_defaults(dockerfile: str, values: Mapping[str, str]) -> str:
    """A Dockerfile whose build arguments have these values unless they are given."""
    for name, value in values.items():
        line = f'ARG {name}="{value}"' if re.search(r"\s", value) else f"ARG {name}={value}"
        dockerfile = re.sub(rf"(?m)^ARG {name}=.*$", line.replace("\\", r"\\"), dockerfile)
    return dockerfile
