"""A run's tasks as what the states of its machine ask for: Batch's jobs, or SageMaker's."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from byoa.plan.names import fitted
from byoa.plan.pipeline import manifest, processing_jobs
from byoa.plan.pipeline.batch_jobs import Groups, Wait, unit_names
from byoa.plan.pipeline.batch_jobs import Job as BatchJob
from byoa.plan.pipeline.batch_requests import submit_request
from byoa.plan.pipeline.composition import Composition, composed
from byoa.plan.pipeline.machine import Job, definition, literal
from byoa.plan.pipeline.manifest import Round, Run
from byoa.plan.workflow.build import capitals

SUBMIT = "arn:aws:states:::batch:submitJob.sync"
PROCESS = "arn:aws:states:::sagemaker:createProcessingJob.sync"
#: SubmitJob takes 50 a second, and a service may be away for a while.
BUSY = ("Batch.TooManyRequestsException", "Batch.AWSBatchException", "Batch.ServerException")
#: The account may have no more instances of the type until another job ends.
FULL = ("SageMaker.ResourceLimitExceededException", "SageMaker.AmazonSageMakerException")
GIVEN = "$states.context.Execution.Input"


def machine_name(project: str, pipeline: str) -> str:
    """A state machine a pipeline; each submission is an execution of it."""
    return fitted(f"byoa-{project}-{pipeline.replace('.', '-')}", 80)


def execution_name(run: str, number: int) -> str:
    """A submission's: by it whoever comes finds it."""
    return run if number == 1 else f"{run}-{number}"


def round_of(run: Run, number: int, tasks: Iterable[str]) -> Round:
    """A job a task, named as on Batch; what waits for what is the machine's to see to."""
    names = list(tasks)
    known = set(names)
    if run.on_sagemaker:
        named = {name: processing_jobs.job_name(run.run, name, number) for name in names}
    else:
        named = unit_names(
            {name: name for name in names}, Groups(), manifest.prefix(run.run, number)
        )
    jobs = tuple(
        BatchJob(
            named[name],
            (name,),
            tuple(Wait(named[need]) for need in run.tasks[name].needs if need in known),
        )
        for name in names
    )
    return Round(number=number, jobs=jobs)


def form_of(run: Run, submission: Round) -> Composition:
    tasks = {job.tasks[0] for job in submission.jobs}
    return composed({name: one.needs for name, one in run.tasks.items() if name in tasks})


def machine_of(run: Run, submission: Round) -> dict[str, Any]:
    """The definition; UsageError when the run is too large for one."""
    form = form_of(run, submission)
    needs = {job.tasks[0]: run.tasks[job.tasks[0]].needs for job in submission.jobs}
    states = {job.tasks[0]: state_of(run, submission, job) for job in submission.jobs}
    comment = f"The pipeline {run.pipeline} of {run.project}; made by byoa pipeline submit."
    return definition(form, needs, states, comment)


def state_of(run: Run, submission: Round, job: BatchJob) -> Job:
    """What the task's state asks for, with what belongs to this very run from the input."""
    return (processing if run.on_sagemaker else batch)(run, submission, job)


def processing(run: Run, submission: Round, job: BatchJob) -> Job:
    """CreateProcessingJob's request."""
    given = given_of(run, submission.number)
    request = processing_jobs.request(run, job.tasks[0], submission.number)
    name = literal(job.name.removeprefix(run.run))
    request["ProcessingJobName"] = f"{{% {GIVEN}.run & {name} %}}"
    command = request["AppSpecification"]["ContainerEntrypoint"]
    request["AppSpecification"]["ContainerEntrypoint"] = [told(word, given) for word in command]
    request["Tags"] = [{**tag, "Value": told(tag["Value"], given)} for tag in request["Tags"]]
    return Job(PROCESS, request, FULL)


def batch(run: Run, submission: Round, job: BatchJob) -> Job:
    """SubmitJob's request."""
    alone = BatchJob(job.name, job.tasks)
    request = submit_request(run, submission.number, alone, {})
    for key in ("retryStrategy", "propagateTags"):  # the definition says the same
        request.pop(key, None)
    given = given_of(run, submission.number)
    tags = {key: told(value, given) for key, value in request.pop("tags", {}).items()}
    prefix = given["prefix"]
    command = request["containerOverrides"]["command"]
    request["containerOverrides"]["command"] = [told(word, given) for word in command]
    request["jobName"] = (
        f"{{% {GIVEN}.prefix & {literal(job.name[len(prefix) :])} %}}"
        if job.name.startswith(prefix)
        else job.name
    )
    return Job(SUBMIT, {**capitals(request), "Tags": tags}, BUSY)


def given_of(run: Run, number: int) -> dict[str, str]:
    """The execution's input."""
    uri = f"{run.store}{run.place}"
    return {"run": run.run, "uri": uri, "prefix": manifest.prefix(run.run, number)}


def told(word: str, given: Mapping[str, str]) -> str:
    """A text that is one of the input's as the question for it; what looks like one is quoted."""
    for key, value in given.items():
        if word == value:
            return f"{{% {GIVEN}.{key} %}}"
    return f"{{% {literal(word)} %}}" if word.startswith("{%") else word
