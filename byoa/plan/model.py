"""create_model's request from a Model.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateModel.html
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from byoa.plan import parts, templates
from byoa.plan.workflow.expressions import at_run_time


@dataclass(frozen=True, kw_only=True)
class Model(parts.Contained):
    """An image with its model data; `extra` reaches pipelines, registries, more sources."""

    data: str | None = None  #: one model.tar.gz, or a folder ("/" at its end) taken as it is
    multi_model: bool = False  #: the folder holds any number of .tar.gz, each one a model


def model_request(model: Model) -> dict[str, Any]:
    """The dict for create_model; UsageError says what AWS would refuse."""
    folder = bool(model.data and model.data.endswith("/")) and not model.multi_model
    values = vars(model) | {
        "mode": "MultiModel" if model.multi_model else "SingleModel",
        "archive": None if folder else model.data,
        "folder": model.data if folder else None,
    }
    rules = (container_rule,)
    return templates.request("sagemaker.CreateModel", values, model.extra, rules)


def container_rule(request: dict[str, Any]) -> Iterator[str]:
    """Each container has a model that SageMaker can unpack."""
    for container in [request.get("PrimaryContainer", {}), *request.get("Containers", [])]:
        data, multi = container.get("ModelDataUrl"), container.get("Mode") == "MultiModel"
        if at_run_time(data):
            continue
        if data and not multi and not data.endswith(".tar.gz"):
            yield f"the model data is {data} - name a .tar.gz, or a folder with / at its end"
        if multi and not str(data or "").endswith("/"):
            yield f"the model data is {data} - a multi-model image needs a folder: end it in /"
