"""What is known of an image before it runs, wherever it was looked up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

#: What SageMaker asks of the image of a multi-model endpoint. AWS takes it on CPUs only.
MULTI_MODEL_LABEL = "com.amazonaws.sagemaker.capabilities.multi-models"


@dataclass(frozen=True)
class ImageFacts:
    """An image's own words: from ECR's manifest, or from docker's inspect."""

    uri: str
    digest: str = ""
    media_type: str = ""
    architecture: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    size_bytes: int = 0


def takes_many(image: ImageFacts) -> bool:
    """Whether the image says that it serves many models."""
    return image.labels.get(MULTI_MODEL_LABEL) == "true"
