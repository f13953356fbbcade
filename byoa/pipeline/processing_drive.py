"""Who drives a run of Processing jobs: it looks, begins what is ready, and looks again."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from byoa.pipeline.batch.home import Home
from byoa.pipeline.batch.runs import ACTIVE, WELL, Seen, TaskSeen
from byoa.pipeline.batch.watch import PATIENCE, News, pause_of, tell_end
from byoa.pipeline.processing_seen import look, needs_of
from byoa.pipeline.show import Show
from byoa.plan.advice import passes_by
from byoa.plan.errors import error_code
from byoa.plan.pipeline import processing_jobs
from byoa.plan.pipeline.manifest import Run

#: CreateProcessingJob of a job that is there: somebody else was faster, or we were before a cut.
THERE = ("ResourceInUse", "ValidationException")
#: The account may have no more machines of the kind now.
FULL = "ResourceLimitExceeded"
TICK = 0.1


@dataclass
class Drive:
    """Starts what is ready, looks, and starts more, until nothing is left to be done."""

    home: Home
    run: Run
    again: set[str] = field(default_factory=set)  #: failed before; to be started anew
    sleep: Callable[[float], None] = time.sleep

    def go(self, as_json: bool = False) -> int:
        """0 when every task is done; Ctrl-C leaves what runs running."""
        show = Show(self.run.tasks)
        news = News(show.event)
        try:
            seen = self.drive(news, show)
        except KeyboardInterrupt:
            show.close()
            self.home.say(
                f"\nWhat runs goes on; what comes next does not begin. Go on: {self.said}"
            )
            return 130
        show.close()
        return tell_end(self.home, self.run, seen, as_json)

    @property
    def said(self) -> str:
        return f"byoa pipeline resume{self.home.said}"

    def drive(self, news: News, show: Show) -> Seen:
        patience = PATIENCE
        while True:
            try:
                seen = look(self.home, self.run)
                started, patience = self.start(seen), PATIENCE
            except Exception as error:
                patience -= 1
                if not patience or not passes_by(error):
                    raise
                started = 0
            else:
                news.take(seen)
                if not started and not seen.active and not self.ready(seen):
                    return seen
            for _ in range(round(pause_of(self.home) / TICK)):
                show.tick()
                self.sleep(TICK)

    def ready(self, seen: Seen) -> list[str]:
        """The tasks that can begin: never begun, or ended by SageMaker and not by themselves."""
        return [
            name
            for name, one in seen.tasks.items()
            if self.begins(one)
            and all(seen.tasks[need].status in WELL for need in needs_of(self.run, name))
        ]

    def begins(self, one: TaskSeen) -> bool:
        if one.status in ("not submitted", "skipped") or one.task in self.again:
            return one.status not in (*ACTIVE, *WELL)
        tries = len(one.attempts)
        lost = processing_jobs.AGAIN.search(one.reason) is not None
        return one.status == "failed" and lost and tries < self.run.tasks[one.task].attempts

    def start(self, seen: Seen) -> int:
        """How many were started; one for which there is no room is tried again later."""
        client, count = self.home.session.client("sagemaker"), 0
        for name in self.ready(seen):
            attempt = len(seen.tasks[name].attempts) + 1
            try:
                client.create_processing_job(**processing_jobs.request(self.run, name, attempt))
            except Exception as error:
                if error_code(error) == FULL and (seen.active or count):
                    return count  # one that ends will make room
                if error_code(error) not in THERE or "exist" not in str(error):
                    raise
            self.again.discard(name)
            count += 1
        return count
