"""A workflow made, changed and deleted, in the sandbox."""

from __future__ import annotations

import json
from typing import Any

import pytest

from byoa.aws import statemachines
from byoa.plan.errors import ByoaError, ServiceError, UsageError
from byoa.plan.workflow.inputs import schema_of
from byoa.settings import Settings
from byoa.workflow import Chain, ExecutionInput, Fail, LambdaStep, Pass, Wait, Workflow, deployment
from byoa.workflow.home import Home, open_home
from byoa.workflow.machine import Wanted
from tests.byoa.plan.policy_evaluator import allows

from .conftest import ENDED, PROJECT, Here, passes

FUNCTION = {
    "Type": "Task",
    "Resource": "arn:aws:states:::lambda:invoke",
    "Parameters": {"FunctionName": "ask"},
}
ASK = "arn:aws:lambda:us-east-1:123456789012:function:ask"


def role_policy(here: Here, name: str) -> dict[str, Any]:
    made = here.client("iam").get_role_policy(
        RoleName=f"byoa-{PROJECT}+workflow-{name}", PolicyName="byoa"
    )
    return dict(made["PolicyDocument"])


def tags(here: Here, name: str) -> dict[str, str]:
    return statemachines.tags(here.home.states, here.home.arn(name))


def test_a_workflow_is_created_once_with_a_role_of_just_what_it_needs(here: Here):
    name = here.made(passes(Ask=FUNCTION, Done=ENDED), "--tag", "team", "x")
    assert tags(here, name) == {"byoa:project": PROJECT, "byoa:workflow": name, "team": "x"}
    policy = role_policy(here, name)
    assert allows(policy, "lambda:InvokeFunction", ASK)
    assert not allows(policy, "lambda:InvokeFunction", ASK + "2")
    assert not allows(policy, "sagemaker:CreateTrainingJob", "*")
    again = here.byoa(
        "create", here.file(name, passes(Ask=FUNCTION, Done=ENDED)), "--tag", "team", "x"
    )
    assert (again.code, "unchanged" in again.out) == (0, True)
    other = here.byoa("create", here.file(name, passes(Done=ENDED)))
    assert other.code == 1
    assert "states gone: Ask" in other.err
    assert "byoa workflow update" in other.err


def test_an_update_tells_what_changed_and_an_equal_one_sends_nothing(here: Here):
    name = here.made(passes(Ask=FUNCTION, Done=ENDED), "--tag", "old", "1", "--tag", "both", "1")
    file = here.file(name, passes(Rest={"Type": "Pass"}, Done=ENDED))
    done = here.byoa("update", file, "--tag", "new", "1", "--tag", "both", "2", "--publish", "two")
    assert done.code == 0, done.err
    for line in (
        "states new: Rest", "states gone: Ask", "tag new=1: new", "tag both: 1 -> 2",
        "tag old=1: removed",
    ):  # fmt: skip
        assert line in done.err.splitlines()
    assert "version:" in done.out
    assert "old" not in tags(here, name)
    assert not allows(role_policy(here, name), "lambda:InvokeFunction", ASK)
    calls = recorded(here.home)
    wanted = Wanted(
        name=name, definition=json.loads(file.read_text()), tags={"new": "1", "both": "2"}
    )
    assert deployment.update(here.home, wanted).action == "unchanged"
    assert {call.partition(":")[2] for call in calls} <= {
        *("DescribeStateMachine", "ListTagsForResource", "ListExecutions", "GetRole"),
        *("GetRolePolicy", "GetCallerIdentity"),
    }  # fmt: skip


def recorded(home: Home) -> set[str]:
    """Every call of the home's clients from here on."""
    found: set[str] = set()
    for service in ("stepfunctions", "iam", "logs"):
        home.session.client(service).meta.events.register(
            "before-call",
            lambda model, **_: found.add(f"{model.service_model.service_name}:{model.name}"),
        )
    return found


