"""Which weights a job starts from: a `pretrained` channel, those baked into the image, or none.

Nothing is ever downloaded, and nothing starts from random weights unless that was asked
for: both would only show as a bad model hours later. No torch here: this is told first.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from errors import DataError, HyperparameterError

_SUFFIXES = (".safetensors", ".pth", ".pt")


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
