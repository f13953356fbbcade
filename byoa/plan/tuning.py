"""create_hyper_parameter_tuning_job's request: many training jobs that look for the best values.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateHyperParameterTuningJob.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from byoa.plan import parts, training
from byoa.plan.errors import UsageError
from byoa.plan.limits import finished, merged

KINDS = {"integer": "Integer", "number": "Continuous", "choice": "Categorical"}


@dataclass(frozen=True, kw_only=True)
class Tuning:
    """A search over `ranges`; the job's other hyperparameters stay as they are.

    A range is ("0.001", "0.1"), or ("0.001", "0.1", "Logarithmic"), or for a choice its values.
    """

    name: str
    job: training.TrainingJob
    metric: str
    ranges: Mapping[str, Sequence[str]]
    kinds: Mapping[str, str]  #: of each range: Integer, Continuous or Categorical
    maximize: bool = False
    strategy: str = "Bayesian"
    jobs: int = 10
    parallel: int = 1
    early_stopping: bool = False
    tags: Mapping[str, str] = field(default_factory=dict)
    extra: Mapping[str, Any] = field(default_factory=dict)


def kinds_of(schema: Mapping[str, Any], ranges: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """What each range is, from the image's schema; UsageError for what cannot be searched."""
    entries = {entry["name"]: entry for entry in schema.get("hyperparameters", ())}
    kinds = {}
    for name in ranges:
        kind = entries.get(name, {}).get("kind")
        if kind not in (*KINDS, "flag"):
            known = ", ".join(entry for entry in entries if entries[entry]["kind"] in KINDS)
            raise UsageError(f"{name} cannot be searched over - take one of {known}")
        kinds[name] = KINDS.get(kind, "Categorical")
    return kinds


def tuning_request(tuning: Tuning) -> dict[str, Any]:
    """The dict for create_hyper_parameter_tuning_job; UsageError says what AWS would refuse."""
    fixed = {
        name: value
        for name, value in tuning.job.hyperparameters.items()
        if name not in tuning.ranges
    }
    objective = {
        "Type": "Maximize" if tuning.maximize else "Minimize",
        "MetricName": tuning.metric,
    }
    definition = training.definition(tuning.job) | {"StaticHyperParameters": fixed}
    config = {
        "Strategy": tuning.strategy,
        "HyperParameterTuningJobObjective": objective,
        "ResourceLimits": {
            "MaxNumberOfTrainingJobs": tuning.jobs,
            "MaxParallelTrainingJobs": tuning.parallel,
        },
        "ParameterRanges": _ranges(tuning),
        "TrainingJobEarlyStoppingType": "Auto" if tuning.early_stopping else "Off",
    }
    request = {
        "HyperParameterTuningJobName": tuning.name,
        "HyperParameterTuningJobConfig": config,
        "TrainingJobDefinition": merged(definition, tuning.job.extra),
        "Tags": parts.tag_list(tuning.tags),
    }
    rules = (objective_rule, definition_rule, parts.tag_rule)
    return finished("sagemaker.CreateHyperParameterTuningJob", request, tuning.extra, rules)


def _ranges(tuning: Tuning) -> dict[str, list[dict[str, Any]]]:
    made: dict[str, list[dict[str, Any]]] = {}
    for name, values in tuning.ranges.items():
        kind = tuning.kinds[name]
        if kind == "Categorical":
            item: dict[str, Any] = {"Name": name, "Values": list(values)}
        elif len(values) in (2, 3):
            low, high, *scale = values
            item = {"Name": name, "MinValue": low, "MaxValue": high}
            item["ScalingType"] = scale[0] if scale else "Auto"
        else:
            raise UsageError(f"the range of {name} is {list(values)} - give its least and its most")
        made.setdefault(f"{kind}ParameterRanges", []).append(item)
    return made


def objective_rule(request: dict[str, Any]) -> Iterator[str]:
    """The metric is one that the jobs report, and some job can run."""
    config = request["HyperParameterTuningJobConfig"]
    algorithm = request["TrainingJobDefinition"]["AlgorithmSpecification"]
    names = [metric["Name"] for metric in algorithm.get("MetricDefinitions", ())]
    wanted = config.get("HyperParameterTuningJobObjective", {}).get("MetricName")
    if wanted not in names:
        said = ", ".join(names) or "none: give them with --md NAME REGEX"
        yield f"no metric is called {wanted!r} - the job reports {said}"
    limits = config["ResourceLimits"]
    if limits["MaxParallelTrainingJobs"] > limits.get("MaxNumberOfTrainingJobs", 10**9):
        yield "MaxParallelTrainingJobs is more than MaxNumberOfTrainingJobs - take at most that"


def definition_rule(request: dict[str, Any]) -> Iterator[str]:
    """What holds for one training job holds for each of many."""
    for rule in training.RULES:
        yield from rule(request["TrainingJobDefinition"])
