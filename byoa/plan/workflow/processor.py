"""What a processing job runs on, in the words of AWS's SageMaker SDK.

https://sagemaker.readthedocs.io/en/v2/api/training/processing.html
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field
from typing import Any

from byoa.plan import processing as plan
from byoa.plan.errors import UsageError
from byoa.plan.workflow.model import Number, tag_texts


@dataclass
class Processor:
    """An image, its machines and its command."""

    role: str
    image_uri: str
    instance_count: Number = 1
    instance_type: str = "ml.t3.medium"
    entrypoint: Sequence[str] = ()
    volume_size_in_gb: Number = 30
    _: KW_ONLY
    output_kms_key: str | None = None
    max_runtime_in_seconds: Number = 86_400
    env: Mapping[str, Any] = field(default_factory=dict)
    subnets: Sequence[str] = ()
    security_group_ids: Sequence[str] = ()
    enable_network_isolation: bool = False
    tags: Any = None
    extra: Mapping[str, Any] = field(default_factory=dict)
    base_job_name: str | None = None
    sagemaker_session: Any = None

    def job(
        self, name: str, inputs: Any, outputs: Any, tags: Any, **said: Any
    ) -> plan.ProcessingJob:
        """The same as plan's request functions take it."""
        given = {key: value for key, value in said.items() if value}
        return plan.ProcessingJob(
            name=name, image=self.image_uri, role=self.role,
            inputs=[one.to_plan(n) for n, one in enumerate(inputs or (), start=1)],
            outputs=[output_of(one).to_plan(n) for n, one in enumerate(outputs or (), start=1)],
            instance_type=self.instance_type, instance_count=self.instance_count,
            volume_gb=self.volume_size_in_gb, max_run=self.max_runtime_in_seconds,
            environment=self.env, subnets=self.subnets, security_groups=self.security_group_ids,
            isolation=self.enable_network_isolation, extra=self.extra,
            **{"entrypoint": self.entrypoint, "kms_key": self.output_kms_key, **given},
            tags=tag_texts(tags or self.tags),
        )  # fmt: skip


@dataclass
class ProcessingInput:
    """Something in S3 that lies at `destination` when the job starts."""

    source: str
    destination: str
    input_name: str | None = None
    s3_data_distribution_type: str = "FullyReplicated"

    def to_plan(self, number: int) -> plan.ProcessingInput:
        return plan.ProcessingInput(
            name=self.input_name or f"input-{number}", uri=self.source, path=self.destination,
            distribution=self.s3_data_distribution_type,
        )  # fmt: skip


@dataclass
class ProcessingOutput:
    """A folder of the job that goes to S3."""

    source: str
    destination: str | None = None
    output_name: str | None = None
    s3_upload_mode: str = "EndOfJob"

    def to_plan(self, number: int) -> plan.ProcessingOutput:
        if self.destination is None:
            raise UsageError(
                f"the output {self.source} has no destination - give one, such as s3://bucket/out/"
            )
        return plan.ProcessingOutput(
            name=self.output_name or f"output-{number}", uri=self.destination, path=self.source,
            continuous=self.s3_upload_mode == "Continuous",
        )  # fmt: skip


def output_of(one: Any) -> ProcessingOutput:
    """The SDK takes an output's path alone as well."""
    return one if isinstance(one, ProcessingOutput) else ProcessingOutput(str(one))