def test_logging_tracing_and_versions(here: Here):
    name = here.made(passes(Done=ENDED), "--log", "ALL", "--tracing", "--publish", "one")
    found = here.home.machine(name)
    group = f"/aws/vendedlogs/states/byoa-{PROJECT}-{name}"
    [destination] = found["loggingConfiguration"]["destinations"]
    assert destination["cloudWatchLogsLogGroup"]["logGroupArn"].endswith(f":{group}:*")
    assert found["tracingConfiguration"] == {"enabled": True}
    policy = role_policy(here, name)
    assert allows(policy, "logs:CreateLogDelivery")
    assert allows(policy, "xray:PutTraceSegments")
    arn = found["stateMachineArn"]
    assert [
        one["stateMachineVersionArn"] for one in statemachines.versions(here.home.states, arn)
    ] == [f"{arn}:1"]
    file = here.file(name, passes(Done=ENDED))
    done = here.byoa("update", file, "--publish", "two", "--json")
    assert done.code == 0, done.err
    assert "logging: ALL to" in done.err
    assert "tracing: on -> off" in done.err
    assert done.json["version"] == f"{arn}:2"
    assert not allows(role_policy(here, name), "logs:CreateLogDelivery")


def test_a_wrong_definition_is_told_before_anything_is_made(here: Here):
    file = here.file("wrong", {"StartAt": "A", "States": {"A": {"Type": "Pass", "Next": "B"}}})
    done = here.byoa("create", file)
    assert (done.code, "A" in done.err) == (2, True)
    assert here.home.find("wrong") is None
    roles = here.client("iam").list_roles()["Roles"]
    assert not any("workflow-wrong" in one["RoleName"] for one in roles)


def test_a_dry_run_shows_all_and_makes_nothing(here: Here):
    file = here.file("dry", passes(Ask=FUNCTION))
    shown = here.byoa("create", file, "--dry-run").json
    assert list(shown) == ["create_role", "put_role_policy", "create_state_machine"]
    assert here.home.find("dry") is None
    name = here.made(passes(Ask=FUNCTION))
    changed = here.byoa("update", here.file(name, passes(Done=ENDED)), "--dry-run").json
    assert changed["changes"] == [
        "states new: Done",
        "states gone: Ask",
        'StartAt: "Ask" -> "Done"',
    ]
    assert "update_state_machine" in changed
    assert here.home.machine(name)["definition"].count("Ask") > 0


def test_another_projects_workflow_and_a_stacks_are_left_alone(here: Here):
    name = here.made(passes(Done=ENDED))
    file = here.file(name, passes(Rest={"Type": "Pass"}))
    for verb, what in (("create", file), ("update", file), ("delete", name)):
        done = here.byoa(verb, what, project="others")
        assert (done.code, f"belongs to the project {PROJECT}" in done.err) == (1, True)
    arn = here.home.arn(name)
    tag = [{"key": "aws:cloudformation:stack-name", "value": "byoa-x"}]
    with pytest.raises(ByoaError, match="stack byoa-x"):
        deployment.refuse_strangers(
            Home("sagemaker", here.home.session, PROJECT, client=Tagged(tag)),
            {"name": name, "stateMachineArn": arn},
        )


def test_an_express_workflow_is_refused(here: Here):
    words = {"name": "fast", "roleArn": role(here), "type": "EXPRESS"}
    here.home.states.create_state_machine(**words, definition=json.dumps(passes(Done=ENDED)))
    done = here.byoa("run", "fast")
    assert (done.code, "Standard workflows" in done.err) == (2, True)


def test_a_role_whose_workflow_was_refused_does_not_stay(here: Here):
    class Refusing:
        def create_state_machine(self, **_: Any) -> None:
            raise ServiceError("InvalidDefinition", "no", "CreateStateMachine")

        def describe_state_machine(self, **_: Any) -> None:
            raise ServiceError("StateMachineDoesNotExist", "no", "DescribeStateMachine")

    home = Home("sandbox", here.home.session, PROJECT, client=Refusing())
    with pytest.raises(ServiceError, match="InvalidDefinition"):
        deployment.create(home, Wanted(name="refused", definition=passes(Done=ENDED)))
    roles = here.client("iam").list_roles()["Roles"]
    assert not any("workflow-refused" in one["RoleName"] for one in roles)


def test_while_an_execution_runs_the_role_keeps_what_it_may(here: Here):
    name = here.made(passes(Rest={"Type": "Wait", "Seconds": 600}, Ask=FUNCTION))
    here.byoa("run", name)
    file = here.file(name, passes(Done=ENDED))
    assert here.byoa("update", file).code == 0
    assert allows(role_policy(here, name), "lambda:InvokeFunction", ASK)
    here.byoa("stop", name)
    assert here.byoa("update", file).code == 0
    policy = role_policy(here, name)
    assert [one["Effect"] for one in policy["Statement"]] == ["Deny"]  # IAM takes no empty one
    file = here.file(name, passes(Rest={"Type": "Wait", "Seconds": 600}))
    here.byoa("update", file)
    here.byoa("run", name)
    assert here.byoa("update", here.file(name, passes(Ask=FUNCTION))).code == 0
    assert [one["Effect"] for one in role_policy(here, name)["Statement"]] == ["Allow"]


