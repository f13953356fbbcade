"""Targets of rules: state machines, functions, builds, queues, topics, log groups, other buses."""

from __future__ import annotations

import json
import sys
import threading
import uuid
from collections.abc import Callable, Mapping
from typing import Any

from byoa.plan.errors import error_code
from byoa.sandbox.iam import listed, may_assume, statements
from byoa.sandbox.policies import like, may
from byoa.sandbox.stepfunctions.calls import client_for

Target = Mapping[str, Any]


class DeliveryError(Exception):
    """Why a target got nothing."""


def deliver(target: Target, text: str, event: Mapping[str, Any], region: str) -> None:
    """Starts the target, in a thread: nobody who sends an event waits for what it starts."""
    work = threading.Thread(target=attempt, args=(target, text, event, region), daemon=True)
    work.start()


def attempt(target: Target, text: str, event: Mapping[str, Any], region: str) -> None:
    """What fails goes to the target's dead-letter queue, and into the sandbox's log."""
    try:
        start(target, text, event, region)
    except Exception as error:  # any service may refuse in its own words
        told = f"EventBridge: {target['Arn']} was not started: {error}"
        print(told, file=sys.stderr, flush=True)
        queue = (target.get("DeadLetterConfig") or {}).get("Arn")
        if queue:
            code = error_code(error) or type(error).__name__
            attributes = {
                name: {"DataType": "String", "StringValue": said[:256] or "-"}
                for name, said in {"TARGET_ARN": target["Arn"], "ERROR_CODE": code,
                                   "ERROR_MESSAGE": str(error)}.items()
            }  # fmt: skip
            send_message(queue, text, attributes)


def start(target: Target, text: str, event: Mapping[str, Any], region: str) -> None:
    arn = target["Arn"]
    service = arn.split(":")[2]
    if service not in STARTS:
        raise DeliveryError(f"the sandbox starts no targets of {service}")
    STARTS[service](target, text, event)


def check_role(target: Target, action: str) -> None:
    """The role is taken on by EventBridge, and may start the target."""
    role = target.get("RoleArn") or ""
    if not may_assume(role, "events"):
        raise DeliveryError(
            f"The role {role or '(none)'} can not be assumed: it has to be there, and its trust "
            "policy has to name events.amazonaws.com"
        )
    if not may(role, action, target["Arn"], {}):
        raise DeliveryError(f"The role {role} is not allowed {action} on {target['Arn']}")


def region_of(arn: str) -> str:
    return arn.split(":")[3]


def state_machine(target: Target, text: str, event: Mapping[str, Any]) -> None:
    """EventBridge names the execution after the event: 73 characters."""
    check_role(target, "states:StartExecution")
    states = client_for("stepfunctions", region_of(target["Arn"]))
    name = f"{event['id']}_{uuid.uuid4()}"
    states.start_execution(stateMachineArn=target["Arn"], name=name, input=text)


def function(target: Target, text: str, event: Mapping[str, Any]) -> None:
    """The function's own policy has to let EventBridge in (lambda:AddPermission)."""
    arn = target["Arn"]
    functions = client_for("lambda", region_of(arn))
    try:
        policy = json.loads(functions.get_policy(FunctionName=arn)["Policy"])
    except functions.exceptions.ResourceNotFoundException:
        policy = {}
    if not any(lets_in(statement) for statement in statements(policy)):
        raise DeliveryError(f"The policy of {arn} does not let events.amazonaws.com invoke it")
    functions.invoke(FunctionName=arn, InvocationType="Event", Payload=text.encode())


def lets_in(statement: Mapping[str, Any]) -> bool:
    named = statement.get("Principal")
    services = listed(named.get("Service")) if isinstance(named, Mapping) else [named]
    return (
        statement.get("Effect") == "Allow"
        and bool({"events.amazonaws.com", "*"} & set(services))
        and any(like("lambda:InvokeFunction", one) for one in listed(statement.get("Action")))
    )


def build(target: Target, text: str, event: Mapping[str, Any]) -> None:
    """The input's members are StartBuild's, when they come from the rule and not the event."""
    check_role(target, "codebuild:StartBuild")
    given = json.loads(text) if target.get("Input") or target.get("InputTransformer") else {}
    request = {**given, "projectName": target["Arn"].rpartition("/")[2]}
    client_for("codebuild", region_of(target["Arn"])).start_build(**request)


def queue(target: Target, text: str, event: Mapping[str, Any]) -> None:
    group = (target.get("SqsParameters") or {}).get("MessageGroupId")
    send_message(target["Arn"], text, {}, **({"MessageGroupId": group} if group else {}))


def send_message(arn: str, text: str, attributes: dict[str, Any], **more: Any) -> None:
    queues = client_for("sqs", region_of(arn))
    address = queues.get_queue_url(QueueName=arn.rpartition(":")[2])["QueueUrl"]
    queues.send_message(QueueUrl=address, MessageBody=text, MessageAttributes=attributes, **more)


def topic(target: Target, text: str, event: Mapping[str, Any]) -> None:
    client_for("sns", region_of(target["Arn"])).publish(TopicArn=target["Arn"], Message=text)


def log_group(target: Target, text: str, event: Mapping[str, Any]) -> None:
    import time

    logs = client_for("logs", region_of(target["Arn"]))
    group, stream = target["Arn"].split(":")[6], str(uuid.uuid4())
    logs.create_log_stream(logGroupName=group, logStreamName=stream)
    line = {"timestamp": int(time.time() * 1000), "message": text}
    logs.put_log_events(logGroupName=group, logStreamName=stream, logEvents=[line])


def bus(target: Target, text: str, event: Mapping[str, Any]) -> None:
    entry = {
        "EventBusName": target["Arn"],
        "Source": event["source"],
        "DetailType": event["detail-type"],
        "Detail": json.dumps(event["detail"]),
        "Resources": event["resources"],
    }
    client_for("events", region_of(target["Arn"])).put_events(Entries=[entry])


STARTS: dict[str, Callable[[Target, str, Mapping[str, Any]], None]] = {
    "states": state_machine,
    "lambda": function,
    "codebuild": build,
    "sqs": queue,
    "sns": topic,
    "logs": log_group,
    "events": bus,
}
