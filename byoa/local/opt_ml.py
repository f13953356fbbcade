"""The configuration files of /opt/ml, as SageMaker writes them: pure functions of the request."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

GROUP = "homogeneousCluster"


@dataclass(frozen=True, slots=True)
class Host:
    """One host: its name in logs, the name that the others know it by, and what it is."""

    name: str  # algo-1
    address: str  # algo-1, or a loopback address for a process
    instance_type: str
    group: str


def hosts(request: Mapping[str, Any], addresses: Mapping[str, str] | None = None) -> list[Host]:
    """The hosts that ResourceConfig asks for: algo-1, algo-2, … over all its groups."""
    groups = groups_of(request["ResourceConfig"])
    names = [f"algo-{number}" for number in range(1, sum(group[2] for group in groups) + 1)]
    kinds = [(group, kind) for group, kind, count in groups for _ in range(count)]
    known = addresses or {}
    return [
        Host(name, known.get(name, name), kind, group) for name, (group, kind) in zip(names, kinds)
    ]


def groups_of(resources: Mapping[str, Any]) -> list[tuple[str, str, int]]:
    """(name, instance type, count) of each instance group; one group where none is named."""
    groups = resources.get("InstanceGroups")
    if groups:
        return [
            (group["InstanceGroupName"], group["InstanceType"], group["InstanceCount"])
            for group in groups
        ]
    wished = resources.get("InstancePreferences") or [resources]  # the first one can be had here
    return [(GROUP, wished[0].get("InstanceType", "local"), resources.get("InstanceCount", 1))]


def resource_config(host: Host, all_hosts: Sequence[Host], interface: str) -> dict[str, Any]:
    """resourceconfig.json. `hosts` is sorted as text: algo-10 stands before algo-2."""
    groups: dict[str, dict[str, Any]] = {}
    for other in all_hosts:
        group = groups.setdefault(
            other.group,
            {
                "instance_group_name": other.group,
                "instance_type": other.instance_type,
                "hosts": [],
            },
        )
        group["hosts"] = sorted([*group["hosts"], other.address])
    return {
        "current_host": host.address,
        "current_instance_type": host.instance_type,
        "current_group_name": host.group,
        "hosts": sorted(other.address for other in all_hosts),
        "instance_groups": list(groups.values()),
        "network_interface_name": interface,
        "topology": None,
    }


def input_data_config(channels: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """inputdataconfig.json: how each channel arrives."""
    found = {}
    for channel in channels:
        source = channel.get("DataSource", {}).get("S3DataSource", {})
        entry = {
            "TrainingInputMode": channel.get("InputMode", "File"),
            "S3DistributionType": source.get("S3DataDistributionType", "FullyReplicated"),
            "RecordWrapperType": channel.get("RecordWrapperType", "None"),
        }
        if channel.get("ContentType"):
            entry["ContentType"] = channel["ContentType"]
        found[channel["ChannelName"]] = entry
    return found
