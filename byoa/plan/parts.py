"""Pieces that several requests have: tags, the network, keys, and rules about instances."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

#: Families whose disks are inside the instance: AWS refuses a key of yours for their volume.
LOCAL_DISKS = re.compile(
    r"ml\.(p[45]\w*|p6-\w+|g4dn|g5|g6e?|gr6|g7e?|trn\d\w*|i\d\w*|\w+\dg?\w?dn?)\."
)


def tag_list(
    tags: Mapping[str, str], key: str = "Key", value: str = "Value"
) -> list[dict[str, str]]:
    """Tags as a service's list, in the order of their names."""
    return [{key: name, value: tags[name]} for name in sorted(tags)]


def vpc_config(subnets: Sequence[str], groups: Sequence[str]) -> dict[str, list[str]] | None:
    """The network of a job; None is SageMaker's own. Half of one is told by the limits."""
    if not subnets and not groups:
        return None
    return {"Subnets": list(subnets), "SecurityGroupIds": list(groups)}


def volume_key(kms_key: str | None, instance_types: Sequence[str]) -> str | None:
    """The volume's key; None where the instance's own disks are used, which encrypt anyway."""
    return None if any(LOCAL_DISKS.match(name) for name in instance_types) else kms_key


def tag_rule(request: Mapping[str, Any]) -> Iterator[str]:
    """Names that begin with aws: are AWS's own."""
    for tag in request.get("Tags", ()):
        if tag["Key"].lower().startswith("aws:"):
            yield f"the tag {tag['Key']!r} begins with aws:, which AWS keeps for itself - rename it"


def preference_rule(resources: Mapping[str, Any], path: str) -> Iterator[str]:
    """InstancePreferences stand alone, each type once, one count for all or one for each."""
    wanted = resources.get("InstancePreferences")
    if not wanted:
        if "InstanceType" in resources and resources.get("InstanceCount", 0) < 1:
            yield f"{path}.InstanceCount is 0 - take 1 or more instances"
        return
    types = [item["InstanceType"] for item in wanted]
    for other in ("InstanceType", "InstanceGroups", "InstancePlacementConfig"):
        if other in resources:
            yield f"{path} has InstancePreferences and {other} - AWS takes one of them: drop one"
    for name in sorted({name for name in types if types.count(name) > 1}):
        yield f"{name} is twice in InstancePreferences - name each instance type once"
    counted = sum("InstanceCount" in item for item in wanted)
    if counted != (0 if "InstanceCount" in resources else len(wanted)):
        yield "InstancePreferences: give InstanceCount once for all or in every item, never both"
