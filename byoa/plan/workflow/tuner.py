"""A search for the best hyperparameters, in the words of AWS's SageMaker SDK.

https://sagemaker.readthedocs.io/en/v2/api/training/tuner.html
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from typing import Any

from byoa.plan.tuning import Tuning
from byoa.plan.workflow.estimator import Estimator, texts
from byoa.plan.workflow.model import tag_texts


@dataclass
class IntegerParameter:
    """Whole numbers from the least to the most."""

    min_value: int
    max_value: int
    scaling_type: str = "Auto"
    kind = "integer"

    def values(self) -> list[str]:
        return [str(self.min_value), str(self.max_value), self.scaling_type]


@dataclass
class ContinuousParameter(IntegerParameter):
    """Numbers from the least to the most."""

    min_value: float  # type: ignore[assignment]
    max_value: float  # type: ignore[assignment]
    kind = "number"


class CategoricalParameter:
    """One of these."""

    kind = "choice"

    def __init__(self, values: Any) -> None:
        self.given = list(values) if isinstance(values, list | tuple) else [values]

    def values(self) -> list[str]:
        return [*texts(dict(enumerate(self.given))).values()]  # type: ignore[arg-type]


@dataclass
class HyperparameterTuner:
    """Training jobs of one estimator over ranges, judged by a metric."""

    estimator: Estimator
    objective_metric_name: str
    hyperparameter_ranges: Mapping[str, Any]
    metric_definitions: Sequence[Mapping[str, str]] = ()
    strategy: str = "Bayesian"
    objective_type: str = "Maximize"
    max_jobs: int = 1
    max_parallel_jobs: int = 1
    tags: Any = None
    early_stopping_type: str = "Off"
    _: KW_ONLY
    base_tuning_job_name: str | None = None

    def tuning(self, name: str, data: Any, tags: Any) -> Tuning:
        """The same as plan's request functions take it."""
        job = self.estimator.job(name, data, {}, None, None)
        metrics = [(one["Name"], one["Regex"]) for one in self.metric_definitions]
        entries = [
            {"name": key, "kind": one.kind, "choices": [text.lower() for text in one.values()]}
            for key, one in self.hyperparameter_ranges.items()
        ]
        return Tuning(
            name=name, metric=self.objective_metric_name,
            job=type(job)(**{**vars(job), "metrics": job.metrics or metrics}),
            ranges={key: one.values() for key, one in self.hyperparameter_ranges.items()},
            schema={"hyperparameters": entries}, strategy=self.strategy,
            maximize=self.objective_type == "Maximize", jobs=self.max_jobs,
            parallel=self.max_parallel_jobs, early_stopping=self.early_stopping_type == "Auto",
            tags=tag_texts(tags or self.tags),
        )  # fmt: skip
