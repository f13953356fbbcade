"""The inside of the gate: the new model's metric and that of the model that serves, compared.

The serving model's metric is that of the training job whose output it serves: SageMaker writes to
…/JOB/output/model.tar.gz, so the address names the job, whoever deployed it.
"""

from __future__ import annotations

from typing import Any

from byoa.plan.errors import UsageError
from byoa.plan.workflow.box import Box, Lifted
from byoa.plan.workflow.placeholders import StepInput
from byoa.plan.workflow.road import (
    GONE,
    SDK,
    THROTTLED,
    States,
    assign,
    begin,
    call,
    choice,
    fail,
    text,
    when,
)

#: What SageMaker says of a name that nothing has, or that nothing can have.
NO_SUCH = " or ".join(
    f"$contains($byoa_said, '{words}')"
    for words in ("Could not find", "not found", "failed to satisfy constraint")
)
UNKNOWN = ("deploy", "stop", "fail")
#: SageMaker's figures have 32 bits, and its answers print them with 7 digits or with 17.
ROUNDING = "$abs($byoa_current) * 0.0000001"
RESULT = ("Passed", "Reason", "Metric", "New", "Current")
#: Where the gate's answer stands in its output; the rest of it is the gate's input.
UNDER = "Gate"


class Gate(Box):
    """Compares; its answer is under `Gate`: Passed, Reason, Metric, New, Current."""

    def __init__(  # noqa: PLR0913 - what a gate is, by name
        self,
        state_id: str,
        *,
        metric: str,
        endpoint_name: str,
        job: Any = None,
        margin: float = 0,
        floor: float | None = None,
        maximize: bool = True,
        unknown: str = "deploy",
        **fields: Any,
    ) -> None:
        """`job` is DescribeTrainingJob's answer, by default the state's input."""
        if unknown not in UNKNOWN:
            raise UsageError(f"unknown is {unknown!r} - take one of {', '.join(UNKNOWN)}")
        lift = Lifted()
        said = lift({"Metric": metric, "Endpoint": endpoint_name, "Margin": margin, "Floor": floor})
        lift.given["Job"] = StepInput() if job is None else job
        better = ">=" if maximize else "<="
        states = compared(state_id, said, better=better, unknown=unknown)
        super().__init__(
            state_id, given=lift.given, states=states, result=RESULT, under=UNDER, **fields
        )


def compared(step: str, said: dict[str, Any], *, better: str, unknown: str) -> States:
    """All states from the new model's metric to the answer."""
    metric, endpoint = text(said["Metric"]), said["Endpoint"]
    reported = "$byoa_given.Job.FinalMetricDataList"
    here, there = (f"{step}: {word}" for word in ("passed", "held back"))
    nothing = {"deploy": here, "stop": there, "fail": f"{step}: failed"}[unknown]
    asked = [
        ("endpoint", "describeEndpoint", {"EndpointName": endpoint},
         {"byoa_found": "$states.result.EndpointConfigName"}),
        ("configuration", "describeEndpointConfig", {"EndpointConfigName": "{% $byoa_found %}"},
         {"byoa_found": or_nothing("$states.result.ProductionVariants[0].ModelName")}),
        ("model", "describeModel", {"ModelName": "{% $byoa_found %}"},
         {"byoa_found": job_of("$states.result")}),
        ("training job", "describeTrainingJob", {"TrainingJobName": "{% $byoa_found %}"},
         {"byoa_current": value_of("$states.result.FinalMetricDataList", metric)}),
    ]  # fmt: skip
    names = [f"{step}: current {word}" for word, *_ in asked]
    states: States = {
        f"{step}: begin": begin(f"{step}: metric", byoa_current=None, byoa_why=""),
        f"{step}: metric": {
            "Type": "Pass",
            **assign({"byoa_new": value_of(reported, metric)}),
            "Next": f"{step}: good enough?",
        },
        f"{step}: good enough?": choice(
            names[0],
            when("$byoa_new = null", f"{step}: failed", byoa_why=no_metric(metric, reported)),
            *floor_rule(said["Floor"], better, there),
        ),
    }  # fmt: skip
    for name, after, (_, action, arguments, found) in zip(
        names, [*names[1:], f"{step}: better?"], asked, strict=True
    ):
        states[name] = {
            **call(
                f"{SDK}{action}", arguments, after, f"{step}: unknown", byoa_asked=f"'{action}'"
            ),
            **assign(found),
        }
    states |= {
        f"{step}: unknown": choice(
            f"{step}: failed",
            when(
                f"{GONE} and $byoa_asked = 'describeEndpoint'",
                here,
                byoa_why=f"'There is no endpoint ' & {text(endpoint)} & ' yet.'",
            ),
            when(THROTTLED, f"{step}: wait"),
            when(
                NO_SUCH,
                nothing,
                byoa_why="'What serves now is of no training job here: ' & $byoa_said",
            ),
            byoa_why="'What serves now cannot be compared: ' & $byoa_said",
        ),
        f"{step}: wait": {"Type": "Wait", "Seconds": 5, "Next": names[0]},
        f"{step}: better?": better_rule(here, there, nothing, metric, said["Margin"], better),
        here: answer(True, metric),
        there: answer(False, metric),
        f"{step}: failed": fail("Gate"),
    }
    return states  # fmt: skip


