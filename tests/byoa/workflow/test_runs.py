"""Executions: started once, watched in a pipe, on a terminal and on a page, stopped, redriven."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from byoa.aws import statemachines
from byoa.workflow import runs
from byoa.workflow.watch import Watched, write

from .conftest import ENDED, Here, passes

REST = {"Type": "Wait", "Seconds": 600}
ASKS = {
    "Type": "Task",
    "Resource": "arn:aws:states:::aws-sdk:sagemaker:describeEndpoint",
    "Parameters": {"EndpointName.$": "$.name"},
    "ResultSelector": {"Status.$": "$.EndpointStatus"},
}
NOW = datetime(2026, 1, 20, tzinfo=timezone.utc)


@pytest.fixture
def long(here: Here) -> str:
    """A workflow that waits for ten minutes."""
    return here.made(passes(Begin={"Type": "Pass"}, Rest=REST, Done=ENDED))


def until(look: Any, seconds: float = 60) -> Any:
    end = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < end
        time.sleep(0.1)
    return found


def test_the_same_name_and_input_is_the_same_execution(here: Here):
    name = here.made(passes(Done=ENDED))
    first = here.byoa("run", name, "--name", "one", "-i", "a=1", "--wait", "--json")
    again = here.byoa("run", name, "--name", "one", "-i", "a=1", "--wait", "--json")
    assert (first.code, again.code, first.json) == (0, 0, again.json)
    other = here.byoa("run", name, "--name", "one", "-i", "a=2")
    assert (other.code, "was given another input" in other.err) == (2, True)
    unnamed = [here.byoa("run", name, "--json").json["execution"] for _ in range(2)]
    assert len(set(unnamed)) == 2
    assert all(re.fullmatch(r"\d{8}-\d{6}-[0-9a-f]{6}", one) for one in unnamed)
    listed = here.byoa("list", name, "--json").json
    assert [row["execution"] for row in listed] == [*unnamed[::-1], "one"]
    assert here.byoa("list", name, "--status", "FAILED", "--json").json == []
    mine = {row["workflow"]: row for row in here.byoa("list", "--json").json}
    assert mine[name]["last"] == unnamed[1]
    assert name not in here.byoa("list", project="others").out


def test_the_input_comes_from_words_a_file_and_stdin(here: Here, monkeypatch: pytest.MonkeyPatch):
    name = here.made(passes(Done=ENDED))
    file = here.folder / "input.json"
    file.write_text('{"a": {"b": 1}, "c": 2}')
    words = ("run", name, "--input", file, "-i", "c=x", "-i", 'a:={"d": 1}', "--dry-run")
    request = here.byoa(*words).json["start_execution"]
    assert json.loads(request["input"]) == {"a": {"b": 1, "d": 1}, "c": "x"}
    import io

    monkeypatch.setattr(sys, "stdin", io.StringIO("[1, 2]"))
    request = here.byoa("run", name, "--input", "-", "--dry-run").json["start_execution"]
    assert json.loads(request["input"]) == [1, 2]
    file.write_text("{")
    assert here.byoa("run", name, "--input", file).code == 2
    assert here.byoa("list", name, "--json").json == []


def test_a_failure_is_one_sentence_with_the_way_on(here: Here):
    name = here.made(passes(Ask=ASKS, Done=ENDED))
    done = here.byoa("run", name, "--name", "x", "-i", "name=nobody", "--wait")
    assert done.code == 1
    assert "Ask: failed" in done.err
    said = done.err.partition("byoa: ")[2]
    assert said.startswith(f"The workflow {name} failed in Ask: ")
    assert "Could not find" in said
    assert (
        f"byoa workflow redrive {name} x --on sandbox goes on from Ask with the same input" in said
    )
    assert here.byoa("watch", name).code == 1


def test_an_execution_goes_on_where_it_failed(here: Here):
    name = here.made(passes(Begin={"Type": "Pass"}, Ask=ASKS, Done=ENDED))
    here.byoa("run", name, "--name", "x", "-i", f"name={name}", "--wait")
    endpoint(here, name)
    done = here.byoa("redrive", name, "x", "--wait")
    assert done.code == 0, done.err
    found = here.byoa("list", name, "--json").json
    assert [(row["status"], row["redrives"]) for row in found] == [("SUCCEEDED", 1)]
    for words, said in (((name,), "it succeeded"), ((name, "none"), "has no execution none")):
        refused = here.byoa("redrive", *words)
        assert (refused.code > 0, said in refused.err) == (True, True), refused.err


def endpoint(here: Here, name: str) -> None:
    """One that is described; what it does is nobody's business here."""
    sagemaker, role = here.client("sagemaker"), make_role(here)
    image = f"process://{Path(__file__).parents[2]}/small_algorithm"
    sagemaker.create_model(ModelName=name, ExecutionRoleArn=role, PrimaryContainer={"Image": image})
    variant = {
        "VariantName": "a", "ModelName": name, "InstanceType": "ml.m5.large",
        "InitialInstanceCount": 1,
    }  # fmt: skip
    sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[variant])
    sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name)


