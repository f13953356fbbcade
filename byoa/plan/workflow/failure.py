"""Why an execution failed, in one sentence: dug out of what Step Functions hands on as Cause.

A Cause is what the service answered last, as JSON: DescribeTrainingJob, a build with its phases, a
function's error, another execution. Step Functions cuts it at 32,768 characters.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from byoa.plan.advice import for_reason
from byoa.plan.workflow.history import ABORTED, CAUGHT, TIMED_OUT, failure, read
from byoa.plan.workflow.work import opened

#: Errors of Step Functions' own, for those that come without a cause.
ERRORS = {
    "States.Timeout": "it took longer than its TimeoutSeconds",
    "States.HeartbeatTimeout": "no heartbeat came in time",
    "States.Permissions": "the workflow's role may not do it",
    "States.DataLimitExceeded": "more than 256 KiB would have to be handed on: use S3",
    "States.NoChoiceMatched": "no rule of the Choice fits, and it has no Default",
}
#: Where a text was cut, these still say what happened.
CUT = re.compile(
    r'"(?:FailureReason|ExitMessage|errorMessage|StatusReason|Message)"\s*:\s*'
    r'"((?:[^"\\]|\\.)*[^"\\])"?'
)
#: What AWS's SDK for Java writes behind a service's words.
SERVICE = re.compile(r"\s*\(Service: [^()]*(\([^()]*\)[^()]*)*\)$")
DEEPEST = 8


class Failure(NamedTuple):
    """What went wrong where."""

    state: str
    error: str
    reason: str
    #: It ended in a Fail state: going on from there would only fail again.
    is_final: bool = False
    advice: str = ""

    def sentence(self, workflow: str, status: str = "FAILED") -> str:
        """One sentence, and what to do where the reason is a known one."""
        verb = {"ABORTED": "was stopped", "TIMED_OUT": "ran out of time"}.get(status, "failed")
        where = f" in {self.state}" if self.state else ""
        said = f"{workflow} {verb}{where}{f': {self.reason}' if self.reason else ''}"
        return " ".join(part for part in (ended(said), self.advice) if part)


def failure_of(described: Mapping[str, Any], events: Iterable[Mapping[str, Any]]) -> Failure:
    """The failure of an execution that did not succeed.

    A Fail state that a Catch led to may say nothing of its own: then what was caught is told.
    """
    events = list(events)
    history = read(events)
    state, error, cause = failure(events) or ("", "", "")
    error = error or str(described.get("error") or "")
    cause = cause or str(described.get("cause") or "")
    if not state:  # each state of what was stopped has been aborted by itself
        stopped = [one.name for one in history.visits if one.status in (ABORTED, TIMED_OUT)]
        state = stopped[-1] if stopped else ""
    is_final = history.last is not None and history.last.kind == "Fail"
    if is_final and not cause:
        caught = [
            one for one in history.visits if one.status == CAUGHT and (one.error or one.cause)
        ]
        if caught:
            state, cause = caught[-1].name, caught[-1].cause
            error = error or caught[-1].error
    elif is_final:  # "Deploy: failed" is a part of the step Deploy
        state = state.partition(": ")[0]
    said = reason(error, cause)
    found = opened(cause)
    knows = not found or of_job(found)  # the table's advice is about jobs and endpoints
    return Failure(state, error, said, is_final, for_reason(said) if knows else "")


def reason(error: str, cause: str) -> str:
    """The words that say what happened; the error's name where there are none."""
    shown = "".join(sign if sign.isprintable() else " " for sign in dug(cause))
    said = SERVICE.sub("", " ".join(shown.split()))
    if not said:
        return ERRORS.get(error, error)
    if error and error not in said and not error.startswith(("States.TaskFailed", "SageMaker.")):
        said = f"{error}: {said}"
    return said if len(said) <= 1500 else f"{said[:1497]}..."


def dug(cause: str, depth: int = 0) -> str:
    """The reason within a Cause, however deep it is wrapped; a plain text is its own reason."""
    found = opened(cause)
    if not found or depth > DEEPEST:
        cut = CUT.search(cause) if cause.lstrip().startswith("{") else None
        return unescaped(cut[1]) if cut else cause
    return (
        of_job(found) or of_build(found) or of_function(found) or of_execution(found, depth) or ""
    )


def of_job(found: Mapping[str, Any]) -> str:
    """SageMaker's and Batch's jobs."""
    names = [key for key in found if key.endswith(("JobName", "EndpointName"))]
    name = f"{found[names[0]]}: " if names else ""
    for key in ("FailureReason", "ExitMessage", "StatusReason"):
        if isinstance(found.get(key), str) and found[key]:
            inside = found.get("Container")
            exit_code = inside.get("ExitCode") if isinstance(inside, Mapping) else None
            code = f" (exit code {exit_code})" if exit_code is not None else ""
            return f"{name}{found[key]}{code}"
    stopped = next((v for k, v in found.items() if k.endswith("JobStatus")), "")
    return f"{name}the job is {stopped}" if stopped else ""


def of_build(found: Mapping[str, Any]) -> str:
    """A CodeBuild build: the phases that failed, with what they say."""
    build = found.get("Build", found)
    phases = build.get("Phases") if isinstance(build, Mapping) else None
    if not isinstance(phases, list):
        return ""
    said = []
    for phase in phases:
        if not isinstance(phase, Mapping) or phase.get("PhaseStatus") in (None, "SUCCEEDED"):
            continue
        contexts = [one for one in phase.get("Contexts") or () if isinstance(one, Mapping)]
        messages = " ".join(str(one.get("Message") or "") for one in contexts).strip()
        said.append(f"{phase.get('PhaseType')}: {messages or phase.get('PhaseStatus')}")
    name = f"the build {build.get('Id', '')}".rstrip()
    status = str(build.get("BuildStatus", "FAILED"))
    return f"{name} failed in its phase {'; '.join(said)}" if said else f"{name} is {status}"


def of_function(found: Mapping[str, Any]) -> str:
    """A Lambda function's error."""
    kind, message = found.get("errorType", ""), found.get("errorMessage", "")
    return f"{kind}: {message}" if kind and message else str(message or kind)


def of_execution(found: Mapping[str, Any], depth: int) -> str:
    """An execution within the execution."""
    arn = str(found.get("ExecutionArn", ""))
    if not arn:
        return ""
    return f"{arn.partition(':execution:')[2]}: {reason_within(found, depth)}"


def reason_within(found: Mapping[str, Any], depth: int) -> str:
    error = str(found.get("Error") or "")
    cause = dug(str(found.get("Cause") or ""), depth + 1)
    return cause or ERRORS.get(error, error) or f"it is {found.get('Status', 'FAILED')}"


def unescaped(text: str) -> str:
    """What was between a JSON text's quotes, even when its end is missing."""
    for end in range(3):
        word = opened(f'{{"x": "{text[: len(text) - end]}"}}').get("x")
        if isinstance(word, str):
            return word
    return text


def ended(sentence: str) -> str:
    return sentence if sentence.endswith((".", "!", "?")) else f"{sentence}."
