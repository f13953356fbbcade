"""Which number format the heavy layers compute in on this device."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

import torch

from errors import HyperparameterError


def resolve_precision(precision: str, device: torch.device) -> str:
    """fp32, bf16 or fp16: `auto` is bf16 where the device computes in it, else fp32."""
    native = _has_bf16(device)
    if precision == "auto":
        return "bf16" if native else "fp32"
    if precision == "fp16" and device.type == "cpu":
        raise HyperparameterError("precision=fp16 needs a GPU. Use bf16, fp32 or auto.")
    return precision


def autocast(device: torch.device, precision: str) -> AbstractContextManager[object]:
    """A context in which the layers that tolerate it compute in `precision`."""
    if precision == "fp32":
        return nullcontext()
    dtype = torch.bfloat16 if precision == "bf16" else torch.float16
    return torch.autocast(device.type, dtype=dtype)


def _has_bf16(device: torch.device) -> bool:
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    # AVX512_BF16 or AMX: without them bf16 is emulated, and slower than fp32.
    return bool(torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())
