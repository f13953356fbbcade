"""Loads an algorithm's programs in another process, and tells what they brought along."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from container.algorithm import HERE

PROGRAMS = ("train", "predictor", "inference")
SERVING_PROGRAMS = PROGRAMS[1:]
OUR_PROGRAMS = ("container.train", "container.serving.supervisor", "container.serving.app")
TIMEOUT_SECONDS = 300
_SCRIPT = """
import importlib, importlib.util, json, sys
sys.path.append(sys.argv.pop(1))
for name in sys.argv[1:]:
    importlib.import_module(name)
# A predictor imports it when it loads a model; its converter would report that to the makers.
if importlib.util.find_spec("openvino"):
    sys.modules.setdefault("openvino.tools.ovc", None)
    importlib.import_module("openvino")
torch = sys.modules.get("torch")
versions = {
    name: str(getattr(sys.modules[name], "__version__", "?"))
    for name in ("torch", "torchvision", "openvino", "numpy", "flask", "gunicorn", "gevent")
    if name in sys.modules
}
print()
print(json.dumps({
    "modules": [name for name in sys.argv[1:] if "." not in name],
    "versions": versions,
    "cuda": torch.version.cuda if torch else None,
    "devices": torch.cuda.device_count() if torch else 0,
}))
"""


@dataclass(frozen=True, slots=True)
class Frameworks:
    """What was loaded, its versions, and the CUDA devices that torch sees."""

    modules: tuple[str, ...]
    versions: dict[str, str]
    cuda: str | None
    devices: int

    def shown(self) -> str:
        return ", ".join(f"{name} {version}" for name, version in self.versions.items())


def import_algorithm(
    folder: Path, programs: Sequence[str] = PROGRAMS
) -> tuple[Frameworks | None, str]:
    """The frameworks behind an algorithm; or None, and the last line of what went wrong."""
    names = [name for name in programs if (folder / f"{name}.py").is_file()]
    try:
        done = subprocess.run(
            [sys.executable, "-c", _SCRIPT, str(HERE.parent), *OUR_PROGRAMS, *names],
            check=False,
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=TIMEOUT_SECONDS,
        )
    except subprocess.TimeoutExpired:
        return None, f"importing {', '.join(names)} takes more than {TIMEOUT_SECONDS} s"
    if done.returncode != 0:
        lines = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
        return None, lines[-1]
    facts = json.loads(done.stdout.splitlines()[-1])
    return Frameworks(
        tuple(facts["modules"]), facts["versions"], facts["cuda"], facts["devices"]
    ), ""
