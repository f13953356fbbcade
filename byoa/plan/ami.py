"""Which machine image an image needs: the NVIDIA driver under it, and the time to come up.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ProductionVariant.html
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

from byoa.plan.errors import UsageError
from byoa.plan.image import ImageFacts

#: An AMI and its driver, the oldest first; all but the first leave CUDA's compat libraries alone
INFERENCE = (
    ("al2-ami-sagemaker-inference-gpu-2-1", 535),
    ("al2-ami-sagemaker-inference-gpu-3-1", 550),
    ("al2023-ami-sagemaker-inference-gpu-4-1", 580),
)
TRANSFORM = (("al2-ami-sagemaker-batch-gpu-470", 470), ("al2-ami-sagemaker-batch-gpu-535", 535))
#: The oldest driver of each major CUDA, by NVIDIA's minor-version compatibility
#: https://docs.nvidia.com/deploy/cuda-compatibility/
MAJOR = {"11": 450, "12": 525, "13": 580}
#: Bytes a second at which an image or a model surely arrives, and what start-up takes besides
PACE, BESIDES = 20_000_000, 120
GPU = re.compile(r"ml\.(p|g|gr)\d")


def has_gpu(instance_type: str) -> bool:
    """Whether an instance type has NVIDIA's GPUs."""
    return GPU.match(instance_type) is not None


def minimum_driver(facts: ImageFacts) -> int:
    """The oldest driver branch on which the image's CUDA runs; 0 when it names none."""
    said = re.match(r"\d+", facts.labels.get("byoa.cuda.minimum-driver", ""))
    major = facts.labels.get("byoa.cuda.version", "").partition(".")[0]
    return int(said[0]) if said else MAJOR.get(major, 0)


def transform_ami(facts: ImageFacts, instance_type: str) -> str | None:
    """TransformAmiVersion; None for a CPU and for an image without CUDA."""
    return inference_ami(facts, instance_type, TRANSFORM)


def inference_ami(
    facts: ImageFacts, instance_type: str, table: Sequence[tuple[str, int]] = INFERENCE
) -> str | None:
    """InferenceAmiVersion, the oldest that fits; None for a CPU and for an image without CUDA."""
    needed = minimum_driver(facts)
    if not needed or not has_gpu(instance_type):
        return None
    for name, driver in table:
        if driver >= needed:
            return name
    raise UsageError(
        f"{facts.uri} needs NVIDIA driver {needed}, but {instance_type} has at most {table[-1][1]} "
        "there - build the image with an older CUDA, or take an instance without a GPU"
    )


def startup_timeouts(image_bytes: int, model_bytes: int = 0) -> tuple[int, int]:
    """Seconds for ContainerStartupHealthCheckTimeout and ModelDataDownloadTimeout: 60 to 3600,
    never under SageMaker's own defaults of 4 minutes for the first and 1 for the second."""
    arrives = math.ceil(image_bytes / PACE) + math.ceil(model_bytes / PACE)
    start = min(3600, max(240, BESIDES + arrives))
    download = min(3600, max(60, math.ceil(model_bytes / PACE) + 60))
    return start, download
