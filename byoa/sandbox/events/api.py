"""EventBridge's API where moto takes what EventBridge would refuse."""

from __future__ import annotations

import json
import re
from typing import Any

from werkzeug.wrappers import Response

from byoa.plan.errors import ServiceError
from byoa.sandbox import answers, shapes
from byoa.sandbox.events import patterns, schedules
from byoa.sandbox.hooks import Sandbox
from byoa.sandbox.wire import Call

#: Targets that EventBridge starts in somebody's name, who must be said.
NEED_ROLE = re.compile(r"arn:[\w-]+:(states|codebuild|batch|ecs|kinesis|ssm|events):")


def events(sandbox: Sandbox, call: Call) -> Response | None:
    """moto answers; it takes sources that start with aws., so that a test can play CodeCommit."""
    if call.operation not in CHECKS:
        return None
    shapes.check(call)
    response: Response | None = CHECKS[call.operation](call)
    return response


def put_rule(call: Call) -> None:
    given = call.parameters
    if given.get("EventPattern"):
        patterns.read(given["EventPattern"], call.operation)
    if given.get("ScheduleExpression"):
        try:
            schedules.read(given["ScheduleExpression"])
        except schedules.ScheduleError:
            text = "Parameter ScheduleExpression is not valid."
            raise ServiceError("ValidationException", text, call.operation) from None


def put_targets(call: Call) -> None:
    for target in call.parameters["Targets"]:
        arn, name = target["Arn"], target["Id"]
        if NEED_ROLE.match(arn) and not target.get("RoleArn"):
            text = f"RoleArn is required for target {arn}."
            raise ServiceError("ValidationException", text, call.operation)
        ways = [way for way in ("Input", "InputPath", "InputTransformer") if target.get(way)]
        if len(ways) > 1:
            text = f"Only one of Input, InputPath, or InputTransformer must be provided for {name}."
            raise ServiceError("ValidationException", text, call.operation)
        if target.get("Input"):
            check_json(target["Input"], name, call)


def check_json(text: str, name: str, call: Call) -> None:
    try:
        json.loads(text)
    except ValueError:
        said = f"JSON syntax error in input for target {name}: {text[:100]}"
        raise ServiceError("ValidationException", said, call.operation) from None


def test_pattern(call: Call) -> Response:
    pattern = patterns.read(call.parameters["EventPattern"], call.operation)
    try:
        event: Any = json.loads(call.parameters["Event"])
    except ValueError:
        text = "Parameter Event is not valid."
        raise ServiceError("ValidationException", text, call.operation) from None
    return answers.answer(call, {"Result": patterns.matches(pattern, event)})


CHECKS: dict[str, Any] = {
    "PutRule": put_rule,
    "PutTargets": put_targets,
    "TestEventPattern": test_pattern,
}
