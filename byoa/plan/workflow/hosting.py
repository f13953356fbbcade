"""Steps that make a model known to SageMaker, and say how it is served; the SDK's signatures.

https://docs.aws.amazon.com/step-functions/latest/dg/connect-sagemaker.html
"""

# ruff: noqa: PLR0913, PLR0917 - the SDK's signatures, so that its notebooks run
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from byoa.plan.endpoint import VARIANT, EndpointConfig, endpoint_config_request
from byoa.plan.model import model_request
from byoa.plan.workflow.model import Model, Number, PipelineModel, tag_texts
from byoa.plan.workflow.sagemaker import SageMakerStep


class ModelStep(SageMakerStep):
    """Makes a model, or a pipeline of models, known to SageMaker."""

    ACTION = "createModel"

    def __init__(
        self,
        state_id: str,
        model: Model | PipelineModel,
        model_name: str | None = None,
        instance_type: str | None = None,
        tags: Any = None,
        **fields: Any,
    ) -> None:
        super().__init__(state_id, model_request(model.to_plan(tags, model_name)), **fields)


@dataclass(frozen=True)
class DataCaptureConfig:
    """Which share of an endpoint's requests and answers is kept, and where."""

    enable_capture: bool
    sampling_percentage: int = 20
    destination_s3_uri: str = ""
    kms_key_id: str | None = None
    csv_content_types: Sequence[str] = ("text/csv",)

    @property
    def more(self) -> dict[str, Any]:
        """What plan's EndpointConfig has no field for."""
        types = {"CsvContentTypes": list(self.csv_content_types)}
        key = {"KmsKeyId": self.kms_key_id} if self.kms_key_id else {}
        return {"CaptureContentTypeHeader": types, **key}


class EndpointConfigStep(SageMakerStep):
    """Says which model an endpoint serves, on what."""

    ACTION = "createEndpointConfig"

    def __init__(
        self,
        state_id: str,
        endpoint_config_name: str,
        model_name: str,
        initial_instance_count: Number = 1,
        instance_type: str = "ml.m5.large",
        variant_name: str = VARIANT,
        data_capture_config: DataCaptureConfig | None = None,
        tags: Any = None,
        **fields: Any,
    ) -> None:
        capture = data_capture_config
        captured = bool(capture and capture.enable_capture)
        config = EndpointConfig(
            name=endpoint_config_name, model=model_name, instance_type=instance_type,
            instance_count=initial_instance_count, variant=variant_name, tags=tag_texts(tags),
            capture=capture.destination_s3_uri if capture and captured else None,
            capture_percent=capture.sampling_percentage if capture else 100,
            extra={"DataCaptureConfig": capture.more} if capture and captured else {},
        )  # fmt: skip
        request = endpoint_config_request(config)
        for variant in request["ProductionVariants"]:
            variant.pop("RoutingConfig", None)  # Step Functions knows no field that young
        super().__init__(state_id, request, **fields)