def value_of(reported: str, metric: str) -> str:
    """One metric of a job's list; null when the job has not reported it."""
    found = f"{reported}[MetricName = {metric}][0].Value"
    return f"$exists({found}) ? {found} : null"


def or_nothing(found: str) -> str:
    """A name that nothing has, where there is none."""
    return f"($exists({found}) ? {found} : 'nothing')"


def job_of(model: str) -> str:
    """The training job that wrote a model, or the last one of a pipeline, from its address."""
    container = f"$append({model}.Containers, {model}.PrimaryContainer)[-1]"
    one, other = f"{container}.ModelDataUrl", f"{container}.ModelDataSource.S3DataSource.S3Uri"
    address = f"($exists({one}) ? {one} : {or_nothing(other)})"
    return f"$split($substringBefore({address}, '/output/model'), '/')[-1]"


def no_metric(metric: str, reported: str) -> str:
    names = f"$join([{reported}.MetricName], ', ')"
    return (
        f"'The training job reports no metric ' & {metric} & '; it reports: ' & "
        f"($exists({reported}[0]) ? {names} : 'none') & '.'"
    )


def floor_rule(floor: Any, better: str, there: str) -> list[dict[str, Any]]:
    """What is not good enough whatever serves now."""
    if floor is None:
        return []
    least = number(floor)
    why = f"'The metric is ' & $string($byoa_new) & ', and the limit is ' & $string({least}) & '.'"
    return [when(f"$not($byoa_new {better} {least})", there, byoa_why=why)]


def better_rule(
    here: str, there: str, nothing: str, metric: str, margin: Any, better: str
) -> dict[str, Any]:
    """Whether the new model's metric is as good as the current one's and the margin together."""
    signs = "+-" if better == ">=" else "-+"
    wanted = f"$byoa_current {signs[0]} {number(margin)} {signs[1]} {ROUNDING}"
    both = f"{metric} & ' is ' & $string($byoa_new) & ', and the model that serves has ' & $string($byoa_current)"  # noqa: E501
    return choice(
        there,
        when("$byoa_current = null", nothing,
             byoa_why=f"'The model that serves has no metric ' & {metric} & '.'"),
        when(f"$byoa_new {better} {wanted}", here, byoa_why=f"{both} & '.'"),
        byoa_why=f"'Not better: ' & {both} & '.'",
    )  # fmt: skip


def number(value: Any) -> str:
    return text(value) if isinstance(value, str) else repr(value)


def answer(passed: bool, metric: str) -> dict[str, Any]:
    return {
        "Type": "Succeed",
        "Output": {
            "Passed": passed,
            "Reason": "{% $byoa_why %}",
            "Metric": f"{{% {metric} %}}",
            "New": "{% $byoa_new %}",
            "Current": "{% $byoa_current %}",
        },
    }
