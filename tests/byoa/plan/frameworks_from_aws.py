"""Writes byoa/plan/frameworks.json out of AWS's own lists, which its package sagemaker-core has.

    pip download --no-deps sagemaker-core && unzip sagemaker_core-*.whl
    python tests/byoa/plan/frameworks_from_aws.py sagemaker/core/image_uri_config \\
        "sagemaker-core 2.27.0" 2026-10-21
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

TARGET = Path(__file__).parents[3] / "byoa/plan/frameworks.json"
PY = "{version}-{processor}-{py}"
#: Framework, purpose, its repository, how its tags are made, and the oldest version that is kept.
IMAGES = (
    ("pytorch", "training", "pytorch-training", PY, (1, 4)),
    ("pytorch", "inference", "pytorch-inference", PY, (1, 4)),
    ("tensorflow", "training", "tensorflow-training", PY, (2, 1)),
    ("tensorflow", "inference", "tensorflow-inference", "{version}-{processor}", (2, 1)),
    ("sklearn", "training", "sagemaker-scikit-learn", "{version}-cpu-py3", (0, 20)),
    ("xgboost", "training", "sagemaker-xgboost", "{version}", (1, 2)),
)
#: AWS keeps its deep learning images in one account a region, sklearn and xgboost in another.
ACCOUNTS = {"pytorch": "dlc", "tensorflow": "dlc", "sklearn": "ml", "xgboost": "ml"}


def frameworks(folder: Path, source: str, date: str) -> dict[str, Any]:
    """The table: accounts by region, versions with their Pythons, in the versions' order."""
    accounts: dict[str, dict[str, str]] = {"dlc": {}, "ml": {}}
    families: dict[str, dict[str, Any]] = {}
    for name, purpose, repository, tag, oldest in IMAGES:
        listed = json.loads((folder / f"{name}.json").read_text())[purpose]["versions"]
        versions = {}
        for version in sorted(filter(is_release, listed), key=numbers):
            entry = listed[version]
            if numbers(version) < oldest or entry.get("repository") != repository:
                continue
            accounts[ACCOUNTS[name]].update(entry["registries"])
            pythons = [py for py in entry.get("py_versions") or [] if py != "py2"]
            versions[version] = pythons if "{py}" in tag else []
        image = {"repository": repository, "tag": tag, "versions": versions}
        families.setdefault(name, {"accounts": ACCOUNTS[name]})[purpose] = image
    in_order = {name: dict(sorted(found.items())) for name, found in accounts.items()}
    said = {"source": f"AWS's image_uri_config in {source}", "date": date}
    return {**said, "accounts": in_order, "frameworks": families}


def is_release(version: str) -> bool:
    return re.fullmatch(r"[\d.]+(-\d+)?", version) is not None


def numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", version))


def as_text(value: Any, depth: int = 0) -> str:
    """JSON with one innermost object a line."""
    if not isinstance(value, dict) or not any(isinstance(item, dict) for item in value.values()):
        return json.dumps(value)
    inside = " " * (depth + 1)
    lines = [f"{inside}{json.dumps(key)}: {as_text(value[key], depth + 1)}" for key in value]
    return "{\n" + ",\n".join(lines) + "\n" + " " * depth + "}"


if __name__ == "__main__":
    folder, source, date = sys.argv[1:]
    TARGET.write_text(as_text(frameworks(Path(folder), source, date)) + "\n", encoding="utf-8")
