"""The flow of one task: from what the user wants to a job that has ended well."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from typing import Any

from byoa import account, code, images, inputs, jobs, pack, record
from byoa.follow import Watch, ask_to_stop, last_lines, watch
from byoa.local import lacking
from byoa.pack import Code
from byoa.place import Place
from byoa.plan import advice, cost, hyperparameters
from byoa.plan.errors import JobFailedError, UsageError, error_code
from byoa.plan.image import ImageFacts
from byoa.plan.layout import ProjectPlace, TaskPlace
from byoa.plan.names import job_name
from byoa.progress import say
from byoa.record import Run
from byoa.requests import Prepared, request
from byoa.settings import Settings
from byoa.task import Attempt, Task

#: What AWS says when it has no such instance now, of a job or of a call.
NO_CAPACITY = ("CapacityError", "InsufficientCapacity")
NO_QUOTA = {"ResourceLimitExceeded"}


@dataclass(frozen=True)
class Outcome:
    """What came of a task: the job, what was done about it and why, its description."""

    where: TaskPlace
    run: Run
    action: str  #: skip, join, create, new; detached
    why: str
    described: Mapping[str, Any] = field(default_factory=dict)


def dry_run(task: Task, place: Place, settings: Settings) -> dict[str, Any]:
    """The request that would be sent. Nothing is written, here or there."""
    ready = prepare(task, place, settings, dry=True)
    wanted = request(ready, new_name(task), task.attempts[0])
    bill = cost.worst_case(wanted, place.region)
    if bill.usd is not None and not place.is_local:
        say(f"It costs at most {bill.usd:.2f} USD: {bill.instances} for {bill.seconds} s.")
    return {f"create_{task.kind}_job": wanted}


def run_task(task: Task, place: Place, settings: Settings, *, detach: bool = False) -> Outcome:
    """Runs the task, or finds that it need not; tries its instance types while capacity lacks."""
    ready = prepare(task, place, settings)
    if task.clean_state:
        place.storage.delete(ready.place.state)
    attempts = task.attempts
    for number, attempt in enumerate(attempts, 1):
        try:
            outcome = start(ready, place, attempt)
            if outcome.action == "skip" or detach:
                return outcome
            watched = attend(place, outcome.run)
        except Exception as error:
            if error_code(error) not in NO_QUOTA or number == len(attempts):
                raise
            say(f"{advice.explain(error)}")
        else:
            if watched is None:
                return replace(outcome, action="detached")
            if not lacks_capacity(watched.described) or number == len(attempts):
                return replace(outcome, described=end_of(watched, told=True))
        say(f"Nothing to be had of {words_of(attempt)}: trying {words_of(attempts[number])}.")
    raise AssertionError("a task has at least one instance type")


def check(ready: Prepared, place: Place) -> None:
    """Every request that may be sent, before a run is claimed: AWS's limits, and --max-cost."""
    for attempt in ready.task.attempts:
        wanted = request(ready, new_name(ready.task), attempt)
        if ready.task.max_cost is not None:
            cost.check_limit(wanted, ready.task.max_cost, place.region)


def words_of(attempt: Attempt, place: Place | None = None) -> str:
    types, spot = attempt
    if place and place.is_local:
        return {"process": "this machine", "docker": "docker here"}.get(place.name, "the sandbox")
    return f"{' or '.join(types)} ({'spot' if spot else 'on demand'})"


def prepare(task: Task, place: Place, settings: Settings, dry: bool = False) -> Prepared:
    """Everything up to the job itself: bucket, image, hyperparameters, code, inputs, role.

    The requests are checked before inputs are sent: what AWS would refuse costs no upload.
    """
    image = images.choose(task, place, settings, dry)
    task = as_described(task, image.labels)
    packed = code.collect(task.program)
    for sentence in packed.said:
        say(sentence)
    if not dry:
        account.ensure_bucket(place, task)
    draft = prepared(task, place, image, packed, dry=True)
    check(draft, place)
    return draft if dry else prepared(task, place, image, packed, dry=False)


def prepared(task: Task, place: Place, image: ImageFacts, packed: Code, *, dry: bool) -> Prepared:
    """The task with its inputs and role; unless `dry`, the inputs are sent and the role is made."""
    project = ProjectPlace(place.storage.base, task.project)
    where = project.task(task.name)
    found = [inputs.prepare(item, place, where, project, dry) for item in task.inputs]
    channels = [item.channel for item in found]
    read = [item.uri for item in channels if item.uri.startswith("s3://")]
    data = {item.channel.name: item.fingerprint for item in found}
    return Prepared(
        task=task, image=image, channels=channels, place=where, code=packed,
        role=account.role(place, task, [project.uri], read, image.uri, dry),
        fingerprint=fingerprint(task, image.digest or image.uri, pack.digests(packed.files), data),
        has_state=not (task.is_training or task.clean_state)
        and any(place.storage.objects(where.state)),
    )  # fmt: skip


