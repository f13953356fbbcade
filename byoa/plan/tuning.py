"""create_hyper_parameter_tuning_job's request: many training jobs that look for the best values.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateHyperParameterTuningJob.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from byoa.plan import hyperparameters, parts, templates, training
from byoa.plan.errors import UsageError

KINDS = {
    "integer": "Integer",
    "number": "Continuous",
    "choice": "Categorical",
    "flag": "Categorical",
}
#: What a training job has and the jobs of a tuning have not, or under another name
NOT_THEIRS = (
    *("TrainingJobName", "HyperParameters", "Tags", "ProfilerConfig"),
    *("TensorBoardOutputConfig", "RemoteDebugConfig"),
)


@dataclass(frozen=True, kw_only=True)
class Tuning(parts.Named):
    """A search over `ranges`; the job's other hyperparameters stay as they are.

    A range is ("0.001", "0.1"), or ("0.001", "0.1", "Logarithmic"), or for a choice its values.
    """

    job: training.TrainingJob
    metric: str
    ranges: Mapping[str, Sequence[str]]
    schema: Mapping[str, Any]  #: the image's own, `train --describe`: it says what a range is
    maximize: bool = False
    strategy: str = "Bayesian"
    jobs: int = 10
    parallel: int = 1
    early_stopping: bool = False


def tuning_request(tuning: Tuning) -> dict[str, Any]:
    """The dict for create_hyper_parameter_tuning_job; UsageError says what AWS would refuse."""
    job = templates.part("sagemaker.CreateTrainingJob", training.values(tuning.job))
    common = {key: value for key, value in job.items() if key not in NOT_THEIRS}
    given = tuning.job.hyperparameters.items()
    fixed = {name: value for name, value in given if name not in tuning.ranges}
    values = vars(tuning) | {
        "direction": "Maximize" if tuning.maximize else "Minimize",
        "parameter_ranges": parameter_ranges(tuning),
        "stopping": "Auto" if tuning.early_stopping else "Off",
        "definition": templates.merged(
            common, {"StaticHyperParameters": fixed, **tuning.job.extra}
        ),
    }
    rules = (search_rule,)
    operation = "sagemaker.CreateHyperParameterTuningJob"
    return templates.request(operation, values, tuning.extra, rules)


def parameter_ranges(tuning: Tuning) -> dict[str, list[dict[str, Any]]]:
    """The ranges by their kind; UsageError for what cannot be searched."""
    entries = {
        entry["name"]: entry.get("kind") for entry in tuning.schema.get("hyperparameters", ())
    }
    made: dict[str, list[dict[str, Any]]] = {}
    for name, given in tuning.ranges.items():
        values = list(given)
        kind = KINDS.get(str(entries.get(name)))
        if kind is None:
            known = ", ".join(entry for entry in entries if entries[entry] in KINDS)
            raise UsageError(f"{name} cannot be searched over - take one of {known}")
        item: dict[str, Any] = {"Name": name, "Values": values}
        if kind != "Categorical":
            if len(values) not in (2, 3):
                raise UsageError(f"the range of {name} is {values} - give its least and most")
            least, most, scale = [*values, "Auto"][:3]
            values = [least, most]
            item = {"Name": name, "MinValue": least, "MaxValue": most, "ScalingType": scale}
        for value in values:
            if problems := hyperparameters.check(tuning.schema, {name: value}):
                raise UsageError(problems[0])
        made.setdefault(f"{kind}ParameterRanges", []).append(item)
    return made


def search_rule(request: dict[str, Any]) -> Iterator[str]:
    """The metric is one that the jobs report, some job can run, and each job is a right one."""
    config, definition = request["HyperParameterTuningJobConfig"], request["TrainingJobDefinition"]
    known = definition["AlgorithmSpecification"].get("MetricDefinitions", ())
    names = [metric["Name"] for metric in known]
    wanted = config.get("HyperParameterTuningJobObjective", {}).get("MetricName")
    if wanted not in names:
        said = ", ".join(names) or "none: give them with --md NAME REGEX"
        yield f"no metric is called {wanted!r} - the job reports {said}"
    limits = config["ResourceLimits"]
    if limits["MaxParallelTrainingJobs"] > limits.get("MaxNumberOfTrainingJobs", 10**9):
        yield "MaxParallelTrainingJobs is more than MaxNumberOfTrainingJobs - take at most that"
    for rule in training.RULES:
        yield from rule(definition)
