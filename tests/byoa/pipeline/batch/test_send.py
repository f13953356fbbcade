"""Jobs on their way to Batch: in order, in parallel, and none after an error."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from byoa.aws.batch import Batch, Pace
from byoa.local.folder_storage import FolderStorage
from byoa.pipeline.batch.submit import send
from byoa.pipeline.store import ContentStore
from byoa.plan.errors import ByoaError
from byoa.plan.pipeline import manifest
from byoa.plan.pipeline.batch_jobs import jobs_of
from byoa.plan.pipeline.manifest import Round, RunTask
from tests.byoa.plan.pipeline.test_manifest import RUN

TASKS = {
    **{f"t-{n}": RunTask(definition="d:1") for n in range(300)},
    "last": RunTask(needs=tuple(f"t-{n}" for n in range(300)), definition="d:1"),
}
WHOLE = replace(RUN, tasks=TASKS)


class Client:
    """Takes jobs whose waits it knows, until it is told to stop."""

    def __init__(self, most: int = 10_000) -> None:
        self.sent: list[str] = []
        self.most, self.lock = most, threading.Lock()

    def submit_job(self, **request: Any) -> dict[str, str]:
        with self.lock:
            waits = [one["jobId"].removeprefix("id of ") for one in request.get("dependsOn", ())]
            assert set(waits) <= set(self.sent)
            if len(self.sent) >= self.most:
                raise ByoaError("denied")
            self.sent.append(request["jobName"])
        return {"jobId": f"id of {request['jobName']}"}


@dataclass
class Home:
    """As much of a home as sending needs."""

    store: ContentStore
    batch: Batch
    lines: list[str] = field(default_factory=list)
    said: str = " --on batch"

    def say(self, text: str) -> None:
        self.lines.append(text)


def home(tmp_path: Path, client: Client) -> Any:
    pace = Pace(sleep=lambda seconds: None)
    return Home(ContentStore(FolderStorage(tmp_path)), Batch(client, pace))


def round_of() -> Round:
    jobs = jobs_of(WHOLE.works(TASKS), manifest.prefix(WHOLE.run, 1))
    return Round(number=1, jobs=tuple(jobs))


def test_every_job_is_sent_after_what_it_waits_for_and_every_id_is_kept(tmp_path: Path):
    client = Client()
    place = home(tmp_path, client)
    done = send(place, WHOLE, round_of())
    assert len(client.sent) == len(set(client.sent)) == 300 + 15 + 1
    assert client.sent[-1].endswith("-last")
    where = f"{WHOLE.place}rounds/0001.json"
    assert manifest.read_round(place.store.read(where), where) == done
    assert len(done.ids) == 316 and place.lines == []


def test_after_an_error_nothing_more_is_sent_and_what_was_is_known(tmp_path: Path):
    client = Client(most=20)
    place = home(tmp_path, client)
    with pytest.raises(ByoaError, match="denied"):
        send(place, WHOLE, round_of())
    assert len(client.sent) == 20
    assert place.lines[0].startswith("20 of 316 jobs of the run 20261122-141500-a1b2 are submitted")
    assert "byoa pipeline resume --on batch" in place.lines[0]
    where = f"{WHOLE.place}rounds/0001.json"
    assert len(manifest.read_round(place.store.read(where), where).ids) == 20


def test_what_has_an_id_is_not_sent_again(tmp_path: Path):
    client = Client()
    ready = round_of()
    known = {job.name: f"id of {job.name}" for job in ready.jobs[:10]}
    client.sent += known
    send(home(tmp_path, client), WHOLE, replace(ready, ids=known))
    assert len(client.sent) == 316
