"""Imported by many scripts and used by few: there is nothing of it here."""

from __future__ import annotations

from typing import Any


def __getattr__(name: str) -> Any:
    raise AttributeError(
        f"byoa has no sagemaker_containers.beta.framework.transformer.{name}: read the"
        " SM_* variables, or put sagemaker-containers into requirements.txt"
    )
