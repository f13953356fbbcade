"""Events that nobody waits for: tried again when they fail, then sent where results go.

https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html
https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html
"""

from __future__ import annotations

import datetime
import json
import threading
import time
import traceback
from collections.abc import Callable, Mapping
from typing import Any

from byoa.aws.session import Session
from byoa.plan.errors import ServiceError, error_code
from byoa.sandbox.lambdas import extras
from byoa.sandbox.lambdas.function import Function, moto_function
from byoa.sandbox.lambdas.pool import Pool
from byoa.sandbox.lambdas.runtime_api import Event
from byoa.sandbox.lambdas.worker import Outcome
from byoa.sandbox.state import State

#: Lambda waits a minute, then two; the sandbox's minutes are seconds.
PAUSES = (1.0, 2.0)


def send(
    state: State,
    pool: Pool,
    function: Function,
    event: Event,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Returns at once; the event has a thread of its own."""

    def run() -> None:
        try:
            outcome, tries = attempts(pool, function, event, sleep)
            deliver(state, function, event, outcome, tries)
        except Exception:  # nobody waits for it: the sandbox's log tells
            traceback.print_exc()

    threading.Thread(target=run, daemon=True).start()


def attempts(
    pool: Pool, function: Function, event: Event, sleep: Callable[[float], None]
) -> tuple[Outcome | None, int]:
    """The first outcome that is good, or the last of three; and how many it took."""
    outcome, tries = None, 0
    for pause in (0.0, *PAUSES[: settings(function).get("MaximumRetryAttempts", 2)]):
        sleep(pause)
        tries += 1
        try:
            outcome = pool.invoke(function, event)
        except ServiceError as error:
            if error_code(error) != "TooManyRequestsException":
                raise
            continue
        if not outcome.error:
            break
    return outcome, tries


def settings(function: Function) -> Mapping[str, Any]:
    """What PutFunctionEventInvokeConfig says of it."""
    configs = moto_function(function.region, function.name).event_invoke_config
    found: Mapping[str, Any] = configs[0].config if configs else {}
    return found


def deliver(
    state: State, function: Function, event: Event, outcome: Outcome | None, tries: int
) -> None:
    """A record of the event where the function's destinations say, or to its dead letters."""
    failed = outcome is None or bool(outcome.error)
    wanted = settings(function).get("DestinationConfig", {})
    target = wanted.get("OnFailure" if failed else "OnSuccess", {}).get("Destination", "")
    session = Session(region=function.region, endpoint=state.url)
    if target:
        put(session, target, json.dumps(record(function, event, outcome, tries)))
    kept = extras.of(moto_function(function.region, function.name))
    dead = kept.get("DeadLetterConfig", {}).get("TargetArn", "")
    if failed and dead:
        put(session, dead, event.payload.decode())


def record(function: Function, event: Event, outcome: Outcome | None, tries: int) -> dict[str, Any]:
    failed = outcome is None or bool(outcome.error)
    now = datetime.datetime.now(datetime.timezone.utc)
    context = {
        "requestId": event.id,
        "functionArn": f"{function.arn}:{function.version}",
        "condition": "RetriesExhausted" if failed else "Success",
        "approximateInvokeCount": tries,
    }
    answered: dict[str, Any] = {"statusCode": 200, "executedVersion": function.version}
    if outcome is not None and outcome.error:
        answered["functionError"] = outcome.error
    return {
        "version": "1.0",
        "timestamp": f"{now:%Y-%m-%dT%H:%M:%S}.{now.microsecond // 1000:03d}Z",
        "requestContext": context,
        "requestPayload": json.loads(event.payload),
        "responseContext": answered,
        "responsePayload": json.loads(outcome.payload or b"null") if outcome else None,
    }


def put(session: Session, arn: str, text: str) -> None:
    """To a queue, a topic, a function or an event bus."""
    service, name = arn.split(":")[2], arn.rpartition(":")[2]
    if service == "sqs":
        queue = session.client("sqs").get_queue_url(QueueName=name)["QueueUrl"]
        session.client("sqs").send_message(QueueUrl=queue, MessageBody=text)
    elif service == "sns":
        session.client("sns").publish(TopicArn=arn, Message=text)
    elif service == "lambda":
        session.client("lambda").invoke(FunctionName=arn, InvocationType="Event", Payload=text)
    elif service == "events":
        entry = {
            "Source": "lambda",
            "DetailType": "Lambda Function Invocation Result",
            "Detail": text,
            "EventBusName": name.rpartition("/")[2],
        }
        session.client("events").put_events(Entries=[entry])
    else:
        print(f"byoa sandbox: no event is sent to {arn}: {service} is no destination here")
