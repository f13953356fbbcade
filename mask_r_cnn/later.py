"""Imports torch without what serving does not use: a third of the time that it takes.

`import torch` loads exporters, quantisers and what the compiler must know of each operation. Here
these modules are put in place empty. The first to ask one for anything gets the real one, and the
compiler gets all of them before it comes itself.

To be imported before `torch`; where that is there already nothing is changed. So it is for versions
of torch that it was tried with: another one is imported whole.
"""

from __future__ import annotations

import importlib.util
import sys
import threading
from collections.abc import Sequence
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType
from typing import Any

TRIED = ("2.10.",)
COMPILER = "torch._dynamo"
NAMES = frozenset(
    {
        "torch._meta_registrations",
        "torch.ao.quantization",
        "torch.distributions",
        "torch.masked",
        "torch.quantization",
        "torchvision._meta_registrations",
        "torchvision.datasets",
        "torchvision.models.quantization",
    }
)
# torchvision tells torch.onnx of its operations, which would load that.
_TELLS_ONNX = "torchvision.ops._register_onnx_ops"
_loading = threading.RLock()


class Later(ModuleType):
    """A module that is not here yet."""

    def __getattr__(self, name: str) -> Any:
        # Whoever goes through all modules looks at these, and means nothing by it.
        if name.startswith("__"):
            raise AttributeError(name)
        load(self)
        return ModuleType.__getattribute__(self, name)


def load(module: ModuleType) -> None:
    """Make it the real one; whoever asks meanwhile waits."""
    with _loading:
        if isinstance(module, Later) and not module.__dict__.get("__begun__"):
            real = module.__dict__["__real__"]
            module.__dict__["__begun__"] = True  # an import in a circle sees what there is
            if module.__spec__ is not None:
                module.__loader__ = module.__spec__.loader = real
            real.exec_module(module)
            module.__class__ = ModuleType  # type: ignore[assignment]


class _Loader:
    """Gives empty modules."""

    def __init__(self, real: Any) -> None:
        self.real = real

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        module = Later(spec.name)
        module.__dict__["__real__"] = self.real
        return module

    def exec_module(self, module: ModuleType) -> None:
        """Nothing, before somebody asks it for something."""


class _Loaded:
    """Gives what came meanwhile."""

    @staticmethod
    def create_module(spec: ModuleSpec) -> ModuleType:
        return sys.modules[spec.name]

    def exec_module(self, module: ModuleType) -> None:
        """Nothing: it was."""


class _Finder:
    """Asked before all others."""

    @staticmethod
    def find_spec(
        name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Ours of these modules, nobody else's."""
        if name == COMPILER:
            load_all()
        package = sys.modules.get(name.rpartition(".")[0])
        if isinstance(package, Later):  # what is in it counts on it
            load(package)
            if name in sys.modules:
                return ModuleSpec(name, _Loaded())  # type: ignore[arg-type]
        if name not in NAMES:
            return None
        spec = PathFinder.find_spec(name, path)
        if spec is not None and spec.loader is not None:
            spec.loader = _Loader(spec.loader)  # type: ignore[assignment]
        return spec


def load_all() -> None:
    """Everything that was left out."""
    for name in sorted(NAMES):
        module = sys.modules.get(name)
        if isinstance(module, Later):
            load(module)


class _TellsNobody(ModuleType):
    @staticmethod
    def _register_custom_op() -> None:
        """Instead of torchvision's; who exports to ONNX is not the one who serves."""


def begin() -> None:
    """From here on, unless torch is here already or is one that this was not tried with."""
    if "torch" in sys.modules or not _version().startswith(TRIED):
        return
    sys.meta_path.insert(0, _Finder)
    sys.modules.setdefault(_TELLS_ONNX, _TellsNobody(_TELLS_ONNX))


def _version() -> str:
    """torch's, without importing it."""
    spec = importlib.util.find_spec("torch")
    if spec is None or spec.origin is None:
        return ""
    text = Path(spec.origin).with_name("version.py").read_text(encoding="utf-8")
    line = next((line for line in text.splitlines() if line.startswith("__version__")), "")
    return line.partition("=")[2].strip(" '\"")


begin()
