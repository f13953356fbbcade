"""States that wait for an endpoint to serve, or leave nothing behind and say SageMaker's reason.

They are the inside of a box (box.py): JSONata, with what the outside gives in `$byoa_given`. An
endpoint takes minutes after CreateEndpoint has answered; Step Functions has no .sync for it.
https://docs.aws.amazon.com/step-functions/latest/dg/connect-sagemaker.html
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

States = dict[str, dict[str, Any]]

#: The SDK integration takes all fields of a request; the other one refuses some of the newer.
SDK = "arn:aws:states:::aws-sdk:sagemaker:"
#: Throttling has no name of its own there, nor has a configuration that CreateEndpoint cannot see
#: yet, which AWS's page asks to try again.
AGAIN = {
    "ErrorEquals": ["SageMaker.SageMakerException"],
    "IntervalSeconds": 2,
    "MaxAttempts": 3,
    "BackoffRate": 2,
}
#: An execution has 25,000 events, 9 of them for a look; one that runs out of them tidies nothing.
MOST_LOOKS = 2000
BUSY = "$byoa_status in ['Creating', 'Updating', 'SystemUpdating', 'RollingBack', 'Deleting']"
#: What an error says.
ERROR = "$states.errorOutput"
CAUSE = f"($exists({ERROR}.Cause) ? {ERROR}.Cause : {ERROR}.Error)"
GONE = "$contains($byoa_said, 'Could not find')"
THROTTLED = "$contains($byoa_said, 'Rate exceeded')"
#: An endpoint as describeEndpoint tells of it.
SEEN = {
    "byoa_status": "$states.result.EndpointStatus",
    "byoa_config": "$states.result.EndpointConfigName",
    "byoa_arn": "$states.result.EndpointArn",
    "byoa_reason": "$byoa_refused != '' ? $byoa_refused : $exists($states.result.FailureReason)"
    " ? $states.result.FailureReason : 'SageMaker gave no reason.'",
    "byoa_looks": "$byoa_looks + 1",
}


@dataclass(frozen=True, kw_only=True)
class Pace:
    """How often an endpoint is looked at, and for how long."""

    pause: int = 30  #: seconds between two looks
    limit: int = 4 * 3600  #: seconds; SageMaker itself gives up before

    @property
    def patient(self) -> str:
        """The condition that it may go on."""
        most = f"$byoa_looks < {MOST_LOOKS}"
        return f"$byoa_looks * {max(1, self.pause)} < {self.limit} and {most}"


def assign(texts: Mapping[str, Any]) -> dict[str, Any]:
    """Variables that take the value of expressions."""
    return {"Assign": {name: f"{{% {text} %}}" for name, text in texts.items()}} if texts else {}


def when(condition: str, then: str, **texts: str) -> dict[str, Any]:
    """A rule of a Choice."""
    return {"Condition": f"{{% {condition} %}}", "Next": then, **assign(texts)}


def choice(default: str, *rules: dict[str, Any], **texts: str) -> dict[str, Any]:
    """The first rule that holds, else the default with its variables."""
    return {"Type": "Choice", "Choices": list(rules), "Default": default, **assign(texts)}


def call(
    resource: str, arguments: Mapping[str, Any], then: str, failed: str, **caught: str
) -> dict[str, Any]:
    """One call; its error's words are in $byoa_said when it goes to `failed`.

    Without a retry where an error is an answer: describe finds nothing, or may be asked again.
    """
    catch = {"ErrorEquals": ["States.ALL"], **assign({"byoa_said": CAUSE, **caught})}
    return {
        "Type": "Task",
        "Resource": resource,
        "Arguments": dict(arguments),
        **({} if resource.startswith(f"{SDK}describe") else {"Retry": [AGAIN]}),
        "Catch": [{**catch, "Next": failed}],
        "Next": then,
    }


def begin(then: str, **variables: Any) -> dict[str, Any]:
    """What the outside gave, kept for all states of the box."""
    given = {"byoa_given": "{% $states.input %}", "byoa_said": ""}
    return {"Type": "Pass", "Assign": {**given, **variables}, "Next": then}


def fail(error: str) -> dict[str, Any]:
    """The end of a box that failed."""
    return {"Type": "Fail", "Error": error, "Cause": "{% $byoa_why %}"}


def text(argument: str) -> str:
    """An argument as a part of an expression: a literal quoted, an expression without its {% %}."""
    return f"({argument[2:-2].strip()})" if argument.startswith("{%") else json.dumps(argument)


def waiting(step: str, target: Mapping[str, str], pace: Pace, *, new: str, back: str) -> States:
    """From a request that SageMaker took to `… serves`; else to `back`, the cause in $byoa_why.

    `target` has EndpointName and EndpointConfigName. `new` says, as an expression, whether this
    execution made the endpoint: only such a one is deleted when it fails.
    """
    endpoint = {"EndpointName": target["EndpointName"]}
    said = f"'The endpoint ' & {text(target['EndpointName'])} & "
    ours = f"$byoa_config = {text(target['EndpointConfigName'])}"
    late = f"{said}' is still ' & $byoa_status & ' after {pace.limit // 60} minutes.'"
    wait, failed, remove = f"{step}: wait", f"{step}: failed", f"{step}: remove endpoint"
    cannot = "$byoa_why & ' It could not be deleted: ' & " + CAUSE
    return {
        wait: {"Type": "Wait", "Seconds": pace.pause, "Next": f"{step}: look again"},
        f"{step}: look again": {
            **call(f"{SDK}describeEndpoint", endpoint, f"{step}: settled?", f"{step}: gone?"),
            **assign(SEEN),
        },
        f"{step}: gone?": choice(
            back,
            when(f"{GONE} and $byoa_refused != ''", back,
                 byoa_why=f"{said}' could not be made: ' & $byoa_refused"),
            when(GONE, back, byoa_why=f"{said}' is gone: somebody deleted it meanwhile.'"),
            when(f"{THROTTLED} and {pace.patient}", wait, byoa_looks="$byoa_looks + 1"),
            byoa_why=f"{said}' cannot be looked at: ' & $byoa_said",
        ),
        f"{step}: settled?": choice(
            back,
            when(f"{BUSY} and {pace.patient}", wait),
            when(f"$byoa_status = 'InService' and {ours}", f"{step}: serves"),
            when(f"{new} and {ours} and $byoa_status = 'Failed'", remove,
                 byoa_why=f"{said}' failed: ' & $byoa_reason"),
            when(f"{new} and {ours}", remove, byoa_why=late),
            when(BUSY, failed, byoa_why=late),
            # a failed update has left it: without its configuration nothing could heal it
            when(ours, failed, byoa_why=f"{said}' is ' & $byoa_status & ': ' & $byoa_reason"),
            byoa_why=f"{said}' serves what it served before; the new model was taken back: ' & "
            "$byoa_reason",
        ),
        remove: call(f"{SDK}deleteEndpoint", endpoint, back, failed, byoa_why=cannot),
        failed: fail("EndpointFailed"),
    }  # fmt: skip
