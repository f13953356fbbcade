"""What a GPU would be waited for: looks at data, counted with their lines; here on any device.

On a CPU they are counted as operations whose outcome the host needs before it can go on; on a GPU
CUDA itself says where the host waited (torch.cuda.set_sync_debug_mode).
"""

from __future__ import annotations

import sys
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode

# A number, or a tensor whose size depends on data. nms ends with a masked_select of its own.
LOOKS = {
    "_local_scalar_dense",
    "nonzero",
    "masked_select",
    "unique_dim",
    "_unique2",
    "unique_consecutive",
    "nms",
    "equal",
}
_TORCH = str(Path(torch.__file__).parent)


class Looks(TorchDispatchMode):
    """Counts looks at data while it is entered: `places` by operation and line; `operations`."""

    def __init__(self) -> None:
        super().__init__()
        self.places: Counter[str] = Counter()
        self.operations = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """The operation, as ever."""
        self.operations += 1
        name = func.name().partition("::")[2].partition(".")[0]
        if name in LOOKS or _by_mask(name, args) or _counted(name, kwargs or {}):
            self.places[f"{name} at {_line()}"] += 1
        elif name == "lift_fresh" and (line := _line(made=True)):
            self.places[f"constant at {line}"] += 1
        return func(*args, **(kwargs or {}))


def _by_mask(name: str, args: Any) -> bool:
    """Rows chosen by true and false: how many they are must be known."""
    if name not in ("index", "index_put", "index_put_"):
        return False
    masked = any(i is not None and i.dtype in (torch.bool, torch.uint8) for i in args[1])
    # One value for all of them needs no count.
    return masked and (name == "index" or args[2].numel() != 1)


def _counted(name: str, options: dict[str, Any]) -> bool:
    return name == "repeat_interleave" and options.get("output_size") is None


def _line(made: bool = False) -> str:
    """The nearest line outside of torch; with `made` only one that names the device of a tensor."""
    frame = sys._getframe(2)
    while frame.f_back is not None:
        file = frame.f_code.co_filename
        if not file.startswith(_TORCH + "/") and file != __file__:
            break
        frame = frame.f_back
    path = Path(frame.f_code.co_filename)
    if made:
        text = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
        if frame.f_lineno > len(text) or "device=" not in text[frame.f_lineno - 1]:
            return ""
    return f"{path.parent.name}/{path.name}:{frame.f_lineno}"


@contextmanager
def _waits() -> Iterator[Counter[str]]:
    """What CUDA says that it was waited for."""
    places: Counter[str] = Counter()
    torch.cuda.set_sync_debug_mode("warn")
    try:
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            yield places
    finally:
        torch.cuda.set_sync_debug_mode("default")
    for one in said:
        if "synchroniz" in str(one.message):
            path = Path(one.filename)
            places[f"{path.parent.name}/{path.name}:{one.lineno}"] += 1


def looked(device: torch.device, step: Callable[[], object]) -> dict[str, Any]:
    """How often one call of `step` waits for the device, and at which lines."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
        with _waits() as places:
            step()
        return {"count": places.total(), "at": dict(places.most_common())}
    with Looks() as looks:
        step()
    return {
        "count": looks.places.total(),
        "at": dict(looks.places.most_common()),
        "operations": looks.operations,
    }
