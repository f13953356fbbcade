"""`python killed.py N before|after WORDS…`: `byoa WORDS`, killed at the N-th SubmitJob.

Before the call the job is not there; after it the job is, and nobody has written its id down.
"""

from __future__ import annotations

import itertools
import os
import signal
import sys
from typing import Any

from botocore.client import BaseClient

from byoa.cli.main import main

COUNT = itertools.count(1)  # next() is one step for threads, too
call = BaseClient._make_api_call


def counted(self: Any, operation: str, parameters: Any) -> Any:
    mine = next(COUNT) if operation == "SubmitJob" else 0
    if mine == int(sys.argv[1]) and sys.argv[2] == "before":
        os.kill(os.getpid(), signal.SIGKILL)
    answer = call(self, operation, parameters)
    if mine == int(sys.argv[1]):
        os.kill(os.getpid(), signal.SIGKILL)
    return answer


BaseClient._make_api_call = counted
sys.exit(main(sys.argv[3:]))
