"""Makes the folder that stands for /opt/ml: `make_test_dir.py FOLDER`.

    FOLDER/input/config/{hyperparameters,inputdataconfig,resourceconfig}.json
    FOLDER/input/data/{training,validation}/    sample pictures with COCO annotations
    FOLDER/held_out/                            pictures that training never sees

Pictures that are already there are kept; what an earlier job left is removed.
"""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

from sample_pictures import make_pictures

HERE = Path(__file__).resolve().parent
SIZE = (160, 120)
#: folder below the root, how many pictures, seed
SETS = (("input/data/training", 160, 1), ("input/data/validation", 24, 2), ("held_out", 40, 3))


def make_test_dir(folder: Path, hosts: tuple[str, ...] = ("algo-1",)) -> Path:
    """The tree as SageMaker lays it, for the first of the hosts; gives the folder."""
    for name, count, seed in SETS:
        if not (folder / name / "annotations.json").is_file():
            make_pictures(folder / name, count, seed, SIZE)
    for name in ("model", "output", "checkpoints"):
        shutil.rmtree(folder / name, ignore_errors=True)
        (folder / name).mkdir()
    config = folder / "input" / "config"
    config.mkdir(exist_ok=True)
    shutil.copyfile(HERE / "hyperparameters.json", config / "hyperparameters.json")
    channel = {
        "TrainingInputMode": "File",
        "S3DistributionType": "FullyReplicated",
        "RecordWrapperType": "None",
    }
    write(config / "inputdataconfig.json", {"training": channel, "validation": channel})
    resources = {
        "current_host": hosts[0],
        "current_instance_type": "local",
        "hosts": list(hosts),
        "network_interface_name": "eth0",
    }
    write(config / "resourceconfig.json", resources)
    return folder


def write(path: Path, value: object) -> None:
    path.write_text(json.dumps(value, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    print(make_test_dir(Path(sys.argv[1]).resolve()))
