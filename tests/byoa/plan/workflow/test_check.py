from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from byoa.plan.errors import UsageError
from byoa.plan.workflow.check import checked, problems
from byoa.plan.workflow.checking.paths import path_problem
from tests.byoa.plan.workflow.asl import FUNCTION, JSONATA, JSONPATH, MACHINES, ROLE, changed


@pytest.mark.parametrize("definition", [JSONPATH, JSONATA])
def test_what_aws_takes_is_right(definition: dict[str, Any]):
    assert problems(definition) == []
    assert problems(json.dumps(definition)) == []
    assert checked(definition) == definition


def test_all_problems_come_in_one_error():
    broken = changed(changed(JSONPATH, "States/Rest/Next", "Tran"), "States/Train/Retrys", [])
    with pytest.raises(UsageError) as error:
        checked(broken)
    assert "state \"Rest\": Next is 'Tran', which is no state - did you mean Train?" in str(
        error.value
    )
    assert "state \"Train\": a Task state has no field 'Retrys' - did you mean Retry?" in str(
        error.value
    )


T, P = "States/Train", "States/Train/Parameters"
R, S = f"{T}/Resource", "arn:aws:states:::"
EACH = "States/Both/Branches/1/States/Each"
ASK = "States/Both/Branches/0/States/Ask"
WRONG_JSONPATH: list[tuple[str, Any, str]] = [
    # the whole
    ("StartAt", "Begn", "StartAt is 'Begn', which is no state - did you mean Begin?"),
    ("StartAt", None, "the definition has no StartAt - name the state that comes first"),
    ("States", {}, "the definition has no States - give it one or more"),
    ("Startat", "x", "the definition has no field 'Startat' - did you mean StartAt?"),
    ("Version", "2.0", "Version is '2.0', but there is only 1.0"),
    ("TimeoutSeconds", 0, "TimeoutSeconds is 0, but AWS takes 1 to 99,999,999"),
    ("QueryLanguage", "XPath", "QueryLanguage is 'XPath' - write JSONPath or JSONata"),
    ("States/Rest", 7, "state 'Rest' is 7, but it must be an object with a Type"),
    ("States/" + "x" * 81, {"Type": "Succeed"}, "its name has 81 characters, but AWS takes 80"),
    ("States/Alone", {"Type": "Succeed"}, 'state "Alone": no state leads to it'),
    ("States/Scale", {"Type": "Succeed"}, 'state "Scale" is there 2 times'),
    ("States/Both/Branches/0/TimeoutSeconds", 5, "has no field 'TimeoutSeconds'"),
    # fields
    (f"{T}/Type", "Tsk", 'state "Train": its Type is \'Tsk\', which is none - write Task'),
    (R, None, 'state "Train": a Task state needs Resource'),
    (f"{T}/End", True, 'state "Train": it has Next and End, but AWS takes one of them'),
    (f"{T}/Next", None, 'state "Train": it leads nowhere - give it Next, or "End": true'),
    ("States/Rest/End", False, "End is False, but it can only be true"),
    (f"{T}/Arguments", {}, "language than JSONPath - write Parameters"),
    (f"{T}/ResultPath", "x", "ResultPath is 'x': a path begins with $"),
    (f"{T}/ResultPath", "$.a[*]", "'[*]' names no single place"),
    (f"{T}/ResultPath", "$$.Execution", "a result goes to $ or below it"),
    (f"{T}/InputPath", "$.a b", "is no step of a path"),
    (f"{T}/Comment", 3, "Comment is 3, but it must be text"),
    ("States/Done/Next", "Rest", "a Succeed state has no field 'Next'"),
    ("States/Failed/Error", "x", "it has Error and ErrorPath, but AWS takes one of them"),
    ("States/Failed/ErrorPath", "States.Nope()", "there is no intrinsic function States.Nope"),
    # retry and catch
    (f"{T}/Retry/0/BackoffRate", 0.5, "Retry[0].BackoffRate is 0.5, but AWS takes 1 or more"),
    (f"{T}/Retry/0/MaxAttempts", -1, "Retry[0].MaxAttempts is -1, but AWS takes 0"),
    (f"{T}/Retry/0/IntervalSeconds", 0, "Retry[0].IntervalSeconds is 0, but AWS takes 1"),
    (f"{T}/Retry/0/IntervalSeconds", 1.5, "is 1.5, but it must be a number"),
    (f"{T}/Retry/0/MaxDelaySeconds", 5, "must be more than IntervalSeconds, which is 5"),
    (f"{T}/Retry/0/JitterStrategy", "HALF", "write FULL or NONE"),
    (f"{T}/Retry/0/ErrorEquals", ["States.ALL"], "Retry[0]: States.ALL must be the last one"),
    (f"{T}/Retry/1/ErrorEquals", ["States.ALL", "x"], "Retry[1]: States.ALL stands alone"),
    (f"{T}/Retry/0/ErrorEquals", ["States.Timout"], "did you mean States.Timeout?"),
    (f"{T}/Retry/0/ErrorEquals", [], "ErrorEquals is [], but it must be a list of names"),
    (f"{T}/Retry/0/Backoff", 2, "Retry[0] has no field 'Backoff' - did you mean BackoffRate?"),
    (f"{T}/Retry", {}, "Retry is {}, but it must be a list"),
    ("States/Both/Catch/0/Next", "Nope", "the Next of a catch is 'Nope', which is no state"),
    ("States/Both/Catch/0/Next", None, "Catch[0] has no Next"),
    ("States/Both/Catch/0/ResultPath", "x", "Catch[0].ResultPath is 'x'"),
    ("States/Both/Catch/0/Output", "x", "Catch[0].Output is JSONata's - write ResultPath"),
    # choices
    ("States/Good?/Default", "Dne", "Default is 'Dne', which is no state - did you mean Done?"),
    ("States/Good?/Choices", [], "Choices is [], but it must be a list of one rule or more"),
    ("States/Good?/Choices/0/Next", None, "Choices[0] has no Next"),
    ("States/Good?/Choices/1/Variable", "job.at", "is 'job.at': a path begins"),
    ("States/Good?/Choices/1/Variable", None, "Choices[1] has no Variable"),
    ("States/Good?/Choices/1/TimestampGreaterThan", "today", "but it must be a time such as"),
    ("States/Good?/Choices/1/IsNull", True, "Choices[1] must have one comparison, but has"),
    ("States/Good?/Choices/0/And/1/Not/NumericLessThan", True, "but it must be a number"),
    ("States/Good?/Choices/0/And/0/IsPresent", "yes", "but it must be true or false"),
    ("States/Good?/Choices/0/And/0/Next", "Done", "only the outermost rule leads anywhere"),
    ("States/Good?/Choices/0/And", [], "Choices[0].And is [], but it must be a list of rules"),
    ("States/Good?/Choices/0/And/1/Not/NumericLessThan", "1", "but it must be a number"),
    ("States/Good?/Choices/1/NumericGretaer", 1, "did you mean NumericGreaterThan?"),
    # waits, maps, timeouts
    ("States/Rest/Seconds", 1, "a Wait needs one of Seconds, SecondsPath"),
    ("States/Rest/SecondsPath", None, "a Wait needs one of Seconds, SecondsPath"),
    ("States/Both/Branches", [], "Branches is [], but it must be a list of one branch or more"),
    (f"{ASK}/HeartbeatSeconds", 600, "must be less than TimeoutSeconds"),
    (f"{ASK}/Next", "Train", "Next is 'Train', which is no state"),
    (f"{EACH}/Label", "x", "Label is for a distributed Map"),
    (f"{EACH}/ItemProcessor", None, "a Map needs ItemProcessor"),
    (f"{EACH}/ItemProcessor/ProcessorConfig/Mode", "X", "write INLINE or"),
    (f"{EACH}/ItemProcessor/ProcessorConfig/Mode", "DISTRIBUTED",
     "needs ProcessorConfig.ExecutionType"),
    ("States/Begin/Parameters", {"x.$": "$$.Map.Item.Value"}, "only a Map and the states within"),
    # templates
    (f"{P}/TrainingJobName", "x", "has TrainingJobName and TrainingJobName.$ - drop one"),
    (f"{P}/TrainingJobName.$", "cells", "'cells': a path begins with $"),
    (f"{P}/TrainingJobName.$", 5, "is '5', but it must be a path"),
    ("States/Begin/Parameters", {"x.$": "$$.Task.Token"}, "ends in .waitForTaskToken"),
    (f"{P}/TrainingJobName.$", "$$.Execution.Nam", "Execution has no Nam - there is Name"),
    (f"{P}/TrainingJobName.$", "States.Format('{}')", "has 1 {} and 0 values"),
    ("States/Begin/Assign", {"a-b": 1}, "is no name of a variable"),
    # resources
    (R, "train", "Resource is 'train', which Step Functions does not know"),
    (R, "arn:aws:lambda:us-east-1:ACCOUNT_ID:function:f", "has 12 digits - put yours in"),
    (R, S + "sagemaker:createTrainigJob.sync", "did you mean sagemaker:createTrainingJob?"),
    (R, S + "sagemaker:createTrainingJob.sync:2", "has no .sync:2 - there is .sync"),
    (R, S + "sagemaker:createTrainingJob.snc", "there is no pattern .snc - write .sync"),
    (R, S + "sagemaker:createModel.sync", "has no .sync - drop it, and wait with"),
    (R, S + "sagemaker:describeEndpoint", "write aws-sdk:sagemaker:describeEndpoint"),
    (R, S + "aws-sdk:sagemakr:createModel", "did you mean sagemaker?"),
    (R, S + "aws-sdk:sagemaker:describeEndpont", "did you mean describeEndpoint?"),
    (R, S + "aws-sdk:sagemaker:CreateModel", "begins with a small letter"),
    (R, S + "aws-sdk:sagemaker:createTrainingJob.sync", "aws-sdk has no .sync"),
    # parameters
    (f"{P}/RoleArn", None, "Parameters: RoleArn is missing"),
    (f"{P}/RoleArn", "jobs", "Parameters: RoleArn is 'jobs', but it must be"),
    (f"{P}/HyperParams", {}, "HyperParams, and refuses the workflow for it - did"),
    (f"{P}/Whatever", {}, "Whatever, and refuses the workflow for it - drop it"),
    (f"{P}/HyperParameters/epochs", 3, "HyperParameters.epochs is 3, but AWS takes text there"),
    (f"{P}/ResourceConfig/InstanceType", "ml.m5.larg", "try ml.m5.large"),
    (f"{P}/Tags", [{"key": "a", "value": "b"}], "AWS has no field Tags[0].key, and refuses"),
    (f"{P}/Environment", {"DB_PASSWORD": "x1"}, "Environment.DB_PASSWORD looks like a secret"),
    (f"{P}/Environment", {"X": "AKIAABCDEFGHIJKLMNOP"}, "Environment.X looks like a secret"),
    (f"{ASK}/Parameters/Payload", {}, "holds no $$.Task.Token"),
]  # fmt: skip


