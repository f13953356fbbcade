"""CloudFormation's answers that a sandbox is never made to give."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from byoa.aws.stack import Stack
from byoa.plan.errors import ByoaError

NOW = datetime(2026, 11, 22)
REQUEST = {"StackName": "byoa-cells", "ChangeSetName": "byoa-1", "TemplateBody": "{}"}
WHERE = {"StackName": "byoa-cells", "ChangeSetName": "byoa-1"}


class Case:
    """A stack whose CloudFormation says what a test wrote down, in order."""

    def __init__(self) -> None:
        self.client = boto3.client(
            "cloudformation", region_name="us-east-1", aws_access_key_id="x",
            aws_secret_access_key="x",
        )  # fmt: skip
        self.stub = Stubber(self.client)
        self.said: list[str] = []
        self.now = 0.0
        self.stack = Stack(
            self.client, "byoa-cells", self.said.append, self.sleep, lambda: self.now
        )

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def answers(self, *steps: tuple[str, Any]) -> None:
        for method, answer in steps:
            if isinstance(answer, Exception):
                code, _, text = str(answer).partition(": ")
                self.stub.add_client_error(method, code, text)
            else:
                self.stub.add_response(method, answer)


@pytest.fixture
def case() -> Iterator[Case]:
    made = Case()
    with made.stub:
        yield made
        made.stub.assert_no_pending_responses()


def stack(status: str, **more: Any) -> tuple[str, Any]:
    one = {
        "StackName": "byoa-cells",
        "StackId": "arn:1",
        "CreationTime": NOW,
        "StackStatus": status,
    }
    return "describe_stacks", {"Stacks": [{**one, **more}]}


def events(*found: tuple[int, str, str, str], token: str = "") -> tuple[str, Any]:
    made = [
        {
            "StackId": "arn:1", "StackName": "byoa-cells", "EventId": f"{second}-{name}",
            "Timestamp": NOW + timedelta(seconds=second), "LogicalResourceId": name,
            "ResourceType": "AWS::IAM::Role", "ResourceStatus": status, "ResourceStatusReason": why,
        }
        for second, name, status, why in found
    ]  # fmt: skip
    return "describe_stack_events", {"StackEvents": made, **({"NextToken": token} if token else {})}


NO_STACK = ValueError("ValidationError: Stack with id byoa-cells does not exist")


def test_only_that_there_is_none_is_none(case: Case):
    case.answers(("describe_stacks", NO_STACK))
    assert case.stack.find() is None
    case.answers(("describe_stacks", ValueError("AccessDenied: no")))
    with pytest.raises(Exception, match="AccessDenied"):
        case.stack.find()


@pytest.mark.parametrize(
    "reason",
    [
        "The submitted information didn't contain changes. Submit different information to …",
        "No updates are to be performed.",
    ],
)
def test_no_changes_are_no_failure(case: Case, reason: str):
    case.answers(
        ("create_change_set", {}),
        ("describe_change_set", {"Status": "CREATE_IN_PROGRESS"}),
        ("describe_change_set", {"Status": "FAILED", "StatusReason": reason}),
        ("delete_change_set", {}),
        stack("UPDATE_COMPLETE"),
    )
    assert case.stack.change_set(REQUEST) is None


def test_a_plan_that_fails_leaves_nothing(case: Case):
    case.answers(
        ("create_change_set", {}),
        ("describe_change_set", {"Status": "FAILED", "StatusReason": "Transform failed."}),
        ("delete_change_set", {}),
        stack("REVIEW_IN_PROGRESS"),
        ("delete_stack", {}),
    )
    with pytest.raises(ByoaError, match=r"cannot plan that: Transform failed\. Mend that"):
        case.stack.change_set(REQUEST)


def test_what_an_interrupted_setup_has_left_is_planned_anew(case: Case):
    """The same change has the same name; AWS keeps it until somebody deletes it."""
    left = ValueError("AlreadyExistsException: ChangeSet byoa-1 already exists")
    said = {"Status": "CREATE_COMPLETE", "Changes": []}
    case.answers(
        ("create_change_set", left), ("delete_change_set", {}), ("create_change_set", {}),
        ("describe_change_set", said), ("describe_change_set", said),
    )  # fmt: skip
    assert case.stack.change_set(REQUEST) == []


def test_two_setups_at_once_are_told(case: Case):
    gone = Exception("ChangeSetNotFound: ChangeSet [byoa-1] does not exist")
    case.answers(("create_change_set", {}), ("describe_change_set", gone))
    with pytest.raises(ByoaError, match="Another `byoa setup` has changed the stack byoa-cells"):
        case.stack.change_set(REQUEST)
    busy = Exception("InvalidChangeSetStatus: it is executed")
    case.answers(events(), ("execute_change_set", busy))
    with pytest.raises(ByoaError, match="Run it again"):
        case.stack.apply(REQUEST)


def test_all_pages_of_changes_are_shown(case: Case):
    def page(name: str, **more: str) -> tuple[str, Any]:
        return "describe_change_set", {
            "Status": "CREATE_COMPLETE", **more,
            "Changes": [{"Type": "Resource", "ResourceChange": {"LogicalResourceId": name}}],
        }  # fmt: skip

    first = page("A", NextToken="2")
    case.answers(("create_change_set", {}), first, first, page("B"))
    found = case.stack.change_set(REQUEST) or []
    assert [one["ResourceChange"]["LogicalResourceId"] for one in found] == ["A", "B"]


def test_what_happens_is_told_once_and_in_order(case: Case):
    old = (0, "Old", "CREATE_COMPLETE", "")
    case.answers(
        events(old),
        ("execute_change_set", {}),
        stack("UPDATE_IN_PROGRESS"),
        events((1, "A", "UPDATE_IN_PROGRESS", ""), old),
        stack("UPDATE_IN_PROGRESS"),
        events((3, "B", "UPDATE_COMPLETE", ""), (2, "A", "UPDATE_COMPLETE", ""), token="more"),
        events((1, "A", "UPDATE_IN_PROGRESS", ""), old),
        stack("UPDATE_COMPLETE", Outputs=[{"OutputKey": "Bucket", "OutputValue": "b"}]),
        events((4, "byoa-cells", "UPDATE_COMPLETE", "")),
    )
    assert case.stack.apply(WHERE, 2) == {"Bucket": "b"}
    assert case.said == [
        "[1/2] update complete: A", "[2/2] update complete: B", "update complete: byoa-cells"
    ]  # fmt: skip


def test_a_failure_names_the_first_reason(case: Case):
    case.answers(
        events(),
        ("execute_change_set", {}),
        stack("ROLLBACK_COMPLETE"),
        events(
            (3, "B", "CREATE_FAILED", "Resource creation cancelled"),
            (2, "A", "CREATE_FAILED", "User x is not authorized to perform: iam:CreateRole"),
        ),
    )
    with pytest.raises(ByoaError) as error:
        case.stack.apply(WHERE)
    assert "A (AWS::IAM::Role): User x is not authorized" in str(error.value)
    assert str(error.value).endswith("the policy that `byoa setup --policy` prints.")


def test_what_cannot_be_deleted_is_told(case: Case):
    case.answers(
        stack("CREATE_COMPLETE"),
        ("list_stack_resources", {"StackResourceSummaries": []}),
        events(),
        ("delete_stack", {}),
        stack("DELETE_FAILED"),
        events((1, "Bucket", "DELETE_FAILED", "The bucket you tried to delete is not empty")),
    )
    with pytest.raises(ByoaError, match=r"is still there: Bucket .*--delete-data"):
        case.stack.delete()


def test_a_stack_that_never_rests_is_not_waited_for_for_ever(case: Case):
    begun = {"StackDriftDetectionId": "1"}
    status = {
        "StackId": "arn:1", "StackDriftDetectionId": "1", "Timestamp": NOW,
        "DetectionStatus": "DETECTION_IN_PROGRESS",
    }  # fmt: skip
    case.answers(("detect_stack_drift", begun))
    case.answers(*[("describe_stack_drift_detection_status", status)] * 70)
    with pytest.raises(ByoaError, match="did not look within 300 s"):
        case.stack.drift()
    assert case.now >= 300
    while case.stub._queue:  # those that it did not need
        case.stub._queue.popleft()


def test_drift_is_told_by_property(case: Case):
    found = {
        "StackId": "arn:1", "Timestamp": NOW, "LogicalResourceId": "A",
        "ResourceType": "AWS::Lambda::Function", "StackResourceDriftStatus": "MODIFIED",
        "PropertyDifferences": [
            {"PropertyPath": "/MemorySize", "ExpectedValue": "256", "ActualValue": "512",
             "DifferenceType": "NOT_EQUAL"},
        ],
    }  # fmt: skip
    gone = {**found, "LogicalResourceId": "B", "StackResourceDriftStatus": "DELETED"}
    done = {
        "StackId": "arn:1", "StackDriftDetectionId": "1", "Timestamp": NOW,
        "DetectionStatus": "DETECTION_COMPLETE",
    }  # fmt: skip
    case.answers(
        ("detect_stack_drift", {"StackDriftDetectionId": "1"}),
        ("describe_stack_drift_detection_status", done),
        ("describe_stack_resource_drifts", {"StackResourceDrifts": [found, gone]}),
    )
    assert case.stack.drift() == [
        "A (AWS::Lambda::Function) was changed by hand: MemorySize is 512, was 256",
        "B (AWS::Lambda::Function) was deleted by hand",
    ]
