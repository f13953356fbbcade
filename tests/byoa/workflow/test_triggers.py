"""What starts a workflow, in the sandbox: each kind starts it once, loops are refused."""

from __future__ import annotations

import json
import time
from functools import partial
from typing import Any

import pytest

from byoa.aws import statemachines
from byoa.aws.session import Session
from byoa.clean import remove
from byoa.plan.advice import table
from byoa.plan.checks import gaps
from byoa.plan.iam import workflow_user_policy
from byoa.plan.workflow import events
from byoa.workflow import deployment, removal, runs, triggers
from byoa.workflow.home import Home
from byoa.workflow.machine import Wanted
from byoa.workflow.removal import of_project
from byoa.workflow.watch import Watched
from tests.byoa.plan.policy_evaluator import allows, allows_in

from .conftest import ENDED, PROJECT, Here, passes

BUCKET = "uploads"
WRITES = {
    "Type": "Task",
    "Resource": "arn:aws:states:::aws-sdk:s3:putObject",
    "Parameters": {"Bucket": BUCKET, "Key": "out/x", "Body": "y"},
}


@pytest.fixture
def s3(here: Here) -> Any:
    client = here.client("s3")
    client.create_bucket(Bucket=BUCKET)  # twice is once in us-east-1
    return client


def executions(here: Here, name: str, count: int) -> list[dict[str, Any]]:
    """The workflow's executions, once there are so many; and a moment later there are no more."""
    end = time.monotonic() + 60
    arn = here.home.arn(name)
    while len(list(statemachines.executions(here.home.states, arn))) < count:
        assert time.monotonic() < end
        time.sleep(0.1)
    time.sleep(0.5)
    found = list(statemachines.executions(here.home.states, arn))
    assert len(found) == count
    return [statemachines.describe(here.home.states, one["executionArn"]) for one in found]


