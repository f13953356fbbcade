"""What several requests have in common: their fields, and rules about instances."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

#: Families whose disks are inside the instance: AWS refuses a key of yours for their volume.
LOCAL_DISKS = re.compile(
    r"ml\.(p[45]\w*|p6-\w+|g4dn|g5|g6e?|gr6|g7e?|trn\d\w*|i\d\w*|\w+\dg?\w?dn?)\."
)


@dataclass(frozen=True, kw_only=True)
class Named:
    """What has a name and tags; fields of AWS's pages that are none here go into `extra`."""

    name: str
    tags: Mapping[str, str] = field(default_factory=dict)
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Contained(Named):
    """What runs in an image under a role."""

    image: str
    role: str
    environment: Mapping[str, str] = field(default_factory=dict)
    isolation: bool = False
    subnets: Sequence[str] = ()
    security_groups: Sequence[str] = ()


@dataclass(frozen=True, kw_only=True)
class Job(Contained):
    """A training or processing job's machines and command."""

    instance_type: str = "ml.m5.large"
    instance_count: int = 1
    volume_gb: int = 30
    max_run: int = 86_400
    entrypoint: Sequence[str] = ()
    arguments: Sequence[str] = ()
    kms_key: str | None = None


def volume_key(kms_key: str | None, instance_types: Sequence[str]) -> str | None:
    """The volume's key; None where the instance's own disks are used, which encrypt anyway."""
    return None if any(LOCAL_DISKS.match(name) for name in instance_types) else kms_key


def instance_rule(resources: Mapping[str, Any]) -> Iterator[str]:
    """Of several instance types: one count for all or one for each."""
    wanted = resources.get("InstancePreferences", ())
    counted = sum("InstanceCount" in item for item in wanted)
    if counted != (0 if "InstanceCount" in resources else len(wanted)):
        yield "InstancePreferences: give InstanceCount once for all or in every item, never both"
