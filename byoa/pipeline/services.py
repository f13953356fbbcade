"""The services of AWS that a pipeline can be sent to, and who sends it there."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Protocol, cast

if TYPE_CHECKING:
    from byoa.pipeline.batch.home import Home
    from byoa.pipeline.batch.runs import Seen
    from byoa.pipeline.batch.submit import Asked
    from byoa.plan.pipeline.manifest import Run

#: Each one's module, with the functions of Service.
SERVICES = {
    "batch": "byoa.pipeline.batch.service",
    "sagemaker": "byoa.pipeline.sagemaker",
    "stepfunctions": "byoa.pipeline.stepfunctions",
}
#: Of these, who goes on with a run stays with it to its end: `stay(home, run, as_json)`.
STAYS = frozenset({"sagemaker"})


class Service(Protocol):
    """What `byoa pipeline submit` needs of a service."""

    def dry_run(self, home: Home, asked: Asked) -> list[dict[str, Any]]:
        """Every request, in order: {"operation": "batch.SubmitJob", "request": {…}}."""

    def submitted(self, home: Home, asked: Asked, wait: bool, as_json: bool) -> int:
        """Submits, tells what was, watches if asked; the exit code."""

    def look(self, home: Home, run: Run, *, whole: bool = False) -> Seen:
        """How each task of a run is doing."""

    def cancel(self, home: Home, run: Run) -> int:
        """Ends what goes on of a run; how many."""

    def resume(self, home: Home, run: Run) -> list[str]:
        """Goes on with what is neither done nor under way; the tasks' names."""

    def stay(self, home: Home, run: Run, as_json: bool) -> int:
        """The same, to its end; the exit code."""


def service(name: str) -> Service:
    return cast(Service, import_module(SERVICES[name]))
