"""Reading a state dict and fitting it to the network: a backbone's or a whole model's."""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn
from torchvision.models.detection import MaskRCNN

from errors import DataError

_WRAPPERS = ("state_dict", "model", "model_state_dict")
# A classifier's own head, which no pyramid has.
_CLASSIFIER = ("fc.", "classifier.")
# The layers whose shape depends on the number of classes.
_CLASS_HEADS = ("roi_heads.box_predictor.", "roi_heads.mask_predictor.mask_fcn_logits.")


def read_state(path: Path) -> dict[str, Tensor]:
    """The tensors of a .safetensors or .pth file by name; a pickle's code is never run."""
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        loaded = torch.load(path, map_location="cpu", weights_only=True)
    except (
        SafetensorError,
        pickle.UnpicklingError,
        RuntimeError,
        EOFError,
        ValueError,
        KeyError,
    ) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        if isinstance(error, pickle.UnpicklingError):
            # torch's own text advises to run whatever code the file holds
            reason = "it holds more than tensors, or is no PyTorch file at all"
        raise DataError(
            f"{path.name} can't be read as weights: {reason}. Save a plain state dict, "
            "best as .safetensors."
        ) from error
    return _plain(loaded, path)


def _plain(loaded: object, path: Path) -> dict[str, Tensor]:
    for key in _WRAPPERS:
        if isinstance(loaded, dict) and isinstance(loaded.get(key), dict):
            loaded = loaded[key]
            break
    if not isinstance(loaded, dict) or not all(isinstance(v, Tensor) for v in loaded.values()):
        raise DataError(
            f"{path.name} holds no state dict of tensors. Save model.state_dict() alone."
        )
    return {str(key).removeprefix("module."): value for key, value in loaded.items()}


def load_weights(network: MaskRCNN, path: Path) -> str:
    """Load a whole model or a backbone into `network`; a sentence that says what was loaded.

    Class-dependent layers of another number of classes start fresh; any other mismatch
    is a DataError.
    """
    state = read_state(path)
    whole = any(key.startswith("backbone.") for key in state)
    target: nn.Module = network if whole else network.backbone.body
    if not whole:
        state = {k.removeprefix("body.").removeprefix("features."): v for k, v in state.items()}
        state = {k: v for k, v in state.items() if not k.startswith(_CLASSIFIER)}
    own = target.state_dict()
    state, fresh = _fitting(state, own, path)
    target.load_state_dict({**own, **state})
    what = "whole model" if whole else "backbone"
    note = f"; starts fresh: {', '.join(fresh)}" if fresh else ""
    return f"{what} from {path.name}, {len(state)} tensors{note}"


def _fitting(
    state: dict[str, Tensor], own: Mapping[str, Tensor], path: Path
) -> tuple[dict[str, Tensor], list[str]]:
    """The tensors to take over, and the class heads that can't be."""
    fresh = sorted(
        {
            k.rsplit(".", 1)[0]
            for k, v in state.items()
            if k.startswith(_CLASS_HEADS) and k in own and own[k].shape != v.shape
        }
    )
    taken = {k: v for k, v in state.items() if k.rsplit(".", 1)[0] not in fresh}
    # Batch statistics are counted by BatchNorm only; a frozen layer has no such tensor.
    taken = {k: v for k, v in taken.items() if k in own or not k.endswith("num_batches_tracked")}
    missing = [k for k in own if k not in state and not k.endswith("num_batches_tracked")]
    wrong = [k for k, v in taken.items() if k not in own or own[k].shape != v.shape]
    if missing or wrong:
        example = (missing or wrong)[0]
        raise DataError(
            f"{path.name} does not fit the backbone or model that was asked for: {len(missing)} "
            f"tensors are missing and {len(wrong)} unknown or of another shape, {example} for one. "
            "Set `backbone` to the one that the weights are of."
        )
    return taken, fresh
