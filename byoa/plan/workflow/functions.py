"""Steps of the project's own Lambda functions (infrastructure/lambdas).

build = BuildImageStep("Build", stack.function("build-image"))
ingest = FunctionStep("Ingest", stack.function("ingest-data"), {"Source": inputs["Source"]})
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from byoa.plan.workflow.box import Box, Lifted
from byoa.plan.workflow.estimator import texts
from byoa.plan.workflow.placeholders import ExecutionInput
from byoa.plan.workflow.road import States, assign, begin, choice, when

INVOKE = "arn:aws:states:::lambda:invoke"
BUILD = "arn:aws:states:::codebuild:startBuild.sync"
#: AWS's own advice, and what the project's functions raise when AWS is busy.
#: https://docs.aws.amazon.com/step-functions/latest/dg/sfn-best-practices.html
BUSY = [
    *("Lambda.ServiceException", "Lambda.AWSLambdaException", "Lambda.SdkClientException"),
    *("Lambda.TooManyRequestsException", "TryAgainError"),
]
RETRY = {"ErrorEquals": BUSY, "IntervalSeconds": 2, "MaxAttempts": 6, "BackoffRate": 2}
#: Seconds between two calls about something that takes days.
LONGEST_PAUSE = 300
GIVEN = "$byoa_given"
IMAGE, DATA = f"{GIVEN}.Input.Image", f"{GIVEN}.Input.Data"
#: A folder's address ends in "/", so that what is below it can be named.
FOLDER = f"($exists({DATA}) ? ($substring({DATA}, -1) = '/' ? {DATA} : {DATA} & '/') : '')"
#: As SageMaker carries them: texts. What the execution is not given is the workflow's own.
HYPERPARAMETERS = (
    f"$exists({GIVEN}.Input.Hyperparameters.*) ? "
    f"$merge([{GIVEN}.Own, $each({GIVEN}.Input.Hyperparameters, function($value, $name) "
    f"{{ {{$name: $string($value)}} }})]) : {GIVEN}.Own"
)


class FunctionStep(Box):
    """Calls a function again until its answer says `Done`; its output is that answer."""

    def __init__(
        self,
        state_id: str,
        function: str,
        payload: Mapping[str, Any],
        *,
        pause: int = 5,
        **fields: Any,
    ) -> None:
        lift = Lifted()
        arguments = lift({"FunctionName": function, "Payload": dict(payload)})
        states = again(state_id, arguments, pause)
        super().__init__(state_id, given=lift.given, states=states, **fields)


def again(step: str, arguments: Mapping[str, Any], pause: int) -> States:
    """A function has 15 minutes: what takes longer goes on where it stopped.

    The longer it takes the longer are the pauses: an execution has 25,000 events, 9 of them a turn.
    """
    call, done, wait = f"{step}: call", f"{step}: done?", f"{step}: wait"
    return {
        f"{step}: begin": begin(call, byoa_looks=0),
        call: {**invoke(arguments, done), **assign({"byoa_answer": "$states.result.Payload"})},
        done: choice(
            f"{step}: answered",
            when(
                "$exists($byoa_answer.Done) and $not($byoa_answer.Done)",
                wait,
                byoa_looks="$byoa_looks + 1",
            ),
        ),
        wait: {
            "Type": "Wait",
            "Seconds": f"{{% $min([{max(LONGEST_PAUSE, pause)}, {pause - 1} + $byoa_looks]) %}}",
            "Next": call,
        },
        f"{step}: answered": {"Type": "Succeed", "Output": "{% $byoa_answer %}"},
    }


def invoke(arguments: Mapping[str, Any], then: str) -> dict[str, Any]:
    return {
        "Type": "Task",
        "Resource": INVOKE,
        "Arguments": dict(arguments),
        "Retry": [RETRY],
        "Next": then,
    }


class BuildImageStep(Box):
    """The image of the execution's `Context` (a zip in S3), built only if there is none of it yet.

    An execution that is given `Image` uses that. Its output: Image, Built, and the execution's
    Data, ending in "/", and Hyperparameters, as texts, laid over those that are given here.
    CodeBuild builds: nobody pays for waiting.
    """

    RESULT = ("Image", "Built", "Data", "Hyperparameters")

    def __init__(
        self,
        state_id: str,
        function: str,
        project: str,
        hyperparameters: Mapping[str, Any] | None = None,
        **fields: Any,
    ) -> None:
        """`function` is the stack's build-image, `project` the one of CodeBuild that it names."""
        lift = Lifted()
        said = lift({"Function": function, "Project": project})
        own = texts(hyperparameters or {})
        given = {**lift.given, "Input": ExecutionInput(), "Own": own}
        states = building(state_id, said["Function"], said["Project"])
        super().__init__(state_id, given=given, states=states, result=self.RESULT, **fields)


def building(step: str, function: str, project: str) -> States:
    """All states from the context to the image."""
    asked = f"{step}: ask"
    ask = {
        "FunctionName": function,
        "Payload": {"Context": f"{{% {GIVEN}.Input.Context %}}", "Start": False},
    }
    found = {"byoa_image": "$states.result.Payload.Image", "byoa_todo": "$states.result.Payload"}
    return {
        f"{step}: begin": begin(f"{step}: image given?", byoa_built=False),
        f"{step}: image given?": choice(
            asked,
            when(f"$exists({IMAGE})", f"{step}: ready", byoa_image=IMAGE),
            when(f"$not($exists({GIVEN}.Input.Context))", f"{step}: nothing given"),
        ),
        f"{step}: nothing given": {
            "Type": "Fail",
            "Error": "UsageError",
            "Cause": "The execution was given neither Context (a zip in S3) nor Image. Give one.",
        },
        asked: {**invoke(ask, f"{step}: built already?"), **assign(found)},
        f"{step}: built already?": choice(
            f"{step}: ready", when("$byoa_todo.NeedsBuild", f"{step}: build")
        ),
        f"{step}: build": {
            "Type": "Task",
            "Resource": BUILD,
            "Arguments": {
                "ProjectName": project,
                "SourceTypeOverride": "S3",
                "SourceLocationOverride": "{% $byoa_todo.SourceLocation %}",
                "EnvironmentVariablesOverride": "{% $byoa_todo.Environment %}",
            },
            **assign({"byoa_built": "true"}),
            "Next": f"{step}: ready",
        },
        f"{step}: ready": {
            "Type": "Succeed",
            "Output": {
                "Image": "{% $byoa_image %}",
                "Built": "{% $byoa_built %}",
                "Data": f"{{% {FOLDER} %}}",
                "Hyperparameters": f"{{% {HYPERPARAMETERS} %}}",
            },
        },
    }
