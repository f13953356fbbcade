"""Loud when another moto is installed, or the parts of it that we touch have moved."""

from __future__ import annotations

import importlib
from importlib.metadata import version
from pathlib import Path

import pytest

from byoa.plan.errors import ByoaError
from byoa.sandbox import pinned

ROOT = Path(__file__).resolve().parents[3]


def test_the_installed_moto_is_the_pinned_one():
    assert version("moto") == pinned.MOTO, (
        "Another moto: run all tests of tests/byoa/sandbox and tests/docker/test_sandbox.py "
        "against it, then change pinned.MOTO and pyproject.toml"
    )


def test_pyproject_pins_the_same():
    assert f'"moto[server]=={pinned.MOTO}"' in (ROOT / "pyproject.toml").read_text()


@pytest.mark.parametrize("inner", pinned.INNER)
def test_what_we_touch_inside_moto_is_where_it_was(inner: str):
    module, _, path = inner.partition(":")
    found = importlib.import_module(module)
    for name in path.split("."):
        assert hasattr(found, name), f"moto has no {inner} any more"
        found = getattr(found, name)


def test_every_inner_part_that_the_sources_name_is_listed():
    """`from moto…` anywhere in the sandbox is on the list."""
    listed = {inner.partition(":")[0] for inner in pinned.INNER}
    for path in (ROOT / "byoa/sandbox").rglob("*.py"):
        for line in path.read_text().splitlines():
            words = line.split()
            if words[:1] == ["from"] and words[1].startswith("moto"):
                assert words[1] in listed, f"{path.name}: {line.strip()}"


def test_another_version_is_refused_with_what_to_do(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(pinned, "MOTO", "4.0.0")
    with pytest.raises(ByoaError, match=r"pip install 'moto\[server\]==4.0.0'"):
        pinned.check()


def test_the_instances_have_what_we_read():
    """Attributes that only an instance has."""
    from moto.backends import get_backend

    ecr = get_backend("ecr")["123456789012"]["us-east-1"]
    repository = ecr.create_repository("a/b", None, {}, None, "MUTABLE", [])
    assert repository.image_tag_mutability == "MUTABLE"
    assert not repository.image_tag_mutability_exclusion_filters
    assert "a/b" in ecr.repositories
    iam = get_backend("iam")["123456789012"]["aws"]
    role = iam.create_role("r", '{"Statement": []}', "/", "", "", [], "3600")
    assert role.assume_role_policy_document == '{"Statement": []}'
    assert role in iam.roles.values() and iam.access_keys is not None
    assert get_backend("sts")["123456789012"]["aws"].assumed_roles == []
    logs = get_backend("logs")["123456789012"]["us-east-1"]
    logs.create_log_group("g", {})
    assert logs.groups["g"].streams == {}
