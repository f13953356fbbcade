"""Events that nobody waits for, and settings that moto would forget."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

from tests.byoa.sandbox.conftest import Clients
from tests.byoa.sandbox.lambdas.conftest import Make

Invoke = Callable[..., tuple[Any, str]]
FAILS = """
    import json, pathlib
    def handler(event, context):
        path = pathlib.Path(event["path"])
        path.write_text(path.read_text() + context.aws_request_id + "\\n")
        if len(path.read_text().split()) < event["good"]:
            raise ValueError("not yet")
        return "done"
"""


def eventually(check: Callable[[], Any], seconds: float = 60.0) -> Any:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = check()
        if found:
            return found
        time.sleep(0.1)
    raise AssertionError("it never came")


def queue(client: Clients, name: str) -> tuple[Callable[[], Any], str]:
    """Its next message's body, or None; and its ARN."""
    sqs = client("sqs")
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]

    def take() -> Any:
        found = sqs.receive_message(QueueUrl=url).get("Messages", [])
        return json.loads(found[0]["Body"]) if found else None

    return take, arn["QueueArn"]


def test_an_event_that_fails_is_tried_again(make: Make, client: Clients, tmp_path: Any) -> None:
    path = tmp_path / "tries"
    path.write_text("")
    take, arn = queue(client, "went-well")
    name, functions = make(FAILS), client("lambda")
    destination = {"OnSuccess": {"Destination": arn}}
    functions.put_function_event_invoke_config(FunctionName=name, DestinationConfig=destination)
    event = json.dumps({"path": str(path), "good": 2})
    answer = functions.invoke(FunctionName=name, InvocationType="Event", Payload=event)
    assert answer["StatusCode"] == 202
    record = eventually(take)
    assert record["requestContext"]["approximateInvokeCount"] == 2
    assert record["requestContext"]["condition"] == "Success"
    assert record["responsePayload"] == "done"
    ids = path.read_text().split()
    assert len(ids) == 2 and len(set(ids)) == 1  # an attempt has its event's own id


def test_what_fails_for_good_goes_where_failures_go(
    make: Make, client: Clients, tmp_path: Any
) -> None:
    path = tmp_path / "tries"
    path.write_text("")
    take, arn = queue(client, "went-wrong")
    take_dead, dead = queue(client, "dead-letters")
    name = make(FAILS, DeadLetterConfig={"TargetArn": dead})
    functions = client("lambda")
    functions.put_function_event_invoke_config(
        FunctionName=name,
        MaximumRetryAttempts=0,
        DestinationConfig={"OnFailure": {"Destination": arn}},
    )
    event = {"path": str(path), "good": 9}
    functions.invoke(FunctionName=name, InvocationType="Event", Payload=json.dumps(event))
    record = eventually(take)
    assert record["requestContext"]["condition"] == "RetriesExhausted"
    assert record["requestPayload"] == event
    assert record["responsePayload"]["errorMessage"] == "not yet"
    assert eventually(take_dead) == event
    assert len(path.read_text().split()) == 1


def test_a_log_group_of_its_own(make: Make, invoke: Invoke, client: Clients) -> None:
    functions = client("lambda")
    source = """
        import logging
        def handler(event, context):
            logging.getLogger().warning("told")
    """
    logging = {"LogGroup": "own-group", "LogFormat": "JSON"}
    name = make(source, LoggingConfig=logging)
    assert functions.get_function_configuration(FunctionName=name)["LoggingConfig"] == logging
    assert functions.get_function(FunctionName=name)["Configuration"]["LoggingConfig"] == logging
    invoke(name)
    lines = client("logs").filter_log_events(logGroupName="own-group")["events"]
    messages = [event["message"] for event in lines]
    assert any(json.loads(line)["message"] == "told" for line in messages if line[0] == "{")
    other = make(source)
    assert functions.get_function_configuration(FunctionName=other)["LoggingConfig"] == {
        "LogGroup": f"/aws/lambda/{other}",
        "LogFormat": "Text",
    }
    functions.update_function_configuration(
        FunctionName=other, EphemeralStorage={"Size": 1024}, LoggingConfig=logging
    )
    changed = functions.get_function_configuration(FunctionName=other)
    assert changed["EphemeralStorage"] == {"Size": 1024}
    assert changed["LoggingConfig"] == logging
