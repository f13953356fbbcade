"""The role: made with its policy or not at all, widened when it lacks something."""

from __future__ import annotations

import json

import pytest
from botocore.exceptions import ClientError
from botocore.stub import ANY, Stubber

from byoa.aws.role import current_policy, ensure_role, find_role, retry_until_assumable, role_arn
from byoa.plan.advice import situation
from byoa.plan.errors import NotFoundError
from byoa.plan.iam import CODEBUILD, Access, role_policy

TAGS = {"byoa:project": "cells"}
ARN = "arn:aws:iam::123456789012:role/byoa-cells"


def policy(*addresses):
    return role_policy(Access(account="123456789012", region="eu-west-1", write=addresses))


@pytest.fixture
def stubbed(session):
    session.account  # noqa: B018
    with Stubber(session.client("iam")) as stub:
        yield stub
        stub.assert_no_pending_responses()


def role(tags=TAGS):
    return {
        "Role": {
            "Path": "/", "RoleName": "byoa-cells", "RoleId": "AROA1234567890123456", "Arn": ARN,
            "CreateDate": "2026-01-01", "Tags": [{"Key": k, "Value": v} for k, v in tags.items()],
        }
    }  # fmt: skip


def test_made_with_tags_trust_and_the_least_policy(session):
    assert ensure_role(session, "byoa-cells", policy("s3://b/cells/"), TAGS) == ARN
    iam = session.client("iam")
    found = iam.get_role(RoleName="byoa-cells")["Role"]
    assert found["Tags"] == [{"Key": "byoa:project", "Value": "cells"}]
    statement = found["AssumeRolePolicyDocument"]["Statement"][0]
    assert statement["Principal"] == {"Service": "sagemaker.amazonaws.com"}
    assert {"aws:SourceAccount": "123456789012"} in statement["Condition"].values()
    said = json.dumps(current_policy(iam, "byoa-cells"))
    assert "arn:aws:s3:::b/cells/*" in said
    assert '"s3:*"' not in said and "arn:aws:s3:::*" not in said


def test_of_codebuild(session):
    ensure_role(session, "byoa-cells-build", policy("s3://b/cells/"), TAGS, CODEBUILD)
    found = session.client("iam").get_role(RoleName="byoa-cells-build")["Role"]
    trusted = found["AssumeRolePolicyDocument"]["Statement"][0]["Principal"]
    assert trusted == {"Service": "codebuild.amazonaws.com"}


def test_found_again_nothing_is_written(session):
    ensure_role(session, "byoa-cells", policy("s3://b/cells/", "s3://d/x/"), TAGS)
    iam = session.client("iam")
    writes = []
    iam.meta.events.register("before-call.iam.PutRolePolicy", lambda **_: writes.append(1))
    for wanted in (policy("s3://b/cells/"), policy("s3://d/x/"), policy("s3://b/cells/")):
        ensure_role(session, "byoa-cells", wanted, TAGS)
    assert writes == []


def test_widened_and_what_earlier_jobs_read_stays(session):
    ensure_role(session, "byoa-cells", policy("s3://b/cells/"), TAGS)
    ensure_role(session, "byoa-cells", policy("s3://b/cells/", "s3://data/"), TAGS)
    said = json.dumps(current_policy(session.client("iam"), "byoa-cells"))
    assert "arn:aws:s3:::b/cells/*" in said and "arn:aws:s3:::data/*" in said


def test_a_hundred_different_inputs_never_exceed_iam_s_limit(session):
    """simple-sagemaker writes a policy version each; IAM keeps five."""
    iam = session.client("iam")
    for number in range(100):
        bucket = f"s3://a-bucket-with-quite-a-long-name-{number}/"
        ensure_role(session, "byoa-cells", policy("s3://b/cells/", bucket), TAGS)
        said = json.dumps(current_policy(iam, "byoa-cells"))
        assert len(said) <= 10_240
        assert bucket[5:-1] in said and "b/cells/*" in said
    assert iam.list_role_policies(RoleName="byoa-cells")["PolicyNames"] == ["byoa"]


def test_a_role_of_yours_is_left_as_it_is(session):
    iam = session.client("iam")
    trust = json.dumps({"Version": "2012-10-17", "Statement": []})
    iam.create_role(RoleName="mine", AssumeRolePolicyDocument=trust)
    assert ensure_role(session, "mine", policy("s3://b/cells/"), TAGS).endswith(":role/mine")
    assert iam.list_role_policies(RoleName="mine")["PolicyNames"] == []


