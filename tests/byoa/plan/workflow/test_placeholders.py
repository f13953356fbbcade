"""Values of the run: how they are written in both languages, and what holds them against inputs."""

from __future__ import annotations

import copy
import json

import jsonata
import pytest
from hypothesis import given
from hypothesis import strategies as st

from byoa.plan.errors import UsageError
from byoa.plan.workflow.expressions import JSONATA, at_run_time, jsonpath
from byoa.plan.workflow.expressions import jsonata as expression
from byoa.plan.workflow.placeholders import (
    Context,
    ErrorOutput,
    ExecutionInput,
    StepInput,
    StepResult,
    context,
    item_value,
    task_token,
    variable,
)
from byoa.plan.workflow.resolve import resolve, resolved
from byoa.plan.workflow.writing import written

INPUTS = ExecutionInput(schema={"JobName": str, "Epochs": int, "Data": {"Bucket": str}})


@pytest.mark.parametrize(
    ("value", "path", "in_jsonata"),
    [
        (
            INPUTS["JobName"],
            "$$.Execution.Input['JobName']",
            "$states.context.Execution.Input.JobName",
        ),
        (
            INPUTS["Data"]["Bucket"],
            "$$.Execution.Input['Data']['Bucket']",
            "$states.context.Execution.Input.Data.Bucket",
        ),
        (ExecutionInput(), "$$.Execution.Input", "$states.context.Execution.Input"),
        (StepInput()["a"][0]["b c"], "$['a'][0]['b c']", "$states.input.a[0].`b c`"),
        (StepInput()["it's"], r"$['it\'s']", "$states.input.`it's`"),
        (StepInput()["a`b"], "$['a`b']", '$lookup($states.input, "a`b")'),
        (StepInput()["back\\slash"], r"$['back\\slash']", "$states.input.`back\\slash`"),
        (StepInput()["and"], "$['and']", "$states.input.`and`"),
        (StepResult()["x"], "$['x']", "$states.result.x"),
        (ErrorOutput()["Cause"], "$['Cause']", "$states.errorOutput.Cause"),
        (Context()["Execution"]["Name"], "$$.Execution.Name", "$states.context.Execution.Name"),
        (context["Map"]["Item"]["a b"], "$$.Map.Item['a b']", "$states.context.Map.Item.`a b`"),
        (task_token, "$$.Task.Token", "$states.context.Task.Token"),
        (item_value["rows"], "$$.Map.Item.Value.rows", "$states.context.Map.Item.Value.rows"),
        (variable("best")["loss"], "$best['loss']", "$best.loss"),
    ],
)
def test_a_placeholder_in_both_languages(value, path, in_jsonata):
    assert value.jsonpath() == value.to_jsonpath() == path
    assert value.jsonata() == in_jsonata
    assert resolve({"Key": value}) == {"Key.$": path}
    assert resolve({"Key": value}, JSONATA) == {"Key": f"{{% {in_jsonata} %}}"}


def test_a_placeholder_goes_into_texts_lists_and_objects():
    bucket, name = INPUTS["Data"]["Bucket"], INPUTS["JobName"]
    parameters = {
        "Uri": f"s3://{bucket}/it's {{data}}",
        "Plus": "s3://" + bucket,
        "Arguments": ["--name", name, 3, True, None, "--plain"],
        "Inputs": [{"S3Uri": bucket, "Mode": "File"}],
        "Plain": ["$.not.a.path", "{}"],
        "Own.$": "$.as.it.is",
        "Given.$": name,
        "Written.$": f"States.Format('{{}}', {name})",
        "Tuple": ("a", "b"),
    }
    there, short = "$$.Execution.Input['Data']['Bucket']", "$$.Execution.Input['JobName']"
    assert resolve(parameters) == {
        "Uri.$": rf"States.Format('s3://{{}}/it\'s \{{data\}}', {there})",
        "Plus.$": f"States.Format('s3://{{}}', {there})",
        "Arguments.$": f"States.Array('--name', {short}, 3, true, null, '--plain')",
        "Inputs": [{"S3Uri.$": there, "Mode": "File"}],
        "Plain": ["$.not.a.path", "{}"],
        "Own.$": "$.as.it.is",
        "Given.$": short,
        "Written.$": f"States.Format('{{}}', {short})",
        "Tuple": ["a", "b"],
    }


