"""One build's record, as batch_get_builds shows it, and how it moves from phase to phase."""

from __future__ import annotations

import datetime
import threading
from typing import Any

#: The phases that there are without a buildspec saying so.
BEFORE = ("SUBMITTED", "QUEUED", "PROVISIONING")


def now() -> datetime.datetime:
    return datetime.datetime.now(datetime.timezone.utc)


class BuildRecord:
    """What is known of a build; written by its own thread, read by all others."""

    def __init__(self, fields: dict[str, Any]) -> None:
        self.lock = threading.Lock()
        self.fields: dict[str, Any] = {
            **fields,
            "startTime": now(),
            "currentPhase": "SUBMITTED",
            "buildStatus": "IN_PROGRESS",
            "buildComplete": False,
            "phases": [{"phaseType": "SUBMITTED", "startTime": now()}],
        }

    def shown(self) -> dict[str, Any]:
        """A copy for an answer."""
        with self.lock:
            phases = [dict(phase) for phase in self.fields["phases"]]
            return {**self.fields, "phases": phases}

    def enter(self, phase: str) -> None:
        """Ends the phase before, which went well, and starts this one."""
        with self.lock:
            self._close("SUCCEEDED")
            self.fields["currentPhase"] = phase
            self.fields["phases"].append({"phaseType": phase, "startTime": now()})

    def leave(self, status: str, code: str = "", message: str = "") -> None:
        """Ends the phase that is on, with what went wrong."""
        with self.lock:
            self._close(status, [{"statusCode": code, "message": message}])

    def _close(self, status: str, contexts: list[dict[str, str]] | None = None) -> None:
        phase = self.fields["phases"][-1]
        if "phaseStatus" in phase:
            return
        end = now()
        seconds = round((end - phase["startTime"]).total_seconds())
        phase.update(phaseStatus=status, endTime=end, durationInSeconds=seconds)
        if contexts:
            phase["contexts"] = contexts

    def finish(self, status: str, **fields: Any) -> None:
        """The build is over: COMPLETED is its last phase, whatever became of it."""
        self.enter("COMPLETED")
        with self.lock:
            self.fields["phases"][-1].pop("phaseStatus", None)
            self.fields.update(fields, buildStatus=status, buildComplete=True, endTime=now())

    @property
    def done(self) -> bool:
        return bool(self.fields["buildComplete"])