@pytest.mark.parametrize(("path", "value", "said"), WRONG_JSONPATH)
def test_jsonpath_mistakes_are_told(path: str, value: Any, said: str):
    found = problems(changed(JSONPATH, path, value))
    assert any(said in sentence for sentence in found), found


L = "States/Look"
WRONG_JSONATA: list[tuple[str, Any, str | None]] = [
    (f"{L}/Parameters", {}, "language than JSONata - write Arguments"),
    (f"{L}/ResultPath", "$", "ResultPath is of another query language than JSONata"),
    (f"{L}/QueryLanguage", "JSONPath", "a JSONata workflow has no JSONPath states"),
    (f"{L}/Arguments", {"EndpointName.$": "$.x"}, "JSONPath's - write 'EndpointName'"),
    (f"{L}/Arguments/EndpointName", "{% $x", "an expression begins with {% and ends with %}"),
    (f"{L}/Arguments/EndpointName", " {% $x %} ", None),
    (f"{L}/Arguments/EndpointName", "{% f($x %}", "( is not closed - close it"),
    (f"{L}/Arguments/EndpointName", "{% $x) %}", ") closes nothing"),
    (f"{L}/Arguments/EndpointName", "{% 'a & $x %}", "a text has no closing '"),
    (f"{L}/Arguments/EndpointName", "{%  %}", "is an empty expression"),
    (f"{L}/Arguments/EndpointNam", "x", "AWS has no field EndpointNam"),
    (f"{L}/Arguments", "x", "text there must be an expression"),
    (f"{L}/TimeoutSeconds", "60", "text there must be an expression"),
    (f"{L}/Catch/0/ResultPath", "$.x", "Catch[0].ResultPath is JSONPath's"),
    ("States/There?/Choices/0/Condition", "$x", "text there must be an expression"),
    ("States/There?/Choices/0/Condition", None, "Choices[0].Condition is None"),
    ("States/There?/Choices/0/Variable", "$.x", "Choices[0] has no field 'Variable'"),
    ("States/Rest/SecondsPath", "$.x", "SecondsPath is of another query language than JSONata"),
    ("States/Failed/CausePath", "$.x", "CausePath is of another query language than JSONata"),
]  # fmt: skip


