"""What serves, in the words of AWS's SageMaker SDK: a model, a pipeline of models, a transformer.

https://sagemaker.readthedocs.io/en/v2/api/inference/model.html
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field
from typing import Any

from byoa.plan import model as plan
from byoa.plan.errors import UsageError

Values = Mapping[str, Any]
#: A whole number, or a value of the run in its place.
Number = Any


@dataclass
class Model:
    """An image and the data that it serves."""

    image_uri: str
    model_data: str | None = None
    role: str = ""
    name: str | None = None
    env: Values = field(default_factory=dict)
    _: KW_ONLY
    subnets: Sequence[str] = ()
    security_group_ids: Sequence[str] = ()
    enable_network_isolation: bool = False
    extra: Values = field(default_factory=dict)
    sagemaker_session: Any = None

    def needed_name(self) -> str:
        return needed(self.name, "name", "my-model")

    def to_plan(self, tags: Any = None, name: str | None = None) -> plan.Model:
        """The same as plan's request functions take it."""
        return plan.Model(
            name=name or self.needed_name(), image=self.image_uri,
            role=needed(self.role, "role", "arn:aws:iam::123456789012:role/jobs"),
            data=self.model_data, environment=self.env, isolation=self.enable_network_isolation,
            subnets=self.subnets, security_groups=self.security_group_ids,
            tags=tag_texts(tags), extra=self.extra,
        )  # fmt: skip


@dataclass
class PipelineModel:
    """Models whose containers answer one after the other."""

    models: Sequence[Model]
    role: str = ""
    name: str | None = None
    _: KW_ONLY
    sagemaker_session: Any = None

    def to_plan(self, tags: Any = None, name: str | None = None) -> plan.Model:
        """One model whose first container stands aside for the list of all."""
        containers = [
            {
                "Image": one.image_uri,
                **({"ModelDataUrl": one.model_data} if one.model_data else {}),
                **({"Environment": dict(one.env)} if one.env else {}),
            }
            for one in self.models
        ]
        role = needed(self.role or self.models[0].role, "role", "arn:aws:iam::…:role/jobs")
        return plan.Model(
            name=name or needed(self.name, "name", "my-pipeline"), image="", role=role,
            tags=tag_texts(tags), extra={"PrimaryContainer": None, "Containers": containers},
        )  # fmt: skip


@dataclass
class Transformer:
    """What a transform job runs on."""

    model_name: str | None
    instance_count: Number
    instance_type: str
    strategy: str | None = None
    assemble_with: str | None = None
    output_path: str = ""
    output_kms_key: str | None = None
    accept: str | None = None
    max_concurrent_transforms: Number = None
    max_payload: Number = None
    tags: Any = None
    env: Values = field(default_factory=dict)
    _: KW_ONLY
    base_transform_job_name: str | None = None
    sagemaker_session: Any = None


def tag_texts(tags: Any) -> dict[str, str]:
    """Tags as plan has them, from a mapping or from AWS's list."""
    if isinstance(tags, Mapping):
        return dict(tags)
    return {one["Key"]: one["Value"] for one in tags or ()}


def needed(value: str | None, name: str, such_as: str) -> str:
    if not value:
        raise UsageError(f"{name} is {value!r} - give one, such as {such_as}")
    return value
