"""Starting weights: a `pretrained` channel, weights baked into the image, or none.

Nothing is ever downloaded, and nothing starts from random weights unless that was asked
for: both would only show as a bad model hours later.
"""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn
from torchvision.models.detection import MaskRCNN

from errors import DataError, HyperparameterError

_SUFFIXES = (".safetensors", ".pth", ".pt")
_WRAPPERS = ("state_dict", "model", "model_state_dict")
# A classifier's own head, which no pyramid has.
_CLASSIFIER = ("fc.", "classifier.")
# The layers whose shape depends on the number of classes.
_CLASS_HEADS = ("roi_heads.box_predictor.", "roi_heads.mask_predictor.mask_fcn_logits.")


def find_weights(
    pretrained: str, backbone: str, channel: Path | None, environ: Mapping[str, str]
) -> Path | None:
    """The file to start from, None when `pretrained` is none; the channel wins over both."""
    if channel is not None and channel.is_dir():
        return _only_weights_file(channel)
    if pretrained == "none":
        return None
    folder = Path(environ.get("BYOA_PRETRAINED_DIR", "/opt/byoa/pretrained"))
    baked = folder / f"{pretrained}-{backbone}.safetensors"
    if baked.is_file():
        return baked
    raise HyperparameterError(
        f"pretrained={pretrained} was asked for, but there are no {pretrained} weights for "
        f"{backbone}: no `pretrained` channel is given and {baked} is not in the image. Give the "
        "weights as a `pretrained` channel (.safetensors or .pth), build the image with "
        f"--build-arg PRETRAINED={pretrained}, or set pretrained=none to start from random weights."
    )


def _only_weights_file(folder: Path) -> Path:
    files = sorted(p for p in folder.rglob("*") if p.suffix in _SUFFIXES and p.is_file())
    if len(files) == 1:
        return files[0]
    found = ", ".join(file.name for file in files) or "none"
    raise DataError(
        f"the pretrained channel needs exactly one weights file ({', '.join(_SUFFIXES)}); "
        f"found {found} in {folder}. Leave the one to start from."
    )


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
