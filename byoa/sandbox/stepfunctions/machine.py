"""A state machine as an execution sees it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Machine:
    """What an execution needs to know of its state machine, as that was when it started."""

    arn: str
    name: str
    definition: dict[str, Any]
    source: str  #: the definition's text
    role: str
    kind: str = "STANDARD"
    version: str = ""  #: the ARN of the version that was started, if one was
    alias: str = ""
    logging: Mapping[str, Any] = field(default_factory=dict)