class Tagged:
    """Step Functions, as far as it lists tags."""

    def __init__(self, tags: list[dict[str, str]]) -> None:
        self.tags = tags

    def list_tags_for_resource(self, resourceArn: str) -> dict[str, Any]:
        return {"tags": self.tags}


def test_delete_names_what_runs_and_takes_all_that_was_made(here: Here):
    name = here.made(passes(Rest={"Type": "Wait", "Seconds": 600}), "--log", "ERROR")
    started = here.byoa("run", name, "--name", "long").code
    assert started == 0
    refused = here.byoa("delete", name)
    assert (refused.code, "running executions: long." in refused.err) == (1, True)
    rule = f"theirs-{name}"
    events, arn = here.client("events"), here.home.arn(name)
    events.put_rule(Name=rule, ScheduleExpression="rate(1 day)")
    role = here.home.machine(name)["roleArn"]
    events.put_targets(Rule=rule, Targets=[{"Id": "1", "Arn": arn, "RoleArn": role}])
    listed = here.byoa("delete", name, "--dry-run").out
    assert all(word in listed for word in ("running execution", "role", "log group", "workflow"))
    done = here.byoa("delete", name, "--force")
    assert done.code == 0, done.err
    assert here.home.find(name) is None
    group = f"/aws/vendedlogs/states/byoa-{PROJECT}-{name}"
    assert not here.client("logs").describe_log_groups(logGroupNamePrefix=group)["logGroups"]
    iam = here.client("iam")
    with pytest.raises(iam.exceptions.NoSuchEntityException):
        iam.get_role(RoleName=f"byoa-{PROJECT}+workflow-{name}")
    assert events.describe_rule(Name=rule)["State"] == "ENABLED"
    gone = here.byoa("delete", name)
    assert (gone.code, f"no workflow {name}" in gone.err) == (1, True)


PROGRAM = """
from byoa.workflow import *

given = ExecutionInput(schema={"who": str, "times": int})
workflow = Workflow(
    name="NAME",
    definition=Chain([Pass("Greet", parameters={"hello": given["who"]}), Succeed("Done")]),
    execution_input=given,
    comment="Greets.",
    tags=[{"key": "team", "value": "x"}],
)
"""


def test_a_program_holds_a_workflow_whose_schema_another_process_knows(here: Here):
    path = here.folder / "greet.py"
    path.write_text(PROGRAM.replace("NAME", "greet"))
    done = here.byoa("create", path)
    assert done.code == 0, done.err
    assert "byoa workflow run greet -i who=… -i times=… --wait --on sandbox" in done.err
    found = deployment.definition_of(here.home.machine("greet"))
    assert schema_of(found) == {"who": str, "times": int}
    assert found["Comment"].startswith("Greets.\n")
    wrong = here.byoa("run", "greet", "-i", "who=Ada", "-i", "times=many", "-i", "x=1")
    assert wrong.code == 2
    assert all(word in wrong.err for word in ("times", '"many"', "a whole number", "no input x"))
    right = here.byoa("run", "greet", "-i", "who=Ada", "-i", "times=2", "--wait", "--json")
    assert right.code == 0, right.err
    assert (right.json["input"], right.json["output"]) == (
        {"who": "Ada", "times": 2},
        {"hello": "Ada"},
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("x = 1\n", "holds no Workflow"),
        ("import nothing_there\n", "line 1: ModuleNotFoundError"),
        ("\n\nthis is no Python\n", "line 3: SyntaxError"),
        ("import sys\nsys.exit('no')\n", "line 2: the program ends itself (exit code no)"),
        (PROGRAM + PROGRAM.replace("workflow =", "other =").replace("NAME", "b"), "2 workflows"),
    ],
)
def test_a_program_that_is_none_is_told_in_a_sentence(here: Here, text: str, said: str):
    path = here.folder / "program.py"
    path.write_text(text)
    done = here.byoa("create", path)
    assert (done.code, said in done.err) == (2, True), done.err