def make_role(here: Here) -> str:
    principal = {"Service": "sagemaker.amazonaws.com"}
    trust = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    made = here.client("iam").create_role(RoleName="jobs", AssumeRolePolicyDocument=document)
    return str(made["Role"]["Arn"])


def test_a_fail_state_is_not_redriven(here: Here):
    name = here.made(
        passes(Begin={"Type": "Pass"}, No={"Type": "Fail", "Error": "E", "Cause": "c"})
    )
    done = here.byoa("run", name, "--wait")
    assert f"The workflow {name} failed in No: E: c." in done.err
    assert f"byoa workflow run {name} --on sandbox starts it anew." in done.err
    refused = here.byoa("redrive", name)
    assert (refused.code, "would only fail again" in refused.err) == (2, True)


@pytest.mark.parametrize(
    ("described", "said"),
    [
        ({"status": "RUNNING"}, "it is RUNNING"),
        ({"status": "PENDING_REDRIVE"}, "it is PENDING_REDRIVE"),
        ({"status": "SUCCEEDED"}, "it succeeded"),
        ({"status": "FAILED", "stopDate": NOW - timedelta(days=15)}, "14 days"),
        (
            {
                "status": "FAILED", "stopDate": NOW, "redriveStatus": "NOT_REDRIVABLE",
                "redriveStatusReason": "Execution history event limit exceeded.",
            },
            "event limit exceeded. Start it anew",
        ),
        ({"status": "FAILED", "stopDate": NOW - timedelta(days=13)}, ""),
        ({"status": "ABORTED", "stopDate": NOW, "redriveStatus": "REDRIVABLE"}, ""),
    ],
)  # fmt: skip
def test_why_an_execution_cannot_be_redriven(described: dict[str, Any], said: str):
    found = runs.why_not({"name": "x", **described}, NOW)
    assert (said in found) if said else found == ""


def test_what_runs_is_stopped_and_stopping_twice_is_once(here: Here, long: str):
    here.byoa("run", long, "--name", "x")
    done = here.byoa("stop", long, "--cause", "enough")
    assert (done.code, "ABORTED" in done.out) == (0, True)
    again = here.byoa("stop", long)
    assert (again.code, "has ended already" in again.err) == (0, True)
    found = statemachines.describe(here.home.states, runs.find(here.home, long)["executionArn"])
    assert (found["error"], found["cause"]) == ("Stopped", "enough")
    watched = here.byoa("watch", long)
    assert f"The workflow {long} was stopped in Rest: Stopped: enough." in watched.err
    assert f"\nbyoa workflow redrive {long} x --on sandbox goes on from Rest." in watched.err
    nothing = here.byoa("watch", here.made(passes(Done=ENDED)))
    assert (nothing.code, "has not run yet. Start it: byoa workflow run" in nothing.err) == (
        1,
        True,
    )


def test_events_are_fetched_once_each(here: Here, long: str):
    here.byoa("run", long)
    watched = Watched(here.home, runs.find(here.home, long)["executionArn"])
    states = here.home.states
    assert watched.look() is False
    until(lambda: watched.look() is False and "Rest" in watched.states)
    count = len(watched.events)
    here.byoa("stop", long)
    assert watched.look() is True
    assert [event["id"] for event in watched.events] == list(range(1, len(watched.events) + 1))
    assert len(watched.events) > count
    assert statemachines.new_events(states, watched.arn) == watched.events


