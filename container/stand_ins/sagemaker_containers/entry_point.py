"""Imported by scripts that can train on several hosts; on one they use nothing of it."""

from __future__ import annotations

from typing import Any


def __getattr__(name: str) -> Any:
    raise AttributeError(
        f"byoa has no sagemaker_containers.entry_point.{name}: train has waited for the other hosts"
        " before it started the script; leave the call out"
    )
