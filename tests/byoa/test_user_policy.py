"""What `doctor --policy` prints allows every call that the driver makes; recorded, not guessed."""

from __future__ import annotations

from byoa.aws import doctor, registry
from byoa.aws.bucket import ensure_bucket
from byoa.aws.codebuild import ensure_project
from byoa.aws.role import ensure_role
from byoa.clean import find, remove
from byoa.plan.advice import table
from byoa.plan.checks import gaps
from byoa.plan.codebuild import BuildProject
from byoa.plan.iam import CODEBUILD, Access, build_policy, user_policy
from tests.byoa.test_clean import MAKERS, make, place

__all__ = ["place"]
ROLE = "arn:aws:iam::123456789012:role/byoa-cells+build"


def test_every_call_of_build_doctor_clean_and_teardown_is_allowed(place):
    calls = set()

    def record(model, **_):
        calls.add((model.service_model.service_name, model.name))

    make(place, "cells", MAKERS)
    session = place.session
    session._clients.clear()  # those that are made from here on are recorded
    session.boto.events.register("before-call", record)
    place = type(place)(**{**vars(place), "sagemaker": session.client("sagemaker"),
                           "logs": session.client("logs")})  # fmt: skip
    place.storage.client = session.client("s3")
    registry.ensure_repository(session, "cells", {"byoa:project": "cells"})
    registry.login(session)
    access = Access(account=session.account, region="eu-west-1", read=["s3://b/cells/"])
    wanted = build_policy(access, "byoa-cells")
    ensure_role(session, "byoa-cells+build", wanted, {"byoa:project": "cells"}, CODEBUILD)
    ensure_bucket(session)
    source = "s3://b/cells/build/1.zip"
    tags = {"byoa:project": "cells"}
    ensure_project(session, BuildProject(name="byoa-cells-x", role=ROLE, source=source, tags=tags))
    for check in (doctor.credentials, doctor.sagemaker):
        check(session)
    doctor.role(session, "byoa-cells", {"Statement": []})
    assert remove(find(place, "cells", everything=True).things, lambda _: None) == []

    assert len(calls) > 40
    actions = set()
    calls.add(("service-quotas", "ListServiceQuotas"))  # moto does not know it
    for service, operation in calls:
        action = f"{table()['prefixes'].get(service, service)}:{operation}"
        actions.add(table()["actions"].get(action, action))
    document = user_policy(
        "123456789012", "eu-west-1", "aws", "cells", "byoa-123456789012-eu-west-1"
    )
    given = {"Statement": [{**one, "Resource": "*"} for one in document["Statement"]]}
    free = {"sts:GetCallerIdentity"}  # nobody can be denied it
    needed = {"Statement": [{"Action": sorted(actions - free), "Resource": "*"}]}
    assert list(gaps([given], needed)) == []
