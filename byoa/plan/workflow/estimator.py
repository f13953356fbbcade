"""What is trained, in the words of AWS's SageMaker SDK: an estimator and the model it makes.

    estimator = Estimator(image, role, 1, "ml.g5.xlarge", output_path="s3://bucket/cells/out")
    estimator.set_hyperparameters(epochs=10)

Everything may be a value of the run, such as ExecutionInput()["Image"].
https://sagemaker.readthedocs.io/en/v2/api/training/estimators.html
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field
from typing import Any

from byoa.plan.training import Channel, TrainingJob
from byoa.plan.workflow.expressions import RunTime
from byoa.plan.workflow.model import Model, Number, Transformer, Values, needed, tag_texts


@dataclass
class Estimator:
    """What a training job runs on; the order of the first ones is the SDK's."""

    image_uri: str
    role: str
    instance_count: Number = 1
    instance_type: str = "ml.m5.large"
    _: KW_ONLY
    output_path: str = ""
    volume_size: Number = 30
    volume_kms_key: str | None = None
    output_kms_key: str | None = None
    max_run: Number = 86_400
    input_mode: str = "File"
    keep_alive_period_in_seconds: Number = 0
    use_spot_instances: bool = False
    max_wait: Number = None
    checkpoint_s3_uri: str | None = None
    checkpoint_local_path: str | None = None
    metric_definitions: Sequence[Mapping[str, str]] = ()
    environment: Values = field(default_factory=dict)
    subnets: Sequence[str] = ()
    security_group_ids: Sequence[str] = ()
    enable_network_isolation: bool = False
    encrypt_inter_container_traffic: bool = False
    model_uri: str | None = None
    model_channel_name: str = "model"
    tags: Any = None
    #: Further fields of CreateTrainingJob, laid over the request.
    extra: Values = field(default_factory=dict)
    base_job_name: str | None = None
    #: Notebooks give one; Step Functions sends the requests, so it is not used.
    sagemaker_session: Any = None

    def __post_init__(self) -> None:
        self._hyperparameters: dict[str, Any] = {}

    def set_hyperparameters(self, **values: Any) -> None:
        """Sets some; those set before stay."""
        self._hyperparameters |= values

    def hyperparameters(self) -> dict[str, Any]:
        return self._hyperparameters

    def create_model(self, name: str | None = None, **fields: Any) -> Model:
        """The model that its training makes, without its data."""
        common = {
            "role": self.role,
            "subnets": self.subnets,
            "security_group_ids": self.security_group_ids,
            "enable_network_isolation": self.enable_network_isolation,
        }
        return Model(**{"image_uri": self.image_uri, "name": name, **common, **fields})

    def transformer(self, instance_count: Number, instance_type: str, **fields: Any) -> Transformer:
        """What runs a transform with its model; `fields` are Transformer's."""
        return Transformer(None, instance_count, instance_type, **fields)

    def job(
        self, name: str, data: Any, given: Values, output: str | None, tags: Any
    ) -> TrainingJob:
        """The same as plan's request functions take it."""
        channels = channels_of(data, self.input_mode)
        if self.model_uri:
            channels.append(Channel(name=self.model_channel_name, uri=self.model_uri))
        more: dict[str, Any] = {"AlgorithmSpecification": {"TrainingInputMode": self.input_mode}}
        if self.encrypt_inter_container_traffic:
            more["EnableInterContainerTrafficEncryption"] = True
        if self.checkpoint_local_path:
            more["CheckpointConfig"] = {"LocalPath": self.checkpoint_local_path}
        if self.volume_kms_key:
            more["ResourceConfig"] = {"VolumeKmsKeyId": self.volume_kms_key}
        return TrainingJob(
            name=name, image=self.image_uri, role=self.role, channels=channels,
            output=output or needed(self.output_path, "output_path", "s3://bucket/folder"),
            hyperparameters=texts({**self._hyperparameters, **given}),
            instance_type=self.instance_type, instance_count=self.instance_count,
            volume_gb=self.volume_size, max_run=self.max_run, spot=self.use_spot_instances,
            max_wait=self.max_wait, checkpoints=self.checkpoint_s3_uri,
            keep_alive=self.keep_alive_period_in_seconds, kms_key=self.output_kms_key,
            metrics=[(one["Name"], one["Regex"]) for one in self.metric_definitions],
            environment=self.environment, subnets=self.subnets,
            security_groups=self.security_group_ids, isolation=self.enable_network_isolation,
            tags={**tag_texts(self.tags), **tag_texts(tags)}, extra={**more, **self.extra},
        )  # fmt: skip


@dataclass
class TrainingInput:
    """A channel with more to say than its address."""

    s3_data: str
    distribution: str = "FullyReplicated"
    compression: str | None = None
    content_type: str | None = None
    _: KW_ONLY
    input_mode: str | None = None

    def channel(self, name: str, mode: str) -> Channel:
        return Channel(
            name=name, uri=self.s3_data, distribution=self.distribution,
            mode=self.input_mode or mode, content_type=self.content_type,
        )  # fmt: skip


def channels_of(data: Any, mode: str) -> list[Channel]:
    """The SDK's forms: an address is the channel `training`, a mapping names each one."""
    named = data if isinstance(data, Mapping) else {"training": data} if data is not None else {}
    inputs = {
        name: one if isinstance(one, TrainingInput) else TrainingInput(one)
        for name, one in named.items()
    }
    return [one.channel(str(name), mode) for name, one in inputs.items()]


def texts(values: Values) -> dict[str, str]:
    """Hyperparameters as SageMaker carries them: text, numbers and lists as JSON."""
    return {
        str(name): value if isinstance(value, str | RunTime) else json.dumps(value)  # type: ignore[misc]
        for name, value in values.items()
    }
