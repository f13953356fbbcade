"""Hyperparameters as launchers send them: decoded, split from SageMaker's own, as arguments.

Three encodings arrive for one value. boto3 sends it raw ("abc"), the SDK's script mode as JSON
("\\"abc\\""), the SDK's plain Estimator as Python's str() ("True"). What goes to the program is
decoded exactly as sagemaker-training does, JSON or else the text itself, so that a script written
for it sees the same arguments. `is_true` reads a flag in any of the three.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from container.configuration import read_object
from container.errors import ConfigurationError

PREFIX = "sagemaker_"
# SageMaker's own names, as sagemaker-training lists them; the rest of `sagemaker_*` steers
# how the program is launched, and is given to it as SM_FRAMEWORK_PARAMS.
RESERVED = frozenset(
    {
        "sagemaker_program",
        "sagemaker_submit_directory",
        "sagemaker_enable_cloudwatch_metrics",
        "sagemaker_region",
        "sagemaker_container_log_level",
        "sagemaker_job_name",
        "default_user_module_name",
        "_tuning_objective_metric",
        "sagemaker_s3_output",
    }
)


@dataclass(frozen=True, slots=True)
class Hyperparameters:
    """The program's own hyperparameters, and the two kinds that are SageMaker's."""

    own: dict[str, Any]
    reserved: dict[str, Any]
    framework: dict[str, Any]

    def text(self, name: str) -> str | None:
        """A reserved hyperparameter as text; None when it is missing or empty."""
        value = self.reserved.get(name)
        return None if value is None or value == "" else str(value)


def read(path: Path) -> Hyperparameters:
    """The hyperparameters in a hyperparameters.json; none when it is missing or empty."""
    return split({name: decode(value) for name, value in read_object(path).items()})


def decode(value: Any) -> Any:
    """A value as sagemaker-training sees it: its JSON, or the text itself."""
    try:
        return json.loads(value)
    except (ValueError, TypeError, RecursionError):
        return value


def is_true(value: object) -> bool:
    """Whether a flag is on, in any of the encodings: true, "True", "1", "yes", 1."""
    if isinstance(value, str):
        return value.strip().strip("\"'").lower() in ("true", "1", "yes", "on")
    return bool(value)


def split(values: Mapping[str, Any]) -> Hyperparameters:
    """Decoded values, told apart by whose they are."""
    reserved = {name: value for name, value in values.items() if name in RESERVED}
    framework = {
        name: value
        for name, value in values.items()
        if name.startswith(PREFIX) and name not in RESERVED
    }
    own = {name: value for name, value in values.items() if name not in reserved | framework}
    return Hyperparameters(own, reserved, framework)


def to_arguments(values: Mapping[str, Any]) -> list[str]:
    """`--name value` for each, sorted; one-letter names get one dash. As sagemaker-training."""
    arguments: list[str] = []
    for name in sorted(values):
        arguments += [_flag(name), _argument(values[name])]
    return arguments


def _flag(name: str) -> str:
    if not name:
        return ""
    return f"--{name}" if len(name) > 1 else f"-{name}"


def _argument(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, dict):
        return ",".join(f"{key}={item}" for key, item in sorted(value.items()))
    return str(value)


def check_passable(arguments: list[str]) -> None:
    """Refuses what no process can be given: a zero byte, or half a surrogate pair."""
    for flag, value in zip(arguments[::2], arguments[1::2], strict=True):
        if "\0" in flag + value or not _encodes(flag + value):
            raise ConfigurationError(
                f"Hyperparameter {flag.lstrip('-')!r} holds a character that cannot be an argument"
                " of a program (a zero byte or a broken surrogate). Remove it."
            )


def _encodes(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True
