"""Imported by scripts that can train on several hosts; on one they use nothing of it."""

from __future__ import annotations

from typing import Any


def __getattr__(name: str) -> Any:
    raise AttributeError(
        f"byoa has no sagemaker_xgboost_container.distributed.{name}: train on one host, or use"
        " xgboost.collective with SM_MASTER_ADDR and SM_CURRENT_HOST_RANK"
    )
