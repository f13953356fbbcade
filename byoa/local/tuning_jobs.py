"""Hyperparameter tuning is not carried out here, and says so: there are none to list."""

from __future__ import annotations

from typing import Any

from byoa.local.resources import refused


class TuningJobs:
    def create_hyper_parameter_tuning_job(self, **request: Any) -> dict[str, Any]:
        raise refused(
            "CreateHyperParameterTuningJob",
            "Tuning jobs are not carried out here. Run them on SageMaker, or start a training job"
            " for each set of hyperparameters.",
        )

    def list_hyper_parameter_tuning_jobs(self, **_request: Any) -> dict[str, Any]:
        return {"HyperParameterTuningJobSummaries": []}
