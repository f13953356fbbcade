"""The SDK's two ready-made pipelines: train and serve, or prepare, train and serve both together.

    pipeline = TrainingPipeline(estimator, role, inputs="s3://bucket/data", s3_bucket="bucket")
    pipeline.create()
    pipeline.execute(hyperparameters={"epochs": 5}).get_output(wait=True)

https://aws-step-functions-data-science-sdk.readthedocs.io/en/stable/pipelines.html
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any

from byoa.plan.errors import UsageError
from byoa.plan.workflow.blocks import Retry
from byoa.plan.workflow.chain import Chain
from byoa.plan.workflow.deploy import CALM
from byoa.plan.workflow.endpoint import EndpointStep
from byoa.plan.workflow.estimator import Estimator, texts
from byoa.plan.workflow.hosting import EndpointConfigStep, ModelStep
from byoa.plan.workflow.model import Model, PipelineModel
from byoa.plan.workflow.placeholders import ExecutionInput
from byoa.plan.workflow.road import Pace
from byoa.plan.workflow.sagemaker import TrainingStep, TransformStep
from byoa.workflow.execution import Execution
from byoa.workflow.workflow import Workflow


class Pipeline:
    """A workflow whose executions are given a job's name and hyperparameters."""

    KIND = ""

    def __init__(self, estimator: Estimator, s3_bucket: str, pipeline_name: str | None) -> None:
        self.estimator, self.s3_bucket = estimator, s3_bucket
        self.pipeline_name = pipeline_name or f"{self.KIND}-{timestamp()}"
        self.inputs = ExecutionInput(schema={"JobName": str, "Hyperparameters": dict})
        self.job = self.inputs["JobName"]
        self.models = f"s3://{s3_bucket}/{self.pipeline_name}/models"
        self.pace = CALM

    def flow(self, role: str | None, client: Any, settings: Mapping[str, Any]) -> Workflow:
        return Workflow(
            self.pipeline_name, self.build_workflow_definition(), role or None,
            execution_input=self.inputs, client=client, **settings,
        )  # fmt: skip

    workflow: Workflow

    def build_workflow_definition(self) -> Chain:
        raise NotImplementedError

    def training(self, data: Any) -> TrainingStep:
        return TrainingStep(
            "Training", self.estimator, f"estimator-{self.job}", data,
            hyperparameters=self.inputs["Hyperparameters"], output_data_config_path=self.models,
        )  # fmt: skip

    def data_of(self, job: str) -> str:
        """Where SageMaker leaves the model of a job."""
        return f"{self.models}/{job}/output/model.tar.gz"

    def served(self) -> list[Any]:
        """The configuration and the endpoint of the model that is called like the job."""
        config = EndpointConfigStep(
            "Configure Endpoint", self.job, self.job,
            self.estimator.instance_count, self.estimator.instance_type,
        )  # fmt: skip
        return [config, EndpointStep("Deploy", self.job, self.job, pace=self.pace)]

    def get_workflow(self) -> Workflow:
        return self.workflow

    def render_graph(self, portrait: bool = False) -> Any:
        return self.workflow.render_graph(portrait=portrait)

    def create(self) -> str:
        return str(self.workflow.create())

    def execute(
        self, job_name: str | None = None, hyperparameters: Mapping[str, Any] | None = None
    ) -> Execution:
        """Starts it; the job's name is that of the model, the configuration and the endpoint."""
        name = job_name or f"{self.KIND}-{timestamp()}"
        values = {**self.estimator.hyperparameters(), **(hyperparameters or {})}
        given = {"JobName": name, "Hyperparameters": texts(values)}
        return self.workflow.execute(inputs=given, name=name)


class TrainingPipeline(Pipeline):
    """Training → Create Model → Configure Endpoint → Deploy."""

    KIND = "training-pipeline"

    def __init__(  # noqa: PLR0913 - the SDK's
        self,
        estimator: Estimator,
        role: str | None,
        inputs: Any,
        s3_bucket: str,
        client: Any = None,
        pipeline_name: str | None = None,
        *,
        pace: Pace = CALM,
        **settings: Any,
    ) -> None:
        super().__init__(estimator, s3_bucket, pipeline_name)
        self.data, self.pace = inputs, pace
        self.workflow = self.flow(role, client, settings)

    def build_workflow_definition(self) -> Chain:
        train = self.training(self.data)
        model = train.get_expected_model(self.job)
        return Chain([train, ModelStep("Create Model", model), *self.served()])


class InferencePipeline(Pipeline):
    """Trains a preprocessor, prepares the data with it, trains on that, and serves both."""

    KIND = "inference-pipeline"

    def __init__(  # noqa: PLR0913, PLR0917 - the SDK's
        self,
        preprocessor: Estimator,
        estimator: Estimator,
        inputs: Mapping[str, Any],
        s3_bucket: str,
        role: str | None,
        client: Any = None,
        retry: Retry | None = None,
        compression_type: str | None = None,
        content_type: str | None = None,
        pipeline_name: str | None = None,
        *,
        pace: Pace = CALM,
        **settings: Any,
    ) -> None:
        if not isinstance(inputs, Mapping) or "train" not in inputs:
            raise UsageError(
                f"inputs is {inputs!r}. Name its channels, the one to prepare as train: "
                "{'train': 's3://bucket/data'}"
            )
        super().__init__(estimator, s3_bucket, pipeline_name)
        self.preprocessor, self.data, self.retry = preprocessor, inputs, retry
        self.compression_type, self.content_type = compression_type, content_type
        self.pace = pace
        self.workflow = self.flow(role, client, settings)

    def build_workflow_definition(self) -> Chain:
        job = f"preprocessor-{self.job}"
        prepared = f"s3://{self.s3_bucket}/{self.pipeline_name}/{job}/transform"
        train = self.training({"train": prepared})
        steps = [
            TrainingStep(
                "Train Preprocessor", self.preprocessor, job, self.data,
                output_data_config_path=self.models,
            ),
            ModelStep("Create Preprocessor Model", self.prepares(job), job),
            self.transform(job, prepared),
            train,
            ModelStep("Create Pipeline Model", self.both(job), self.job),
            *self.served(),
        ]  # fmt: skip
        for step in steps if self.retry else ():
            step.add_retry(self.retry)
        return Chain(steps)

    def prepares(self, job: str) -> Model:
        return self.preprocessor.create_model(model_data=self.data_of(job))

    def both(self, job: str) -> PipelineModel:
        """The preprocessor's container, and the estimator's behind it."""
        model = self.estimator.create_model(model_data=self.data_of(f"estimator-{self.job}"))
        return PipelineModel([self.prepares(job), model], self.estimator.role)

    def transform(self, job: str, output: str) -> TransformStep:
        count, kind = self.preprocessor.instance_count, self.preprocessor.instance_type
        transformer = self.preprocessor.transformer(count, kind, output_path=output, max_payload=20)
        data = getattr(self.data["train"], "s3_data", self.data["train"])
        return TransformStep(
            "Transform Input", transformer, job, job, data,
            content_type=self.content_type, compression_type=self.compression_type,
        )  # fmt: skip


def timestamp() -> str:
    """Now, and a word of chance: two pipelines of one second differ."""
    return f"{datetime.now(timezone.utc):%Y-%m-%d-%H-%M-%S}-{secrets.token_hex(2)}"
