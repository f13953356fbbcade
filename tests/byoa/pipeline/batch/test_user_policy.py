"""What `byoa doctor --policy` and `--policy pipelines` print allows every call that is made."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from byoa.aws.batch_belongings import batch
from byoa.clean import remove
from byoa.pipeline.batch import runs
from byoa.pipeline.batch.going_on import cancel, resume
from byoa.pipeline.batch.logs import lines
from byoa.pipeline.batch.stored import stored
from byoa.pipeline.batch.submit import Asked, submit
from byoa.plan.advice import table
from byoa.plan.checks import gaps
from byoa.plan.iam import batch_user_policy, user_policy
from byoa.plan.pipeline.selection import Selection
from tests.byoa.pipeline.batch.conftest import Project, Wait

HERE = ("123456789012", "us-east-1", "aws")


def test_every_call_from_submit_to_clean_is_allowed(project: Project, until: Wait):
    home = project.home
    calls: set[tuple[str, str]] = set()

    def record(model: Any, **_: Any) -> None:
        calls.add((model.service_model.service_name, model.name))

    home.session.boto.events.register("before-call", record)
    home.session._clients.clear()  # those that are made from here on are recorded
    storage: Any = home.place.storage
    storage.client = home.session.client("s3")
    run = submit(home, Asked(selection=Selection(until=("get",))))
    assert run is not None
    until(lambda: runs.look(home, run, whole=True).word == "done")
    assert list(lines(home, run, "get"))
    assert (cancel(home, run), resume(home, run)) == (0, [])
    assert remove([*batch(home.session, home.project.name), *stored(home)], home.say) == []

    assert {"SubmitJob", "DescribeJobs", "DeregisterJobDefinition"} <= {one for _, one in calls}
    known = table()
    actions = {
        known["actions"].get(action, action)
        for service, operation in calls
        for action in [f"{known['prefixes'].get(service, service)}:{operation}"]
    }
    project_name = home.project.name
    documents = [
        user_policy(*HERE, project_name, "byoa-123456789012-us-east-1"),
        batch_user_policy(*HERE, project_name),
    ]
    given: list[Mapping[str, Any]] = [
        {"Statement": [{**one, "Resource": "*"} for one in document["Statement"]]}
        for document in documents
    ]
    needed = {"Statement": [{"Action": sorted(actions - FREE), "Resource": "*"}]}
    assert list(gaps(given, needed)) == []


#: Nobody can be denied it.
FREE = {"sts:GetCallerIdentity"}