@pytest.mark.parametrize(("path", "value", "said"), WRONG_JSONATA)
def test_jsonata_mistakes_are_told(path: str, value: Any, said: str | None):
    found = problems(changed(JSONATA, path, value))
    if said is None:  # blanks around it make it a text like any other
        assert found and "must be letters" in found[0]
        return
    assert any(said in sentence for sentence in found), found


@pytest.mark.parametrize(
    "code",
    [
        "$replace($x, /[(]/, '')",
        "$states.input.a[b = ')'] /* ( */",
        "(1 + 2) / 3 / (4)",
        '"(" & `a(b`',
        "$map($x, function($v) { $v.a })",
        "{'a': [1, 2]}",
        "$contains($x, /^a\\/b(c)$/i)",
    ],
)
def test_brackets_in_texts_and_patterns_are_no_brackets(code: str):
    definition = changed(JSONATA, "States/Done/Output", "{% " + code + " %}")
    assert problems(definition) == []


DISTRIBUTED: dict[str, Any] = {
    "Type": "Map",
    "Label": "pictures",
    "ItemReader": {
        "Resource": "arn:aws:states:::s3:getObject",
        "ReaderConfig": {"InputType": "CSV", "CSVHeaderLocation": "GIVEN", "CSVHeaders": ["a"]},
        "Parameters": {"Bucket": "in", "Key.$": "$.key"},
    },
    "ItemBatcher": {"MaxItemsPerBatch": 10, "BatchInput": {"x.$": "$.x"}},
    "ItemProcessor": {
        "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
        "StartAt": "One",
        "States": {"One": {"Type": "Task", "Resource": FUNCTION, "End": True}},
    },
    "ResultWriter": {
        "Resource": "arn:aws:states:::s3:putObject",
        "Parameters": {"Bucket": "out", "Prefix": "x"},
        "WriterConfig": {"OutputType": "JSONL", "Transformation": "COMPACT"},
    },
    "ToleratedFailurePercentage": 5,
    "End": True,
}
SYNC = {"Type": "Task", "Resource": S + "states:startExecution.sync", "End": True}
WRONG_MAPS: list[tuple[str, Any, str]] = [
    ("Label", "a b", "Label is 'a b', but it has 1 to 40 plain characters"),
    ("ItemReader/Resource", S + "s3:getObjekt", "write arn:aws:states:::s3:getObject or"),
    ("ItemReader/ReaderConfig/InputType", "XLS", "write one of CSV, JSON"),
    ("ItemReader/ReaderConfig/CSVHeaders", [], "there are no CSVHeaders"),
    ("ItemReader/ReaderConfig/CSVHeaderLocation", "TOP", "CSVHeaderLocation is FIRST_ROW, or"),
    ("ItemReader/ReaderConfig/Header", 1, "has no field 'Header'"),
    ("ItemReader/Arguments", {}, "ItemReader.Arguments is of another query language"),
    ("ItemReader/Parameters/Key.$", "key", "ItemReader.Parameters.Key.$ is 'key'"),
    ("ItemBatcher", {"BatchInput": {}}, "has neither MaxItemsPerBatch nor"),
    ("ItemBatcher/MaxInputBytesPerBatch", 1_000_000, "AWS takes 1 to 262,144"),
    ("ResultWriter/Resource", S + "s3:getObject", "write arn:aws:states:::s3:putObject"),
    ("ResultWriter/WriterConfig/OutputType", "CSV", "write JSON or JSONL"),
    ("ToleratedFailurePercentage", 101, "AWS takes 0 to 100"),
    ("ItemProcessor/ProcessorConfig/Mode", "INLINE", "ItemReader is for a distributed Map"),
    ("ItemProcessor/ProcessorConfig/ExecutionType", "FAST", "STANDARD or EXPRESS"),
]


