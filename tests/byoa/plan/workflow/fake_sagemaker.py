"""Definitions run by the sandbox's interpreter against a SageMaker that does as a test says."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from byoa.sandbox.stepfunctions.clock import Clock
from byoa.sandbox.stepfunctions.course import Course, Progress, Run
from byoa.sandbox.stepfunctions.errors import StateError
from byoa.sandbox.stepfunctions.history import History, Thread
from byoa.sandbox.stepfunctions.scope import Scope, Variables

ARN = "arn:aws:sagemaker:us-east-1:123456789012:"
Thing = dict[str, Any]


@dataclass
class SageMaker:
    """Models, configurations and endpoints; an endpoint is what `fates` says, look after look.

    A fate is a status, or a status and SageMaker's reason; the last one stays. A call that is in
    `errors` raises the words that stand first there, once each; "*" in front: after it was done.
    """

    models: dict[str, Thing] = field(default_factory=dict)
    configs: dict[str, Thing] = field(default_factory=dict)
    endpoints: dict[str, Thing] = field(default_factory=dict)
    jobs: dict[str, Thing] = field(default_factory=dict)
    fates: list[Any] = field(default_factory=lambda: ["Creating", "InService"])
    errors: dict[str, list[str]] = field(default_factory=dict)
    called: list[str] = field(default_factory=list)
    requests: list[tuple[str, Thing]] = field(default_factory=list)

    def __call__(self, action: str, given: Thing) -> Thing:
        self.called.append(action)
        self.requests.append((action, given))
        said = self.errors.get(action, [])
        word = said.pop(0) if said else ""
        if word and not word.startswith("*"):
            refuse(word)
        answer: Thing = getattr(self, action)(**given)
        if word:
            refuse(word[1:])
        return answer

    def createModel(self, ModelName: str, **more: Any) -> Thing:
        return new(self.models, "model", ModelName, {"ModelName": ModelName, **more})

    def createEndpointConfig(self, EndpointConfigName: str, **more: Any) -> Thing:
        made = {"EndpointConfigName": EndpointConfigName, **more}
        return new(self.configs, "endpoint configuration", EndpointConfigName, made)

    def createEndpoint(self, EndpointName: str, EndpointConfigName: str, **_: Any) -> Thing:
        made = {"EndpointConfigName": EndpointConfigName, "fates": list(self.fates)}
        return new(self.endpoints, "endpoint", EndpointName, made)

    def updateEndpoint(self, EndpointName: str, EndpointConfigName: str, **_: Any) -> Thing:
        found = self.endpoints[EndpointName]
        if found["EndpointConfigName"] == EndpointConfigName:
            refuse("Cannot update an endpoint to the configuration that it has")
        found |= {"next": EndpointConfigName, "fates": list(self.fates)}
        return {}

    def describeEndpoint(self, EndpointName: str) -> Thing:
        found = got(self.endpoints, "endpoint", EndpointName)
        fate = found["fates"].pop(0) if len(found["fates"]) > 1 else found["fates"][0]
        status, reason = fate if isinstance(fate, tuple) else (fate, "")
        if status == "gone":
            del self.endpoints[EndpointName]
            return self.describeEndpoint(EndpointName)
        if status in {"InService", "Failed"} and not reason and "next" in found:
            found["EndpointConfigName"] = found.pop("next")
        if status == "Failed" and "next" in found:
            found["EndpointConfigName"] = found.pop("next")
        seen = {
            "EndpointName": EndpointName, "EndpointArn": f"{ARN}endpoint/{EndpointName}",
            "EndpointConfigName": found["EndpointConfigName"], "EndpointStatus": status,
        }  # fmt: skip
        return {**seen, "FailureReason": reason} if reason else seen

    def describeEndpointConfig(self, EndpointConfigName: str) -> Thing:
        return got(self.configs, "endpoint configuration", EndpointConfigName)

    def describeModel(self, ModelName: str) -> Thing:
        return got(self.models, "model", ModelName)

    def describeTrainingJob(self, TrainingJobName: str) -> Thing:
        if TrainingJobName not in self.jobs:
            refuse("Requested resource not found.")
        return self.jobs[TrainingJobName]

    def deleteEndpoint(self, EndpointName: str) -> Thing:
        return gone(self.endpoints, "endpoint", EndpointName)

    def deleteEndpointConfig(self, EndpointConfigName: str) -> Thing:
        return gone(self.configs, "endpoint configuration", EndpointConfigName)

    def deleteModel(self, ModelName: str) -> Thing:
        return gone(self.models, "model", ModelName)


def new(store: dict[str, Thing], what: str, name: str, made: Thing) -> Thing:
    if name in store:
        refuse(f'Cannot create already existing {what} "{ARN}{what}/{name}".')
    store[name] = made
    return {f"{what.title()}Arn": f"{ARN}{what}/{name}"}


def got(store: dict[str, Thing], what: str, name: str) -> Thing:
    if name not in store:
        refuse(f'Could not find {what} "{ARN}{what}/{name}".')
    return store[name]


def gone(store: dict[str, Thing], what: str, name: str) -> Thing:
    got(store, what, name)
    del store[name]
    return {}


def refuse(words: str) -> None:
    raise StateError("SageMaker.SageMakerException", f"{words} (Service: SageMaker, Status: 400)")


def run(
    definition: Thing,
    given: Any,
    sagemaker: Callable[[str, Thing], Thing],
    redrives: int = 0,
    name: str = "run-1",
) -> Any:
    """The definition's output; StateError when it fails."""

    def task(course: Course, scope: Scope) -> Any:
        action = str(scope.state["Resource"]).rsplit(":", 1)[1]
        return json.loads(json.dumps(sagemaker(action, scope.arguments())))

    execution = {
        "Id": f"arn:aws:states:us-east-1:123456789012:execution:cells:{name}", "Name": name,
        "StartTime": "2026-01-31T09:00:00.123Z", "Input": given, "RedriveCount": redrives,
    }  # fmt: skip
    events, clock = History(), Clock()
    shared = Run(
        region="us-east-1", context={"Execution": execution}, history=events, clock=clock,
        gone=threading.Event(), active={}, task=task, map_run=task,
    )  # fmt: skip
    language = definition.get("QueryLanguage", "JSONPath")
    course = Course(
        shared, hurried(definition), language, clock, Thread(events, 0), Variables(), Progress()
    )
    return course.go(given)


def hurried(value: Any) -> Any:
    """The definition without its pauses."""
    if isinstance(value, dict):
        pauses = {"Seconds", "IntervalSeconds"} & value.keys()
        return {key: 0 if key in pauses else hurried(item) for key, item in value.items()}
    return [hurried(item) for item in value] if isinstance(value, list) else value
