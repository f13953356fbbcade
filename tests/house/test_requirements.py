"""Locked requirements: hashes, no host, one version each; and what the build does with them."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
REQUIREMENTS = ROOT / "requirements"
LOCKS = ("image.txt", "serve.txt", "dev.txt", "parity.txt")


def entries(lock: str) -> dict[str, list[str]]:
    """Name and marker of each entry, with its lines."""
    found: dict[str, list[str]] = {}
    for line in (REQUIREMENTS / lock).read_text().splitlines():
        if not line.startswith(" "):
            found[line.rstrip(" \\")] = []
        else:
            found[list(found)[-1]].append(line)
    return found


@pytest.mark.parametrize("lock", LOCKS)
def test_every_entry_is_pinned_and_hashed(lock):
    for name, lines in entries(lock).items():
        assert re.match(r"^[a-z0-9-]+==[0-9][^ ]*( ; .+)?$", name), name
        assert lines and all("--hash=sha256:" in line for line in lines), name


@pytest.mark.parametrize("lock", LOCKS)
def test_no_lock_names_a_host(lock):
    assert "://" not in (REQUIREMENTS / lock).read_text()


def test_tools_stand_on_what_the_image_has():
    """The same versions; a tool may want one of them on more platforms."""
    image, serve, tools = (
        {name.partition(" ;")[0] for name in entries(lock)} for lock in LOCKS[:3]
    )
    assert image <= tools and serve <= tools
    assert not [name for name in serve if name.startswith(("torch", "nvidia"))]


@pytest.fixture
def recorder(tmp_path: Path) -> Path:
    """A program that stands for python: keeps its arguments and the lock that it is given."""
    program = tmp_path / "python"
    program.write_text(
        '#!/bin/sh\nhere=$(dirname "$0")\necho "$*" >> "$here/calls"\n'
        'for word; do [ -f "$word" ] && cat "$word" >> "$here/lock"; done; exit 0\n'
    )
    program.chmod(0o755)
    return program


def install(python: Path, *words: str) -> tuple[str, str]:
    script = REQUIREMENTS / "install.sh"
    subprocess.run(["sh", script, python, REQUIREMENTS / "image.txt", *words], check=True)
    return (python.parent / "calls").read_text(), (python.parent / "lock").read_text()


def test_installs_everything_by_hash(recorder):
    calls, lock = install(recorder)
    assert calls.count("\n") == 1 and "--require-hashes" in calls and "--no-deps" in calls
    assert lock == (REQUIREMENTS / "image.txt").read_text()


def test_another_torch_index_gives_torch_alone(recorder):
    calls, lock = install(recorder, "the-index")
    assert "--index-url the-index torch==2.10.0" in calls
    assert "--index-url the-index torchvision==0.25.0" in calls
    left = {line.split("==")[0] for line in lock.splitlines() if "==" in line}
    assert not [name for name in left if name.startswith(("torch", "nvidia-", "triton", "cuda-"))]
    assert {"numpy", "pillow", "sympy", "flask", "pycocotools"} <= left


def test_bakes_weights_as_safetensors(tmp_path):
    import torch
    from safetensors.torch import load_file

    from pretrained import WEIGHTS, bake

    asked = []

    def fetch(name: str) -> dict[str, torch.Tensor]:
        asked.append(name)
        return {"conv1.weight": torch.ones(2, 3).t()}

    written = bake("imagenet", tmp_path, fetch)
    assert asked == list(WEIGHTS["imagenet"].values())
    assert {path.name for path in written} == {
        f"imagenet-{backbone}_fpn.safetensors"
        for backbone in ("resnet50", "resnet18", "mobilenet_v2", "mobilenet_v3_large")
    } | {"imagenet-resnet50_fpn_v2.safetensors"}
    assert load_file(written[0])["conv1.weight"].shape == (3, 2)
    assert bake("none", tmp_path / "none", fetch) == []
    with pytest.raises(SystemExit, match="PRETRAINED=voc is unknown"):
        bake("voc", tmp_path, fetch)


def test_weights_are_named_as_torchvision_names_them():
    """And each file's name holds the hash that it is checked against."""
    from torchvision.models import get_weight

    from pretrained import WEIGHTS

    for names in WEIGHTS.values():
        for name in names.values():
            assert re.search(r"-[0-9a-f]{8}\.pth$", get_weight(name).url)
