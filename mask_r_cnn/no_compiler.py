"""Imports torchvision without torch's compiler, which costs as much time as torch itself.

`torchvision.ops.roi_align` wants one function of `torch._dynamo.utils`, to call it when RoIAlign is
to be deterministic on a GPU. It gets one that asks the real one then; whatever else is wanted of
that module, by another version, loads it at once.
"""

from __future__ import annotations

import importlib
import sys
from types import ModuleType
from typing import Any

_NAME = "torch._dynamo.utils"


def _real() -> ModuleType:
    if isinstance(sys.modules.get(_NAME), _StandIn):
        del sys.modules[_NAME]
    return importlib.import_module(_NAME)


class _StandIn(ModuleType):
    @staticmethod
    def is_compile_supported(device_type: Any) -> Any:
        return _real().is_compile_supported(device_type)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):  # the import machinery looks at a module
            raise AttributeError(name)
        return getattr(_real(), name)


def import_torchvision() -> None:
    """Import it, unless it, or the compiler, is there already."""
    if _NAME in sys.modules or "torchvision" in sys.modules:
        return
    import torch  # noqa: F401 - needs no compiler, and must not meet the stand-in

    sys.modules[_NAME] = _StandIn(_NAME)
    try:
        importlib.import_module("torchvision")
    finally:
        if isinstance(sys.modules.get(_NAME), _StandIn):
            del sys.modules[_NAME]


import_torchvision()
