"""What Lambda's Python runtime brings beside the standard library, and nothing else that is here.

A function's archive that lacks a package must fail in the sandbox as it would on AWS.
"""

from __future__ import annotations

import os
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from byoa.plan.errors import ServiceError

#: https://docs.aws.amazon.com/lambda/latest/dg/lambda-python.html#python-sdk-included
PACKAGES = (
    "boto3", "botocore", "jmespath", "s3transfer", "python-dateutil", "six", "urllib3",
    "awslambdaric", "simplejson", "snapshot-restore-py",
)  # fmt: skip


def libraries(folder: Path) -> Path:
    """A folder of links to those packages; made once."""
    if folder.is_dir():
        return folder
    building = folder.with_name(f"{folder.name}.{os.getpid()}.{os.urandom(4).hex()}")
    building.mkdir(parents=True)
    for package in PACKAGES:
        link_package(package, building)
    try:
        building.rename(folder)
    except OSError:  # another thread was faster
        if not folder.is_dir():
            raise
    return folder


def link_package(package: str, folder: Path) -> None:
    try:
        found = distribution(package)
    except PackageNotFoundError:
        if package == "awslambdaric":
            raise ServiceError(
                "ServiceException",
                "The sandbox runs functions with awslambdaric, which is not installed. "
                "Install it (Linux; elsewhere it needs a compiler): pip install awslambdaric",
                "Invoke",
                500,
            ) from None
        return  # an older or a newer one has other requirements
    for path in found.files or ():
        top = path.parts[0]
        if top in {"..", "__pycache__"} or (folder / top).exists():
            continue
        (folder / top).symlink_to(Path(str(found.locate_file(top))))
