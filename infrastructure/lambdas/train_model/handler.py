"""Starts a training job, or tells how the one of this token is doing.

    {"Image": "…", "Channels": {"training": "s3://…"}, "Hyperparameters": {"epochs": 10},
     "ClientRequestToken": "…"}

`Done` false means: ask again with the same event. See docs/infrastructure.md.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from byoa.plan.advice import noted
from byoa.plan.asked import TrainModel, answered, read
from byoa.plan.asked_jobs import Here, train_answer, train_request
from byoa.plan.errors import error_code


def handle(event: Any, context: Any) -> dict[str, Any]:
    """What Lambda calls."""
    import boto3

    here = Here(
        project=os.environ["PROJECT"], bucket=os.environ["BUCKET"], role=os.environ["JOB_ROLE"]
    )
    return answered(lambda: train(read(TrainModel, event), here, noted(boto3.client("sagemaker"))))


def train(asked: TrainModel, here: Here, sagemaker: Any) -> dict[str, Any]:
    """The job's state as JSON; started if there is none of its name."""
    request = train_request(asked, here)
    name = request["TrainingJobName"]
    if found(sagemaker, name) is None:
        try:
            sagemaker.create_training_job(**request)
            print(f"started {name}")
        except sagemaker.exceptions.ResourceInUse:
            print(f"{name} was started at this very moment")
    return train_answer(sagemaker.describe_training_job(TrainingJobName=name))


def found(sagemaker: Any, name: str) -> Mapping[str, Any] | None:
    """The job's description; None only when SageMaker says that there is none."""
    try:
        described: Mapping[str, Any] = sagemaker.describe_training_job(TrainingJobName=name)
    except sagemaker.exceptions.ClientError as error:
        if error_code(error) in ("ValidationException", "ResourceNotFound"):
            return None
        raise
    return described
