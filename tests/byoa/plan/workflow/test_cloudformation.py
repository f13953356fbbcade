from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from byoa.plan.workflow.cloudformation import template
from tests.byoa.plan.workflow.asl import JSONATA, JSONPATH, changed

TAGS = {"byoa:project": "cells"}
LATER = changed(JSONPATH, "States/Train/Parameters/RoleArn", "${JobRoleArn}")


def lint(path: Path) -> str:
    """What cfn-lint says, warnings and all."""
    program = str(Path(sys.executable).with_name("cfn-lint"))
    command = [program, "--regions", "us-east-1", "--", str(path)]
    return subprocess.run(command, capture_output=True, text=True).stdout


@pytest.mark.parametrize(
    ("definition", "options"),
    [
        (JSONPATH, {"tags": TAGS, "tracing": True}),
        (JSONATA, {"logs": False}),
        (LATER, {}),
    ],
)
def test_templates_pass_cfn_lint(
    tmp_path: Path, definition: dict[str, Any], options: dict[str, Any]
):
    made = template(definition, name="cells", **options)
    (tmp_path / "template.json").write_text(json.dumps(made))
    assert lint(tmp_path / "template.json") == ""


def test_cfn_lint_would_have_told(tmp_path: Path):
    made = template(JSONPATH, name="cells")
    made["Resources"]["Role"]["Properties"]["Polices"] = []
    (tmp_path / "template.json").write_text(json.dumps(made))
    assert "'Polices' was unexpected" in lint(tmp_path / "template.json")


def joined(made: dict[str, Any]) -> str:
    between, lines = made["Resources"]["StateMachine"]["Properties"]["DefinitionString"]["Fn::Join"]
    return str(between.join(lines))


def test_the_definition_comes_out_as_it_went_in():
    for definition in (JSONPATH, JSONATA, LATER):
        assert json.loads(joined(template(definition, name="cells"))) == definition


def test_the_policy_is_that_of_the_stacks_account():
    text = json.dumps(template(JSONPATH, name="cells")["Resources"]["Role"])
    assert (
        "${AWS::Partition}:sagemaker:${AWS::Region}:${AWS::AccountId}:training-job/cells-*" in text
    )
    assert "states.amazonaws.com" in text
    assert "logs:CreateLogDelivery" in text and "xray" not in text
    assert "logs:" not in json.dumps(template(JSONPATH, name="cells", logs=False))


def test_substitutions_become_parameters():
    made = template(LATER, name="cells")
    assert made["Parameters"] == {"JobRoleArn": {"Type": "String"}}
    machine = made["Resources"]["StateMachine"]["Properties"]
    assert machine["DefinitionSubstitutions"] == {"JobRoleArn": {"Ref": "JobRoleArn"}}
    passed = [
        one
        for one in made["Resources"]["Role"]["Properties"]["Policies"][0]["PolicyDocument"][
            "Statement"
        ]
        if one["Action"] == ["iam:PassRole"]
    ]
    assert passed[0]["Resource"] == [{"Fn::Sub": "${JobRoleArn}"}]


def test_logs_and_tags_go_where_they_belong():
    made = template(JSONPATH, name="cells", tags=TAGS)["Resources"]
    assert made["Logs"]["Properties"]["LogGroupName"] == "/aws/vendedlogs/states/cells"
    for one in made.values():
        assert one["Properties"]["Tags"] == [{"Key": "byoa:project", "Value": "cells"}]
    assert "Logs" not in template(JSONPATH, name="cells", logs=False)["Resources"]
