"""ECR: what an image's address says, and the requests that make a repository.

https://docs.aws.amazon.com/AmazonECR/latest/userguide/LifecyclePolicies.html
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from byoa.plan import templates
from byoa.plan.errors import UsageError
from byoa.plan.tables import table

#: What a registry's host ends in, by how the region begins
SUFFIXES = {
    "cn-": "amazonaws.com.cn",
    "eusc-": "amazonaws.eu",
    "us-iso-": "c2s.ic.gov",
    "us-isob-": "sc2s.sgov.gov",
    "us-isof-": "csp.hci.ic.gov",
    "eu-isoe-": "cloud.adc-e.uk",
}
AWS = "amazonaws.com"
ENDS = "|".join(map(re.escape, [AWS, *SUFFIXES.values()]))
#: AWS's own hosts and no others: docker sends them the account's password
HOST = re.compile(rf"(\d{{12}})\.dkr\.ecr(?:-fips)?\.([a-z0-9-]+)\.({ENDS})")


@dataclass(frozen=True)
class ImageAddress:
    """The parts of REGISTRY/REPOSITORY[:TAG][@DIGEST]; account and region are ECR's, else ""."""

    registry: str
    account: str
    region: str
    repository: str
    tag: str
    digest: str


def parse_image(uri: str) -> ImageAddress:
    """An image's address in parts, ECR's or not; UsageError when it is none."""
    rest, _, digest = uri.partition("@")
    registry, slash, repository = rest.partition("/")
    if not slash or not ("." in registry or ":" in registry or registry == "localhost"):
        registry, repository = "", rest
    repository, _, tag = repository.partition(":")
    if not re.fullmatch(r"[A-Za-z0-9._/-]+", repository) or ":" in tag:
        raise UsageError(f"{uri!r} is no image - write REPOSITORY:TAG, or REGISTRY/REPOSITORY:TAG")
    host = HOST.fullmatch(registry)
    account, region = (host[1], host[2]) if host else ("", "")
    return ImageAddress(registry, account, region, repository, tag, digest)


def registry_host(account: str, region: str) -> str:
    """The host name of an account's registry in a region."""
    ends = (suffix for start, suffix in SUFFIXES.items() if region.startswith(start))
    return f"{account}.dkr.ecr.{region}.{next(ends, AWS)}"


def repository_request(name: str, tags: Mapping[str, str]) -> dict[str, Any]:
    """The dict for create_repository: private, encrypted, every pushed image scanned."""
    return templates.request("ecr.CreateRepository", {"name": name, "tags": tags})


def lifecycle_request(name: str) -> dict[str, Any]:
    """The dict for put_lifecycle_policy."""
    text = json.dumps(table("requests.json")["lifecycle"])
    return templates.request("ecr.PutLifecyclePolicy", {"name": name, "text": text})