def test_a_distributed_map_is_right():
    definition = {"StartAt": "Each", "States": {"Each": DISTRIBUTED}}
    assert problems(definition) == []


@pytest.mark.parametrize(("path", "value", "said"), WRONG_MAPS)
def test_mistakes_in_distributed_maps_are_told(path: str, value: Any, said: str):
    definition = {"StartAt": "Each", "States": {"Each": changed(DISTRIBUTED, path, value)}}
    found = problems(definition)
    assert any(said in sentence for sentence in found), found


def test_express_executions_wait_for_nothing():
    each = changed(DISTRIBUTED, "ItemProcessor/States/One", SYNC)
    each = changed(each, "ItemProcessor/ProcessorConfig/ExecutionType", "EXPRESS")
    found = problems({"StartAt": "Each", "States": {"Each": each}})
    assert any("EXPRESS, which have no .sync" in sentence for sentence in found), found


def test_a_workflow_that_never_ends_is_told():
    loop = {
        "StartAt": "A",
        "States": {"A": {"Type": "Pass", "Next": "B"}, "B": {"Type": "Pass", "Next": "A"}},
    }
    assert problems(loop) == [
        'the definition never ends: no state has "End": true or is a Succeed or a Fail - add one'
    ]


def test_a_definition_has_one_megabyte():
    large = changed(JSONPATH, "Comment", "x" * 1_048_576)
    assert ["but AWS takes 1,048,576" in sentence for sentence in problems(large)] == [True]


