"""Functions run for real, with AWS's own runtime client."""

from __future__ import annotations

import base64
import textwrap
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tests.byoa.sandbox.conftest import Clients, refused
from tests.byoa.sandbox.lambdas.conftest import Make, zipped

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


def test_it_is_killed_when_its_time_is_over(make: Make, invoke: Invoke, client: Clients) -> None:
    name = make(
        """
        import time
        def handler(event, context):
            if event.get("sleep"):
                time.sleep(60)
            return "awake"
        """,
        Timeout=2,
    )
    payload, error = invoke(name, {"sleep": True})
    assert error == "Unhandled"
    assert payload["errorType"] == "Sandbox.Timedout"
    assert payload["errorMessage"].endswith("Error: Task timed out after 2.00 seconds")
    assert invoke(name) == ("awake", "")  # the next one gets another process
    events = client("logs").filter_log_events(logGroupName=f"/aws/lambda/{name}")["events"]
    lines = [event["message"] for event in events]
    assert any(line.endswith("Task timed out after 2.00 seconds") for line in lines)
    assert any("Status: timeout" in line for line in lines)
    assert len({event["logStreamName"] for event in events}) == 2


def test_it_is_killed_when_it_takes_more_memory_than_it_has(make: Make, invoke: Invoke) -> None:
    name = make(
        """
        import subprocess, sys, time
        TAKES = "kept = bytearray(300 * 1024 * 1024); kept[::4096] = b'x' * len(kept[::4096])"
        def handler(event, context):
            if event["child"]:
                subprocess.run([sys.executable, "-c", TAKES + "; import time; time.sleep(20)"])
            exec(TAKES)
            time.sleep(20)
        """,
        MemorySize=128,
        Timeout=30,
    )
    for child in (False, True):
        payload, error = invoke(name, {"child": child})
        assert error == "Unhandled"
        assert payload["errorType"] == "Runtime.OutOfMemory"
        assert payload["errorMessage"].endswith("Runtime exited with error: signal: killed")


def test_a_process_that_ends_itself_is_told(make: Make, invoke: Invoke) -> None:
    name = make("""
        import os
        def handler(event, context):
            os._exit(event["code"])
    """)
    payload, error = invoke(name, {"code": 3})
    assert error == "Unhandled"
    assert payload["errorType"] == "Runtime.ExitError"
    assert payload["errorMessage"].endswith("Runtime exited with error: exit status 3")
    payload, _ = invoke(name, {"code": 0})
    assert payload["errorMessage"].endswith("Runtime exited without providing a reason")


def test_what_cannot_be_imported(make: Make, invoke: Invoke) -> None:
    """The archive has to bring what Lambda does not: requests is installed here, byoa is too."""
    for package in ("requests", "byoa"):
        payload, error = invoke(make(f"import {package}"))
        assert error == "Unhandled"
        assert payload["errorType"] == "Runtime.ImportModuleError"
        wanted = f"Unable to import module 'handler': No module named '{package}'"
        assert payload["errorMessage"] == wanted
    payload, _ = invoke(make("def other(event, context): pass"))
    assert payload["errorType"] == "Runtime.HandlerNotFound"
    payload, _ = invoke(make("def handler(event, context: pass"))
    assert payload["errorType"] == "Runtime.UserCodeSyntaxError"


def test_an_error_outside_of_the_handler(make: Make, invoke: Invoke) -> None:
    payload, error = invoke(make("raise RuntimeError('at import')"))
    assert (payload["errorType"], payload["errorMessage"], error) == (
        "RuntimeError",
        "at import",
        "Unhandled",
    )


def test_an_answer_that_json_cannot_say(make: Make, invoke: Invoke) -> None:
    payload, error = invoke(make("def handler(event, context): return {1, 2}"))
    assert (payload["errorType"], error) == ("Runtime.MarshalError", "Unhandled")


def test_its_surroundings_are_lambdas(make: Make, invoke: Invoke) -> None:
    name = make(
        """
        import os, sys, tempfile
        def handler(event, context):
            return {
                "cwd": os.getcwd() == os.environ["LAMBDA_TASK_ROOT"],
                "temporary": tempfile.gettempdir() == os.environ["TMPDIR"],
                "environment": dict(os.environ),
                "writable": os.access(__file__, os.W_OK) and os.getuid() != 0,
            }
        """,
        Environment={"Variables": {"OWN": "yes"}},
        MemorySize=256,
    )
    payload, _ = invoke(name)
    assert payload["cwd"]
    assert payload["temporary"]
    assert not payload["writable"]
    found = payload["environment"]
    expected = {
        "OWN": "yes",
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_LAMBDA_FUNCTION_NAME": name,
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256",
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{name}",
        "AWS_EXECUTION_ENV": "AWS_Lambda_python3.13",
        "_HANDLER": "handler.handler",
        "TZ": ":UTC",
    }
    assert {key: found.get(key) for key in expected} == expected
    assert "USER" not in found
    assert "PYTHONPATH" not in found


