"""`byoa setup` and `byoa teardown` from the first change set to nothing, in the sandbox."""

from __future__ import annotations

import json
from typing import Any

import pytest

from byoa.aws.infrastructure import data, stack
from byoa.aws.stack import Stack
from byoa.clean import remove
from byoa.infrastructure import Setup
from byoa.place import LOCAL_ROLE, Place
from byoa.plan.errors import ByoaError, UsageError
from byoa.plan.iam import trust_policy
from tests.byoa.sandbox.conftest import Clients
from tests.infrastructure.conftest import setup_of

Rows = list[dict[str, str]]


class Talk:
    """What was said, and what was shown; agrees or not."""

    def __init__(self, agrees: bool = True) -> None:
        self.said: list[str] = []
        self.rows: Rows = []
        self.agrees = agrees

    def agreed(self, rows: Rows) -> bool:
        self.rows = rows
        return self.agrees


def set_up(place: Place, project: str, agrees: bool = True, **parameters: str) -> tuple[Any, Talk]:
    talk = Talk(agrees)
    setup = Setup(place, project, parameters, talk.said.append, sleep=lambda seconds: None)
    return setup.run(talk.agreed), talk


def tear_down(place: Place, project: str, delete: bool = False) -> list[str]:
    kept: list[str] = []
    for things in (
        stack(place.session, project, kept.append),
        data(place.session, project, delete, kept.append),
    ):
        assert remove(list(things), lambda text: None) == []
    return [one for one in kept if one.startswith("kept")]


def test_a_stack_from_nothing_to_nothing(place: Place, client: Clients):
    made, talk = set_up(place, "story", LogDays="7")
    assert made["Bucket"] == "byoa-story-123456789012-us-east-1"
    assert {row["action"] for row in talk.rows} == {"add"}
    assert f"[{len(talk.rows)}/{len(talk.rows)}]" in " ".join(talk.said)
    assert not [text for text in talk.said if "in progress" in text]

    again, talk = set_up(place, "story")
    assert (again, talk.rows, talk.said) == (made, [], ["byoa-story is up to date"])

    # what was said before stays; what is said now is all that changes
    _, talk = set_up(place, "story", Schedule="rate(1 day)")
    assert [(row["action"], row["what"]) for row in talk.rows] == [("add", "ScheduleRule")]
    groups = client("logs").describe_log_groups(logGroupNamePrefix="/aws/lambda/byoa-story_")
    assert {one["retentionInDays"] for one in groups["logGroups"]} == {7}
    _, talk = set_up(place, "story", Schedule="")
    assert [(row["action"], row["what"]) for row in talk.rows] == [("REMOVE", "ScheduleRule")]

    client("s3").put_object(Bucket=made["Bucket"], Key="incoming/x", Body=b"x")
    assert tear_down(place, "story") == [
        f"kept the bucket {made['Bucket']}, which holds data: --delete-data removes it for good"
    ]
    functions = [one["FunctionName"] for one in client("lambda").list_functions()["Functions"]]
    assert not [name for name in functions if name.startswith("byoa-story_")]
    assert client("s3").get_object(Bucket=made["Bucket"], Key="incoming/x")["Body"].read() == b"x"

    # what was kept is taken up again, with all that is in it
    made, talk = set_up(place, "story")
    assert ("import", "Bucket") in [(row["action"], row["what"]) for row in talk.rows]
    client("s3").delete_object(Bucket=made["Bucket"], Key="incoming/x")  # a version stays
    assert len(tear_down(place, "story")) == 1
    assert tear_down(place, "story", delete=True) == []
    assert made["Bucket"] not in [one["Name"] for one in client("s3").list_buckets()["Buckets"]]
    assert tear_down(place, "story", delete=True) == []


def test_nobody_agreed_and_nothing_is_left(place: Place, client: Clients):
    made, talk = set_up(place, "shy", agrees=False)
    assert made is None
    assert talk.rows
    setup = setup_of(place, "shy")
    assert setup.stack.find() is None
    assert setup.names.bucket not in [one["Name"] for one in client("s3").list_buckets()["Buckets"]]