@pytest.mark.parametrize("text", ["", "[", "[1]", "7", "[" * 100_000])
def test_what_is_no_definition_is_told(text: str):
    assert len(problems(text)) == 1


def test_substitutions_of_cloudformation_come_later():
    definition = changed(JSONPATH, "States/Train/Parameters/RoleArn", "${JobRoleArn}")
    definition = changed(
        definition,
        "States/Train/Resource",
        "arn:${Partition}:states:::sagemaker:createTrainingJob.sync",
    )
    assert problems(definition) == []
    whole = {"StartAt": "A", "States": {"A": {"Type": "Task", "Resource": "${F}", "End": True}}}
    assert problems(whole) == []


def test_a_secret_that_is_named_is_none():
    for value in ("arn:aws:secretsmanager:us-east-1:123456789012:secret:x", "{{resolve:x}}", ""):
        definition = changed(
            JSONPATH, "States/Train/Parameters/Environment", {"DB_PASSWORD": value}
        )
        assert problems(definition) == [] or value == ""


def test_codebuild_variables_are_pairs():
    build = {
        "Type": "Task",
        "Resource": "arn:aws:states:::codebuild:startBuild.sync",
        "Parameters": {
            "ProjectName": "image",
            "EnvironmentVariablesOverride": [{"Name": "API_KEY", "Value": "abc"}],
        },
        "End": True,
    }
    definition = {"StartAt": "Build", "States": {"Build": build}}
    assert "EnvironmentVariablesOverride[0].Value looks like a secret" in problems(definition)[0]
    named = {"Name": "API_KEY", "Value": "my/secret", "Type": "SECRETS_MANAGER"}
    definition = changed(
        definition, "States/Build/Parameters/EnvironmentVariablesOverride", [named]
    )
    assert problems(definition) == []
    small = changed(definition, "States/Build/Parameters", {"projectName": "image"})
    assert (
        "no field projectName, and refuses the workflow for it - did you mean ProjectName?"
        in (problems(small)[0])
    )