def test_a_process_stays_warm_until_the_function_changes(
    make: Make, invoke: Invoke, client: Clients
) -> None:
    source = """
        import os
        count = 0
        def handler(event, context):
            global count
            count += 1
            return [WORD, count, os.getpid()]
    """
    name = make("WORD = 'old'\n" + textwrap.dedent(source))
    first, second = invoke(name)[0], invoke(name)[0]
    assert (first[:2], second[:2]) == (["old", 1], ["old", 2])
    assert first[2] == second[2]
    code = zipped(handler="WORD = 'new'\n" + textwrap.dedent(source))
    client("lambda").update_function_code(FunctionName=name, ZipFile=code)
    third = invoke(name)[0]
    assert third[:2] == ["new", 1]
    assert not Path(f"/proc/{first[2]}").exists()
    client("lambda").update_function_configuration(FunctionName=name, MemorySize=600)
    assert invoke(name)[0][1] == 1
    last = invoke(name)[0][2]
    client("lambda").delete_function(FunctionName=name)
    assert not Path(f"/proc/{last}").exists()
    assert refused(client("lambda").invoke, FunctionName=name)[0] == "ResourceNotFoundException"


def test_events_at_the_same_time_get_processes_of_their_own(make: Make, invoke: Invoke) -> None:
    name = make(
        """
        import os, pathlib, time
        def handler(event, context):
            folder = pathlib.Path(event["folder"])
            (folder / str(event["n"])).touch()
            while len(list(folder.iterdir())) < 3:
                time.sleep(0.02)
            return os.getpid()
        """,
        Timeout=60,
    )
    with TemporaryDirectory() as folder, ThreadPoolExecutor(3) as threads:
        events = [{"folder": folder, "n": number} for number in range(3)]
        answers = list(threads.map(lambda event: invoke(name, event), events))
    assert len({pid for pid, _ in answers}) == 3
    assert {error for _, error in answers} == {""}


def test_a_reserved_concurrency_throttles(make: Make, client: Clients) -> None:
    name = make("def handler(event, context): return 1")
    functions = client("lambda")
    functions.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
    assert refused(functions.invoke, FunctionName=name) == (
        "TooManyRequestsException",
        "Rate Exceeded.",
    )


def test_what_is_no_json_or_too_long(make: Make, invoke: Invoke, client: Clients) -> None:
    name = make("def handler(event, context): return 'x' * event.get('size', 1)")
    functions = client("lambda")
    code, text = refused(functions.invoke, FunctionName=name, Payload=b"{not json")
    assert code == "InvalidRequestContentException"
    assert "Could not parse request body into json" in text
    long = b'"' + b"x" * 6_291_456 + b'"'
    assert refused(functions.invoke, FunctionName=name, Payload=long) == (
        "RequestTooLargeException",
        "Request must be smaller than 6291456 bytes for the InvokeFunction operation",
    )
    long = b'"' + b"x" * 1_048_576 + b'"'
    again = refused(functions.invoke, FunctionName=name, Payload=long, InvocationType="Event")
    assert again[0] == "RequestTooLargeException"
    payload, error = invoke(name, {"size": 6_300_000})
    assert (payload["errorType"], error) == ("Function.ResponseSizeTooLarge", "Unhandled")
    assert invoke(name) == ("x", "")  # the process survived that


def test_the_tail_of_the_log_comes_along(make: Make, client: Clients) -> None:
    name = make("""
        def handler(event, context):
            print("line", event)
    """)
    functions = client("lambda")
    answer = functions.invoke(FunctionName=name, LogType="Tail", Payload=b"7")
    tail = base64.b64decode(answer["LogResult"]).decode()
    assert answer["ExecutedVersion"] == "$LATEST"
    assert "\nline 7\n" in tail
    assert tail.startswith("START RequestId: ")
    assert "REPORT RequestId" in tail
    dry = functions.invoke(FunctionName=name, InvocationType="DryRun")
    assert dry["StatusCode"] == 204