def test_what_is_changed_by_hand_is_told_and_mended(place: Place, client: Clients):
    set_up(place, "drift")
    functions, name = client("lambda"), "byoa-drift_train-model"
    functions.update_function_configuration(FunctionName=name, MemorySize=1024)
    _, talk = set_up(place, "drift")
    assert any(
        text.startswith("drift: TrainModel (AWS::Lambda::Function) was changed by hand:")
        and "MemorySize is 1024, was 256" in text
        for text in talk.said
    ), talk.said
    assert functions.get_function_configuration(FunctionName=name)["MemorySize"] == 256
    _, talk = set_up(place, "drift")
    assert talk.said == ["byoa-drift is up to date"]
    tear_down(place, "drift", delete=True)


def test_a_failure_is_one_sentence_and_the_next_time_is_a_fresh_one(place: Place, client: Clients):
    taken = "byoa-late_events-us-east-1"
    trust = json.dumps(trust_policy())
    client("iam").create_role(RoleName=taken, AssumeRolePolicyDocument=trust)
    with pytest.raises(ByoaError) as error:
        set_up(place, "late")
    text = str(error.value)
    assert "could not be set up, and is what it was before (ROLLBACK_COMPLETE)" in text
    assert "EventsRole (AWS::IAM::Role): " in text and "already exists" in text
    assert text.endswith("remove it or rename the project.")
    assert "\n" not in text
    client("iam").delete_role(RoleName=taken)
    made, talk = set_up(place, "late")
    assert made
    assert any(
        text.startswith("byoa-late is ROLLBACK_COMPLETE: what is left") for text in talk.said
    )
    tear_down(place, "late", delete=True)


def test_an_update_that_fails_is_undone(place: Place, client: Clients):
    set_up(place, "undo")
    with pytest.raises(ByoaError, match=r"\(UPDATE_ROLLBACK_COMPLETE\): ScheduleRule .*Schedule"):
        set_up(place, "undo", Schedule="rate(0 days)", LogDays="7")
    groups = client("logs").describe_log_groups(logGroupNamePrefix="/aws/lambda/byoa-undo_")
    assert {one["retentionInDays"] for one in groups["logGroups"]} == {30}
    _, talk = set_up(place, "undo")
    assert talk.said == ["byoa-undo is up to date"]
    tear_down(place, "undo", delete=True)


def test_a_stack_of_somebody_else_is_left_alone(place: Place, client: Clients):
    body = '{"Resources": {"A": {"Type": "AWS::Logs::LogGroup"}}}'
    client("cloudformation").create_stack(StackName="byoa-theirs", TemplateBody=body)
    Stack(client("cloudformation"), "byoa-theirs", sleep=lambda seconds: None)._follow(
        "byoa-theirs"
    )
    with pytest.raises(ByoaError, match="no tag byoa:project=theirs"):
        set_up(place, "theirs")
    assert tear_down(place, "theirs", delete=True) == []
    assert setup_of(place, "theirs").stack.find() is not None
    client("cloudformation").delete_stack(StackName="byoa-theirs")


def test_a_mistake_is_told_before_anything_is_sent(place: Place):
    with pytest.raises(UsageError, match=r"no parameter 'LogDay'\. Did you mean LogDays"):
        set_up(place, "mistake", LogDay="7")
    with pytest.raises(UsageError, match="Add --trigger-prefix incoming/data/"):
        set_up(place, "mistake", TriggerSuffix="_READY")
    local = Place("process", place.storage, None, None, None, role=LOCAL_ROLE)
    with pytest.raises(UsageError, match="--on sandbox"):
        set_up(local, "mistake")
    assert setup_of(place, "mistake").stack.find() is None


def test_cloudformations_own_refusals_are_told(place: Place):
    with pytest.raises(Exception, match="LogDays"):
        set_up(place, "refused", LogDays="8")
    assert setup_of(place, "refused").stack.find() is None