def test_files_of_json_and_yaml_and_what_is_neither(here: Here):
    for name, text, said in (
        ("a.json", "{", "no JSON"),
        ("a.json", "[1]", "holds no object"),
        ("a.yaml", "a: [", "no YAML"),
        ("a.txt", "", "is no workflow"),
        ("none.json", None, "There is no file"),
        (
            "a b ü.yaml",
            "StartAt: A\nStates:\n  A:\n    Type: Succeed\n",
            "name is 'a b ü'. Take up",
        ),
    ):
        path = here.folder / name
        if text is not None:
            path.write_text(text)
        done = here.byoa("create", path)
        assert (done.code, said in done.err) == (2, True), done.err
    good = here.folder / "yams.yaml"
    good.write_text("StartAt: A\nStates:\n  A:\n    Type: Succeed\n")
    shown = here.byoa("create", good, "--dry-run").json
    assert shown["create_state_machine"]["name"] == "yams"
    shown = here.byoa("create", good, "--name", "other", "--dry-run").json
    assert shown["create_state_machine"]["name"] == "other"


@pytest.mark.parametrize("place", ["process", "docker"])
def test_places_without_step_functions_are_refused_in_a_sentence(
    here: Here, place: str, capsys: pytest.CaptureFixture[str]
):
    from byoa.cli.main import main

    assert main(["workflow", "list", "--on", place]) == 2
    assert "byoa sandbox up" in capsys.readouterr().err
    with pytest.raises(UsageError, match="sandbox"):
        open_home(Settings(on=place))


def notebook(here: Here, name: str) -> Workflow:
    """Seed 004's road in small, with the SDK's own words."""
    ask = LambdaStep(state_id="Ask", parameters={"FunctionName": "nobody", "Payload": {"x": 1}})
    return Workflow(
        name=name,
        definition=Chain([Pass("Load"), ask]),
        role=role(here),
        tags=[{"key": "team", "value": "x"}],
        client=here.home.states,
        on="sandbox",
    )


def role(here: Here) -> str:
    iam = here.client("iam")
    principal = {"Service": "states.amazonaws.com"}
    trust = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    try:
        made = iam.create_role(RoleName="notebook", AssumeRolePolicyDocument=document)
    except iam.exceptions.EntityAlreadyExistsException:
        made = iam.get_role(RoleName="notebook")
    return str(made["Role"]["Arn"])


def test_the_sdks_methods_in_a_notebook(here: Here):
    workflow = notebook(here, "notebook")
    arn = workflow.create()
    assert arn == here.home.arn("notebook") == workflow.create()
    assert "Ask" in str(workflow.render_graph())
    template = json.loads(workflow.get_cloudformation_template(description="Mine."))
    assert template["Description"] == "Mine."
    execution = workflow.execute(name="first", inputs={"a": 1})
    assert execution.get_input() == {"a": 1}
    with pytest.raises(ByoaError, match="The workflow notebook failed in Ask"):
        execution.get_output(wait=True)
    assert execution.describe()["status"] == "FAILED"
    assert [one.name for one in workflow.list_executions(status_filter="FAILED")] == ["first"]
    assert execution.list_events(max_items=1)[0]["type"] == "ExecutionStarted"
    assert execution.list_events(max_items=1, reverse_order=True)[0]["type"] == "ExecutionFailed"
    assert "Ask" in execution.render_progress()
    rest = Wait("Rest", seconds=600)
    workflow.update(definition=Chain([rest, Fail("Over")]), tags={"team": "y"})
    assert statemachines.tags(here.home.states, arn)["team"] == "y"
    stopped = workflow.execute()
    stopped.stop(cause="enough", error="Mine")
    assert stopped.describe()["cause"] == "enough"
    same = Workflow.attach(arn, client=here.home.states, on="sandbox")
    assert same.definition["States"].keys() == {"Rest", "Over"}
    found = Workflow.list_workflows(client=here.home.states, on="sandbox")
    assert "notebook" in {one["name"] for one in found}
    same.delete()
    assert here.home.find("notebook") is None


def test_inputs_of_the_python_api_are_checked(here: Here):
    given = ExecutionInput(schema={"who": str})
    workflow = Workflow("typed", Pass("A"), role=role(here), execution_input=given, on="sandbox")
    workflow.create()
    with pytest.raises(UsageError, match="the input has no who"):
        workflow.execute(inputs={})
    output = workflow.execute(inputs={"who": "Ada"}).get_output(wait=True)
    assert output == {"who": "Ada"}
    workflow.delete(force=True)
