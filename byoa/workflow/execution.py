"""One execution of a workflow, with the SDK's methods."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from byoa.aws import statemachines
from byoa.aws.statemachines import OVER
from byoa.plan.workflow import picture
from byoa.plan.workflow.history import progress
from byoa.workflow import runs
from byoa.workflow.home import Home
from byoa.workflow.workflow import Graphic, Workflow


class Execution:
    """A run of a workflow; everything is asked for anew."""

    def __init__(
        self,
        workflow: Workflow,
        execution_arn: str,
        start_date: Any = None,
        status: str | None = None,
        client: Any = None,
        name: str | None = None,
    ) -> None:
        self.workflow = workflow
        self.execution_arn = execution_arn
        self.start_date, self.status = start_date, status
        self.client = client
        self.name = name or execution_arn.rpartition(":")[2]

    @classmethod
    def of(cls, workflow: Workflow, found: Mapping[str, Any]) -> Execution:
        """Of what AWS lists or describes."""
        return cls(workflow, found["executionArn"], found["startDate"], found["status"])

    @property
    def home(self) -> Home:
        return self.workflow.home

    @property
    def _states(self) -> Any:
        return self.client or self.home.states

    def describe(self) -> dict[str, Any]:
        """AWS's own description."""
        found = statemachines.describe(self._states, self.execution_arn)
        self.status = found["status"]
        return found

    def list_events(
        self, max_items: int = 100, reverse_order: bool = False, html: bool = False
    ) -> list[dict[str, Any]]:
        """The history's events."""
        found = statemachines.new_events(self._states, self.execution_arn)
        return (found[::-1] if reverse_order else found)[:max_items]

    def stop(self, cause: str | None = None, error: str | None = None) -> None:
        """Stops it, and the jobs that it waits for."""
        runs.stop(self.home, self.describe(), error or "", cause or "")

    def redrive(self) -> None:
        """Goes on where it failed."""
        runs.redrive(self.home, self.describe())

    def get_input(self) -> Any:
        return json.loads(self.describe().get("input", "{}"))

    def get_output(self, wait: bool = False) -> Any:
        """The output, None while there is none; `wait` raises JobFailedError if it fails."""
        described = self.wait() if wait else self.describe()
        return json.loads(described["output"]) if described.get("output") else None

    def wait(self, quiet: bool = True) -> dict[str, Any]:
        """Its description once it has succeeded; JobFailedError with the cause otherwise."""
        from byoa.workflow.watch import end_of, watch

        return end_of(watch(self.home, self.execution_arn, quiet=quiet))

    def render_progress(self, portrait: bool = False, max_events: int = 25_000) -> Graphic:
        """The picture with each state's colour; a notebook shows it."""
        described = self.describe()
        events = statemachines.new_events(self._states, self.execution_arn)[:max_events]
        now = None if described["status"] in OVER else statemachines.utc()
        definition = runs.definition(self.home, described)
        title = f"{self.workflow.name} {self.name}: {described['status']}"
        return Graphic(picture.svg(definition, progress(events, now=now), title=title))

    def __repr__(self) -> str:
        return f"Execution(execution_arn={self.execution_arn!r}, status={self.status!r})"