def test_the_same_in_jsonata():
    bucket, name = INPUTS["Data"]["Bucket"], INPUTS["JobName"]
    there, short = (
        "$states.context.Execution.Input.Data.Bucket",
        "$states.context.Execution.Input.JobName",
    )
    parameters = {
        "Uri": f's3://{bucket}/"quoted"',
        "Arguments": ["--name", name, {"deep": [name]}],
        "Own": f"{{% $uppercase({name}) %}}",
        "Plain": "{% $states.input %}",
    }
    assert resolve(parameters, JSONATA) == {
        "Uri": f'{{% "s3://" & {there} & "/\\"quoted\\"" %}}',
        "Arguments": ["--name", f"{{% {short} %}}", {"deep": [f"{{% {short} %}}"]}],
        "Own": f"{{% $uppercase({short}) %}}",
        "Plain": "{% $states.input %}",
    }


@given(st.text(max_size=20), st.text(max_size=20), st.text(min_size=1, max_size=8))
def test_any_text_around_a_placeholder_comes_out_as_it_was(before, after, name):
    text = f"{before}{StepInput()[name]}{after}"
    made = written(text, JSONATA)
    found = jsonata.Jsonata(made.replace("$states.input", "$in")).evaluate(
        None, bound({"in": {name: "<here>"}}, made)
    )
    assert found == f"{before}<here>{after}"


def bound(names, made):
    frame = jsonata.Jsonata(made.replace("$states.input", "$in")).create_frame()
    for name, value in names.items():
        frame.bind(name, value)
    return frame


def test_what_one_language_only_can_say():
    with pytest.raises(UsageError, match=r"\$sum\(\$x\) cannot be written in JSONPath"):
        resolve({"a": expression("{% $sum($x) %}")})
    with pytest.raises(UsageError, match=r"\$\.rows\[0:2\] cannot be written in JSONata"):
        resolve({"a": jsonpath("$.rows[0:2]")}, JSONATA)
    with pytest.raises(UsageError, match="cannot be written in JSONata"):
        resolve({"a": f"x{jsonpath('$.rows[0:2]')}{INPUTS['JobName']}"}, JSONATA)
    with pytest.raises(UsageError, match="cannot be written in JSONPath"):
        resolve({"a": f"x{expression('$sum($x)')}{INPUTS['JobName']}"})
    assert repr(expression("$sum($x)")) == "<$sum($x)>" and repr(INPUTS) == "<$$.Execution.Input>"
    with pytest.raises(UsageError, match="stands where JSONPath reads no path"):
        resolved(StepInput()["x"], "JSONPath")


def test_an_object_with_a_value_of_the_run_cannot_stand_in_an_array_of_jsonpath():
    with pytest.raises(UsageError, match="make it in a Pass state before, or give the state"):
        resolve({"Args": [INPUTS["JobName"], {"deep": INPUTS["Epochs"]}]})
    made = resolve({"Args": [INPUTS["JobName"], {"deep": 1}]})
    assert made["Args.$"].endswith(r"""States.StringToJson('\{"deep": 1\}'))""")


def test_a_placeholder_is_no_known_text():
    name = INPUTS["JobName"]
    assert name != "JobName" and name != str(name) and name == INPUTS["JobName"]
    assert (
        at_run_time(name) and at_run_time(f"x{name}") and not at_run_time("zzrun0000000000000000zz")
    )
    assert resolve({"a": "zzrun0000000000000000zz"}) == {"a": "zzrun0000000000000000zz"}
    assert isinstance(name.number(5), int) and name.number(5) + 1 == 6
    assert resolve({"Count": name.number(5)}) == {"Count.$": "$$.Execution.Input['JobName']"}
    assert len({name, INPUTS["JobName"], INPUTS["Epochs"]}) == 2