def test_the_page_refreshes_until_the_end_and_says_why(here: Here, long: str):
    here.byoa("run", long)
    watched = Watched(here.home, runs.find(here.home, long)["executionArn"])
    until(lambda: watched.look() is False and "Rest" in watched.states)
    page = watched.drawn("html", refresh=2)
    assert re.search(r'<meta http-equiv="refresh" content="2"', page)
    assert "RUNNING" in page
    here.byoa("stop", long, "--cause", "<b>enough</b>")
    path = here.folder / "page.html"
    assert here.byoa("watch", long, "--page", path).code == 1
    page = path.read_text()
    assert 'http-equiv="refresh"' not in page
    assert "&lt;b&gt;enough" in page
    assert "<b>enough" not in page
    assert [one.name for one in here.folder.iterdir() if one.name.endswith(".part")] == []


def test_a_page_is_whole_or_not_there(tmp_path: Path):
    path = tmp_path / "p.html"
    write(path, "one")
    write(path, "two")
    assert (path.read_text(), [one.name for one in tmp_path.iterdir()]) == ("two", ["p.html"])


def test_pictures_of_files_workflows_and_executions(here: Here):
    name = here.made(passes(Begin={"Type": "Pass"}, Done=ENDED))
    file = here.file("file", passes(Begin={"Type": "Pass"}, Done=ENDED))
    here.byoa("run", name, "--wait")
    assert "Begin" in here.byoa("render", file).out
    assert here.byoa("render", name, "--format", "svg").out.startswith("<svg")
    out = here.folder / "x.html"
    assert here.byoa("render", name, "--execution", "last", "-o", out).code == 0
    assert "SUCCEEDED" in out.read_text()
    assert here.byoa("render", file, "--execution", "last").code == 2
    wrong = here.byoa("render", file, "-o", here.folder / "x.png")
    assert (wrong.code, "draws .svg, .html" in wrong.err) == (2, True)
    assert json.loads(here.byoa("export", name).out)["States"].keys() == {"Begin", "Done"}
    template = json.loads(here.byoa("export", file, "--format", "cloudformation").out)
    kinds = {one["Type"] for one in template["Resources"].values()}
    assert "AWS::StepFunctions::StateMachine" in kinds


def terminal(here: Here, *words: str) -> tuple[subprocess.Popen[bytes], int]:
    """byoa on a terminal of its own, 60 columns wide."""
    import fcntl
    import struct
    import termios

    parent, child = pty.openpty()
    fcntl.ioctl(child, termios.TIOCSWINSZ, struct.pack("HHHH", 12, 60, 0, 0))
    process = subprocess.Popen(
        [sys.executable, "-m", "byoa.cli", "workflow", *words, "--on", "sandbox"],
        stdin=child, stdout=child, stderr=child, start_new_session=True,
        env={**os.environ, "PYTHONIOENCODING": "utf-8", "TERM": "xterm"},
    )  # fmt: skip
    os.close(child)
    return process, parent


def read_until(parent: int, wanted: str, seconds: float = 60) -> str:
    text, end = "", time.monotonic() + seconds
    while wanted not in text:
        assert time.monotonic() < end, text
        if select.select([parent], [], [], 0.2)[0]:
            try:
                text += os.read(parent, 65536).decode()
            except OSError:  # the other end is closed
                return text
    return text


def test_on_a_terminal_the_table_is_redrawn_and_ctrl_c_leaves_it_running(here: Here, long: str):
    here.byoa("run", long, "--name", "x")
    process, parent = terminal(here, "watch", long)
    try:
        text = read_until(parent, "\x1b[3F\x1b[J")  # over the last three lines
        assert "\x1b[34m▶\x1b[0m Rest" in text
        assert "\x1b[32m✓\x1b[0m Begin" in text
        assert max(len(line) for line in re.sub(r"\x1b\[[0-9]*[FJm]", "", text).split("\r\n")) <= 60
        process.send_signal(signal.SIGINT)
        text = read_until(parent, "Stop it")
        assert process.wait(60) == 130
        assert f"runs on. Watch it: byoa workflow watch {long} x --on sandbox" in text
    finally:
        process.kill()
        process.wait()
        os.close(parent)
    assert runs.find(here.home, long)["status"] == "RUNNING"
    here.byoa("delete", long, "--force")
