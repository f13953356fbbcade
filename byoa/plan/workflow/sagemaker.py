"""Steps of SageMaker with the signatures of AWS's Step Functions SDK and plan's own requests.

    train = TrainingStep("Train", estimator, job_name=inputs["JobName"], data="s3://bucket/data")

A job_name that is left out is one of the execution's own. `parameters=` lies over the request.
https://docs.aws.amazon.com/step-functions/latest/dg/connect-sagemaker.html
"""

# ruff: noqa: PLR0913, PLR0917 - the SDK's signatures, so that its notebooks run
from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from byoa.plan.names import fitted
from byoa.plan.processing import processing_request
from byoa.plan.templates import merged
from byoa.plan.training import training_request
from byoa.plan.transform import TransformJob, transform_request
from byoa.plan.tuning import tuning_request
from byoa.plan.workflow.estimator import Estimator
from byoa.plan.workflow.expressions import RunTime
from byoa.plan.workflow.model import Model, Transformer, needed, tag_texts
from byoa.plan.workflow.names import LONGEST, execution_name, short_name
from byoa.plan.workflow.placeholders import StepInput
from byoa.plan.workflow.processor import Processor
from byoa.plan.workflow.states import Task
from byoa.plan.workflow.tuner import HyperparameterTuner


class SageMakerStep(Task):
    """A task of one of SageMaker's actions that Step Functions knows by itself."""

    ACTION = ""

    def __init__(
        self,
        state_id: str,
        request: Mapping[str, Any],
        *,
        wait: bool = False,
        parameters: Mapping[str, Any] | None = None,
        **fields: Any,
    ) -> None:
        resource = f"arn:aws:states:::sagemaker:{self.ACTION}{'.sync' if wait else ''}"
        said = merged(request, parameters or {})
        super().__init__(state_id, resource=resource, parameters=said, **fields)


def own_name(state_id: str) -> str:
    """A name of the execution's own that begins like the state."""
    return execution_name(fitted(state_id.lower(), LONGEST))


def experiment(config: Any) -> dict[str, Any]:
    return {"ExperimentConfig": config} if config is not None else {}


class TrainingStep(SageMakerStep):
    """Trains; its output is what DescribeTrainingJob says of the job."""

    ACTION = "createTrainingJob"

    def __init__(
        self,
        state_id: str,
        estimator: Estimator,
        job_name: str | None = None,
        data: Any = None,
        hyperparameters: Any = None,
        mini_batch_size: int | None = None,
        experiment_config: Any = None,
        wait_for_completion: bool = True,
        tags: Any = None,
        output_data_config_path: str | None = None,
        **fields: Any,
    ) -> None:
        self.estimator, self.job_name = estimator, job_name
        at_run = isinstance(hyperparameters, RunTime)
        given = {} if at_run else dict(hyperparameters or {})
        if mini_batch_size is not None:
            given["mini_batch_size"] = mini_batch_size
        name = job_name or own_name(state_id)
        job = estimator.job(name, data, given, output_data_config_path, tags)
        request = {**training_request(job), **experiment(experiment_config)}
        if at_run:  # all of them, in one object
            request["HyperParameters"] = hyperparameters
        request.pop("ProfilerConfig", None)  # Step Functions knows no field that young
        super().__init__(state_id, request, wait=wait_for_completion, **fields)

    def get_expected_model(self, model_name: str | None = None) -> Model:
        """The model that this step will have trained, for a ModelStep or a DeployStep."""
        model = self.estimator.create_model()
        output = self.output()
        model.name = model_name or self.job_name or output["TrainingJobName"]
        model.model_data = output["ModelArtifacts"]["S3ModelArtifacts"]
        if isinstance(model.image_uri, StepInput):  # the step before said it, and is over then
            model.image_uri = output["AlgorithmSpecification"]["TrainingImage"]
        return model


class TransformStep(SageMakerStep):
    """Runs a batch transform."""

    ACTION = "createTransformJob"

    def __init__(
        self,
        state_id: str,
        transformer: Transformer,
        job_name: str | None = None,
        model_name: str | None = None,
        data: str = "",
        data_type: str = "S3Prefix",
        content_type: str | None = None,
        compression_type: str | None = None,
        split_type: str | None = None,
        experiment_config: Any = None,
        wait_for_completion: bool = True,
        tags: Any = None,
        input_filter: str | None = None,
        output_filter: str | None = None,
        join_source: str | None = None,
        **fields: Any,
    ) -> None:
        filters = {
            "InputFilter": input_filter,
            "OutputFilter": output_filter,
            "JoinSource": join_source,
        }
        processing = {key: value for key, value in filters.items() if value is not None}
        job = TransformJob(
            name=job_name or own_name(state_id),
            model=needed(model_name or transformer.model_name, "model_name", "my-model"),
            input=data, data_type=data_type, content_type=content_type, split=split_type,
            compression=compression_type, accept=transformer.accept,
            output=needed(transformer.output_path, "output_path", "s3://bucket/folder"),
            assemble=transformer.assemble_with, instance_type=transformer.instance_type,
            instance_count=transformer.instance_count, strategy=transformer.strategy,
            payload_mb=transformer.max_payload, concurrent=transformer.max_concurrent_transforms,
            environment=transformer.env, kms_key=transformer.output_kms_key,
            tags=tag_texts(tags or transformer.tags),
            extra={"DataProcessing": processing} if processing else {},
        )  # fmt: skip
        request = {**transform_request(job), **experiment(experiment_config)}
        super().__init__(state_id, request, wait=wait_for_completion, **fields)


class TuningStep(SageMakerStep):
    """Searches for the best hyperparameters."""

    ACTION = "createHyperParameterTuningJob"

    def __init__(
        self,
        state_id: str,
        tuner: HyperparameterTuner,
        job_name: str | None = None,
        data: Any = None,
        wait_for_completion: bool = True,
        tags: Any = None,
        **fields: Any,
    ) -> None:
        name = job_name or short_name(fitted(state_id.lower(), 19))
        request = tuning_request(tuner.tuning(name, data, tags))
        super().__init__(state_id, request, wait=wait_for_completion, **fields)


class ProcessingStep(SageMakerStep):
    """Runs a processing job."""

    ACTION = "createProcessingJob"

    def __init__(
        self,
        state_id: str,
        processor: Processor,
        job_name: str | None = None,
        inputs: Sequence[Any] | None = None,
        outputs: Sequence[Any] | None = None,
        experiment_config: Any = None,
        container_arguments: Any = None,
        container_entrypoint: Any = None,
        kms_key_id: str | None = None,
        wait_for_completion: bool = True,
        tags: Any = None,
        **fields: Any,
    ) -> None:
        job = processor.job(
            job_name or own_name(state_id), inputs, outputs, tags,
            arguments=container_arguments, entrypoint=container_entrypoint, kms_key=kms_key_id,
        )  # fmt: skip
        request = {**processing_request(job), **experiment(experiment_config)}
        super().__init__(state_id, request, wait=wait_for_completion, **fields)