def test_a_throttled_look_is_no_missing_role(session, stubbed):
    """simple-sagemaker made a second role then (S11)."""
    stubbed.add_client_error("get_role", "Throttling", "Rate exceeded", 400)
    with pytest.raises(ClientError) as caught:
        ensure_role(session, "byoa-cells", policy("s3://b/cells/"), TAGS)
    assert situation(caught.value) == "throttled"


def test_a_refused_look_is_no_missing_role(session, stubbed):
    stubbed.add_client_error("get_role", "AccessDenied", "not authorized", 403)
    with pytest.raises(ClientError):
        find_role(session.client("iam"), "byoa-cells")


def test_without_its_policy_the_role_is_not_left_behind(session, stubbed):
    stubbed.add_client_error("get_role", "NoSuchEntity", "", 404)
    tags = [{"Key": "byoa:project", "Value": "cells"}]
    made = {"RoleName": "byoa-cells", "Tags": tags, "Description": ANY}
    stubbed.add_response("create_role", role(), {**made, "AssumeRolePolicyDocument": ANY})
    stubbed.add_client_error("get_role_policy", "NoSuchEntity", "", 404)
    stubbed.add_client_error("put_role_policy", "AccessDenied", "not authorized", 403)
    stubbed.add_response("delete_role", {}, {"RoleName": "byoa-cells"})
    with pytest.raises(ClientError):
        ensure_role(session, "byoa-cells", policy("s3://b/cells/"), TAGS)


def test_raced_by_a_second_driver(session, stubbed):
    stubbed.add_client_error("get_role", "NoSuchEntity", "", 404)
    stubbed.add_client_error("create_role", "EntityAlreadyExists", "", 409)
    stubbed.add_response("get_role", role())
    stubbed.add_client_error("get_role_policy", "NoSuchEntity", "", 404)
    stubbed.add_response("put_role_policy", {})
    assert ensure_role(session, "byoa-cells", policy("s3://b/cells/"), TAGS) == ARN


def test_a_named_role_is_found_or_told(session):
    ensure_role(session, "byoa-cells", policy("s3://b/cells/"), TAGS)
    assert role_arn(session, "byoa-cells") == ARN
    assert role_arn(session, "arn:aws:iam::1:role/x") == "arn:aws:iam::1:role/x"
    with pytest.raises(NotFoundError, match="IAM has no role nobody"):
        role_arn(session, "nobody")


class Time:
    """A clock that moves only when somebody sleeps."""

    def __init__(self):
        self.now, self.slept = 0.0, []

    def sleep(self, seconds):
        self.slept.append(seconds)
        self.now += seconds

    def clock(self):
        return self.now


NOT_YET = ClientError(
    {"Error": {"Code": "ValidationException", "Message": "Could not assume role r. Please ensure"}},
    "CreateTrainingJob",
)


def failing(*errors):
    left = list(errors)

    def call():
        if left:
            raise left.pop(0)
        return "made"

    return call


def test_a_new_role_is_waited_for():
    time = Time()
    said: list[str] = []
    call = failing(NOT_YET, NOT_YET, NOT_YET)
    assert retry_until_assumable(call, said.append, sleep=time.sleep, clock=time.clock) == "made"
    assert len(said) == 1 and "waiting up to 90 s" in said[0]
    assert len(time.slept) == 3
    assert all(0.5 * base <= slept <= base for base, slept in zip((1, 2, 4), time.slept))


def test_two_drivers_do_not_come_back_together():
    times = [Time(), Time()]
    for time in times:
        retry_until_assumable(failing(*[NOT_YET] * 5), sleep=time.sleep, clock=time.clock)
    assert times[0].slept != times[1].slept


def test_not_for_ever():
    time = Time()
    with pytest.raises(ClientError, match="Could not assume role"):
        retry_until_assumable(failing(*[NOT_YET] * 99), sleep=time.sleep, clock=time.clock)
    assert 60 < time.now <= 90


@pytest.mark.parametrize("error", [
    ClientError({"Error": {"Code": "AccessDeniedException", "Message": "no"}}, "CreateTrainingJob"),
    ClientError({"Error": {"Code": "ValidationException", "Message": "bad name"}}, "CreateModel"),
    ValueError("Could not assume role"),
])  # fmt: skip
def test_any_other_error_comes_at_once(error):
    time = Time()
    with pytest.raises(type(error)):
        retry_until_assumable(failing(error), sleep=time.sleep, clock=time.clock)
    assert time.slept == []