def as_described(task: Task, labels: Mapping[str, str]) -> Task:
    """The task with the image's own metrics; its hyperparameters are checked before all else."""
    schema = hyperparameters.schema_of(labels)
    if schema is None or task.program.is_sent:
        return task
    wrong = hyperparameters.check(schema, task.hyperparameters)
    if wrong:
        said = " ".join(text if text.endswith(("?", ".")) else f"{text}." for text in wrong)
        raise UsageError(f"{said} Nothing was sent.")
    own = [(item["Name"], item["Regex"]) for item in schema.get("metrics", ())]
    return replace(task, metrics=task.metrics or own)


def fingerprint(
    task: Task, image: str, files: Mapping[str, str], data: Mapping[str, str]
) -> dict[str, Any]:
    """What the result depends on; environment values only as hashes, they may be secrets."""
    words = task.program
    others = {
        "arguments": list(words.arguments), "shell": words.shell, "command": list(words.command),
        "entry point": words.script.name if words.script else "",
        "distribution": dict(task.distribution), "request": dict(task.job.get("extra") or {}),
    }  # fmt: skip
    said = {**task.hyperparameters, **{name: str(value) for name, value in others.items() if value}}
    return {
        "code": dict(files),
        "data": dict(data),
        "parameters": {name: record.shown(value) for name, value in said.items()},
        "environment": {name: record.hidden(text) for name, text in task.environment.items()},
        "image": image,
        "instances": f"{task.job.get('instance_count', 1)} x {', '.join(task.attempts[-1][0])}",
    }


def start(ready: Prepared, place: Place, attempt: Attempt) -> Outcome:
    """Claims a run and creates its job, or finds the job that does the same."""
    task, where = ready.task, ready.place
    force = "forced" if task.force else "its state was cleaned" if task.clean_state else ""
    while True:
        last = record.latest(place.storage, where)
        described = jobs.describe(place, last.kind, last.job) if last else None
        decision = record.decide(last, jobs.status_of(described), ready.fingerprint, force)
        if last and decision.action in {"skip", "join"}:
            say(f"{task.name}: {decision.why}")
            return Outcome(where, last, decision.action, decision.why, described or {})
        new = Run(
            number=last.number + 1 if last else 1, job=new_name(task), kind=task.kind,
            fingerprint=ready.fingerprint, created=datetime.now(timezone.utc).isoformat(),
        )  # fmt: skip
        run = last if last and decision.action == "create" else new
        if run is new and not record.claim(place.storage, where, new):
            continue  # another driver was faster: look again
        create(ready, place, run, attempt)
        say(f"{task.name}: {decision.why}: job {run.job} on {words_of(attempt, place)}")
        return Outcome(where, run, decision.action, decision.why)


def new_name(task: Task) -> str:
    return job_name(task.name, datetime.now(timezone.utc), secrets.token_hex(3))


def create(ready: Prepared, place: Place, run: Run, attempt: Attempt) -> None:
    """Sends code and request. The name is fixed by the claim: a job that exists is our job."""
    task = ready.task
    wanted = request(ready, run.job, attempt)
    if task.program.is_sent:
        code.send(
            task.program, ready.code, place, ready.place.source(run.job), not task.is_training
        )
    try:
        account.when_assumable(place, lambda: jobs.call(place, "create", task.kind, **wanted))
    except Exception as error:
        if error_code(error) != "ResourceInUse":
            raise


def attend(place: Place, run: Run) -> Watch | None:
    """Watches the job. Ctrl-C asks; None when the user detached."""
    try:
        return watch(place, run)
    except KeyboardInterrupt:
        if not ask_to_stop(run.job):
            which = f"{run.job} --on {place.name}"
            say(f"The job runs on. See it: byoa logs -f {which}   Stop it: byoa stop {which}")
            return None
        jobs.stop(place, run.kind, run.job)
        return watch(place, run)


def lacks_capacity(described: Mapping[str, Any]) -> bool:
    """AWS's words, at the beginning: a script may speak of capacity, too."""
    reason, secondary = described.get("FailureReason") or "", described.get("SecondaryStatus")
    return reason.startswith(NO_CAPACITY) or secondary == "MaxWaitTimeExceeded"


def image_of(described: Mapping[str, Any]) -> str:
    """The image of a job of either kind."""
    algorithm = described.get("AlgorithmSpecification") or described.get("AppSpecification") or {}
    return str(algorithm.get("TrainingImage") or algorithm.get("ImageUri") or "")


def end_of(watched: Watch, told: bool = False) -> dict[str, Any]:
    """The description of a job that completed. JobFailedError says why another did not.

    Its last lines are repeated unless they were `told` just now, as those of the only host; of a
    reason that was told the first line is.
    """
    described, run = watched.described, watched.run
    status = jobs.status_of(described)
    if status == "Completed":
        return described
    reason = str(described.get("FailureReason") or described.get("SecondaryStatus", ""))
    host, lines = last_lines(watched)
    short = reason.partition("\n")[0] if told else reason  # its step has just said all of it
    why = "." if reason == status else f": {run.named(short)}"  # Stopped is Stopped
    said = [f"The job {run.job} is {status}{why}"]
    if lines and not (told and len(watched.tails) == 1):
        said += [f"Last lines of {host}:", *(f"  {line}" for line in lines)]
    step = lacking.install(reason, image_of(described)) or advice.for_reason(reason)
    said += [step] if step else []
    said += [f"All lines: byoa logs {run.job} --on {watched.place.name}"]
    raise JobFailedError("\n".join(said))