def test_names_that_the_schema_lacks_and_bad_keys():
    with pytest.raises(
        UsageError, match=r"has no 'Jobname' below .* - it has JobName, Epochs, Data"
    ):
        INPUTS["Jobname"]
    with pytest.raises(UsageError, match=r"has no 'x' below .* - it has nothing"):
        INPUTS["JobName"]["x"]
    with pytest.raises(UsageError, match=r"1\.5 is no key"):
        ExecutionInput()[1.5]
    with pytest.raises(UsageError, match="a variable cannot be called '1st'"):
        variable("1st")
    with pytest.raises(UsageError, match="cannot be called 'states'"):
        variable("states")


def test_without_a_schema_what_was_asked_for_is_the_schema():
    inputs = ExecutionInput()
    assert inputs["JobName"] is inputs["JobName"]
    inputs["Data"]["Bucket"]
    inputs.get("Epochs", int)
    assert inputs.get_schema_as_dict() == {"JobName": str, "Data": {"Bucket": str}, "Epochs": int}
    assert json.loads(inputs.get_schema_as_json()) == {
        "JobName": "str",
        "Data": {"Bucket": "str"},
        "Epochs": "int",
    }
    again = ExecutionInput.from_schema_json(inputs.get_schema_as_json(pretty=True))
    assert again.get_schema_as_dict() == inputs.get_schema_as_dict()
    assert inputs["Data"]["Bucket"] in inputs and inputs.contains(inputs["JobName"])
    assert again["JobName"] not in inputs
    with pytest.raises(UsageError, match="is <class 'int'> already"):
        inputs.get("Epochs", str)
    assert inputs.problems({"JobName": "a", "Data": {"Bucket": "b"}, "Epochs": 1, "More": 1}) == []


def test_the_answer_of_validate_is_the_sdks():
    found = INPUTS.validate({"Epochs": "three", "Data": {}})
    assert not found.valid
    assert found.keys_missing == ["JobName", "Data.Bucket"]
    assert found.keys_type_mismatch == [("Epochs", int, str)]
    assert INPUTS.validate({"JobName": "a", "Epochs": 3, "Data": {"Bucket": "b"}}).valid


def test_json_of_a_placeholder_and_copies_of_it():
    name = INPUTS["JobName"]
    text = json.dumps({"name": name, "plain": 1})
    form = r"""'\{"name": "{}", "plain": 1\}'"""
    assert resolve({"Body": text}) == {"Body.$": f"States.Format({form}, {name.jsonpath()})"}
    assert copy.copy(name) is name and copy.deepcopy({"a": [name]})["a"][0] is name
    assert copy.deepcopy(name.number(3)) == name


def test_lists_of_the_input():
    inputs = ExecutionInput(schema={"Rows": [{"Name": str}], "Any": list})
    assert inputs["Rows"][0]["Name"].jsonpath() == "$$.Execution.Input['Rows'][0]['Name']"
    assert inputs["Any"][1]["x"].jsonata() == "$states.context.Execution.Input.Any[1].x"
    assert inputs.get_schema_as_dict() == {"Rows": [{"Name": str}], "Any": list}
    with pytest.raises(UsageError, match="has no 'Nme' below"):
        inputs["Rows"][0]["Nme"]
    with pytest.raises(UsageError, match="has no 'Name' below"):
        inputs["Rows"]["Name"]
    opened = ExecutionInput(schema={"Tags": dict})
    assert opened["Tags"]["team"].jsonpath() == "$$.Execution.Input['Tags']['team']"
    assert opened.problems({"Tags": {"other": 1}}) == []
    asked = ExecutionInput()
    asked["Rows"][0]["Name"]
    assert asked.get_schema_as_dict() == {"Rows": list}
    assert asked.problems({"Rows": [1]}) == []
