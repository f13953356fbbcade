"""Bakes weights into the image: `pretrained.py none|coco|imagenet FOLDER`.

Runs in the image's build only. The files are torchvision's own; torchvision checks each
download against the hash in its name. What goes into the image is safetensors, never a pickle.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

#: The weights that torchvision has for each backbone, by torchvision's names.
WEIGHTS = {
    "none": {},
    "coco": {
        "resnet50_fpn": "MaskRCNN_ResNet50_FPN_Weights.COCO_V1",
        "resnet50_fpn_v2": "MaskRCNN_ResNet50_FPN_V2_Weights.COCO_V1",
    },
    "imagenet": {
        "resnet50_fpn": "ResNet50_Weights.IMAGENET1K_V1",
        "resnet50_fpn_v2": "ResNet50_Weights.IMAGENET1K_V2",
        "resnet18_fpn": "ResNet18_Weights.IMAGENET1K_V1",
        "mobilenet_v2_fpn": "MobileNet_V2_Weights.IMAGENET1K_V2",
        "mobilenet_v3_large_fpn": "MobileNet_V3_Large_Weights.IMAGENET1K_V2",
    },
}


def download(name: str) -> dict[str, Any]:
    """A torchvision state dict, its bytes checked against torchvision's hash."""
    from torchvision.models import get_weight

    state: dict[str, Any] = get_weight(name).get_state_dict(progress=False, check_hash=True)
    return state


def bake(which: str, folder: Path, fetch: Callable[[str], dict[str, Any]] = download) -> list[Path]:
    """Writes `<which>-<backbone>.safetensors` for every backbone that has such weights."""
    if which not in WEIGHTS:
        raise SystemExit(f"PRETRAINED={which} is unknown: say {', '.join(WEIGHTS)}")
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for backbone, name in WEIGHTS[which].items():
        from safetensors.torch import save_file

        state = {key: tensor.contiguous() for key, tensor in fetch(name).items()}
        written.append(folder / f"{which}-{backbone}.safetensors")
        save_file(state, written[-1], metadata={"weights": name})
        print(f"{written[-1].name}: {name}, {written[-1].stat().st_size} bytes")
    return written


if __name__ == "__main__":
    bake(sys.argv[1], Path(sys.argv[2]))
