"""What a submission would run, and the most that it can use; nothing is built or sent."""

from __future__ import annotations

from collections.abc import Mapping

from byoa.pipeline.batch.dry import planned_run
from byoa.pipeline.batch.home import Home
from byoa.pipeline.batch.submit import Asked, Submission
from byoa.pipeline.image import laid
from byoa.plan.pipeline.model import Decision, Pipeline
from byoa.plan.pipeline.usage import Usage, bound


def bounded(home: Home, asked: Asked) -> tuple[Pipeline, Mapping[str, Decision], Usage | None]:
    """Every decision against the records in S3; no Usage where a task has no time-out."""
    with laid(home.project.root, home.target, home.say, asked.ignore_git) as project:
        submission = Submission(home, asked, project)
        run = planned_run(home, submission)
        decisions = submission.away.plan(asked.selection)
        return submission.pipeline, decisions, bound(run.tasks.values() if run else ())
