"""Functions run for real, with AWS's own runtime client."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.byoa.sandbox.conftest import Clients
from tests.byoa.sandbox.lambdas.conftest import Make

Invoke = Callable[..., tuple[Any, str]]


def test_the_handler_gets_the_event_and_its_answer_comes_back(make: Make, invoke: Invoke) -> None:
    name = make("""
        def handler(event, context):
            return {"got": event, "function": context.function_name,
                    "left": context.get_remaining_time_in_millis() > 1000}
    """)
    assert invoke(name, {"a": [1, "ü"]}) == (
        {"got": {"a": [1, "ü"]}, "function": name, "left": True},
        "",
    )


def test_an_exception_is_answered_as_aws_does(make: Make, invoke: Invoke) -> None:
    name = make("""
        def handler(event, context):
            raise ValueError("no good: " + event["what"])
    """)
    payload, error = invoke(name, {"what": "this"})
    assert error == "Unhandled"
    assert payload["errorType"] == "ValueError"
    assert payload["errorMessage"] == "no good: this"
    assert "handler.py" in payload["stackTrace"][0]
    assert set(payload) == {"errorType", "errorMessage", "requestId", "stackTrace"}


def test_a_functions_clients_reach_the_sandbox_as_its_role(make: Make, invoke: Invoke) -> None:
    name = make(
        """
        import boto3, os
        def handler(event, context):
            boto3.client("s3").create_bucket(Bucket=os.environ["BUCKET"])
            return boto3.client("sts").get_caller_identity()["Arn"]
        """,
        Environment={"Variables": {"BUCKET": "made-by-a-function"}},
        Timeout=30,
    )
    payload, error = invoke(name)
    assert (payload, error) == (f"arn:aws:sts::123456789012:assumed-role/functions/{name}", "")


def test_its_log_is_where_lambdas_are(make: Make, invoke: Invoke, client: Clients) -> None:
    name = make("""
        import logging
        def handler(event, context):
            print("printed")
            logging.getLogger().warning("logged")
    """)
    invoke(name)
    events = client("logs").filter_log_events(logGroupName=f"/aws/lambda/{name}")["events"]
    lines = [event["message"] for event in events]
    words = [line.split()[0].removesuffix(":") for line in lines]
    assert words == ["INIT_START", "START", "printed", "[WARNING]", "END", "REPORT"]
    assert "Memory Size: 512 MB" in lines[-1]
    assert "Init Duration" in lines[-1]