@pytest.mark.parametrize(
    "resource",
    [
        FUNCTION,
        f"{FUNCTION}:prod",
        "arn:aws-cn:lambda:cn-north-1:123456789012:function:f:$LATEST",
        "arn:aws:states:us-east-1:123456789012:activity:a",
        "arn:aws:states:::states:startExecution.sync:2",
        "arn:aws:states:::batch:submitJob.sync",
        "arn:aws:states:::aws-sdk:dynamodb:query",
        "arn:aws:states:::aws-sdk:personalize:describeCampaign",
        "arn:aws:states:::http:invoke",
    ],
)
def test_resources_that_aws_knows(resource: str):
    given = {
        "arn:aws:states:::states:startExecution.sync:2": {"StateMachineArn": ROLE},
        "arn:aws:states:::batch:submitJob.sync": {
            "JobName": "a", "JobQueue": "q", "JobDefinition": "d",
            "ContainerOverrides": {"Environment": [{"Name": "A", "Value.$": "$.a"}]},
        },
    }  # fmt: skip
    state = {
        "Type": "Task",
        "Resource": resource,
        "Parameters": given.get(resource, {}),
        "End": True,
    }
    assert problems({"StartAt": "A", "States": {"A": state}}) == []


PATHS = ["$", "$.a", "$['a b'].c[0]", "$$.Execution.Input['a']", "$.a[*].b", "$..a", "$.a[1:3]",
         "$.a[?(@.b == 'x)')]", "$.a[-1]", "$x.y", "$.a.length()", '$["a"]', "$.é.猫", "$.a-b",
         "$.a['x','y']", "$.[0]", "$.a.[?(@.b > 0)]", "$.a.['b']", "$.a ", "$.${Key}"]  # fmt: skip
NO_PATHS = [
    "",
    "a",
    "$.",
    "$.a.",
    "$[",
    "$['a",
    "$.a b",
    "$.a[x]",
    "$$.Nope",
    "$.a,",
]
CALLS = ["States.UUID()", "States.Array()", "States.Array($.a, 'b', 1, true, null)",
         "States.Format('a\\'{}\\{\\}', States.JsonToString($))", "States.Hash($.a, 'SHA-256')",
         "States.MathRandom(1, 5)", "States.JsonMerge($.a, $.b, false)",
         "States.ArrayGetItem( States.StringSplit($.a, '/') , -1 )"]  # fmt: skip
NO_CALLS = ["States.UUID", "States.UUID(", "States.UUID(1)", "States.Format()", "States.Hash($.a)",
            "States.Hash($.a, 'SHA1')", "States.Array($.a", "States.Array($.a,)",
            "States.Array('a)",
            "States.JsonMerge($.a, $.b, true)", "States.UUID() x", "States.uuid()",
            "States.Array($.a b)", "States.Array(x)", "States.Array(" * 12 + ")" * 12]  # fmt: skip


@pytest.mark.parametrize("text", PATHS + CALLS)
def test_paths_and_calls(text: str):
    assert path_problem(text, intrinsics=True) == ""


@pytest.mark.parametrize("text", NO_PATHS + NO_CALLS)
def test_no_paths_and_no_calls(text: str):
    assert path_problem(text, intrinsics=True)
    assert path_problem(text)


def test_a_call_is_no_path():
    assert path_problem("States.UUID()") == "a path begins with $ - write such as $.name"


@given(MACHINES)
@settings(max_examples=150, deadline=None)
def test_no_definition_breaks_the_checker(definition: dict[str, Any]):
    for sentence in problems(definition):
        assert isinstance(sentence, str) and "\n" not in sentence[:20]


@given(st.text("$.[]'\"()?*:,@States.Format{}\\ ab0", max_size=40))
@settings(max_examples=300, deadline=None)
def test_no_path_breaks_the_reader(text: str):
    path_problem(text, intrinsics=True)
    path_problem(f"States.{text}", intrinsics=True)