def test_an_upload_starts_it_once_when_it_is_whole(here: Here, s3: Any):
    name = here.made(passes(Done=ENDED))
    words = ("trigger", name, "--s3", f"s3://{BUCKET}/{name}/", "--marker", "_DONE")
    done = here.byoa(*words, "-i", "data=s3://{bucket}/{key}", "-i", "epochs:=5")
    assert done.code == 0, done.err
    assert here.byoa(*words, "-i", "data=s3://{bucket}/{key}", "-i", "epochs:=6").code == 0
    rows = here.byoa("trigger", name, "--list", "--json").json
    assert [row["on"] for row in rows] == [f"s3 s3://{BUCKET}/{name}/ marker _DONE"]
    made = s3.create_multipart_upload(Bucket=BUCKET, Key=f"{name}/big")
    ids = {"Bucket": BUCKET, "Key": f"{name}/big", "UploadId": made["UploadId"]}
    part = s3.upload_part(**ids, PartNumber=1, Body=b"x")
    parts = {"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]}
    s3.complete_multipart_upload(**ids, MultipartUpload=parts)
    s3.put_object(Bucket=BUCKET, Key="elsewhere/_DONE", Body=b"")
    s3.put_object(Bucket=BUCKET, Key=f"{name}/_DONE", Body=b"")
    [found] = executions(here, name, 1)
    assert json.loads(found["input"]) == {"data": f"s3://{BUCKET}/{name}/_DONE", "epochs": 6}
    assert "no executions" not in here.byoa("list", name).out
    removed = here.byoa("trigger", name, "--remove", "all")
    assert (removed.code, "removed trigger" in removed.err) == (0, True)
    iam = here.client("iam")
    with pytest.raises(iam.exceptions.NoSuchEntityException):
        iam.get_role(RoleName=f"byoa-{PROJECT}+events-{name}")


def test_what_the_bucket_told_others_it_goes_on_telling(here: Here, s3: Any):
    name = here.made(passes(Done=ENDED))
    queue = {
        "Id": "theirs", "QueueArn": make_queue(here), "Events": ["s3:ObjectCreated:Put"],
    }  # fmt: skip
    s3.put_bucket_notification_configuration(
        Bucket=BUCKET, NotificationConfiguration={"QueueConfigurations": [queue]}
    )
    assert here.byoa("trigger", name, "--s3", f"s3://{BUCKET}/{name}/").code == 0
    found = s3.get_bucket_notification_configuration(Bucket=BUCKET)
    assert found["EventBridgeConfiguration"] == {}
    assert found["QueueConfigurations"][0]["Id"] == "theirs"


def make_queue(here: Here) -> str:
    sqs = here.client("sqs")
    url = sqs.create_queue(QueueName="theirs")["QueueUrl"]
    found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
    return str(found["Attributes"]["QueueArn"])


def test_a_push_starts_it(here: Here):
    name = here.made(passes(Done=ENDED))
    done = here.byoa("trigger", name, "--push", f"{name}:dev", "-i", "commit={commit}")
    assert done.code == 0, done.err
    detail = {
        "event": "referenceUpdated", "repositoryName": name, "referenceType": "branch",
        "referenceName": "dev", "commitId": "0ee0",
    }  # fmt: skip
    entry = {
        "Source": "aws.codecommit",
        "DetailType": "CodeCommit Repository State Change",
        "Detail": json.dumps(detail),
    }
    here.client("events").put_events(Entries=[entry])
    [found] = executions(here, name, 1)
    assert json.loads(found["input"]) == {"commit": "0ee0"}


def test_a_new_image_starts_it(here: Here):
    name = here.made(passes(Done=ENDED))
    missing = here.byoa("trigger", name, "--image", name)
    assert (missing.code, "ECR has no repository" in missing.err) == (1, True)
    ecr = here.client("ecr")
    ecr.create_repository(repositoryName=name)
    done = here.byoa("trigger", name, "--image", f"{name}:v1", "-i", "image={repository}:{tag}")
    assert done.code == 0, done.err
    pushed = {
        "Source": "aws.ecr",
        "DetailType": "ECR Image Action",
        "Detail": json.dumps(
            {"action-type": "PUSH", "result": "SUCCESS", "repository-name": name, "image-tag": "v1"}
        ),
    }
    here.client("events").put_events(Entries=[pushed])
    [found] = executions(here, name, 1)
    assert json.loads(found["input"]) == {"image": f"{name}:v1"}


def test_a_schedule_is_a_rule_of_its_own(here: Here):
    name = here.made(passes(Done=ENDED))
    assert here.byoa("trigger", name, "--schedule", "rate(1 days)").code == 2
    done = here.byoa("trigger", name, "--schedule", "cron(0 6 * * ? *)", "--json")
    assert done.code == 0, done.err
    events = here.client("events")
    rule = events.describe_rule(Name=done.json["trigger"])
    assert rule["ScheduleExpression"] == "cron(0 6 * * ? *)"
    [target] = events.list_targets_by_rule(Rule=done.json["trigger"])["Targets"]
    assert target["Arn"] == here.home.arn(name)
    assert here.byoa("trigger", name, "--remove", "nothing").code == 1
    assert here.byoa("trigger", name, "--remove", done.json["trigger"]).code == 0
    assert here.byoa("trigger", name, "--list", "--json").json == []


REFUSED = [
    (["--s3", f"s3://{BUCKET}/out/"], 2, f"writes to s3://{BUCKET}/out/x"),
    (["--s3", f"s3://{BUCKET}/in/", "--suffix", "a", "--marker", "b"], 2, "Take one"),
    (["--s3", "s3://nobodys-bucket/in/"], 1, "There is no bucket nobodys-bucket"),
    (["--s3", "in/"], 2, "is no address in S3"),
    (["--schedule", "rate(1 day)", "--marker", "x"], 2, "Leave them out"),
    (["--schedule", "rate(1 day)", "-i", "a={key}"], 2, "no {key}"),
    (["--push", "https://x"], 2, "CodeCommit"),
    ([], 2, "One of the arguments"),
]


def test_what_is_no_trigger_is_refused(here: Here, s3: Any):
    name = here.made(passes(Write=WRITES, Done=ENDED))
    for words, code, said in REFUSED:
        done = here.byoa("trigger", name, *words)
        assert (done.code, said in done.err) == (code, True), done.err
    assert here.byoa("trigger", name, "--list", "--json").json == []


def test_two_workflows_do_not_start_each_other_for_ever(here: Here, s3: Any):
    there = here.made(passes(Write=writes("there/x")))
    back = here.made(passes(Write=writes("back/x")))
    assert here.byoa("trigger", back, "--s3", f"s3://{BUCKET}/there/").code == 0
    done = here.byoa("trigger", there, "--s3", f"s3://{BUCKET}/back/")
    assert (done.code, f"which starts {back}, {back} writes to" in done.err) == (2, True)
    assert here.byoa("trigger", there, "--s3", f"s3://{BUCKET}/elsewhere/").code == 0


def writes(key: str) -> dict[str, Any]:
    return {**WRITES, "Parameters": {"Bucket": BUCKET, "Key": key, "Body": "y"}}


def test_a_workflow_with_a_schema_wants_to_know_what_the_event_gives(here: Here, s3: Any):
    definition = passes(Done=ENDED)
    definition["Comment"] = 'byoa:input {"data": "str", "epochs": "int"}'
    name = here.made(definition)
    words = ("trigger", name, "--s3", f"s3://{BUCKET}/{name}/")
    bare = here.byoa(*words)
    assert (bare.code, "-i data=… -i epochs=…" in bare.err, "{bucket}" in bare.err) == (
        2,
        True,
        True,
    )
    wrong = here.byoa(*words, "-i", "data={key}", "-i", "epochs={size}")
    assert wrong.code == 2
    shown = here.byoa(*words, "-i", "data={key}", "-i", "epochs=5", "--dry-run").json
    assert list(shown) == ["create_role", "put_role_policy", "put_rule", "put_targets"]
    transformer = shown["put_targets"]["Targets"][0]["InputTransformer"]
    assert transformer["InputTemplate"] == '{"data": <key>, "epochs": 5}'
    assert here.byoa("trigger", name, "--list", "--json").json == []


def test_every_call_of_byoa_workflow_is_allowed(here: Here, s3: Any):
    """What `byoa doctor --policy workflows` prints, against what is called."""
    calls: set[tuple[str, str]] = set()

    def record(model: Any, **_: Any) -> None:
        calls.add((model.service_model.service_name, model.name))

    session = Session()
    session.boto.events.register("before-call", record)
    walk_through(Home("sandbox", session, PROJECT), here)
    assert len(calls) > 30
    actions = set()
    for service, operation in calls:
        action = f"{table()['prefixes'].get(service, service)}:{operation}"
        actions.add(table()["actions"].get(action, action))
    where = ("123456789012", "us-east-1", "aws", PROJECT, BUCKET)
    free = {"sts:GetCallerIdentity"}  # nobody can be denied it
    own = workflow_user_policy(*where)
    given = {"Statement": [{**one, "Resource": "*"} for one in own["Statement"]]}
    needed = {"Statement": [{"Action": sorted(actions - free), "Resource": "*"}]}
    assert list(gaps([given], needed)) == []


def walk_through(home: Home, here: Here) -> None:
    """Everything that can be done with a workflow, once."""
    states = passes(Rest={"Type": "Wait", "Seconds": 600})
    made = partial(Wanted, name="all", log_level="ALL")
    deployment.create(home, made(definition=states, tags={"a": "b"}))
    runs.start(home, "all", {}, "x")
    found = runs.find(home, "all", "x")
    watched = Watched(home, found["executionArn"])
    watched.look()
    assert "Rest" in watched.drawn("svg")
    runs.stop(home, found)
    runs.ended(home, found["executionArn"])
    runs.redrive(home, runs.find(home, "all"))
    deployment.update(home, made(definition=passes(Done=ENDED), version="1"))
    deployment.update(home, made(definition=passes(Done=ENDED), version="2"))
    statemachines.versions(home.states, home.arn("all"))
    machine = triggers.machine_of(home, "all")
    here.client("ecr").create_repository(repositoryName="all")
    for trigger in (events.s3_trigger(f"s3://{BUCKET}/all/"), events.image_trigger("all")):
        triggers.add(home, machine, trigger, None)
    assert len(list(triggers.listed(home, machine))) == 2
    removal.delete(home, "all", force=True)


def test_the_policy_is_about_the_project_and_fits_a_managed_one():
    policy = workflow_user_policy("1", "eu-west-1", "aws", "p", "b")
    machine, role = "arn:aws:states:eu-west-1:1:stateMachine:x", "arn:aws:iam::1:role/"
    for project, right in (("p", True), ("p2", False)):
        made = {"aws:RequestTag/byoa:project": project}
        has = {"aws:ResourceTag/byoa:project": project}
        assert allows_in(policy, "states:CreateStateMachine", machine, made) is right
        for action in ("UpdateStateMachine", "DeleteStateMachine", "StartExecution"):
            assert allows_in(policy, f"states:{action}", machine, has) is right
        name = f"{role}byoa-{project}+workflow-x"
        assert allows(policy, "iam:CreateRole", name) is right
        for service, fits in (("states", True), ("events", True), ("ec2", False)):
            passed = {"iam:PassedToService": f"{service}.amazonaws.com"}
            assert allows_in(policy, "iam:PassRole", name, passed) is (right and fits)
    assert not allows(policy, "iam:CreateRole", f"{role}byoa-p")
    assert not allows(policy, "events:PutRule", "arn:aws:events:eu-west-1:1:rule/theirs")
    assert allows(policy, "events:PutRule", "arn:aws:events:eu-west-1:1:rule/byoa-p-x-0")
    assert allows(policy, "s3:PutBucketNotification", "arn:aws:s3:::b")
    assert not allows(policy, "s3:PutBucketNotification", "arn:aws:s3:::c")
    assert not allows(policy, "logs:DeleteLogGroup", "arn:aws:logs:eu-west-1:1:log-group:x")
    assert len(json.dumps(policy, separators=(",", ":"))) <= 6_144


def test_clean_ends_what_runs_and_teardown_leaves_nothing(here: Here, s3: Any):
    home = Home("sandbox", here.home.session, "gone")
    file = here.file("gone-1", passes(Rest={"Type": "Wait", "Seconds": 600}))
    assert here.byoa("create", file, project="gone").code == 0
    assert here.byoa("run", "gone-1", "--name", "x", project="gone").code == 0
    assert here.byoa("trigger", "gone-1", "--schedule", "rate(1 day)", project="gone").code == 0
    some = list(of_project(home, everything=False))
    assert [thing.kind for thing in some] == ["trigger", "running execution"]
    assert remove(some, lambda _: None) == []
    every = list(of_project(home, everything=True))
    assert [thing.kind for thing in every] == ["role", "role", "workflow"]
    assert remove(every, lambda _: None) == []
    assert list(of_project(home, everything=True)) == []
