"""AWS's own framework images by name: `-f pytorch --fv 2.6` is an address in ECR.

frameworks.json says where the table is from and of which day it is.
"""

from __future__ import annotations

import re
from typing import Any

from byoa.plan.ami import has_gpu
from byoa.plan.ecr import registry_host
from byoa.plan.errors import UsageError
from byoa.plan.tables import table

OTHER_CHIPS = re.compile(r"ml\.(trn|inf|(?!g\d)[a-z]+\dg)")


def image_uri(
    framework: str = "pytorch",
    version: str | None = None,
    py: str | None = None,
    *,
    region: str,
    instance_type: str = "ml.m5.large",
    purpose: str = "training",
) -> str:
    """The image's address: the newest version that begins like `version`, for CPU or for GPU."""
    family = table("frameworks.json")["frameworks"].get(framework)
    if family is None:
        raise _unknown("framework", framework, table("frameworks.json")["frameworks"])
    images = family.get(purpose) or family["training"]  # sklearn's and xgboost's image does both
    versions = images["versions"]
    begins = (f"{version}.", f"{version}-")
    fits = [name for name in versions if version in (None, name) or name.startswith(begins)]
    if not fits:
        raise _unknown(f"{framework} version", str(version), versions)
    newest = fits[-1]
    known = versions[newest] or ["py3"]
    if py and versions[newest] and py not in known:
        raise _unknown(f"Python of {framework} {newest}", py, known)
    if OTHER_CHIPS.match(instance_type):
        raise UsageError(
            f"{instance_type} has other chips than AWS's {framework} images are for - "
            "name an image that fits it with --image"
        )
    accounts = table("frameworks.json")["accounts"][family["accounts"]]
    if region not in accounts:
        raise _unknown("region of AWS's images", region, accounts)
    processor = "gpu" if has_gpu(instance_type) else "cpu"
    tag = images["tag"].format(version=newest, processor=processor, py=py or known[-1])
    return f"{registry_host(accounts[region], region)}/{images['repository']}:{tag}"


def _unknown(what: str, given: str, known: Any) -> UsageError:
    return UsageError(
        f"there is no {what} {given} in AWS's list of {table('frameworks.json')['date']} - take one"
        f" of {', '.join(known)}, or name the image itself with --image"
    )
