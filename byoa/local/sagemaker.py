"""SageMaker's control plane on this machine, with boto3's method names."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from byoa.local.endpoints import Endpoints
from byoa.local.processing_jobs import ProcessingJobs
from byoa.local.resources import REGION
from byoa.local.tag_calls import TagCalls
from byoa.local.training_jobs import TrainingJobs
from byoa.local.transform import Transforms
from byoa.local.tuning_jobs import TuningJobs

SUPERVISE = (sys.executable, "-m", "byoa.local.supervise")


class SageMaker(TrainingJobs, ProcessingJobs, Transforms, Endpoints, TuningJobs, TagCalls):
    """Everything is kept below `root`; each job and endpoint has a process of its own.

    `supervise` is the command that is started for one, with the job's folder as last word.
    """

    def __init__(
        self, root: Path, supervise: Sequence[str] = SUPERVISE, region: str = REGION
    ) -> None:
        self.root = Path(root).absolute()
        self.supervise = supervise
        self.region = region
