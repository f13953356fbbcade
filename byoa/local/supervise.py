"""`python -m byoa.local.supervise FOLDER`: carries out one job or endpoint, and ends with it."""

from __future__ import annotations

import importlib
import os
import signal
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from byoa.local.alive import WORK
from byoa.local.files import read_json
from byoa.local.logs import LogWriter
from byoa.plan.storage import Storage

#: What does which kind: module, each with `run(folder, around)`.
KINDS = {
    "TrainingJob": "byoa.local.training",
    "ProcessingJob": "byoa.local.processing",
    "TransformJob": "byoa.local.transform_process",
    "Endpoint": "byoa.local.endpoint_process",
}


def number_of(name: str, otherwise: float) -> Callable[[], float]:
    """A default that the person who runs this may set by a variable."""
    return lambda: float(os.environ.get(name) or otherwise)


def as_it_is(image: str) -> str:
    return image


@dataclass(frozen=True, kw_only=True)
class Around:
    """What a supervisor works with; the sandbox's has S3 and CloudWatch in it.

    SageMaker waits 120 s from SIGTERM to SIGKILL, and 30 s on hosting.
    """

    root: Path
    storage: Storage
    logs: LogWriter  # or anything with its append()
    environment: Mapping[str, str] = field(default_factory=dict)  # of jobs that are not isolated
    find_image: Callable[[str], str] = as_it_is  # AWS's name of an image -> its name here
    network: str = ""  # of docker jobs that are not isolated: "" or "host"
    stop_seconds: float = field(default_factory=number_of("BYOA_LOCAL_STOP_SECONDS", 120))
    serving_stop_seconds: float = field(default_factory=number_of("BYOA_LOCAL_STOP_SECONDS", 30))
    memory_mb: float = field(default_factory=number_of("BYOA_LOCAL_MEMORY_MB", 0))  # of a container
    cpus: float = field(default_factory=number_of("BYOA_LOCAL_CPUS", 0))


def main(
    arguments: list[str] | None = None, make_around: Callable[[Path], Around] | None = None
) -> int:
    """The sandbox's own main calls this one with a `make_around` of its own: root -> Around."""
    folder = Path((sys.argv[1:] if arguments is None else arguments)[0])
    if os.fork():
        os._exit(0)  # whoever started us has not to wait
    # A shell's or a test's habits end here: the programs that we start get the defaults.
    for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGPIPE, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN if number == signal.SIGHUP else signal.SIG_DFL)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # it puts its containers away
    os.chdir("/")
    work: dict[str, Any] = read_json(folder / WORK)
    around = (make_around or of_folder)(Path(work["root"]))
    importlib.import_module(KINDS[work["kind"]]).run(folder, around)
    return 0


def of_folder(root: Path) -> Around:
    """byoa.local's own surroundings: a folder as storage, logs as files."""
    from byoa.local.folder_storage import FolderStorage

    return Around(root=root, storage=FolderStorage(root / "storage"), logs=LogWriter(root))


if __name__ == "__main__":
    sys.exit(main())
