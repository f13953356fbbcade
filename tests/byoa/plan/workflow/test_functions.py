"""FunctionStep and BuildImageStep, run by the sandbox's interpreter."""

from __future__ import annotations

from typing import Any

import pytest

from byoa.plan.workflow.chain import Chain, definition
from byoa.plan.workflow.check import problems
from byoa.plan.workflow.functions import BuildImageStep, FunctionStep
from byoa.plan.workflow.placeholders import ExecutionInput
from byoa.plan.workflow.states import Pass
from byoa.sandbox.stepfunctions.errors import StateError
from tests.byoa.plan.workflow.fake_sagemaker import run

LANGUAGES = pytest.mark.parametrize("language", ["JSONPath", "JSONata"])
BUILT = {"Image": "repository:1", "Project": "p", "SourceLocation": "bucket/key", "Done": True}
TO_BUILD = {**BUILT, "NeedsBuild": True, "Environment": [{"Name": "TAG", "Value": "1"}]}
CONTEXT = {"Context": "s3://bucket/context.zip", "Data": "s3://bucket/data/"}


class Answers:
    """What each call answers, one after the other; the last one stays."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.calls: list[tuple[str, Any]] = []

    def __call__(self, action: str, given: Any) -> Any:
        self.calls.append((action, given))
        if action != "invoke":
            return {"Build": {"BuildStatus": "SUCCEEDED"}}
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, StateError):
            raise answer
        return {"StatusCode": 200, "Payload": answer}


def made(step: Any, language: str) -> dict[str, Any]:
    found = definition(step, query_language=language)
    assert problems(found) == []
    return found


@LANGUAGES
def test_a_function_is_called_until_it_is_done(language: str):
    answers = Answers({"Done": False}, {"Done": False}, {"Done": True, "Uri": "s3://bucket/x"})
    step = FunctionStep("Ingest", "ingest", {"Source": ExecutionInput()["Source"]})
    found = run(made(step, language), {"Source": "https://example.com/x"}, answers)
    assert found == {"Done": True, "Uri": "s3://bucket/x"}
    asked = ("invoke", {"FunctionName": "ingest", "Payload": {"Source": "https://example.com/x"}})
    assert answers.calls == [asked] * 3


def test_what_takes_days_fits_into_the_events_of_an_execution():
    from jsonata import Jsonata

    box = made(FunctionStep("Train", "train", {}), "JSONPath")["States"]["Train"]
    said = box["Branches"][0]["States"]["Train: wait"]["Seconds"].strip("{% }")

    def pause(turn: int) -> int:
        return int(Jsonata(said.replace("$byoa_looks", str(turn))).evaluate(None))

    assert [pause(1), pause(2), pause(1000)] == [5, 6, 300]
    turns = 2500  # of 9 events each
    assert sum(min(300, 4 + turn) for turn in range(1, turns)) > 5 * 86_400
    assert pause(200) == 204


@LANGUAGES
def test_a_name_may_hold_whatever_json_can(language: str):
    given = ExecutionInput()
    step = FunctionStep("Call", "f", {"a-b": given["x"], "c d": given["y"], "e": [given["x"], 1]})
    answers = Answers(1)
    run(made(step, language), {"x": 5, "y": 6}, answers)
    assert answers.calls[0][1]["Payload"] == {"a-b": 5, "c d": 6, "e": [5, 1]}


def test_a_function_that_says_nothing_of_the_kind_is_called_once():
    answers = Answers("ok")
    assert run(made(FunctionStep("Call", "f", {}), "JSONPath"), {}, answers) == "ok"
    assert len(answers.calls) == 1


def test_what_passes_by_is_tried_again_and_what_does_not_is_told():
    busy = StateError("TryAgainError", "AWS is busy")
    assert run(made(FunctionStep("Call", "f", {}), "JSONPath"), {}, Answers(busy, 7)) == 7
    with pytest.raises(StateError, match="a wrong hash"):
        wrong = StateError("HashMismatchError", "a wrong hash")
        run(made(FunctionStep("Call", "f", {}), "JSONPath"), {}, Answers(wrong))


@LANGUAGES
def test_a_new_context_is_built(language: str):
    answers = Answers(TO_BUILD)
    found = run(made(BuildImageStep("Build", "f", "p"), language), CONTEXT, answers)
    data = {"Data": CONTEXT["Data"], "Hyperparameters": {}}
    assert found == {"Image": "repository:1", "Built": True, **data}
    assert answers.calls == [
        (
            "invoke",
            {"FunctionName": "f", "Payload": {"Context": CONTEXT["Context"], "Start": False}},
        ),
        (
            "startBuild.sync",
            {
                "ProjectName": "p",
                "SourceTypeOverride": "S3",
                "SourceLocationOverride": "bucket/key",
                "EnvironmentVariablesOverride": TO_BUILD["Environment"],
            },
        ),
    ]


@LANGUAGES
def test_a_context_that_was_built_is_not_built_again(language: str):
    answers = Answers({**BUILT, "NeedsBuild": False})
    found = run(made(BuildImageStep("Build", "f", "p"), language), CONTEXT, answers)
    assert (found["Image"], found["Built"], len(answers.calls)) == ("repository:1", False, 1)


@LANGUAGES
def test_an_image_that_is_given_is_taken(language: str):
    answers = Answers()
    given = {"Image": "mine:2", "Hyperparameters": {"epochs": 3, "name": "x", "deep": True}}
    found = run(made(BuildImageStep("Build", "f", "p"), language), given, answers)
    texts = {"epochs": "3", "name": "x", "deep": "true"}
    assert found == {"Image": "mine:2", "Built": False, "Data": "", "Hyperparameters": texts}
    assert answers.calls == []


@pytest.mark.parametrize("given", [{}, {"Hyperparameters": {}}, {"Hyperparameters": {"a": "b"}}])
def test_hyperparameters_may_be_none_or_one(given: dict[str, Any]):
    step = made(BuildImageStep("Build", "f", "p"), "JSONPath")
    found = run(step, {"Image": "mine:2", **given}, Answers())
    assert found["Hyperparameters"] == given.get("Hyperparameters", {})


def test_an_execution_without_either_is_told_what_it_lacks():
    with pytest.raises(StateError, match=r"neither Context .* nor Image\. Give one"):
        run(made(BuildImageStep("Build", "f", "p"), "JSONPath"), {"Data": "s3://b/d"}, Answers())


@LANGUAGES
@pytest.mark.parametrize(
    ("given", "made_of"),
    [
        ({}, {"epochs": "10", "rate": "0.1"}),
        ({"Hyperparameters": {"epochs": 2}}, {"epochs": "2", "rate": "0.1"}),
        (
            {"Hyperparameters": {"a": 1, "b": 2}},
            {"epochs": "10", "rate": "0.1", "a": "1", "b": "2"},
        ),
    ],
)
def test_an_executions_hyperparameters_lie_over_the_workflows(
    language: str, given: dict[str, Any], made_of: dict[str, str]
):
    step = BuildImageStep("Build", "f", "p", {"epochs": 10, "rate": 0.1})
    found = run(made(step, language), {"Image": "mine:2", **given}, Answers())
    assert found["Hyperparameters"] == made_of


def test_its_output_is_a_placeholder_for_what_follows():
    build = BuildImageStep("Build", "f", "p")
    after = Pass("After", parameters={"Image": build.output()["Image"]})
    found = run(made(Chain([build, after]), "JSONPath"), {"Image": "mine:2"}, Answers())
    assert found == {"Image": "mine:2"}


@pytest.mark.parametrize("data", ["s3://bucket/data", "s3://bucket/data/"])
def test_a_folder_ends_in_a_slash(data: str):
    step = made(BuildImageStep("Build", "f", "p"), "JSONPath")
    found = run(step, {"Image": "mine:2", "Data": data}, Answers())
    assert found["Data"] == "s3://bucket/data/"
